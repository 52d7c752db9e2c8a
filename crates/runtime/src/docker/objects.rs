//! Containers and volumes of one data directory in an engine, by name and by label.

use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, ContainerStateStatusEnum,
    ContainerSummary,
};
use bollard::query_parameters::{
    CreateContainerOptions, InspectContainerOptions, ListContainersOptions, ListVolumesOptions,
    RemoveContainerOptions, RemoveVolumeOptions, StartContainerOptions, WaitContainerOptions,
};
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use model::TaskId;
use model::container::{Exit, Started};
use model::{Timestamp, container::ContainerKey};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::sleep;

use super::engine::Engine;
use super::error::{found, is_between_states, is_conflict, is_missing};
use super::names;

/// An engine may take ten seconds to clean up after a container that has ended.
const SETTLING_PAUSE: Duration = Duration::from_millis(20);
const SETTLING_PAUSES_MAX: u32 = 500;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Objects {
    engine: Engine,
    /// The id of the data directory.
    owner: String,
}

/// A container to be made.
pub(super) struct Wanted<'a> {
    pub(super) body: ContainerCreateBody,
    /// `None`: that of the engine's machine.
    pub(super) platform: Option<&'a str>,
}

/// What became of the wish for a container.
pub(super) enum Found {
    There(Box<ContainerInspectResponse>),
    /// It has been created, not started.
    Made,
}

impl Objects {
    pub(super) fn new(engine: Engine, owner: String) -> Self {
        Self { engine, owner }
    }

