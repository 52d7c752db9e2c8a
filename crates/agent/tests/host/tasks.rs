//! Tasks from assignment to STOPPED, through stops, restarts and a plane that fails.

use std::sync::Arc;

use agent::{Agent, ControlPlane, Resolver};
use model::container::{ContainerKey, ContainerSpec, LogTarget};
use model::payload::{
    ContainerPlan, Dependency, DependencyCondition, HealthCheck, HostStatus, NetworkMode,
    NetworkSpec, TaskPayload,
};
use model::{TaskId, Timestamp};
use runtime::scripted::{SCRIPT_LABEL, Scripted};
use runtime::{Clock, Driver};
use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::clock::PausedClock;
use crate::plane::Plane;

pub(crate) struct Fixture {
    folder: TempDir,
    clock: Arc<PausedClock>,
    pub(crate) plane: Arc<Plane>,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            folder,
            clock: Arc::new(PausedClock::new()),
            plane: Arc::default(),
        }
    }

    pub(crate) fn driver(&self) -> Arc<Scripted> {
        let [logs, folder] = ["logs", "scripted"].map(|name| self.folder.path().join(name));
        Arc::new(Scripted::persistent(self.clock(), &logs, &folder).unwrap())
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::<PausedClock>::clone(&self.clock)
    }

    /// Starts an agent; aborting it is what the death of a server is.
    fn serve(&self) -> JoinHandle<()> {
        self.serve_with(None)
    }

    /// One that asks for what tasks only name.
    pub(crate) fn serve_with(&self, resolver: Option<Arc<dyn Resolver>>) -> JoinHandle<()> {
        let plane: Arc<dyn ControlPlane> = Arc::<Plane>::clone(&self.plane);
        tokio::spawn(Agent::new(self.driver(), plane, self.clock(), resolver).run())
    }

    async fn sleep_until(&self, millis: i64) {
        self.clock.sleep_until(Timestamp::from_millis(millis)).await;
    }

    pub(crate) fn statuses(&self, task: TaskId) -> Vec<HostStatus> {
        let mut statuses: Vec<_> = self
            .plane
            .reports(task)
            .into_iter()
            .map(|report| report.status)
            .collect();
        statuses.dedup();
        statuses
    }
}

pub(crate) fn id(number: u32) -> TaskId {
    TaskId::from_bits(number.into())
}

/// A task of several containers: name and script each.
pub(crate) fn task(number: u32, containers: &[(&str, &str)]) -> TaskPayload {
    let task = id(number);
    let names = containers
        .iter()
        .map(|(name, _)| (*name).to_owned())
        .collect();
    TaskPayload {
        id: task,
        arn: format!("arn:aws:ecs:us-east-1:000000000000:task/default/{task}"),
        family: "f".to_owned(),
        revision: 1,
        network: NetworkSpec::new(task, NetworkMode::Bridge, names),
        containers: containers
            .iter()
            .map(|(name, script)| plan(task, name, script))
            .collect(),
    }
}

fn plan(task: TaskId, name: &str, script: &str) -> ContainerPlan {
    let spec = ContainerSpec {
        labels: [(SCRIPT_LABEL.to_owned(), script.to_owned())].into(),
        ..ContainerSpec::new(
            ContainerKey {
                task,
                container: name.to_owned(),
            },
            "busybox",
            LogTarget {
                group: "g".to_owned(),
                stream: format!("{name}/{task}"),
            },
        )
    };
    ContainerPlan::new(spec)
}

