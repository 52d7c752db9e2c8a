//! Memory, CPU and the other things a container may use only so much of.

use std::fs;
use std::path::Path;

use model::container::{TaskLimits, Ulimit};
use runtime::Driver as _;

use crate::testbed::Testbed;

#[tokio::test(flavor = "multi_thread")]
async fn a_container_beyond_its_memory_is_killed_and_says_so() {
    let bed = Testbed::new().await;
    let mut spec = bed.spec("main", &["tail", "/dev/zero"]);
    spec.memory_mib = Some(16);
    let exit = bed.run(&spec).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(137), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_child_is_not_the_containers_end() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("tail /dev/zero; exit 0");
    spec.memory_mib = Some(16);
    let exit = bed.run(&spec).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(0), false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_memory_of_the_task_limits_its_containers_together() {
    let bed = Testbed::new().await;
    let mut spec = bed.spec("main", &["tail", "/dev/zero"]);
    spec.task_limits = TaskLimits {
        cpu_units: Some(512),
        memory_mib: Some(24),
    };
    let exit = bed.run(&spec).await;
    assert_eq!((exit.code, exit.out_of_memory), (Some(137), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_reach_the_control_groups() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("sleep 1000");
    spec.cpu_units = 256;
    spec.memory_mib = Some(64);
    spec.task_limits = TaskLimits {
        cpu_units: Some(512),
        memory_mib: Some(128),
    };
    bed.start(&spec).await.unwrap();
    let task = format!("longshore/{}", bed.task);
    let container = format!("{task}/main");
    let expected = if Path::new("/sys/fs/cgroup/memory").exists() {
        [
            (format!("cpu/{container}/cpu.shares"), "256"),
            (
                format!("memory/{container}/memory.limit_in_bytes"),
                "67108864",
            ),
            (format!("pids/{container}/pids.max"), "8192"),
            (format!("cpu/{task}/cpu.cfs_quota_us"), "50000"),
            (format!("memory/{task}/memory.limit_in_bytes"), "134217728"),
        ]
    } else {
        [
            (format!("{container}/memory.max"), "67108864"),
            (format!("{container}/pids.max"), "8192"),
            (format!("{task}/cpu.max"), "50000 100000"),
            (format!("{task}/memory.max"), "134217728"),
            (format!("{container}/cgroup.type"), "domain"),
        ]
    };
    for (file, value) in expected {
        let text = fs::read_to_string(Path::new("/sys/fs/cgroup").join(&file)).unwrap();
        assert_eq!(text.trim(), value, "{file}");
    }
    bed.driver.tear_down(bed.task).await.unwrap();
    bed.driver.close().await.unwrap();
    assert!(!Path::new("/sys/fs/cgroup/memory").join(task).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn ulimits_are_set() {
    let bed = Testbed::new().await;
    let script = "ulimit -Sn; ulimit -Hn; ulimit -Sc; ulimit -Hc";
    let output = bed.output(&bed.shell(script)).await;
    let mut files = output
        .lines()
        .take(2)
        .map(|line| line.parse::<u64>().unwrap());
    assert_eq!(files.next(), Some(1024));
    // Less if the host does not permit as many.
    assert!(
        (1024..=524_288).contains(&files.next().unwrap()),
        "{output}"
    );
    bed.driver.tear_down(bed.task).await.unwrap();

    let mut spec = bed.spec("other", &["sh", "-c", script]);
    let limit = |name: &str, soft, hard| Ulimit {
        name: name.to_owned(),
        soft,
        hard,
    };
    spec.ulimits = vec![limit("nofile", 2000, 3000), limit("core", 0, u64::MAX)];
    assert_eq!(bed.output(&spec).await, "2000\n3000\n0\nunlimited");
}
