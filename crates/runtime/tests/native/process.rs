//! Environment, folder, user and names, as the program sees them.

use model::container::EnvironmentVariable;
use runtime::Driver as _;
use runtime::native::image::{ImageConfig, Source};

use crate::testbed::Testbed;

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
async fn secrets_are_in_no_file_that_others_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let bed = Testbed::new().await;
    let mut spec = bed.shell("echo started; sleep 1000");
    spec.environment = vec![EnvironmentVariable {
        name: "SECRET".into(),
        value: "hush".into(),
    }];
    bed.start(&spec).await.unwrap();
    let folder = bed
        .folder
        .path()
        .join("data/native/tasks")
        .join(bed.task.to_string());
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.join("main")), 0o700);
    assert_eq!(mode(&folder.join("main/config.json")), 0o600);
    assert!(!folder.join("main/request.json").exists());
    bed.driver.remove(&spec.key).await.unwrap();
    assert!(!folder.join("main").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_know_localhost_and_themselves() {
    let bed = Testbed::new().await;
    let script = "grep -c localhost /etc/hosts; grep -c $HOSTNAME /etc/hosts; test -f /etc/resolv.conf; \
        ls /sys/class/net; hostname | wc -c";
    assert_eq!(bed.output(&bed.shell(script)).await, "2\n1\nlo\n13");
}
