//! `cargo xtask demo`: the main job as its user sees it, offline, with real
//! containers. First in one command, then through a server and the AWS CLI.

mod aws;
mod image;
mod server;
mod workplace;

use std::path::Path;

use crate::stopwatch::Stopwatch;
use crate::{packages, programs, say, venv};
use aws::Aws;
use server::Server;
use workplace::Workplace;

const DEFINITION: &str = "examples/migrate.json";

pub(crate) fn run() -> anyhow::Result<()> {
    heading("What is needed: packages, the AWS CLI, the binary");
    packages::ensure()?;
    let venv = venv::ensure()?;
    let longshore = programs::development()?;

    let watch = Stopwatch::start();
    let workplace = Workplace::create(longshore)?;
    heading("An image from busybox-static");
    let root = image::make(workplace.folder())?;
    workplace.longshore(
        ["image", "import"],
        [root.as_path()],
        ["--tag", "busybox:demo"],
    )?;
    run_alone(&workplace)?;
    run_through_the_api(&workplace, &venv)?;
    drop(workplace);
    heading(&format!(
        "Done in {:.1} s; the data directory is removed",
        watch.elapsed().as_secs_f64()
    ));
    Ok(())
}

fn run_alone(workplace: &Workplace) -> anyhow::Result<()> {
    heading(&format!("longshore run {DEFINITION}"));
    let watch = Stopwatch::start();
    workplace.longshore(["run"], [Path::new(DEFINITION)], [])?;
    let seconds = watch.elapsed().as_secs_f64();
    say(&format!("exit code 0 after {seconds:.1} s"));
    Ok(())
}

fn run_through_the_api(workplace: &Workplace, venv: &Path) -> anyhow::Result<()> {
    heading("longshore up; eval \"$(longshore env)\"");
    let server = Server::start(workplace)?;
    let aws = Aws::new(workplace, venv)?;
    heading("The same with the AWS CLI");
    aws.show(&[
        "ecs",
        "register-task-definition",
        "--cli-input-json",
        &format!("file://{DEFINITION}"),
        "--query",
        "taskDefinition.taskDefinitionArn",
    ])?;
    let task = aws.answer(&[
        "ecs",
        "run-task",
        "--cluster",
        "default",
        "--task-definition",
        "migrate",
        "--launch-type",
        "FARGATE",
        "--network-configuration",
        "awsvpcConfiguration={subnets=[subnet-1]}",
        "--query",
        "tasks[0].taskArn",
    ])?;
    // It counts as running once both containers do, which is shortly before it is over.
    aws.show(&["ecs", "wait", "tasks-stopped", "--tasks", &task])?;
    let id = task.rsplit('/').next().unwrap_or(&task);
    for container in ["database", "migration"] {
        let stream = format!("demo/{container}/{id}");
        aws.show(&[
            "logs",
            "get-log-events",
            "--log-group-name",
            "/ecs/migrate",
            "--log-stream-name",
            &stream,
            "--start-from-head",
            "--query",
            "events[].[message]",
        ])?;
    }
    aws.show(&[
        "ecs",
        "describe-tasks",
        "--tasks",
        &task,
        "--query",
        "tasks[0].containers[].[name,exitCode]",
    ])?;
    let code = aws.answer(&[
        "ecs",
        "describe-tasks",
        "--tasks",
        &task,
        "--query",
        "tasks[0].containers[?name=='migration'].exitCode | [0]",
    ])?;
    anyhow::ensure!(code == "0", "the migration ended with {code}");
    server.stop()
}

fn heading(text: &str) {
    say(&format!("\n=== {text}"));
}
