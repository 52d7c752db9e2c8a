//! Idempotency under SIGKILL, in short; `cargo xtask crashes` does the same a thousand times.

use std::path::Path;

use bench::durability::crashes::Crashes;
use bench::durability::server::Program;

#[tokio::test]
async fn a_token_has_one_set_of_tasks_whenever_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let longshore = Path::new(env!("CARGO_BIN_EXE_longshore"));
    let crashes = Crashes {
        program: Program::new(longshore, &folder.path().join("data"), &[]),
        rounds: 15,
        clients: 64,
        seed: 4,
    };
    let report = crashes.run().await.unwrap();
    assert!(report.complaints.is_empty(), "{report}");
    let spread = report.spread();
    assert!(
        spread.mixed > 0,
        "no crash came between two answers: {report}"
    );
}
