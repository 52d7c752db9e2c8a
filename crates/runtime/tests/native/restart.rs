//! Containers outlive the server that started them, and are found again.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};

use model::container::ContainerKey;
use runtime::Driver as _;
use rustix::process::{Pid, Signal, kill_process};

use crate::testbed::{self, Testbed, fresh_task, until, within};

/// Tells the test binary to be a server, and on which folder.
const SERVER: &str = "LONGSHORE_TEST_SERVER";

/// Not a test by itself: started by the others as a server of its own.
#[tokio::test(flavor = "multi_thread")]
async fn server() {
    let Some(folder) = std::env::var_os(SERVER) else {
        return;
    };
    let mut words = std::env::var("LONGSHORE_TEST_TASK").unwrap();
    let script = words.split_off(32);
    let driver = testbed::open(folder.as_ref()).await;
    let spec = testbed::spec(words.parse().unwrap(), "main", &["sh", "-c", &script]);
    let network = model::payload::NetworkSpec::new(
        spec.key.task,
        model::payload::NetworkMode::None,
        vec!["main".to_owned()],
    );
    let network = driver.set_up_network(&network).await.unwrap();
    let started = driver.start(&spec, &network).await.unwrap();
    println!("started {}", started.runtime_id);
    std::future::pending::<()>().await;
}

/// A killed server's container, and a new driver on the same folder.
struct Orphan {
    bed: Testbed,
    key: ContainerKey,
    runtime_id: String,
}

impl Orphan {
    async fn new(script: &str) -> Self {
        let mut bed = Testbed::new().await;
        bed.task = fresh_task();
        let mut server = start_server(&bed, script);
        let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
        let line = lines.find_map(|line| Some(line.ok()?.split_once("started ")?.1.to_owned()));
        server.kill().unwrap();
        server.wait().unwrap();
        let key = ContainerKey {
            task: bed.task,
            container: "main".to_owned(),
        };
        // As a restarted server would: opened after the other one's end.
        bed.driver = testbed::open(bed.folder.path()).await;
        Self {
            bed,
            key,
            runtime_id: line.expect("the server started the container"),
        }
    }

    fn process(&self, file: &str) -> Pid {
        let folder = self.bed.folder.path().join("data/native/tasks");
        let path = folder
            .join(self.key.task.to_string())
            .join("main")
            .join(file);
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let process = record.get("process").unwrap_or(&record);
        Pid::from_raw(i32::try_from(process["pid"].as_i64().unwrap()).unwrap()).unwrap()
    }
}

fn start_server(bed: &Testbed, script: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "restart::server", "--nocapture"])
        .env(SERVER, bed.folder.path())
        .env("LONGSHORE_TEST_TASK", format!("{}{script}", bed.task))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

const TICKS: &str =
    "trap 'echo last; exit 6' TERM; n=0; while :; do echo $n; n=$((n+1)); sleep 0.01; done";

#[tokio::test(flavor = "multi_thread")]
async fn a_container_survives_its_server_with_code_and_log() {
    let orphan = Orphan::new(TICKS).await;
    let known = orphan.bed.driver.existing().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].key, orphan.key);
    assert_eq!(known[0].started.runtime_id, orphan.runtime_id);
    assert_eq!(known[0].exit, None);
    let before = orphan.bed.lines(&orphan.key).len();
    until(|| orphan.bed.lines(&orphan.key).len() > before + 3).await;
    orphan.bed.driver.signal(&orphan.key, 15).await.unwrap();
    assert_eq!(orphan.bed.wait(&orphan.key).await.code, Some(6));
    let lines = orphan.bed.lines(&orphan.key);
    assert_eq!(lines.last().unwrap(), "last");
    for (number, line) in lines[..lines.len() - 1].iter().enumerate() {
        assert_eq!(*line, number.to_string());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exit_while_no_server_ran_is_reported() {
    let orphan = Orphan::new("exit 4").await;
    let exit = orphan.bed.wait(&orphan.key).await;
    assert_eq!(exit.code, Some(4));
    let known = orphan.bed.driver.existing().await.unwrap();
    assert_eq!(known[0].exit, Some(exit));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_shim_costs_at_most_the_code() {
    // Writes nothing later: its pipes have no reader once the shim is gone.
    let script = "trap 'exit 8' TERM; echo ready; while :; do sleep 0.01; done";
    let orphan = Orphan::new(script).await;
    orphan.bed.line(&orphan.key, "ready").await;
    kill_process(orphan.process("shim.json"), Signal::KILL).unwrap();
    until(|| {
        !std::path::Path::new(&format!(
            "/proc/{}/fd/0",
            orphan.process("shim.json").as_raw_nonzero()
        ))
        .exists()
    })
    .await;
    assert_eq!(orphan.bed.driver.existing().await.unwrap()[0].exit, None);
    orphan.bed.driver.signal(&orphan.key, 15).await.unwrap();
    let exit = orphan.bed.wait(&orphan.key).await;
    match exit.code {
        Some(code) => assert_eq!((code, exit.reason), (8, None)),
        None => assert!(exit.reason.unwrap().contains("the exit code is unknown")),
    }
    // Said once, it stays.
    assert_eq!(orphan.bed.wait(&orphan.key).await.code, exit.code);
}

#[tokio::test(flavor = "multi_thread")]
async fn shim_and_container_lost_together_are_reported_as_unknown() {
    let orphan = Orphan::new("sleep 1000").await;
    kill_process(orphan.process("shim.json"), Signal::KILL).unwrap();
    kill_process(orphan.process("started.json"), Signal::KILL).unwrap();
    let exit = within(orphan.bed.driver.wait(&orphan.key)).await;
    // Seen as killed if the kernel still tells, and never as a success.
    assert!(matches!(exit.code, Some(137) | None), "{exit:?}");
    assert_eq!(exit.code.is_none(), exit.reason.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_begun_by_a_killed_server_can_be_repeated() {
    let orphan = Orphan::new("sleep 1000").await;
    let spec = testbed::spec(orphan.key.task, "main", &["sleep", "1000"]);
    let again = orphan.bed.start(&spec).await.unwrap();
    assert_eq!(again.runtime_id, orphan.runtime_id);
    assert_eq!(orphan.bed.driver.existing().await.unwrap().len(), 1);
}
