//! HTTP in front of the control plane: connections and their bounds, Signature Version 4, the
//! awsJson 1.1 protocol, request ids.
//!
//! The only crate that knows HTTP. It hands every authenticated call to a [`Gateway`], which the
//! composition root implements, and turns its answers and errors into responses. It decides
//! nothing about ECS.
//!
//! A request passes [`serve`]'s connection bounds, then `handler`: `hosts` (is this a browser led
//! astray?), `body`, `target`, [`sigv4`], [`Gateway`], `reply`. A [`Fault`] of the gateway's makes
//! it go wrong on the way.

mod auth;
mod body;
mod config;
mod fault;
mod gateway;
mod handler;
mod hosts;
mod reply;
mod server;
pub mod sigv4;
mod target;

pub use auth::Auth;
pub use config::{Clock, HttpConfig, HttpLimits, RandomIds, RequestIds};
pub use fault::{End, Fault};
pub use http::Method;

pub use gateway::{
    ApiError, CONSISTENCY_DELAY, Caller, ExtensionReply, ExtensionRequest, Gateway, Request,
    Service,
};
pub use server::serve;
pub use sigv4::{Key, Keys, Session};
