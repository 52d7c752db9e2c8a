//! What happens to a task: orders from the control plane and results of effects.

use model::container::{Exit, Failure, PulledImage, Started};
use model::payload::NetworkState;

use crate::ContainerIndex;

/// One thing that happened. Events that no longer matter are ignored, so they may be
/// repeated or come late.
#[derive(Clone, Debug)]
pub enum Event {
    /// The control plane wants the task stopped. There is no way back.
    StopWanted,
    NetworkReady(Result<NetworkState, Failure>),
    Pulled(ContainerIndex, Result<PulledImage, Failure>),
    Started(ContainerIndex, Result<Started, Failure>),
    Exited(ContainerIndex, Exit),
    /// A signal could not be delivered to a container that should have got it.
    SignalFailed(ContainerIndex, Failure),
    HealthChecked(ContainerIndex, HealthOutcome),
    TornDown(Result<(), Failure>),
    /// The moment of the newest `WakeAt` has come. Early ticks are harmless.
    Tick,
}

/// What a health check said; a check that ended late or could not run has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthOutcome {
    Passed,
    Failed,
}
