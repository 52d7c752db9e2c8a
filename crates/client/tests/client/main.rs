//! The client against a scripted server on loopback: what it sends, how often, and what
//! it makes of the answers.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod calls;
mod config;
mod credentials;
mod endpoints;
mod failures;
mod options;
mod pages;
mod requests;
mod retries;
mod secrets;
mod server;
mod settings;
mod starts;
mod waits;
