//! Volumes that images declare, and those taken from other containers.

use std::fs;

use model::container::{ContainerSpec, Mount, MountSource, VolumesFrom};
use runtime::Driver as _;
use runtime::native::image::{ImageConfig, Source};

use crate::testbed::Testbed;

/// A bed with an image that declares `/srv/data`, where it has a file that tells the image's name.
async fn bed(names: &[&str]) -> Testbed {
    let bed = Testbed::new().await;
    let root = bed.folder.path().join("root");
    fs::create_dir_all(root.join("srv/data")).unwrap();
    for name in names {
        fs::write(root.join("srv/data/of"), name).unwrap();
        let config = ImageConfig {
            volumes: vec!["/srv/data/".to_owned()],
            ..ImageConfig::default()
        };
        let images = bed.driver.images();
        let name = name.parse().unwrap();
        images.import(Source::Dir(&root), &name, config).unwrap();
    }
    bed
}

fn shell(bed: &Testbed, container: &str, image: &str, script: &str) -> ContainerSpec {
    ContainerSpec {
        image: image.to_owned(),
        ..bed.spec(container, &["sh", "-c", script])
    }
}

fn taken(container: &str, read_only: bool) -> VolumesFrom {
    VolumesFrom {
        container: container.to_owned(),
        read_only,
    }
}

/// What the container writes, one after the other in one task.
async fn output(bed: &Testbed, spec: &ContainerSpec) -> String {
    let network = bed.network(&["first", "second", "third"]).await;
    bed.driver.start(spec, &network).await.unwrap();
    bed.wait(&spec.key).await;
    bed.lines(&spec.key).join(" ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_the_image_can_be_written_where_the_root_cannot() {
    let bed = bed(&["declares"]).await;
    let script = "cat /srv/data/of; echo; touch /srv/data/x && echo written; touch /x 2>/dev/null || echo not";
    let spec = ContainerSpec {
        readonly_root_filesystem: true,
        ..shell(&bed, "first", "declares", script)
    };
    assert_eq!(output(&bed, &spec).await, "declares written not");
    bed.driver.tear_down(bed.task).await.unwrap();
    bed.driver.close().await.unwrap();
    let left = bed
        .folder
        .path()
        .join(format!("data/native/tasks/{}", bed.task));
    assert!(!left.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_container_takes_it_also_after_the_end() {
    let bed = bed(&["one", "two"]).await;
    let first = shell(&bed, "first", "one", "echo first > /srv/data/mine");
    assert_eq!(output(&bed, &first).await, "");
    // The own image's volume gives way to the one that is taken.
    let look =
        "cat /srv/data/of; echo; cat /srv/data/mine; touch /srv/data/x 2>/dev/null || echo not";
    let second = ContainerSpec {
        volumes_from: vec![taken("first", true)],
        ..shell(&bed, "second", "two", look)
    };
    assert_eq!(output(&bed, &second).await, "one first not");
    // And what the definition mounts goes before both.
    let third = ContainerSpec {
        volumes_from: vec![taken("first", false)],
        mounts: vec![Mount {
            source: MountSource::Task("v".to_owned()),
            target: "/srv/data".to_owned(),
            read_only: false,
        }],
        ..shell(&bed, "third", "two", "ls /srv/data; cat /srv/data/of")
    };
    assert_eq!(output(&bed, &third).await, "of two");
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_one_image_have_a_volume_each() {
    let bed = bed(&["declares"]).await;
    let first = shell(&bed, "first", "declares", "touch /srv/data/x; ls /srv/data");
    assert_eq!(output(&bed, &first).await, "of x");
    let second = shell(&bed, "second", "declares", "ls /srv/data");
    assert_eq!(output(&bed, &second).await, "of");
}
