//! What containers mount: volumes of the task and of the host, folders, memory.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use model::container::{ContainerSpec, FailureName, Mount, MountSource};
use runtime::Driver as _;
use runtime::native::image::{ImageConfig, Source};

use crate::testbed::{self, Testbed};

fn mount(source: MountSource, target: &str, read_only: bool) -> Mount {
    Mount {
        source,
        target: target.to_owned(),
        read_only,
    }
}

fn task(name: &str, target: &str) -> Mount {
    mount(MountSource::Task(name.to_owned()), target, false)
}

fn folder(path: &Path, within: &Path) -> MountSource {
    MountSource::Folder {
        path: path.display().to_string(),
        within: within.display().to_string(),
    }
}

fn tmpfs(mib: u32, options: &[&str], target: &str) -> Mount {
    let options = options.iter().map(|one| (*one).to_owned()).collect();
    mount(MountSource::Tmpfs { mib, options }, target, false)
}

fn shell(bed: &Testbed, container: &str, script: &str, mounts: &[Mount]) -> ContainerSpec {
    ContainerSpec {
        mounts: mounts.to_vec(),
        ..bed.spec(container, &["sh", "-c", script])
    }
}

/// A folder of the host that may be mounted.
fn allowed(bed: &Testbed) -> PathBuf {
    let path = bed.folder.path().join("allowed");
    fs::create_dir(&path).unwrap();
    path
}

/// What the script writes with these mounts.
async fn output(bed: &Testbed, script: &str, mounts: &[Mount]) -> String {
    bed.output(&shell(bed, "main", script, mounts)).await
}

