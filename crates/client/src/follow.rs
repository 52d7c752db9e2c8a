//! From a request, or from tasks that were started, to their end: states, output, exit
//! codes.

mod completion;
mod engine;
mod event;
mod exit;
mod log_reader;
mod log_stream;
mod options;
mod run;
mod state;

pub use completion::{Completion, ContainerResult, Ending, TaskResult};
pub use event::RunEvent;
pub use exit::{ExitPolicy, INTERRUPTED, NOT_RUN, TIMED_OUT, ran_out_of_memory};
pub use log_reader::{LogLine, LogPace, LogReader, LogRound};
pub use log_stream::LogStream;
pub use options::RunOptions;
pub use run::{Run, RunError};
