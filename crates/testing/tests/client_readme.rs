//! The examples of the client's README: each is a function here, which is run.

use std::error::Error;
use std::time::Duration;

use client::operations::{ListClusters, ListTasks, RunTask, StopTask};
use client::shapes::{ListClustersInput, ListTasksInput};
use client::{CallOptions, Client, Retry, RunEvent, RunOptions};
use longshore_testing::TestServer;
use serde_json::json;

type Done<T = ()> = Result<T, Box<dyn Error>>;

const README: &str = include_str!("../../client/README.md");

/// A server that knows definition `job`, whose container writes a line and ends with code 3.
async fn server() -> Done<TestServer> {
    let server = TestServer::start().await?;
    let job = json!({"family": "job", "containerDefinitions": [{
        "name": "app", "image": "example:1", "memory": 16,
        "dockerLabels": {"longshore.script": "log hello; exit 3"},
        "logConfiguration": {"logDriver": "awslogs", "options": {
            "awslogs-group": "jobs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "x"}}
    }]});
    let definition: client::shapes::RegisterTaskDefinitionInput = serde_json::from_value(job)?;
    server.client().register_task_definition(definition).await?;
    Ok(server)
}

#[expect(clippy::print_stdout, reason = "as in the README")]
mod examples {
    use super::*;

    pub(crate) async fn is_my_task_running(client: &Client) -> Done {
        let input = client
            .request::<RunTask>()
            .task_definition("job")
            .count(2)
            .into_input();
        match client
            .start_tasks(&input, &CallOptions::default())
            .await?
            .into_result()
        {
            Ok(tasks) => println!("{} tasks", tasks.len()),
            Err(not_placed) => println!("{not_placed}"),
        }
        Ok(())
    }

    pub(crate) async fn run_to_the_exit_code(client: &Client) -> Done<u8> {
        let input = client
            .request::<RunTask>()
            .task_definition("job")
            .into_input();
        let options = RunOptions::new()
            .logs(true)
            .timeout(Duration::from_secs(600));
        let mut run = client.run_to_completion(input, options);
        while let Some(event) = run.next().await {
            if let RunEvent::Lines { lines } = event {
                lines.iter().for_each(|line| println!("{}", line.message));
            }
        }
        let code = run.completion().await?.exit_code();
        Ok(code)
    }

    pub(crate) async fn one_call(client: &Client) -> Done {
        let options = CallOptions::new().retry(Retry::never());
        let stopping = client
            .request::<StopTask>()
            .task("0123456789abcdef0123456789abcdef");
        match stopping.options(options).send().await {
            Ok(answer) => println!("{:?}", answer.metadata().request_id()),
            Err(error) if error.is_retryable() => println!("later: {error}"),
            Err(error) => println!("{error}"),
        }
        Ok(())
    }

    pub(crate) async fn lists(client: &Client) -> Done {
        let input = ListTasksInput {
            max_results: Some(2),
            ..Default::default()
        };
        let mut arns = client.pages::<ListTasks>(input).items();
        while let Some(arn) = arns.next().await {
            println!("{}", arn?);
        }
        Ok(())
    }

    pub(crate) async fn tests_without_mocks() -> Done {
        let server = TestServer::start().await?;
        server.throttle::<ListClusters>(2).await?;
        let listed = server
            .client()
            .list_clusters(ListClustersInput::default())
            .await?;
        assert_eq!(listed.metadata().attempts(), 3);
        Ok(())
    }
}

#[tokio::test]
async fn every_example_runs() {
    let server = server().await.unwrap();
    let client = server.client();
    examples::is_my_task_running(client).await.unwrap();
    assert_eq!(examples::run_to_the_exit_code(client).await.unwrap(), 3);
    examples::one_call(client).await.unwrap();
    examples::lists(client).await.unwrap();
    examples::tests_without_mocks().await.unwrap();
}

/// Without what lines begin and end with, so that neither formatting nor depth counts.
fn code(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn every_example_of_the_readme_is_run() {
    let own = code(include_str!("client_readme.rs"));
    let blocks: Vec<_> = README.split("```").skip(1).step_by(2).collect();
    assert_eq!(blocks.len(), 5);
    for block in blocks {
        let block = block.strip_prefix("rust").unwrap();
        assert!(own.contains(&code(block)), "not run: {block}");
    }
}