/// The sentence that the start with this mount fails with.
async fn refused(bed: &Testbed, mount: Mount) -> String {
    let spec = shell(bed, "main", "true", &[mount]);
    let failure = bed.start(&spec).await.unwrap_err();
    assert_eq!(failure.name, FailureName::CannotCreateContainerError);
    assert_eq!(bed.driver.existing().await.unwrap(), []);
    failure.detail
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_a_task_share_its_volume_and_it_ends_with_the_task() {
    let bed = Testbed::new().await;
    let network = bed.network(&["first", "second"]).await;
    let first = shell(
        &bed,
        "first",
        "echo hello > /out/file",
        &[task("v", "/out")],
    );
    let script = "cat /in/file; stat -c %a /in";
    let second = shell(&bed, "second", script, &[task("v", "/in")]);
    bed.driver.start(&first, &network).await.unwrap();
    assert_eq!(bed.wait(&first.key).await.code, Some(0));
    bed.driver.start(&second, &network).await.unwrap();
    assert_eq!(bed.wait(&second.key).await.code, Some(0));
    assert_eq!(bed.lines(&second.key), ["hello", "755"]);

    // It outlives its containers, not its task.
    bed.driver.remove(&first.key).await.unwrap();
    bed.driver.remove(&second.key).await.unwrap();
    let files = format!("data/native/tasks/{}/.volumes/v/data/file", bed.task);
    let files = bed.folder.path().join(files);
    assert_eq!(fs::read_to_string(&files).unwrap(), "hello\n");
    bed.driver.tear_down(bed.task).await.unwrap();
    bed.driver.close().await.unwrap();
    assert!(!files.exists());
    assert_eq!(
        fs::read_dir(bed.folder.path().join("data/native/removed"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_image_has_at_the_place_becomes_the_volumes() {
    let bed = Testbed::new().await;
    let root = bed.folder.path().join("root");
    let data = root.join("srv/data");
    fs::create_dir_all(data.join("sub")).unwrap();
    fs::write(data.join("sub/file"), "of the image").unwrap();
    symlink("sub/file", data.join("link")).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o2770)).unwrap();
    std::os::unix::fs::chown(&data, Some(1000), Some(1001)).unwrap();
    std::os::unix::fs::chown(data.join("sub/file"), Some(1000), Some(2000)).unwrap();
    let name = "filled".parse().unwrap();
    let images = bed.driver.images();
    images
        .import(Source::Dir(&root), &name, ImageConfig::default())
        .unwrap();

    let script = "cd /srv/data; stat -c '%a %u %g' .; stat -c '%u %g' sub/file; cat link; echo; \
        id -u; touch mine && echo written";
    let mut spec = shell(&bed, "main", script, &[task("v", "/srv/data")]);
    spec.image = "filled".to_owned();
    spec.user = Some("app".to_owned());
    let expected = "2770 1000 1001\n1000 2000\nof the image\n1000\nwritten";
    assert_eq!(bed.output(&spec).await, expected);

    // A second container sees what the first left, and not the image's again.
    let mut second = shell(
        &bed,
        "second",
        "ls /srv/data /srv/data/sub",
        &[task("v", "/srv/data")],
    );
    second.image = "filled".to_owned();
    let second = bed_output(&bed, &second).await;
    assert_eq!(
        second,
        "/srv/data:\nlink\nmine\nsub\n\n/srv/data/sub:\nfile"
    );
    // Nor did it change the image.
    let mut bare = shell(&bed, "third", "cat /srv/data/link", &[]);
    bare.image = "filled".to_owned();
    assert_eq!(bed_output(&bed, &bare).await, "of the image");
}

/// For a second container of the task, whose network has only the first.
async fn bed_output(bed: &Testbed, spec: &ContainerSpec) -> String {
    let mut network = bed.network(&["main"]).await;
    network.containers[0]
        .container
        .clone_from(&spec.key.container);
    bed.driver.start(spec, &network).await.unwrap();
    let exit = bed.wait(&spec.key).await;
    let lines = bed.lines(&spec.key).join("\n");
    assert_eq!(exit.code, Some(0), "{lines}");
    lines
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_of_the_host_outlives_the_task() {
    let bed = Testbed::new().await;
    let kept = [mount(MountSource::Host("kept".to_owned()), "/kept", false)];
    assert_eq!(
        output(&bed, "echo 1 >> /kept/file; cat /kept/file", &kept).await,
        "1"
    );
    bed.driver.tear_down(bed.task).await.unwrap();
    let mut next = shell(&bed, "main", "echo 2 >> /kept/file; cat /kept/file", &kept);
    next.key.task = testbed::fresh_task();
    let network = bed.network(&["main"]).await;
    bed.driver.start(&next, &network).await.unwrap();
    bed.wait(&next.key).await;
    let lines = bed.lines(&next.key);
    bed.driver.tear_down(next.key.task).await.unwrap();
    assert_eq!(lines[1..], ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_the_host_is_seen_as_it_is() {
    let bed = Testbed::new().await;
    let allowed = allowed(&bed);
    fs::write(allowed.join("file"), "of the host").unwrap();
    let one = mount(folder(&allowed, &allowed), "/host", false);
    // A single file goes over a file that the image does not have.
    let file = mount(
        folder(&allowed.join("file"), &allowed),
        "/etc/one.conf",
        true,
    );
    // What is missing is made, as engines do.
    let made = mount(folder(&allowed.join("made/deep"), &allowed), "/made", false);
    let script = "cat /host/file /etc/one.conf; echo; echo back > /made/answer; \
        echo x 2>/dev/null > /etc/one.conf || echo read-only";
    let output = output(&bed, script, &[one, file, made]).await;
    assert_eq!(output, "of the hostof the host\nread-only");
    let answer = fs::read_to_string(allowed.join("made/deep/answer")).unwrap();
    assert_eq!(answer, "back\n");
    let made = fs::metadata(allowed.join("made")).unwrap();
    assert_eq!((made.mode() & 0o7777, made.uid()), (0o755, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn read_only_is_read_only_also_for_root_and_below() {
    let bed = Testbed::new().await;
    let allowed = allowed(&bed);
    fs::create_dir(allowed.join("sub")).unwrap();
    let mounts = [mount(folder(&allowed, &allowed), "/host", true)];
    let script = "touch /host/x 2>&1; touch /host/sub/x 2>&1; chmod 777 /host 2>&1; \
        mount -o remount,rw /host 2>/dev/null || echo no; exit 0";
    let spec = shell(&bed, "main", script, &mounts);
    let expected = "touch: /host/x: Read-only file system\n\
        touch: /host/sub/x: Read-only file system\n\
        chmod: /host: Read-only file system\nno";
    assert_eq!(bed.output(&spec).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_root_leaves_volumes_writable() {
    let bed = Testbed::new().await;
    let mut spec = shell(
        &bed,
        "main",
        "touch /v/x && touch /t/x && echo written; touch /x 2>/dev/null || echo read-only",
        &[task("v", "/v"), tmpfs(1, &[], "/t")],
    );
    spec.readonly_root_filesystem = true;
    assert_eq!(bed.output(&spec).await, "written\nread-only");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_link_leads_out_of_what_is_allowed() {
    let bed = Testbed::new().await;
    let allowed = allowed(&bed);
    let outside = bed.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink(&outside, allowed.join("out")).unwrap();
    symlink("/proc/self/root/etc", allowed.join("magic")).unwrap();
    for link in ["out", "out/made", "magic"] {
        let source = folder(&allowed.join(link), &allowed);
        let detail = refused(&bed, mount(source, "/v", false)).await;
        assert!(detail.contains("leads by a link to"), "{detail}");
        assert!(detail.contains("volumes.bind"), "{detail}");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    let detail = refused(&bed, mount(folder(&outside, Path::new("")), "/v", false)).await;
    assert!(
        detail.contains("is in no folder that volumes.bind"),
        "{detail}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_the_image_does_not_lead_a_mount_to_the_host_or_the_kernels_files() {
    let bed = Testbed::new().await;
    let root = bed.folder.path().join("root");
    let outside = bed.folder.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink("/proc", root.join("kernel")).unwrap();
    // Inside of the container the link leads to a folder of the image.
    fs::create_dir_all(root.join(outside.strip_prefix("/").unwrap())).unwrap();
    let up = "../".repeat(12);
    symlink(format!("{up}{}", outside.display()), root.join("up")).unwrap();
    let name = "linked".parse().unwrap();
    let images = bed.driver.images();
    images
        .import(Source::Dir(&root), &name, ImageConfig::default())
        .unwrap();
    for target in [
        "/kernel",
        "/kernel/sys",
        "/proc",
        "/sys/fs",
        "/",
        "/dev",
        "/x/../proc",
    ] {
        let mut spec = shell(&bed, "main", "true", &[task("v", target)]);
        spec.image = "linked".to_owned();
        let failure = bed.start(&spec).await.unwrap_err();
        let expected = "where nothing can be mounted";
        assert!(failure.detail.contains(expected), "{target}: {failure}");
    }
    let mut spec = shell(
        &bed,
        "main",
        "touch /up/inside && ls /up",
        &[task("v", "/up/v")],
    );
    spec.image = "linked".to_owned();
    assert_eq!(bed.output(&spec).await, "inside\nv");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_mounted_with_its_size_and_options() {
    let bed = Testbed::new().await;
    let script = "for place in /t /u /dev/shm; do grep \" $place tmpfs \" /proc/mounts | tail -1; done; \
        dd if=/dev/zero of=/t/x bs=1M count=9 2>/dev/null || echo full; stat -c %a /t";
    let mounts = [
        tmpfs(2, &["mode=0700", "uid=0"], "/t"),
        tmpfs(3, &["exec", "noatime"], "/u"),
        tmpfs(4, &[], "/dev/shm"),
    ];
    let output = output(&bed, script, &mounts).await;
    let lines: Vec<&str> = output.lines().collect();
    let expected: [&[&str]; 5] = [
        &["/t tmpfs rw,nosuid,nodev,noexec", "size=2048k", "mode=700"],
        &["/u tmpfs rw,nosuid,nodev,noatime", "size=3072k"],
        &["/dev/shm tmpfs rw,nosuid,nodev,noexec", "size=4096k"],
        &["full"],
        &["700"],
    ];
    assert_eq!(lines.len(), expected.len(), "{output}");
    for (line, parts) in lines.iter().zip(expected) {
        assert!(parts.iter().all(|part| line.contains(part)), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inner_mounts_lie_on_outer_ones() {
    let bed = Testbed::new().await;
    let mounts = [
        task("outer", "/a"),
        task("inner", "/a/b"),
        tmpfs(1, &[], "/a/b/c"),
    ];
    let script = "touch /a/of-a /a/b/of-b /a/b/c/of-c; find /a | sort";
    let expected = "/a\n/a/b\n/a/b/c\n/a/b/c/of-c\n/a/b/of-b\n/a/of-a";
    assert_eq!(output(&bed, script, &mounts).await, expected);
    let outer = format!("data/native/tasks/{}/.volumes/outer/data", bed.task);
    let outer = bed.folder.path().join(outer);
    assert!(outer.join("of-a").exists() && !outer.join("b/of-b").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_goes_over_no_folder() {
    let bed = Testbed::new().await;
    let allowed = allowed(&bed);
    fs::write(allowed.join("file"), "").unwrap();
    let detail = refused(
        &bed,
        mount(folder(&allowed.join("file"), &allowed), "/tmp", false),
    )
    .await;
    assert!(
        detail.contains("the source is a file, but the container has a folder"),
        "{detail}"
    );
    let detail = refused(
        &bed,
        mount(folder(&allowed, &allowed), "/etc/passwd", false),
    )
    .await;
    assert!(detail.contains("/etc/passwd"), "{detail}");
}