    pub(super) fn client(&self) -> &Docker {
        &self.engine.client
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// What images must be for, in ECS's word.
    pub(super) fn architecture(&self) -> &str {
        &self.engine.capacity.architecture
    }

    /// What the engine is to emulate, in its own word.
    pub(super) fn platform(&self) -> Option<&str> {
        let platform = self.engine.platform.as_ref();
        platform.map(|platform| platform.name.as_str())
    }

    /// On everything that is made for a task.
    pub(super) fn labels(&self, task: TaskId) -> [(String, String); 2] {
        [
            (names::DATA_DIR.to_owned(), self.owner.clone()),
            (names::TASK.to_owned(), task.to_string()),
        ]
    }

    /// Creates a container unless there is one of this name that is `good`; another one, left
    /// by a call that was cut off, is removed first.
    pub(super) async fn make(
        &self,
        name: &str,
        wanted: &Wanted<'_>,
        good: fn(&ContainerInspectResponse) -> bool,
    ) -> Result<Found, Error> {
        match self.create(name, wanted).await {
            Err(error) if is_conflict(&error) => {}
            made => return made,
        }
        if let Some(there) = self.inspect(name).await?.filter(good) {
            return Ok(Found::There(Box::new(there)));
        }
        self.remove(name).await?;
        self.create(name, wanted).await
    }

    async fn create(&self, name: &str, wanted: &Wanted<'_>) -> Result<Found, Error> {
        let options = CreateContainerOptions {
            name: Some(name.to_owned()),
            platform: wanted.platform.unwrap_or_default().to_owned(),
        };
        let created = self
            .client()
            .create_container(Some(options), wanted.body.clone())
            .await?;
        for warning in created
            .warnings
            .iter()
            .filter(|warning| !warning.is_empty())
        {
            tracing::debug!(name, warning, "the engine warns");
        }
        Ok(Found::Made)
    }

    pub(super) async fn start(&self, name: &str) -> Result<(), Error> {
        self.client()
            .start_container(name, None::<StartContainerOptions>)
            .await
    }

    /// `None` if there is no container of this name.
    pub(super) async fn inspect(
        &self,
        name: &str,
    ) -> Result<Option<ContainerInspectResponse>, Error> {
        inspect(self.client(), name).await
    }

    /// Removes a container, running or not, with the volumes that only it has.
    pub(super) async fn remove(&self, name: &str) -> Result<(), Error> {
        let options = RemoveContainerOptions {
            force: true,
            v: true,
            ..RemoveContainerOptions::default()
        };
        match self.client().remove_container(name, Some(options)).await {
            Err(error) if is_missing(&error) => Ok(()),
            // Somebody is removing it already: the name is free when that is done.
            Err(error) if is_conflict(&error) => self.gone(name).await,
            removed => removed,
        }
    }

    async fn gone(&self, name: &str) -> Result<(), Error> {
        let options = WaitContainerOptions {
            condition: "removed".to_owned(),
        };
        let mut ends = Box::pin(self.client().wait_container(name, Some(options)));
        match ends.next().await {
            Some(Err(error)) if is_missing(&error) => Ok(()),
            Some(Err(Error::DockerContainerWaitError { .. }) | Ok(_)) | None => Ok(()),
            Some(Err(error)) => Err(error),
        }
    }

    /// All containers of this data directory, or those of one task, holders too.
    pub(super) async fn list(&self, task: Option<TaskId>) -> Result<Vec<ContainerSummary>, Error> {
        let mut labels = vec![format!("{}={}", names::DATA_DIR, self.owner)];
        labels.extend(task.map(|task| format!("{}={task}", names::TASK)));
        let options = ListContainersOptions {
            all: true,
            filters: Some([("label".to_owned(), labels)].into()),
            ..ListContainersOptions::default()
        };
        let mut settling = Settling::default();
        loop {
            let answer = self.client().list_containers(Some(options.clone())).await;
            if settling.is_over(&answer).await {
                return answer;
            }
        }
    }

    /// Removes the volumes that were a task's own, by name: Podman gives labels only to volumes
    /// that are made on their own.
    pub(super) async fn remove_volumes(&self, task: TaskId) -> Result<(), Error> {
        let prefix = names::volume(task, "");
        let options = ListVolumesOptions {
            filters: Some([("name".to_owned(), vec![prefix.clone()])].into()),
        };
        let listed = self.client().list_volumes(Some(options)).await?;
        let removed = listed
            .volumes
            .unwrap_or_default()
            .into_iter()
            .filter(|volume| volume.name.starts_with(&prefix))
            .map(async |volume| {
                let answer = self
                    .client()
                    .remove_volume(&volume.name, None::<RemoveVolumeOptions>)
                    .await;
                found(answer).map(drop)
            });
        join_all(removed).await.into_iter().collect()
    }
}

pub(super) fn is_running(container: &ContainerInspectResponse) -> bool {
    let state = container.state.as_ref();
    state.is_some_and(|state| state.running == Some(true))
}

/// Whether its program has been started, however it went on.
pub(super) fn was_started(container: &ContainerInspectResponse) -> bool {
    use ContainerStateStatusEnum::{CREATED, EMPTY};
    let status = container.state.as_ref().and_then(|state| state.status);
    status.is_some_and(|status| !matches!(status, CREATED | EMPTY))
}

pub(super) fn started(key: &ContainerKey, container: &ContainerInspectResponse) -> Started {
    let at = container
        .state
        .as_ref()
        .and_then(|state| state.started_at.as_deref());
    Started {
        runtime_id: key.runtime_id(),
        at: at.and_then(timestamp).unwrap_or_default(),
    }
}

/// `None` while it runs.
pub(super) fn exit(container: &ContainerInspectResponse) -> Option<Exit> {
    const KILLED: i32 = 128 + 9;
    if is_running(container) {
        return None;
    }
    let state = container.state.clone().unwrap_or_default();
    let ContainerState {
        exit_code,
        oom_killed,
        error,
        finished_at,
        ..
    } = state;
    let code = exit_code.and_then(|code| i32::try_from(code).ok());
    let unknown = || "the engine does not know how the container ended".to_owned();
    let told = error.filter(|text| !text.is_empty());
    Some(Exit {
        code,
        // The engine notes it also when a process beside the first was killed.
        out_of_memory: oom_killed == Some(true) && code == Some(KILLED),
        at: finished_at
            .as_deref()
            .and_then(timestamp)
            .unwrap_or_default(),
        reason: match code {
            Some(_) => told,
            None => Some(told.unwrap_or_else(unknown)),
        },
    })
}

/// `None` if there is no container of this name or id.
pub(super) async fn inspect(
    client: &Docker,
    name: &str,
) -> Result<Option<ContainerInspectResponse>, Error> {
    let mut settling = Settling::default();
    loop {
        let options = None::<InspectContainerOptions>;
        let answer = client.inspect_container(name, options).await;
        if settling.is_over(&answer).await {
            return found(answer);
        }
    }
}

/// Asking again while a container is between two states, which takes an engine moments.
#[derive(Default)]
struct Settling {
    pauses: u32,
}

impl Settling {
    async fn is_over<T>(&mut self, answer: &Result<T, Error>) -> bool {
        if self.pauses == SETTLING_PAUSES_MAX || !answer.as_ref().is_err_and(is_between_states) {
            return true;
        }
        self.pauses += 1;
        sleep(SETTLING_PAUSE).await;
        false
    }
}

/// A time as the engine writes it, cut to milliseconds.
pub(super) fn timestamp(text: &str) -> Option<Timestamp> {
    let moment = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(millis).ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: i64, oom_killed: bool, error: &str) -> Exit {
        let container = ContainerInspectResponse {
            state: Some(ContainerState {
                status: Some(ContainerStateStatusEnum::EXITED),
                running: Some(false),
                exit_code: Some(code),
                oom_killed: Some(oom_killed),
                error: Some(error.to_owned()),
                finished_at: Some("2024-01-01T00:00:01.234567Z".to_owned()),
                ..ContainerState::default()
            }),
            ..ContainerInspectResponse::default()
        };
        assert!(was_started(&container) && !is_running(&container));
        exit(&container).unwrap()
    }

    #[test]
    fn an_end_is_read_as_the_engine_keeps_it() {
        let plain = ended(3, false, "");
        assert_eq!(
            (plain.code, plain.out_of_memory, plain.reason),
            (Some(3), false, None)
        );
        assert_eq!(plain.at.millis(), 1_704_067_201_234);
        assert!(ended(137, true, "").out_of_memory);
        assert!(
            !ended(0, true, "").out_of_memory,
            "only a child of it was killed"
        );
    }

    #[test]
    fn times_have_any_offset_and_precision() {
        let check = |text: &str, millis| assert_eq!(timestamp(text).unwrap().millis(), millis);
        check("1970-01-01T00:00:01Z", 1000);
        check("1970-01-01T01:00:00.5+01:00", 500);
        assert_eq!(timestamp("yesterday"), None);
    }
}
