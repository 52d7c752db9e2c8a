//! What a server finds after it was away: containers, exits, and each line once.

use model::container::{Mount, MountSource};
use runtime::Driver as _;

use crate::testbed::{Testbed, open, until};

#[tokio::test(flavor = "multi_thread")]
async fn output_goes_on_after_a_restart_without_a_line_twice() {
    let mut bed = Testbed::new().await;
    let script = "i=0; while [ $i -lt 400 ]; do echo out $i; echo err $i >&2; i=$((i+1)); \
                  [ $i = 200 ] && sleep 1; done; printf 'no end'; exit 4";
    let spec = bed.shell("main", script);
    bed.start(&spec).await;
    until(|| bed.lines(&spec).len() > 100).await;
    bed.reopen().await;
    let known = bed.driver().existing().await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(bed.wait(&spec).await.code, Some(4));
    let lines = bed.lines(&spec);
    for stream in ["out", "err"] {
        let of_stream: Vec<_> = lines
            .iter()
            .filter(|line| line.starts_with(stream))
            .collect();
        let expected: Vec<_> = (0..400).map(|n| format!("{stream} {n}")).collect();
        assert_eq!(of_stream, expected.iter().collect::<Vec<_>>());
    }
    assert_eq!(lines.last().map(String::as_str), Some("no end"));
    assert_eq!(lines.len(), 801);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_on_the_engine_sees_nothing_of_the_first() {
    let bed = Testbed::new().await;
    bed.start(&bed.shell("main", "sleep 1000")).await;
    let other = tempfile::tempdir().unwrap();
    let driver = open(other.path(), &bed.engine.address()).await.unwrap();
    assert_eq!(driver.existing().await.unwrap(), []);
    driver.tear_down(bed.task).await.unwrap();
    assert_eq!(bed.driver().existing().await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_that_somebody_else_removed_has_no_exit_code() {
    let bed = Testbed::new().await;
    let spec = bed.shell("main", "echo up; exec sleep 1000");
    bed.start(&spec).await;
    until(|| bed.lines(&spec) == ["up"]).await;
    let removed = async {
        let name = format!("longshore-{}-main", bed.task);
        bed.engine.docker(&["rm", "--force", &name]);
    };
    let (exit, ()) = tokio::join!(bed.wait(&spec), removed);
    assert!(exit.code.is_none() || exit.code == Some(137), "{exit:?}");
    let exit = bed.wait(&spec).await;
    assert_eq!(exit.code, None);
    assert!(exit.reason.unwrap().contains("does not have the container"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_and_long_lines_are_cut_as_they_were_written() {
    let bed = Testbed::new().await;
    let script = "head -c 40000 /dev/zero | tr '\\0' x; echo; test -t 1 && echo terminal; echo end";
    for is_terminal in [true, false] {
        let mut spec = bed.shell(if is_terminal { "tty" } else { "pipe" }, script);
        spec.terminal = is_terminal;
        bed.start(&spec).await;
        bed.wait(&spec).await;
        let long = "x".repeat(40_000);
        let expected: &[&str] = match is_terminal {
            true => &[&long, "terminal", "end"],
            false => &[&long, "end"],
        };
        assert_eq!(bed.lines(&spec), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_of_a_task_are_shared_seeded_and_gone_with_it() {
    let bed = Testbed::new().await;
    let mount = |source: MountSource, target: &str, read_only| Mount {
        source,
        target: target.to_owned(),
        read_only,
    };
    let scratch = || MountSource::Task("scratch".to_owned());
    let mut first = bed.shell(
        "first",
        "cat /seeded/file; echo note > /seeded/note; df -m /mem | tail -1",
    );
    let memory = MountSource::Tmpfs {
        mib: 3,
        options: Vec::new(),
    };
    first.mounts = vec![
        mount(scratch(), "/seeded", false),
        mount(memory, "/mem", false),
    ];
    let lines = bed.output(&first).await;
    assert_eq!(lines[0], "from the image");
    assert!(
        lines[1].split_whitespace().any(|word| word == "3"),
        "{lines:?}"
    );
    let mut second = bed.shell(
        "second",
        "cat /shared/note; touch /shared/x || echo read-only",
    );
    second.mounts = vec![mount(scratch(), "/shared", true)];
    let lines = bed.output(&second).await;
    assert!(
        lines.contains(&"note".to_owned()) && lines.contains(&"read-only".to_owned()),
        "{lines:?}"
    );
    bed.driver().tear_down(bed.task).await.unwrap();
    let volumes = bed.engine.docker(&["volume", "ls", "--quiet"]);
    assert!(!volumes.contains(&bed.task.to_string()), "{volumes}");
}
