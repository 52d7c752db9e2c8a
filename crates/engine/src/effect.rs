//! What the host must do for a task. Every effect may be performed twice.

use std::sync::Arc;
use std::time::Duration;

use model::Timestamp;
use model::payload::{NetworkState, TaskReport};

use crate::ContainerIndex;

/// One thing to do. Its result comes back as the event named here.
#[derive(Clone, Debug)]
pub enum Effect {
    /// → `NetworkReady`
    SetUpNetwork,
    /// → `Pulled`
    Pull(ContainerIndex),
    /// → `Started`
    Start(ContainerIndex, Arc<NetworkState>),
    /// Remove the ended container and start it anew → `Started`
    Restart(ContainerIndex, Arc<NetworkState>),
    /// → `Exited`
    Wait(ContainerIndex),
    /// → `SignalFailed`, or nothing
    Signal(ContainerIndex, i32),
    /// Run this command in the container, for at most this long → `HealthChecked`
    CheckHealth(ContainerIndex, Vec<String>, Duration),
    /// → `TornDown`
    TearDown,
    /// → `Tick`; replaces every earlier one.
    WakeAt(Timestamp),
    /// Tell the control plane. Reports of a task must arrive in order.
    Report(Box<TaskReport>),
}
