//! Engines that cannot be used: one sentence that says what to change.

use std::os::unix::fs::PermissionsExt as _;

use crate::testbed::{Testbed, open};

#[track_caller]
fn check(error: &str, words: &[&str]) {
    for word in words {
        assert!(error.contains(word), "{error}");
    }
    assert!(!error.contains(". "), "one sentence: {error}");
}

#[tokio::test]
async fn no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("docker.sock");
    let address = format!("unix://{}", socket.display());
    let error = open(folder.path(), &address).await.err().unwrap();
    check(
        &error.to_string(),
        &[&address, "start Docker", "DOCKER_HOST"],
    );
    // Bound by a process that has gone.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let error = open(folder.path(), &address).await.err().unwrap();
    check(
        &error.to_string(),
        &[&address, "does not answer", "start it"],
    );
}

/// As another user, because nothing is forbidden to root.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_is_not_permitted() {
    let bed = Testbed::new().await;
    let socket = bed.engine.socket();
    std::fs::set_permissions(&socket, std::fs::Permissions::from_mode(0o600)).unwrap();
    let folder = socket.parent().unwrap();
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let address = bed.engine.address();
    let error = std::thread::spawn(move || {
        rustix::thread::set_thread_res_gid(
            rustix::process::Gid::from_raw(65534),
            rustix::process::Gid::from_raw(65534),
            rustix::process::Gid::from_raw(65534),
        )
        .unwrap();
        let nobody = rustix::process::Uid::from_raw(65534);
        rustix::thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let error = runtime.block_on(open(std::path::Path::new("/nonexistent"), &address));
        error.err().unwrap().to_string()
    });
    check(
        &error.join().unwrap(),
        &["may not open", "usermod -aG docker"],
    );
}