/// One container's script, the statuses told, its exit code and when it ended.
async fn check(script: &str, statuses: &[HostStatus], code: Option<i32>, ended: i64) {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    fixture.plane.assign(&Arc::new(task(1, &[("app", script)])));
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    assert_eq!(fixture.statuses(id(1)), statuses, "{script}");
    assert_eq!(last.containers[0].exit_code, code, "{script}");
    assert_eq!(
        last.execution_stopped_at.map(Timestamp::millis),
        Some(ended),
        "{script}"
    );
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn a_task_lives_to_its_end() {
    use HostStatus::{Pending, Running, Stopped};
    let all = [Pending, Running, Stopped];
    check("pull 1s; start 1s; run 10s; exit 3", &all, Some(3), 12_000).await;
    // What is over at once is not told, but for RUNNING.
    check("exit 0", &[Running, Stopped], Some(0), 0).await;
    check("pull fail no", &[Stopped], None, 0).await;
    let script = "start 2s; start fail no";
    check(script, &[Pending, Stopped], None, 2000).await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_is_passed_on() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    fixture.plane.assign(&Arc::new(task(
        1,
        &[("app", "ignore SIGTERM"), ("side", "")],
    )));
    fixture.plane.until(id(1), HostStatus::Running).await;
    fixture.plane.stop(id(1));
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    let codes: Vec<_> = last
        .containers
        .iter()
        .map(|container| container.exit_code)
        .collect();
    assert_eq!(codes, [Some(137), Some(143)]);
    assert_eq!(last.stop, None);
    assert_eq!(fixture.clock.now().millis(), 30_000);
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_wanted_any_more_does_not_run() {
    let fixture = Fixture::new();
    fixture.plane.assign(&Arc::new(task(1, &[("app", "")])));
    fixture.plane.stop(id(1));
    let agent = fixture.serve();
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    assert_eq!(last.containers[0].runtime_id, None);
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn dependants_wait_for_health() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    let mut payload = task(
        1,
        &[
            ("db", "health healthy after 12s"),
            ("app", "run 1s; exit 0"),
        ],
    );
    payload.containers[0].health_check = Some(HealthCheck {
        command: vec!["CMD".to_owned(), "check".to_owned()],
        interval_seconds: 5,
        timeout_seconds: 2,
        retries: 10,
        start_period_seconds: 0,
    });
    let condition = DependencyCondition::Healthy;
    payload.containers[1].depends_on = vec![Dependency {
        container: "db".to_owned(),
        condition,
    }];
    fixture.plane.assign(&Arc::new(payload));
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    let stamps = [last.started_at, last.execution_stopped_at];
    assert_eq!(
        stamps.map(|at| at.map(Timestamp::millis)),
        [Some(15_000), Some(16_000)]
    );
    assert_eq!(last.containers[0].exit_code, Some(143));
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn many_tasks_run_side_by_side() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    for number in 1..=300 {
        fixture
            .plane
            .assign(&Arc::new(task(number, &[("app", "run 1m; exit 0")])));
    }
    for number in 1..=300 {
        fixture.plane.until(id(number), HostStatus::Stopped).await;
    }
    assert_eq!(fixture.clock.now().millis(), 60_000);
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn pulls_take_turns() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    for number in 1..=40 {
        fixture
            .plane
            .assign(&Arc::new(task(number, &[("app", "pull 10s")])));
    }
    for number in 1..=40 {
        fixture.plane.until(id(number), HostStatus::Running).await;
    }
    assert_eq!(
        fixture.clock.now().millis(),
        30_000,
        "16, 16 and 8 at a time"
    );
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn a_restart_finds_the_same_container_again() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    fixture
        .plane
        .assign(&Arc::new(task(1, &[("app", "run 1h; exit 6")])));
    let before = fixture.plane.until(id(1), HostStatus::Running).await;
    agent.abort();
    fixture.sleep_until(60_000).await;
    let agent = fixture.serve();
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    assert_eq!(
        last.containers[0].runtime_id,
        before.containers[0].runtime_id
    );
    assert_eq!(last.started_at, before.started_at);
    assert_eq!(last.containers[0].exit_code, Some(6));
    assert_eq!(
        last.execution_stopped_at.map(Timestamp::millis),
        Some(3_600_000)
    );
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn what_happened_while_away_is_told() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    fixture
        .plane
        .assign(&Arc::new(task(1, &[("app", "run 5s; exit 6")])));
    fixture.plane.assign(&Arc::new(task(2, &[("app", "")])));
    for number in [1, 2] {
        fixture.plane.until(id(number), HostStatus::Running).await;
    }
    agent.abort();
    fixture.sleep_until(60_000).await;
    fixture.plane.stop(id(2));
    let agent = fixture.serve();
    let last = fixture.plane.until(id(1), HostStatus::Stopped).await;
    assert_eq!(last.containers[0].exit_code, Some(6));
    assert_eq!(last.execution_stopped_at.map(Timestamp::millis), Some(5000));
    let last = fixture.plane.until(id(2), HostStatus::Stopped).await;
    assert_eq!(last.containers[0].exit_code, Some(143));
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_wants_is_removed() {
    let fixture = Fixture::new();
    let agent = fixture.serve();
    for number in [1, 2] {
        fixture
            .plane
            .assign(&Arc::new(task(number, &[("app", "")])));
        fixture.plane.until(id(number), HostStatus::Running).await;
    }
    agent.abort();
    fixture.plane.forget(id(1));
    let driver = fixture.driver();
    let plane: Arc<dyn ControlPlane> = Arc::<Plane>::clone(&fixture.plane);
    let agent = Agent::new(
        Arc::<Scripted>::clone(&driver),
        plane,
        fixture.clock(),
        None,
    );
    let agent = tokio::spawn(agent.run());
    fixture.sleep_until(1000).await;
    let existing = driver.existing().await.unwrap();
    let tasks: Vec<_> = existing.into_iter().map(|found| found.key.task).collect();
    assert_eq!(tasks, [id(2)]);
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn reports_that_are_refused_are_told_again_in_order() {
    let fixture = Fixture::new();
    fixture.plane.refuse(20);
    let agent = fixture.serve();
    fixture
        .plane
        .assign(&Arc::new(task(1, &[("app", "run 1s; exit 0")])));
    fixture.plane.until(id(1), HostStatus::Stopped).await;
    use HostStatus::{Running, Stopped};
    assert_eq!(
        fixture.statuses(id(1)),
        [Running, Stopped],
        "RUNNING is never left out"
    );
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn a_task_that_the_plane_does_not_know_is_stopped() {
    let fixture = Fixture::new();
    let driver = fixture.driver();
    let plane: Arc<dyn ControlPlane> = Arc::<Plane>::clone(&fixture.plane);
    let agent = Agent::new(
        Arc::<Scripted>::clone(&driver),
        plane,
        fixture.clock(),
        None,
    );
    let agent = tokio::spawn(agent.run());
    fixture.plane.assign(&Arc::new(task(
        1,
        &[("app", "run 5s; health healthy; exit 0"), ("b", "")],
    )));
    fixture.plane.until(id(1), HostStatus::Running).await;
    fixture.plane.forget(id(1));
    fixture.sleep_until(10_000).await;
    assert_eq!(driver.existing().await.unwrap(), []);
    agent.abort();
}

#[tokio::test(start_paused = true)]
async fn an_answer_from_before_the_end_does_not_start_the_task_again() {
    let fixture = Fixture::new();
    fixture
        .plane
        .assign(&Arc::new(task(1, &[("app", "run 1s; exit 0")])));
    let agent = fixture.serve();
    fixture.plane.until(id(1), HostStatus::Running).await;
    fixture.plane.answer_slowly();
    fixture.plane.until(id(1), HostStatus::Stopped).await;
    fixture.sleep_until(2000).await;
    // The open question was asked while the task ran: its answer names it once more.
    fixture
        .plane
        .assign(&Arc::new(task(2, &[("app", "run 1s; exit 0")])));
    fixture.sleep_until(60_000).await;
    assert_eq!(fixture.statuses(id(1)).last(), Some(&HostStatus::Stopped));
    let ends = fixture
        .plane
        .reports(id(1))
        .iter()
        .filter(|r| r.status == HostStatus::Stopped)
        .count();
    assert_eq!(ends, 1);
    agent.abort();
}
