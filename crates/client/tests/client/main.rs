//! The client against a scripted server on loopback: what it sends, how often, and what
//! it makes of the answers.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

#[cfg(feature = "blocking")]
mod acted;
mod blocking;
mod calls;
mod config;
mod context;
mod credentials;
mod cuts;
mod delays;
mod endpoints;
mod failures;
mod golden;
mod key_services;
mod lambda;
mod observed;
mod options;
mod pages;
mod requests;
mod retries;
#[cfg(feature = "aws-config")]
mod roles;
mod runs;
mod scripted;
mod secrets;
mod server;
mod settings;
mod sizes;
mod stack;
mod starts;
mod traps;
mod waits;
