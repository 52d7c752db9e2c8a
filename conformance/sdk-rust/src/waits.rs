//! The waiters for a task that lives 10 ms end as the acceptors of the model say.

use std::time::Duration;

use aws_sdk_ecs::Client;
use aws_sdk_ecs::client::Waiters as _;
use aws_sdk_ecs::types::ContainerDefinition;
use aws_sdk_ecs::waiters::tasks_running::WaitUntilTasksRunningError as RunningError;

/// Less than the pause of six seconds before a second look: what ends in it took one look.
const ONE_LOOK: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) async fn check(client: &Client) {
    let app = ContainerDefinition::builder()
        .name("app")
        .image("example:1")
        .memory(16)
        .docker_labels("longshore.script", "run 10ms; exit 0")
        .build();
    let registering = client.register_task_definition().family("short");
    registering.container_definitions(app).send().await.unwrap();

    let over = start(client).await;
    stopped(client, &over, PATIENCE).await;
    stopped(client, &over, ONE_LOOK).await;
    assert!(!is_running(client, &over, ONE_LOOK).await);
    let fresh = start(client).await;
    // It runs, or is over already: both are an end.
    is_running(client, &fresh, PATIENCE).await;
    assert!(!is_running(client, &"0".repeat(32), ONE_LOOK).await);
}

async fn start(client: &Client) -> String {
    let ran = client.run_task().task_definition("short").send().await;
    ran.unwrap().tasks()[0].task_arn().unwrap().to_owned()
}

async fn stopped(client: &Client, task: &str, limit: Duration) {
    let waiting = client.wait_until_tasks_stopped().tasks(task);
    waiting.wait(limit).await.unwrap();
}

/// What the waiter came to; it must come to something.
async fn is_running(client: &Client, task: &str, limit: Duration) -> bool {
    let waiting = client.wait_until_tasks_running().tasks(task);
    match waiting.wait(limit).await {
        Ok(_) => true,
        Err(RunningError::FailureState(_)) => false,
        Err(other) => panic!("{other:?}"),
    }
}
