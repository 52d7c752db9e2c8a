//! One effect, performed: the only place where the engine's wishes meet the driver.

use std::sync::Arc;
use std::time::Duration;

use engine::{ContainerIndex, Event, HealthOutcome};
use model::container::ContainerSpec;
use model::payload::{NetworkState, TaskPayload, TaskReport};
use runtime::{Clock, Driver, Executed};
use tokio::sync::Semaphore;

use crate::backoff::Backoff;
use crate::{ControlPlane, ReportError};

/// Images that a host pulls at the same time; further ones wait for their turn.
const PULLS_MAX: usize = 16;

/// What all tasks of a host share.
pub(crate) struct Host {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) plane: Arc<dyn ControlPlane>,
    pub(crate) clock: Arc<dyn Clock>,
    pulls: Semaphore,
}

impl Host {
    pub(crate) fn new(
        driver: Arc<dyn Driver>,
        plane: Arc<dyn ControlPlane>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            driver,
            plane,
            clock,
            pulls: Semaphore::new(PULLS_MAX),
        }
    }

    pub(crate) async fn set_up_network(&self, payload: &TaskPayload) -> Event {
        Event::NetworkReady(self.driver.set_up_network(&payload.network).await)
    }

    pub(crate) async fn pull(&self, payload: &TaskPayload, index: ContainerIndex) -> Event {
        // The semaphore is never closed; without a permit the pull would merely come sooner.
        let _permit = self.pulls.acquire().await;
        Event::Pulled(index, self.driver.pull(spec(payload, index)).await)
    }

    pub(crate) async fn start(
        &self,
        payload: &TaskPayload,
        index: ContainerIndex,
        network: &NetworkState,
    ) -> Event {
        Event::Started(
            index,
            self.driver.start(spec(payload, index), network).await,
        )
    }

    /// What the container left goes first: a driver's start would find it and start nothing.
    pub(crate) async fn restart(
        &self,
        payload: &TaskPayload,
        index: ContainerIndex,
        network: &NetworkState,
    ) -> Event {
        match self.driver.remove(&spec(payload, index).key).await {
            Ok(()) => self.start(payload, index, network).await,
            Err(failure) => Event::Started(index, Err(failure)),
        }
    }

    pub(crate) async fn wait(&self, payload: &TaskPayload, index: ContainerIndex) -> Event {
        Event::Exited(index, self.driver.wait(&spec(payload, index).key).await)
    }

    pub(crate) async fn signal(
        &self,
        payload: &TaskPayload,
        index: ContainerIndex,
        signal: i32,
    ) -> Option<Event> {
        let failure = self
            .driver
            .signal(&spec(payload, index).key, signal)
            .await
            .err()?;
        Some(Event::SignalFailed(index, failure))
    }

    pub(crate) async fn check_health(
        &self,
        payload: &TaskPayload,
        index: ContainerIndex,
        command: &[String],
        timeout: Duration,
    ) -> Event {
        let executed = self
            .driver
            .execute(&spec(payload, index).key, command, timeout)
            .await;
        let outcome = match executed {
            Ok(Executed::Exited { code: 0, .. }) => HealthOutcome::Passed,
            Ok(Executed::Exited { .. } | Executed::TimedOut) | Err(_) => HealthOutcome::Failed,
        };
        Event::HealthChecked(index, outcome)
    }

    pub(crate) async fn tear_down(&self, payload: &TaskPayload) -> Event {
        Event::TornDown(self.driver.tear_down(payload.id).await)
    }

    /// Tells a report until it is taken. An error says that nobody wants the task.
    pub(crate) async fn report(&self, report: TaskReport) -> Result<(), ReportError> {
        let mut backoff = Backoff::new();
        loop {
            match self.plane.report(report.clone()).await {
                Err(ReportError::Unavailable(error)) => {
                    tracing::warn!(task = %report.task, error, "report not taken, trying again");
                    self.pause(backoff.next_millis()).await;
                }
                answer => return answer,
            }
        }
    }

    pub(crate) async fn pause(&self, millis: i64) {
        self.clock
            .sleep_until(self.clock.now().plus_millis(millis))
            .await;
    }
}

fn spec(payload: &TaskPayload, index: ContainerIndex) -> &ContainerSpec {
    &payload.containers[index.0].spec
}
