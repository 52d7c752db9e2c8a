//! Where programs reach into the pipeline. The types are those of the Smithy runtime, so
//! that what is written for the SDKs of AWS fits here; nothing else of it shows in this
//! crate's interface.
//!
//! - [`HttpClient`]: another way to the service, given to
//!   [`ConfigBuilder::http_client`](crate::ConfigBuilder::http_client). Without the crate's
//!   default features there is no other.
//! - [`Intercept`]: hooks in the course of a call, given to
//!   [`ConfigBuilder::interceptor`](crate::ConfigBuilder::interceptor) for all calls and to
//!   [`CallOptions::interceptor`](crate::CallOptions::interceptor) for one. Values that a
//!   hook puts into the `ConfigBag` are there for every later hook of the same call. The
//!   input they see is a [`Prepared`] call.

pub use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector, http_client_fn,
};
pub use aws_smithy_runtime_api::client::interceptors::{Intercept, SharedInterceptor};

pub use crate::wire::Prepared;
