//! What containers find around themselves: names, kernel parameters, terminals, namespaces.

use std::fs;

use model::container::{ContainerSpec, ExtraHost, Identity, NamespaceMode};
use model::payload::NetworkState;
use runtime::Driver as _;

use crate::testbed::Testbed;

#[tokio::test(flavor = "multi_thread")]
async fn names_of_the_definition_are_known() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell(
        "hostname; tail -2 /etc/hosts; cat /etc/hostname; grep -v '^#' /etc/resolv.conf | tail -2",
    );
    spec.identity = Identity {
        hostname: Some("box".to_owned()),
        extra_hosts: vec![ExtraHost {
            hostname: "db.test".to_owned(),
            ip_address: "192.0.2.7".to_owned(),
        }],
        dns_servers: vec!["192.0.2.53".to_owned()],
        dns_search_domains: vec!["a.test".to_owned(), "b.test".to_owned()],
    };
    let expected = "box\n127.0.1.1\tbox\n192.0.2.7\tdb.test\nbox\n\
        nameserver 192.0.2.53\nsearch a.test b.test";
    assert_eq!(bed.output(&spec).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn kernel_parameters_are_the_containers_own() {
    let bed = Testbed::new().await;
    let read = |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).unwrap();
    let names = ["kernel/shmmni", "net/ipv4/ip_unprivileged_port_start"];
    let before = names.map(read);
    let mut spec = bed.shell(
        "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_unprivileged_port_start; df -m /dev/shm \
         | tail -1 | awk '{print $2}'",
    );
    spec.system_controls
        .insert("kernel.shmmni".to_owned(), "77".to_owned());
    let port = "net.ipv4.ip_unprivileged_port_start";
    spec.system_controls
        .insert(port.to_owned(), "33".to_owned());
    spec.shared_memory_mib = Some(5);
    assert_eq!(bed.output(&spec).await, "77\n33\n5");
    assert_eq!(names.map(read), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_of_the_whole_host_is_not_set() {
    let bed = Testbed::new().await;
    let before = fs::read_to_string("/proc/sys/vm/swappiness").unwrap();
    let mut spec = bed.shell("true");
    spec.system_controls
        .insert("vm.swappiness".to_owned(), "1".to_owned());
    let failure = bed.start(&spec).await.unwrap_err();
    assert!(failure.detail.contains("vm.swappiness"), "{failure}");
    assert_eq!(
        fs::read_to_string("/proc/sys/vm/swappiness").unwrap(),
        before
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_is_one_for_all_three_streams() {
    let bed = Testbed::new().await;
    let mut spec = bed
        .shell("test -t 0 && test -t 1 && test -t 2 && echo terminal; echo error >&2; tty; exit 3");
    spec.terminal = true;
    let exit = bed.run(&spec).await;
    assert_eq!(exit.code, Some(3));
    let lines = ["terminal", "error", "/dev/pts/0"];
    assert_eq!(bed.lines(&spec.key), lines);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_inside_a_container_with_a_terminal_writes_to_its_pipe() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("echo ready; sleep 1000");
    spec.terminal = true;
    bed.start(&spec).await.unwrap();
    bed.line(&spec.key, "ready").await;
    let command = ["sh", "-c", "test -t 1 || echo pipe"].map(str::to_owned);
    let executed = bed
        .driver
        .execute(&spec.key, &command, crate::testbed::PATIENCE);
    let exited = runtime::Executed::Exited {
        code: 0,
        output: "pipe\n".to_owned(),
    };
    assert_eq!(executed.await, Ok(exited));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_input_waits_for_ever_and_a_closed_one_is_at_its_end() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("timeout 0.2 cat 2>/dev/null && echo end || echo waited");
    bed.run(&spec).await;
    assert_eq!(bed.lines(&spec.key), ["end"]);
    bed.driver.remove(&spec.key).await.unwrap();
    spec.interactive = true;
    bed.run(&spec).await;
    assert_eq!(bed.lines(&spec.key)[..2], ["end", "waited"]);
}

fn shared(bed: &Testbed, container: &str, script: &str) -> ContainerSpec {
    ContainerSpec {
        pid: NamespaceMode::Task,
        ipc: NamespaceMode::Task,
        ..bed.spec(container, &["sh", "-c", script])
    }
}

async fn start(bed: &Testbed, network: &NetworkState, spec: &ContainerSpec) {
    bed.driver.start(spec, network).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn containers_of_a_task_share_processes_and_memory_when_it_says_so() {
    let bed = Testbed::new().await;
    let network = bed.network(&["first", "second", "apart"]).await;
    let script = "echo hello > /dev/shm/note; sleep 1000 & echo ready; exec sleep 1001";
    let first = shared(&bed, "first", script);
    start(&bed, &network, &first).await;
    bed.line(&first.key, "ready").await;
    let script = "cat /dev/shm/note; ps -o args | grep -c '[s]leep 100[01]$'; \
        grep -c shm /proc/self/mountinfo; kill $(ps -o pid,args | grep '[s]leep 1001$' | awk '{print $1}'); exit 4";
    let second = shared(&bed, "second", script);
    start(&bed, &network, &second).await;
    assert_eq!(bed.wait(&second.key).await.code, Some(4));
    assert_eq!(bed.lines(&second.key), ["hello", "2", "1"]);

    // The end of its first process is the end of the container, and of all that it left.
    assert_eq!(bed.wait(&first.key).await.code, Some(143));
    let apart = bed.spec("apart", &["sh", "-c", "ls /dev/shm; echo $$"]);
    start(&bed, &network, &apart).await;
    bed.wait(&apart.key).await;
    assert_eq!(bed.lines(&apart.key), ["1"]);
    let third = shared(&bed, "second", "ps -o args | grep -c '[s]leep 100[01]$'");
    bed.driver.remove(&second.key).await.unwrap();
    start(&bed, &network, &third).await;
    assert_eq!(bed.wait(&third.key).await.code, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_task_shares_ends_with_it() {
    let bed = Testbed::new().await;
    let spec = shared(&bed, "main", "sleep 1000");
    bed.start(&spec).await.unwrap();
    let record = bed
        .folder
        .path()
        .join(format!("data/native/tasks/{}/.holder.json", bed.task));
    let record: serde_json::Value = serde_json::from_slice(&fs::read(record).unwrap()).unwrap();
    let process = format!("/proc/{}", record["pid"]);
    assert!(fs::exists(&process).unwrap());
    // Nor does the host see the memory.
    assert!(
        !fs::read_to_string("/proc/mounts")
            .unwrap()
            .contains("/.shm")
    );
    bed.driver.tear_down(bed.task).await.unwrap();
    crate::testbed::until(|| !fs::exists(&process).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_processes_and_memory_are_seen_only_with_its_namespaces() {
    let bed = Testbed::new().await;
    let script =
        "readlink /proc/$$/ns/pid; readlink /proc/$$/ns/ipc; sleep 1000 & kill -9 $$; exit 0";
    let mut spec = bed.shell(script);
    spec.pid = NamespaceMode::Host;
    spec.ipc = NamespaceMode::Host;
    let exit = bed.run(&spec).await;
    // Nothing protects a process that is not the first of its namespace from itself.
    assert_eq!((exit.code, exit.out_of_memory), (Some(137), false));
    let own = ["pid", "ipc"].map(|kind| {
        let link = fs::read_link(format!("/proc/self/ns/{kind}")).unwrap();
        link.display().to_string()
    });
    assert_eq!(bed.lines(&spec.key), own);
    let other = bed.shell(script);
    bed.driver.remove(&other.key).await.unwrap();
    assert_eq!(bed.run(&other).await.code, Some(0));
    let lines = bed.lines(&other.key);
    assert_eq!(lines.len(), 4);
    assert!(
        lines[2..].iter().all(|line| !own.contains(line)),
        "{lines:?}"
    );
}
