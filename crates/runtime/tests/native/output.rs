//! Nothing a container wrote is lost.

use crate::testbed::Testbed;

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_dies_at_once_loses_no_line() {
    let bed = Testbed::new().await;
    let spec = bed.shell("seq 1 10000; seq 1 10000 >&2; exit 1");
    assert_eq!(bed.run(&spec).await.code, Some(1));
    let lines = bed.lines(&spec.key);
    assert_eq!(lines.len(), 20_000);
    for number in 1..=10_000 {
        assert_eq!(
            lines
                .iter()
                .filter(|line| **line == number.to_string())
                .count(),
            2
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_line_without_its_end_is_a_line() {
    let bed = Testbed::new().await;
    let spec = bed.shell("echo one; printf two; printf three >&2");
    bed.run(&spec).await;
    let mut lines = bed.lines(&spec.key);
    lines.sort();
    assert_eq!(lines, ["one", "three", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_can_be_read_while_the_container_runs() {
    let bed = Testbed::new().await;
    let spec = bed.shell("echo early; sleep 1000");
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "early").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overlong_line_is_split() {
    let bed = Testbed::new().await;
    let spec = bed.shell("head -c 300000 /dev/zero | tr '\\0' x; echo");
    bed.run(&spec).await;
    let lengths: Vec<usize> = bed.lines(&spec.key).iter().map(String::len).collect();
    assert_eq!(lengths, [262_144, 300_000 - 262_144]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_written_does_not_cost_the_exit_code() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("echo lost; echo too; exit 3");
    // A file where the group's folder would be.
    std::fs::write(bed.folder.path().join("logs/%2Fblocked"), "").unwrap();
    spec.log.group = "/blocked".to_owned();
    let exit = bed.run(&spec).await;
    assert_eq!(exit.code, Some(3));
    assert_eq!(
        exit.reason.as_deref(),
        Some("2 lines of output could not be stored")
    );
}
