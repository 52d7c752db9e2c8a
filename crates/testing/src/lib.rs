//! A server of ECS inside a test: nothing is mocked but the containers, which behave as their
//! script says, and the clock, which the test moves. Calls and tasks can be made to go wrong.
//!
//! ```
//! use longshore_testing::TestServer;
//! use model::operations::RunTask;
//! use model::shapes::{RegisterTaskDefinitionInput, RunTaskInput};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let server = TestServer::start().await?;
//! let client = server.client();
//! # let definition = RegisterTaskDefinitionInput::default();
//! client.register_task_definition(&definition).await?;
//! server.throttle::<RunTask>(2).await?;
//! let input = RunTaskInput { task_definition: Some("job".into()), ..Default::default() };
//! let started = client.run_task(&input).await?;
//! assert_eq!(started.metadata().attempts(), 3);
//! # Ok(()) }
//! ```
//!
//! - [`TestServer`] listens on a random loopback port, keeps its state in a folder of its own,
//!   and has a client ready. Dropped, it leaves nothing.
//! - Its functions named after faults add rules; [`TestServer::add_fault`] takes any
//!   [`FaultRule`](model::faults::FaultRule). `docs/FAULTS.md` says what each does.
//! - [`TestClock`] stands still until it is moved. What the server does with time follows it:
//!   scripts, stop timeouts, retention, the lifetime of client tokens, and every moment in an
//!   answer. Signatures and the `Date` of answers follow the system's clock, as the client does.

mod clock;
mod faults;
mod server;

pub use clock::TestClock;
pub use server::{StartError, TestServer};
