//! What containers mount, one line for each mount.

use crate::assignment::payload;
use crate::testing::{World, app};

/// Volumes, then the members of container `main`, then containers beside it, and what `main`
/// gets to see.
#[track_caller]
fn check(volumes: &str, main: &str, others: &str, expected: &[&str]) {
    let mut world = World::new();
    let allowed = &mut world.settings.volumes;
    allowed.bind = vec!["/srv".to_owned(), "/srv/data".to_owned()];
    allowed.efs.insert("fs-1".to_owned(), "/efs/one".to_owned());
    allowed
        .efs
        .insert("fsap-1".to_owned(), "/efs/app".to_owned());
    let main = format!(r#"{{"name":"main","image":"i","memory":6,{main}}}{others}"#);
    world.containers("app", &main, &format!(r#","volumes":[{volumes}]"#));
    let id = world.run(&app(""))[0];
    let task = world.state.tasks().get(&id).unwrap().clone();
    let payload = payload(&world.reading(), &task).unwrap();
    let mounts = payload.containers[0].spec.mounts.iter();
    let told: Vec<_> = mounts
        .map(|mount| {
            let access = if mount.read_only { "ro" } else { "rw" };
            format!("{} {access} {:?}", mount.target, mount.source)
        })
        .collect();
    assert_eq!(told, expected);
}

/// One volume, mounted at `/v`.
#[track_caller]
fn check_source(volume: &str, expected: &str) {
    check(
        &format!(r#"{{"name":"v"{volume}}}"#),
        r#""mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]"#,
        "",
        &[&format!("/v rw {expected}")],
    );
}

#[test]
fn a_volume_comes_from_where_its_kind_says() {
    check_source("", r#"Task("v")"#);
    check_source(r#","host":{}"#, r#"Task("v")"#);
    check_source(
        r#","host":{"sourcePath":"/srv/data//x/"}"#,
        r#"Folder { path: "/srv/data/x", within: "/srv/data" }"#,
    );
    check_source(
        r#","host":{"sourcePath":"/srv/database"}"#,
        r#"Folder { path: "/srv/database", within: "/srv" }"#,
    );
    check_source(
        r#","dockerVolumeConfiguration":{"scope":"task","driver":"local"}"#,
        r#"Task("v")"#,
    );
    check_source(
        r#","dockerVolumeConfiguration":{"scope":"shared","autoprovision":true}"#,
        r#"Host("v")"#,
    );
    check_source(
        r#","efsVolumeConfiguration":{"fileSystemId":"fs-1"}"#,
        r#"Folder { path: "/efs/one", within: "/efs/one" }"#,
    );
    check_source(
        r#","efsVolumeConfiguration":{"fileSystemId":"fs-1","rootDirectory":"/a/b"}"#,
        r#"Folder { path: "/efs/one/a/b", within: "/efs/one" }"#,
    );
    let access_point = |id: &str| {
        format!(
            r#","efsVolumeConfiguration":{{"fileSystemId":"fs-1",
                "authorizationConfig":{{"accessPointId":"{id}"}}}}"#
        )
    };
    check_source(
        &access_point("fsap-1"),
        r#"Folder { path: "/efs/app", within: "/efs/app" }"#,
    );
    check_source(
        &access_point("fsap-2"),
        r#"Folder { path: "/efs/one", within: "/efs/one" }"#,
    );
}

const TWO: &str = r#"{"name":"a"},{"name":"b"}"#;

#[test]
fn outer_mounts_come_first() {
    check(
        TWO,
        r#""mountPoints":[{"sourceVolume":"a","containerPath":"/x/y/"},
            {"sourceVolume":"b","containerPath":"/x","readOnly":true}],
        "linuxParameters":{"tmpfs":[{"containerPath":"/x/y/z","size":3,"mountOptions":["ro"]}]}"#,
        "",
        &[
            r#"/x ro Task("b")"#,
            r#"/x/y rw Task("a")"#,
            r#"/x/y/z ro Tmpfs { mib: 3, options: ["ro"] }"#,
        ],
    );
}

#[test]
fn volumes_of_another_container_come_with_those_it_took_itself() {
    check(
        TWO,
        r#""volumesFrom":[{"sourceContainer":"side"}],
            "mountPoints":[{"sourceVolume":"b","containerPath":"/own"}]"#,
        r#",{"name":"side","image":"i","memory":6,
                "volumesFrom":[{"sourceContainer":"far","readOnly":true}],
                "mountPoints":[{"sourceVolume":"b","containerPath":"/b"}]},
            {"name":"far","image":"i","memory":6,"volumesFrom":[{"sourceContainer":"main"}],
                "mountPoints":[{"sourceVolume":"a","containerPath":"/a"},
                    {"sourceVolume":"a","containerPath":"/own"}]}"#,
        &[
            r#"/a ro Task("a")"#,
            r#"/b rw Task("b")"#,
            r#"/own rw Task("b")"#,
        ],
    );
}

#[test]
fn whose_volumes_are_taken_is_known_with_those_that_they_take() {
    let mut world = World::new();
    let containers = r#"{"name":"main","image":"i","memory":6,
            "volumesFrom":[{"sourceContainer":"far"},{"sourceContainer":"side","readOnly":true}]},
        {"name":"side","image":"i","memory":6,"volumesFrom":[{"sourceContainer":"far"}]},
        {"name":"far","image":"i","memory":6}"#;
    world.containers("app", containers, "");
    let id = world.run(&app(""))[0];
    let task = world.state.tasks().get(&id).unwrap().clone();
    let payload = payload(&world.reading(), &task).unwrap();
    let taken = payload.containers[0].spec.volumes_from.iter();
    let taken: Vec<_> = taken
        .map(|from| (&*from.container, from.read_only))
        .collect();
    assert_eq!(taken, [("far", false), ("far", true), ("side", true)]);
    assert_eq!(payload.containers[2].spec.volumes_from, []);
}

#[test]
fn a_folder_that_is_allowed_no_more_is_within_none() {
    let mut world = World::new();
    world.settings.volumes.bind = vec!["/srv".to_owned()];
    let main = r#"{"name":"main","image":"i","memory":6,
        "mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]}"#;
    let volume = r#","volumes":[{"name":"v","host":{"sourcePath":"/srv/x"}}]"#;
    world.containers("app", main, volume);
    let id = world.run(&app(""))[0];
    world.settings.volumes.bind.clear();
    let task = world.state.tasks().get(&id).unwrap().clone();
    let payload = payload(&world.reading(), &task).unwrap();
    let source = format!("{:?}", payload.containers[0].spec.mounts[0].source);
    assert_eq!(source, r#"Folder { path: "/srv/x", within: "" }"#);
}
