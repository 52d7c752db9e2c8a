//! A host looks the same before and after.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use runtime::Driver as _;

use crate::testbed::{self, Testbed, until};

const CONTAINERS: usize = 50;

/// What this process and its containers hold of the host. Other tests run at the same time,
/// so mounts and groups are looked at only where they carry the name of the task.
fn held(task: &str) -> BTreeSet<String> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mut found: BTreeSet<String> = mounts
        .lines()
        .filter(|line| line.contains(task))
        .map(str::to_owned)
        .collect();
    groups(Path::new("/sys/fs/cgroup"), task, &mut found);
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(task) {
            found.insert(String::from_utf8_lossy(&command).into_owned());
        }
        // A shim holds files of its container.
        let descriptors = fs::read_dir(entry.path().join("fd"));
        for descriptor in descriptors.into_iter().flatten().flatten() {
            let file = fs::read_link(descriptor.path()).unwrap_or_default();
            if file.to_string_lossy().contains(task) {
                found.insert(format!("{} in {}", file.display(), entry.path().display()));
            }
        }
    }
    found
}

fn groups(folder: &Path, task: &str, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if entry.path().to_string_lossy().contains(task) {
                found.insert(entry.path().display().to_string());
            }
            groups(&entry.path(), task, found);
        }
    }
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_stays_behind() {
    let bed = Testbed::new().await;
    let task = bed.task.to_string();
    let names: Vec<String> = (0..CONTAINERS).map(|number| format!("c{number}")).collect();
    let network = bed
        .network(&names.iter().map(String::as_str).collect::<Vec<_>>())
        .await;
    for (number, name) in names.iter().enumerate() {
        let command = match number % 5 {
            0 => vec!["frobnicate"],
            1 => vec!["sleep", "1000"],
            _ => vec!["sh", "-c", "echo hello; exit 1"],
        };
        let spec = bed.spec(name, &command);
        let started = bed.driver.start(&spec, &network).await;
        assert_eq!(started.is_err(), number % 5 == 0);
        if number % 5 == 2 {
            bed.wait(&spec.key).await;
            bed.driver.remove(&spec.key).await.unwrap();
        }
    }
    bed.driver.tear_down(bed.task).await.unwrap();
    bed.driver.close().await.unwrap();
    until(|| held(&task).is_empty()).await;
    for folder in ["tasks", "removed", "images/leases"] {
        let folder = bed.folder.path().join("data/native").join(folder);
        assert_eq!(fs::read_dir(folder).unwrap().count(), 0);
    }
}

/// As after a crash between the answer and the removal.
#[tokio::test(flavor = "multi_thread")]
async fn a_new_server_goes_on_with_what_was_to_be_removed() {
    let mut bed = Testbed::new().await;
    bed.run(&bed.shell("true")).await;
    let native = bed.folder.path().join("data/native");
    let name = bed.task.to_string();
    fs::rename(
        native.join("tasks").join(&name),
        native.join("removed").join(&name),
    )
    .unwrap();
    assert!(!held(&name).is_empty());
    bed.driver = testbed::open(bed.folder.path()).await;
    bed.driver.close().await.unwrap();
    assert!(held(&name).is_empty());
    for folder in ["removed", "images/leases"] {
        assert_eq!(fs::read_dir(native.join(folder)).unwrap().count(), 0);
    }
}

/// Descriptors are those of the whole process, so the other tests must not change them: the
/// count is compared over the life of a hundred containers, with room for the others' noise.
#[tokio::test(flavor = "multi_thread")]
async fn descriptors_do_not_pile_up() {
    let bed = Testbed::new().await;
    let spec = bed.shell("true");
    let mut least = [usize::MAX; 2];
    for half in &mut least {
        for _ in 0..50 {
            bed.run(&spec).await;
            bed.driver.tear_down(bed.task).await.unwrap();
            *half = (*half).min(descriptors());
        }
    }
    assert!(least[1] < least[0] + 50, "{least:?}");
}
