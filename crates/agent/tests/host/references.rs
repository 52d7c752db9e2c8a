//! What tasks only name: asked for once, before anything is made, and not at all for tasks that
//! name nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use agent::{ContainerValues, Resolved, Resolver};
use async_trait::async_trait;
use model::container::{EnvironmentVariable, Failure, FailureName, SecretReference};
use model::payload::{HostStatus, HostStop, TaskPayload};
use runtime::Driver;

use crate::tasks::{Fixture, id, task};

const MISSING: &str = "unable to pull secrets or registry auth: app.KEY";

/// Knows one value for each container, or none; counts how often it is asked.
#[derive(Default)]
struct Known {
    is_missing: bool,
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Known {
    async fn resolve(&self, task: &TaskPayload) -> Result<Resolved, Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.is_missing {
            let name = FailureName::ResourceInitializationError;
            return Err(Failure::new(name, MISSING));
        }
        let value = EnvironmentVariable {
            name: "KEY".to_owned(),
            value: "value".to_owned(),
        };
        let values = ContainerValues {
            secrets: vec![value],
            ..ContainerValues::default()
        };
        let names = task.containers.iter();
        let names = names.map(|plan| plan.spec.key.container.clone());
        Ok(names.map(|name| (name, values.clone())).collect())
    }
}

/// Two containers, each of which names a secret.
fn with_secrets() -> TaskPayload {
    let mut task = task(1, &[("app", "run 5s; exit 0"), ("side", "run 9s; exit 0")]);
    for plan in &mut task.containers {
        plan.spec.references.secrets.push(SecretReference {
            name: "KEY".to_owned(),
            value_from: "key".to_owned(),
        });
    }
    task
}

/// Runs a task to its end: how it ended on the host, and how often was asked.
async fn ended(task: TaskPayload, is_missing: bool) -> (Option<HostStop>, usize, Fixture) {
    let fixture = Fixture::new();
    let known = Arc::new(Known {
        is_missing,
        ..Known::default()
    });
    let agent = fixture.serve_with(Some(Arc::<Known>::clone(&known)));
    fixture.plane.assign(&Arc::new(task));
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    agent.abort();
    (last.stop, known.asked.load(Ordering::Relaxed), fixture)
}

#[tokio::test(start_paused = true)]
async fn all_containers_of_a_task_are_served_by_one_question() {
    let (stop, asked, fixture) = ended(with_secrets(), false).await;
    assert_eq!(stop, Some(HostStop::EssentialContainerExited));
    assert_eq!(asked, 1);
    assert!(fixture.statuses(id(1)).contains(&HostStatus::Running));
}

#[tokio::test(start_paused = true)]
async fn what_is_missing_stops_the_task_before_anything_is_made() {
    let (stop, asked, fixture) = ended(with_secrets(), true).await;
    let Some(HostStop::FailedToStart(reason)) = stop else {
        panic!("{stop:?}");
    };
    assert_eq!(reason, format!("ResourceInitializationError: {MISSING}"));
    assert_eq!(asked, 1);
    assert_eq!(fixture.statuses(id(1)), [HostStatus::Stopped]);
    assert_eq!(fixture.driver().existing().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_names_nothing_asks_for_nothing() {
    let plain = task(1, &[("app", "run 5s; exit 0")]);
    let (stop, asked, _) = ended(plain, true).await;
    assert_eq!(stop, Some(HostStop::EssentialContainerExited));
    assert_eq!(asked, 0);
}
