//! From start to exit code.

use model::container::{ContainerKey, FailureName};
use runtime::{Driver as _, Executed};
use std::time::Duration;

use crate::testbed::{Testbed, within};

#[track_caller]
fn check(script: &'static str, code: i32) -> impl Future<Output = ()> {
    let place = std::panic::Location::caller();
    async move {
        let bed = Testbed::new().await;
        let exit = bed.run(&bed.shell(script)).await;
        assert_eq!((exit.code, exit.reason), (Some(code), None), "{place}");
        assert!(!exit.out_of_memory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_are_those_of_the_program() {
    check("exit 0", 0).await;
    check("exit 3", 3).await;
    check("kill -KILL $$", 0).await; // the kernel protects the first process from itself
    check("sh -c 'kill -SEGV $$'; exit $?", 139).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_to_the_first_process_gives_128_and_its_number() {
    let bed = Testbed::new().await;
    let spec = bed.shell("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done");
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "ready").await;
    bed.driver.signal(&spec.key, 15).await.unwrap();
    assert_eq!(bed.wait(&spec.key).await.code, Some(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn sigkill_ends_all_processes_of_one_that_ignores_sigterm() {
    let bed = Testbed::new().await;
    let spec = bed.shell("trap '' TERM; sleep 1000 & sleep 1001 & echo ready; wait; sleep 1002");
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "ready").await;
    bed.driver.signal(&spec.key, 15).await.unwrap();
    bed.driver.signal(&spec.key, 0).await.unwrap_err(); // not a signal; and it still runs
    assert_eq!(bed.driver.existing().await.unwrap()[0].exit, None);
    bed.driver.signal(&spec.key, 9).await.unwrap();
    assert_eq!(bed.wait(&spec.key).await.code, Some(137));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_may_be_repeated() {
    let bed = Testbed::new().await;
    let spec = bed.shell("sleep 1000");
    let first = bed.start(&spec).await.unwrap();
    let second = bed.start(&spec).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(first.runtime_id.len(), 64);
    bed.driver.remove(&spec.key).await.unwrap();
    bed.driver.remove(&spec.key).await.unwrap();
    bed.driver.signal(&spec.key, 9).await.unwrap();
    bed.driver.tear_down(bed.task).await.unwrap();
    assert_eq!(bed.driver.existing().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ended_container_is_remembered_until_it_is_removed() {
    let bed = Testbed::new().await;
    let spec = bed.shell("exit 5");
    let exit = bed.run(&spec).await;
    assert_eq!(bed.wait(&spec.key).await, exit);
    let known = bed.driver.existing().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!((&known[0].key, &known[0].exit), (&spec.key, &Some(exit)));
    bed.driver.remove(&spec.key).await.unwrap();
    assert_eq!(bed.wait(&spec.key).await.code, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_cannot_run_is_named_and_leaves_nothing() {
    let bed = Testbed::new().await;
    let cases = [
        (
            vec!["frobnicate"],
            "the program \"frobnicate\" is not in the container's PATH",
        ),
        (
            vec!["/bin/frobnicate"],
            "\"/bin/frobnicate\" or its interpreter does not exist",
        ),
        (vec!["/etc/passwd"], "\"/etc/passwd\" may not be executed"),
        (vec!["/bin"], "\"/bin\" is a folder"),
    ];
    for (command, sentence) in cases {
        let failure = bed.start(&bed.spec("main", &command)).await.unwrap_err();
        assert_eq!(
            failure.name,
            FailureName::CannotStartContainerError,
            "{failure}"
        );
        assert!(failure.detail.contains(sentence), "{failure}");
        assert_eq!(bed.driver.existing().await.unwrap(), []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_program_fails_to_start() {
    let bed = Testbed::new().await;
    let path = bed.folder.path().join("root/bin/text");
    std::fs::write(&path, "not a program").unwrap();
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let source = bed.folder.path().join("root");
    let source = runtime::native::image::Source::Dir(&source);
    let name = "text".parse().unwrap();
    bed.driver
        .images()
        .import(source, &name, Default::default())
        .unwrap();
    let mut spec = bed.spec("main", &["text"]);
    spec.image = "text".to_owned();
    let failure = bed.start(&spec).await.unwrap_err();
    assert_eq!(
        failure.name,
        FailureName::CannotStartContainerError,
        "{failure}"
    );
    assert!(
        failure.detail.contains("not an executable of this machine"),
        "{failure}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_made_is_said_in_a_sentence() {
    let bed = Testbed::new().await;
    let mut unknown = bed.shell("true");
    unknown.image = "missing".to_owned();
    let failure = bed.start(&unknown).await.unwrap_err();
    assert!(
        failure
            .detail
            .contains("the image missing is not in the image store"),
        "{failure}"
    );

    let mut user = bed.shell("true");
    user.user = Some("nobody".to_owned());
    let failure = bed.start(&user).await.unwrap_err();
    assert_eq!(failure.name, FailureName::CannotCreateContainerError);
    assert!(
        failure
            .detail
            .contains("the user \"nobody\" is not in /etc/passwd"),
        "{failure}"
    );

    let mut name = bed.shell("true");
    name.key = ContainerKey {
        container: "../evil".to_owned(),
        ..name.key
    };
    let failure = bed.start(&name).await.unwrap_err();
    assert!(failure.detail.contains("rename it"), "{failure}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_runs_inside_the_container() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("sleep 1000");
    spec.user = Some("app".to_owned());
    spec.working_directory = Some("/home/app".to_owned());
    bed.start(&spec).await.unwrap();
    let execute = |script: &str, millis: u64| {
        let command = ["sh".to_owned(), "-c".to_owned(), script.to_owned()];
        let key = spec.key.clone();
        let driver = &bed.driver;
        async move { within(driver.execute(&key, &command, Duration::from_millis(millis))).await }
    };
    let exited = |code, output: &str| Executed::Exited {
        code,
        output: output.to_owned(),
    };
    assert_eq!(
        execute("echo out; echo err >&2; exit 4", 9000).await,
        Ok(exited(4, "out\nerr\n"))
    );
    assert_eq!(
        execute("id -u; id -g; pwd; grep -c . /proc/1/cmdline", 9000).await,
        Ok(exited(0, "1000\n1001\n/home/app\n1\n"))
    );
    let confined = execute(
        "grep -E 'Seccomp:|NoNewPrivs|CapEff' /proc/self/status",
        9000,
    )
    .await;
    assert_eq!(
        confined,
        Ok(exited(
            0,
            "CapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
        ))
    );
    assert_eq!(
        execute("sleep 100 & sleep 101", 50).await,
        Ok(Executed::TimedOut)
    );
    assert_eq!(
        execute("ps -o args | grep -c '[s]leep 10[01]$'", 9000).await,
        Ok(exited(1, "0\n"))
    );
    let long = execute("yes | head -c 100000", 9000).await.unwrap();
    assert!(
        matches!(&long, Executed::Exited { code: 0, output } if output.len() == 4096),
        "{long:?}"
    );
    let failure = within(bed.driver.execute(
        &spec.key,
        &["nope".to_owned()],
        Duration::from_secs(9),
    ))
    .await;
    assert!(
        failure
            .unwrap_err()
            .detail
            .contains("\"nope\" is not in the container's PATH")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_process_forwards_signals_and_reaps_orphans() {
    let bed = Testbed::new().await;
    let mut spec = bed
        .shell("trap 'exit 9' TERM; (sleep 0.01 &) ; echo $$ ready; while :; do sleep 0.01; done");
    spec.init_process = true;
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "2 ready").await;
    bed.driver.signal(&spec.key, 15).await.unwrap();
    assert_eq!(bed.wait(&spec.key).await.code, Some(9));
}
