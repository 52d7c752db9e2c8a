//! Environment, folder, user and names, as the program sees them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use model::container::EnvironmentVariable;
use runtime::native::image::{ImageConfig, Source};
use runtime::{Driver as _, Executed};

use crate::testbed::{self, PATIENCE, Testbed};

#[tokio::test(flavor = "multi_thread")]
async fn the_definition_is_laid_over_the_image() {
    let bed = Testbed::new().await;
    let config = ImageConfig {
        entrypoint: vec!["sh".into(), "-c".into()],
        cmd: vec!["echo $A $B $C $HOSTNAME; pwd; id -un; id -G; cat /etc/hostname".into()],
        env: vec!["A=image".into(), "B=image".into()],
        working_dir: Some("/made/by/engine".into()),
        user: Some("app".into()),
        ..ImageConfig::default()
    };
    let root = bed.folder.path().join("root");
    let name = "configured:1".parse().unwrap();
    bed.driver
        .images()
        .import(Source::Dir(&root), &name, config)
        .unwrap();
    let mut spec = bed.shell("");
    spec.image = "configured:1".to_owned();
    spec.command = None;
    spec.identity.hostname = Some("box".to_owned());
    let variable = |name: &str, value: &str| EnvironmentVariable {
        name: name.into(),
        value: value.into(),
    };
    spec.environment = vec![variable("B", "definition"), variable("C", "x y")];
    let expected = "image definition x y box\n/made/by/engine\napp\n1001 2000\nbox";
    assert_eq!(bed.output(&spec).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_in_no_file_on_the_disk() {
    let mut bed = Testbed::new().await;
    let mut spec = bed.shell("echo started; sleep 1000");
    spec.environment = vec![EnvironmentVariable {
        name: "SECRET".into(),
        value: "planted-value".into(),
    }];
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "started").await;
    // Commands inside have it all the same, also of a server that was started anew.
    for _ in 0..2 {
        let command = ["sh", "-c", "echo $SECRET; exit 3"].map(str::to_owned);
        let executed = bed.driver.execute(&spec.key, &command, PATIENCE).await;
        let expected = Executed::Exited {
            code: 3,
            output: "planted-value\n".to_owned(),
        };
        assert_eq!(executed.unwrap(), expected);
        let tasks = bed.folder.path().join("data/native/tasks");
        assert_eq!(with_the_value(&tasks), Vec::<PathBuf>::new());
        bed.driver = testbed::open(bed.folder.path()).await;
    }
    let folder = bed.folder.path().join("data/native/tasks");
    let folder = folder.join(bed.task.to_string()).join("main");
    assert_eq!(
        folder.metadata().unwrap().permissions().mode() & 0o777,
        0o700
    );
    bed.driver.remove(&spec.key).await.unwrap();
    assert!(!folder.exists());
}

/// The files below a folder that have the secret in them.
fn with_the_value(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = fs::symlink_metadata(&path).unwrap().file_type();
        if kind.is_dir() {
            found.extend(with_the_value(&path));
        } else if kind.is_file() {
            let content = fs::read(&path).unwrap();
            let mut windows = content.windows(b"planted-value".len());
            if windows.any(|part| part == b"planted-value") {
                found.push(path);
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_know_localhost_and_themselves() {
    let bed = Testbed::new().await;
    let script = "grep -c localhost /etc/hosts; grep -c $HOSTNAME /etc/hosts; test -f /etc/resolv.conf; \
        ls /sys/class/net; hostname | wc -c";
    assert_eq!(bed.output(&bed.shell(script)).await, "2\n1\nlo\n13");
}
