//! A driver between agent and driver, which has the rules come true for the tasks that have a
//! fate, whatever runs their containers. The others pass.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use model::container::{
    ContainerKey, ContainerSpec, Existing, Exit, Failure, PulledImage, Started,
};
use model::payload::{NetworkSpec, NetworkState};
use model::{TaskId, Timestamp};
use runtime::{Capacity, Clock, Driver, Executed};

use super::Faults;
use super::fates::Fate;
use crate::clock::ServerClock;

const SIGKILL: i32 = 9;

pub(crate) struct Faulty {
    driver: Arc<dyn Driver>,
    faults: Arc<Faults>,
    clock: ServerClock,
}

impl Faulty {
    pub(crate) fn new(driver: Arc<dyn Driver>, faults: Arc<Faults>, clock: ServerClock) -> Self {
        Self {
            driver,
            faults,
            clock,
        }
    }

    async fn linger(&self, task: TaskId) {
        if let Some(fate) = self.faults.fates.of(task) {
            self.pass(self.clock.now(), Some(fate.slow_millis)).await;
        }
    }

    /// Returns so long after a moment; never without a time.
    async fn pass(&self, since: Timestamp, millis: Option<u64>) {
        let Some(millis) = millis else {
            return std::future::pending().await;
        };
        let millis = i64::try_from(millis).unwrap_or(i64::MAX);
        self.clock.sleep_until(since.plus_millis(millis)).await;
    }

    /// Does what is due to a container that has just started.
    async fn strike(&self, fate: &Fate, key: &ContainerKey) -> Infallible {
        let start = self.clock.now();
        let exit = fate.exit_of(&key.container).and_then(|exit| exit.after);
        let ended = async {
            self.pass(start, exit).await;
            self.kill(key).await;
        };
        let interrupted = async {
            self.pass(start, fate.interrupted_after).await;
            self.faults.interrupt(key.task).await;
        };
        let lost = async {
            self.pass(start, fate.lost_after).await;
            self.faults.lose_host(key.task).await;
            self.kill(key).await;
        };
        tokio::join!(ended, interrupted, lost);
        std::future::pending().await
    }

    async fn kill(&self, key: &ContainerKey) {
        if let Err(failure) = self.driver.signal(key, SIGKILL).await {
            tracing::warn!(%failure, "a fault rule could not end a container");
        }
    }
}

#[async_trait]
impl Driver for Faulty {
    fn name(&self) -> &'static str {
        self.driver.name()
    }

    fn capacity(&self) -> Capacity {
        self.driver.capacity()
    }

    async fn set_up_network(&self, spec: &NetworkSpec) -> Result<NetworkState, Failure> {
        self.linger(spec.task).await;
        self.driver.set_up_network(spec).await
    }

    async fn pull(&self, spec: &ContainerSpec) -> Result<PulledImage, Failure> {
        self.linger(spec.key.task).await;
        self.driver.pull(spec).await
    }

    async fn start(
        &self,
        spec: &ContainerSpec,
        network: &NetworkState,
    ) -> Result<Started, Failure> {
        self.linger(spec.key.task).await;
        self.driver.start(spec, network).await
    }

    async fn wait(&self, key: &ContainerKey) -> Exit {
        let Some(fate) = self.faults.fates.of(key.task) else {
            return self.driver.wait(key).await;
        };
        let exit = tokio::select! {
            exit = self.driver.wait(key) => exit,
            never = self.strike(&fate, key) => match never {},
        };
        match fate.exit_of(&key.container) {
            None => exit,
            Some(wanted) => Exit {
                code: Some(wanted.code),
                out_of_memory: false,
                reason: None,
                ..exit
            },
        }
    }

    async fn signal(&self, key: &ContainerKey, signal: i32) -> Result<(), Failure> {
        self.driver.signal(key, signal).await
    }

    async fn execute(
        &self,
        key: &ContainerKey,
        command: &[String],
        timeout: Duration,
    ) -> Result<Executed, Failure> {
        self.driver.execute(key, command, timeout).await
    }

    async fn remove(&self, key: &ContainerKey) -> Result<(), Failure> {
        self.driver.remove(key).await
    }

    async fn tear_down(&self, task: TaskId) -> Result<(), Failure> {
        self.linger(task).await;
        self.driver.tear_down(task).await?;
        self.faults.fates.forget(task);
        Ok(())
    }

    async fn existing(&self) -> Result<Vec<Existing>, Failure> {
        self.driver.existing().await
    }

    async fn close(&self) -> Result<(), Failure> {
        self.driver.close().await
    }
}
