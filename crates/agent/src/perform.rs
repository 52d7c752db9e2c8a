//! One effect, performed: the only place where the engine's wishes meet the driver.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use engine::{ContainerIndex, Event, HealthOutcome};
use model::container::{ContainerSpec, Failure};
use model::payload::{NetworkState, TaskPayload, TaskReport};
use runtime::{Clock, Driver, Executed};
use tokio::sync::Semaphore;

use crate::backoff::Backoff;
use crate::references::Values;
use crate::{ControlPlane, ReportError, Resolver};

/// Images that a host pulls at the same time; further ones wait for their turn.
const PULLS_MAX: usize = 16;

/// A task and what was fetched for it.
pub(crate) struct Owned {
    pub(crate) payload: Arc<TaskPayload>,
    pub(crate) values: Values,
}

/// What all tasks of a host share.
pub(crate) struct Host {
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) plane: Arc<dyn ControlPlane>,
    pub(crate) clock: Arc<dyn Clock>,
    resolver: Option<Arc<dyn Resolver>>,
    pulls: Semaphore,
}

impl Host {
    pub(crate) fn new(
        driver: Arc<dyn Driver>,
        plane: Arc<dyn ControlPlane>,
        clock: Arc<dyn Clock>,
        resolver: Option<Arc<dyn Resolver>>,
    ) -> Self {
        Self {
            driver,
            plane,
            clock,
            resolver,
            pulls: Semaphore::new(PULLS_MAX),
        }
    }

    /// What the containers name is a resource of the task, as its network is: without either
    /// nothing is pulled.
    pub(crate) async fn set_up(&self, task: &Owned, is_new: bool) -> Event {
        let resolver = self.resolver.as_deref().filter(|_| is_new);
        if let Err(failure) = task.values.fetch(resolver, &task.payload).await {
            return Event::NetworkReady(Err(failure));
        }
        Event::NetworkReady(self.driver.set_up_network(&task.payload.network).await)
    }

    pub(crate) async fn pull(&self, task: &Owned, index: ContainerIndex) -> Event {
        // The semaphore is never closed; without a permit the pull would merely come sooner.
        let _permit = self.pulls.acquire().await;
        let spec = spec(&task.payload, index);
        let pulled = match spec.references.repository_credentials {
            Some(_) => match self.complete(task, spec).await {
                Ok(spec) => self.driver.pull(&spec).await,
                Err(failure) => Err(failure),
            },
            None => self.driver.pull(spec).await,
        };
        Event::Pulled(index, pulled)
    }

    async fn complete<'a>(
        &self,
        task: &Owned,
        spec: &'a ContainerSpec,
    ) -> Result<Cow<'a, ContainerSpec>, Failure> {
        let resolver = self.resolver.as_deref();
        task.values.complete(resolver, &task.payload, spec).await
    }

    pub(crate) async fn start(
        &self,
        task: &Owned,
        index: ContainerIndex,
        network: &NetworkState,
    ) -> Event {
        let started = match self.complete(task, spec(&task.payload, index)).await {
            Ok(spec) => self.driver.start(&spec, network).await,
            Err(failure) => Err(failure),
        };
        Event::Started(index, started)
    }

    /// What the container left goes first: a driver's start would find it and start nothing.
    pub(crate) async fn restart(
        &self,
        task: &Owned,
        index: ContainerIndex,
        network: &NetworkState,
    ) -> Event {
        match self.driver.remove(&spec(&task.payload, index).key).await {
            Ok(()) => self.start(task, index, network).await,
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
