//! Specifications as text, and the rules behind them one by one.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use libcontainer::oci_spec::runtime::Spec;
use model::TaskId;
use model::container::{ContainerKey, EnvironmentVariable, LogTarget, Ulimit};
use model::payload::ContainerNetwork;

use super::resources::{CgroupFacts, CgroupVersion};
use super::*;
use crate::native::image::ImageConfig;

const ALL_CAPABILITIES: u64 = u64::MAX;

fn request() -> Request {
    let key = ContainerKey {
        task: TaskId::from_bits(0xabc),
        container: "app".to_owned(),
    };
    Request {
        spec: ContainerSpec {
            command: Some(vec!["true".to_owned()]),
            cpu_units: 256,
            memory_mib: Some(64),
            memory_reservation_mib: Some(32),
            ..ContainerSpec::new(
                key,
                "busybox",
                LogTarget {
                    group: "g".to_owned(),
                    stream: "s".to_owned(),
                },
            )
        },
        image: ImageConfig::default(),
        layers: Vec::new(),
        network: ContainerNetwork {
            namespace: Some("/run/netns/app".to_owned()),
            ..ContainerNetwork::new("app")
        },
        resolv_conf: String::new(),
        logs: "/logs".into(),
        filters: "/filters".into(),
        folder: "/tasks/abc/app".into(),
        task_volumes: "/tasks/abc/.volumes".into(),
        host_volumes: "/volumes".into(),
        holder: None,
        host_name: "host".to_owned(),
    }
}

fn host(version: CgroupVersion) -> Host {
    Host {
        user: User {
            uid: 1000,
            gid: 1001,
            additional_gids: vec![2000],
        },
        cgroup: CgroupFacts {
            version,
            limits_swap: true,
        },
        cgroup_folders: match version {
            CgroupVersion::V1 => vec![("memory", "/sys/fs/cgroup/memory/longshore/abc/app".into())],
            CgroupVersion::V2 => Vec::new(),
        },
        capabilities: ALL_CAPABILITIES,
        nofile_max: u64::MAX,
        devices: Vec::new(),
        late_mounts: Vec::new(),
    }
}

#[track_caller]
fn built(request: &Request, version: CgroupVersion) -> Value {
    let specification = build(request, &host(version)).unwrap();
    serde_json::from_value::<Spec>(specification.clone()).expect("the library understands it");
    specification
}

#[track_caller]
fn check(request: &Request, version: CgroupVersion, expected: Expect) {
    let specification = built(request, version);
    let mut text = String::new();
    write_lines("", &specification, &mut text);
    expected.assert_eq(&text);
}

/// One line per value: short to read, and a change is a change of one line.
fn write_lines(path: &str, value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            // In the order of the names, whether the library keeps another one or not.
            for (name, member) in members.iter().collect::<BTreeMap<_, _>>() {
                write_lines(&format!("{path}.{name}"), member, text);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                let members = item.as_object().into_iter().flatten();
                let members: Vec<String> = members
                    .collect::<BTreeMap<_, _>>()
                    .into_iter()
                    .map(|(name, member)| format!("{name} {member}"))
                    .collect();
                text.push_str(&format!("{path}: {}\n", members.join(", ")));
            }
        }
        other => text.push_str(&format!("{path}: {other}\n")),
    }
}

#[test]
fn a_plain_container() {
    check(
        &request(),
        CgroupVersion::V1,
        expect![[r#"
            .hostname: "12fac148d612"
            .linux.cgroupsPath: "/longshore/00000000000000000000000000000abc/app"
            .linux.maskedPaths: ["/proc/acpi","/proc/asound","/proc/interrupts","/proc/kcore","/proc/keys","/proc/latency_stats","/proc/sched_debug","/proc/scsi","/proc/timer_list","/proc/timer_stats","/sys/devices/virtual/powercap","/sys/firmware"]
            .linux.namespaces: type "pid"
            .linux.namespaces: type "ipc"
            .linux.namespaces: type "uts"
            .linux.namespaces: type "mount"
            .linux.namespaces: path "/run/netns/app", type "network"
            .linux.readonlyPaths: ["/proc/bus","/proc/fs","/proc/irq","/proc/sys","/proc/sysrq-trigger"]
            .linux.resources.cpu.shares: 256
            .linux.resources.devices: access "rwm", allow false
            .linux.resources.memory.limit: 67108864
            .linux.resources.memory.reservation: 33554432
            .linux.resources.memory.swap: 67108864
            .linux.resources.pids.limit: 8192
            .linux.rootfsPropagation: "private"
            .mounts: destination "/proc", options ["nosuid","noexec","nodev"], source "proc", type "proc"
            .mounts: destination "/dev", options ["nosuid","strictatime","mode=755","size=64m"], source "tmpfs", type "tmpfs"
            .mounts: destination "/dev/pts", options ["nosuid","noexec","newinstance","ptmxmode=0666","mode=0620","gid=5"], source "devpts", type "devpts"
            .mounts: destination "/dev/mqueue", options ["nosuid","noexec","nodev"], source "mqueue", type "mqueue"
            .mounts: destination "/dev/shm", options ["nosuid","noexec","nodev","mode=1777","size=64m"], source "tmpfs", type "tmpfs"
            .mounts: destination "/sys", options ["nosuid","noexec","nodev","ro"], source "sysfs", type "sysfs"
            .mounts: destination "/sys/fs/cgroup", options ["nosuid","noexec","nodev","mode=755","size=64k"], source "tmpfs", type "tmpfs"
            .mounts: destination "/sys/fs/cgroup/memory", options ["bind","rprivate","nosuid","noexec","nodev","ro"], source "/sys/fs/cgroup/memory/longshore/abc/app", type "bind"
            .mounts: destination "/etc/resolv.conf", options ["bind","rprivate","rw"], source "/tasks/abc/app/stage/etc/resolv.conf", type "bind"
            .mounts: destination "/etc/hostname", options ["bind","rprivate","rw"], source "/tasks/abc/app/stage/etc/hostname", type "bind"
            .mounts: destination "/etc/hosts", options ["bind","rprivate","rw"], source "/tasks/abc/app/stage/etc/hosts", type "bind"
            .ociVersion: "1.1.0"
            .process.args: ["true"]
            .process.capabilities.bounding: ["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SYS_CHROOT","CAP_AUDIT_WRITE","CAP_SETFCAP"]
            .process.capabilities.effective: ["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SYS_CHROOT","CAP_AUDIT_WRITE","CAP_SETFCAP"]
            .process.capabilities.permitted: ["CAP_CHOWN","CAP_DAC_OVERRIDE","CAP_FOWNER","CAP_FSETID","CAP_KILL","CAP_SETGID","CAP_SETUID","CAP_SETPCAP","CAP_NET_BIND_SERVICE","CAP_NET_RAW","CAP_SYS_CHROOT","CAP_AUDIT_WRITE","CAP_SETFCAP"]
            .process.cwd: "/"
            .process.env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","HOSTNAME=12fac148d612"]
            .process.noNewPrivileges: true
            .process.rlimits: hard 524288, soft 1024, type "RLIMIT_NOFILE"
            .process.terminal: false
            .process.user.additionalGids: [2000]
            .process.user.gid: 1001
            .process.user.uid: 1000
            .root.path: "rootfs"
            .root.readonly: false
        "#]],
    );
}

#[test]
fn version_2_adds_a_namespace() {
    let both = [CgroupVersion::V1, CgroupVersion::V2].map(|version| {
        let namespaces = built(&request(), version)["linux"]["namespaces"].clone();
        namespaces
            .as_array()
            .unwrap()
            .iter()
            .any(|each| each["type"] == "cgroup")
    });
    assert_eq!(both, [false, true]);
    let mounts = built(&request(), CgroupVersion::V2)["mounts"].clone();
    let cgroups = |each: &&Value| each["destination"] == mounts::CGROUPS;
    let types: Vec<&Value> = mounts
        .as_array()
        .unwrap()
        .iter()
        .filter(cgroups)
        .map(|each| &each["type"])
        .collect();
    assert_eq!(types, ["cgroup"]);
}

#[test]
fn privileged_lifts_the_restrictions() {
    let mut request = request();
    request.spec.privileged = true;
    let specification = built(&request, CgroupVersion::V1);
    let linux = &specification["linux"];
    assert_eq!(filter(&request.spec, &host(CgroupVersion::V1)), Ok(None));
    assert_eq!(linux["maskedPaths"], json!([]));
    assert_eq!(
        linux["resources"]["devices"],
        json!([{ "allow": true, "access": "rwm" }])
    );
    let capabilities = &specification["process"]["capabilities"]["effective"];
    assert_eq!(capabilities.as_array().unwrap().len(), 41);
    assert!(specification["process"].get("noNewPrivileges").is_none());
}

#[test]
fn the_hosts_network_has_no_namespace_and_the_hosts_name() {
    let mut request = request();
    request.network.namespace = None;
    let specification = built(&request, CgroupVersion::V2);
    assert_eq!(specification["hostname"], "host");
    let namespaces = specification["linux"]["namespaces"].as_array().unwrap();
    assert!(namespaces.iter().all(|each| each["type"] != "network"));
}

#[track_caller]
fn check_arguments(
    image: (&[&str], &[&str]),
    entry_point: Option<&[&str]>,
    command: Option<&[&str]>,
    expected: &[&str],
) {
    let owned = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let mut spec = request().spec;
    (spec.entry_point, spec.command) = (entry_point.map(owned), command.map(owned));
    let image = ImageConfig {
        entrypoint: owned(image.0),
        cmd: owned(image.1),
        ..ImageConfig::default()
    };
    let arguments = process::arguments(&spec, &image).map_err(|failure| failure.detail);
    match expected {
        [] => assert!(arguments.unwrap_err().contains("set command or entryPoint")),
        words => assert_eq!(arguments.unwrap(), owned(words)),
    }
}

#[test]
fn a_new_entry_point_drops_the_images_command() {
    let image: (&[&str], &[&str]) = (&["entry"], &["cmd"]);
    check_arguments(image, None, None, &["entry", "cmd"]);
    check_arguments(image, None, Some(&["mine"]), &["entry", "mine"]);
    check_arguments(image, Some(&["mine"]), None, &["mine"]);
    check_arguments(image, Some(&["mine"]), Some(&["too"]), &["mine", "too"]);
    check_arguments(image, Some(&[]), Some(&[]), &["entry", "cmd"]);
    check_arguments((&[], &["cmd"]), None, None, &["cmd"]);
    check_arguments((&[], &[]), None, None, &[]);
}

#[test]
fn later_variables_win_in_place() {
    let mut request = request();
    request.image.env = ["A=image", "B=image", "PATH=/image", "A=again"]
        .map(str::to_owned)
        .into();
    let variable = |name: &str, value: &str| EnvironmentVariable {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    request.spec.environment = vec![variable("B", "mine=1"), variable("C", "")];
    request.spec.identity.hostname = Some("box".to_owned());
    let environment = process::environment(&request).unwrap();
    assert_eq!(
        environment,
        ["PATH=/image", "HOSTNAME=box", "A=again", "B=mine=1", "C="]
    );
}

#[track_caller]
fn check_refused(change: impl FnOnce(&mut ContainerSpec), part: &str) {
    let mut request = request();
    change(&mut request.spec);
    let failure = build(&request, &host(CgroupVersion::V1)).unwrap_err();
    assert_eq!(
        failure.name,
        model::container::FailureName::CannotCreateContainerError
    );
    assert!(failure.detail.contains(part), "{failure}");
}

#[test]
fn what_no_container_can_have_is_refused_with_its_name() {
    let variable = |name: &str, value: &str| {
        vec![EnvironmentVariable {
            name: name.to_owned(),
            value: value.to_owned(),
        }]
    };
    check_refused(
        |spec| spec.environment = variable("A=B", ""),
        "\"A=B\" cannot be used; rename it",
    );
    check_refused(
        |spec| spec.environment = variable("A", "\0"),
        "variable A contains a NUL",
    );
    check_refused(
        |spec| spec.command = Some(vec!["a\0".to_owned()]),
        "contains a NUL",
    );
    check_refused(
        |spec| spec.working_directory = Some("here".to_owned()),
        "start it with a slash",
    );
    check_refused(
        |spec| spec.capabilities_add = vec!["FLY".to_owned()],
        "capability FLY is not known",
    );
    let limit = |name: &str, soft, hard| {
        vec![Ulimit {
            name: name.to_owned(),
            soft,
            hard,
        }]
    };
    check_refused(
        |spec| spec.ulimits = limit("wings", 1, 1),
        "ulimit wings is not known",
    );
    check_refused(
        |spec| spec.ulimits = limit("nofile", 2, 1),
        "above its hard limit 1",
    );
}

#[track_caller]
fn check_capabilities(add: &[&str], drop: &[&str], expected: impl Fn(&mut Vec<&str>)) {
    let owned = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let mut spec = request().spec;
    (spec.capabilities_add, spec.capabilities_drop) = (owned(add), owned(drop));
    let mut actual = Capabilities::of(&spec, ALL_CAPABILITIES)
        .unwrap()
        .oci_names();
    actual.sort();
    let mut names = capabilities::DEFAULT.to_vec();
    expected(&mut names);
    names.sort_unstable();
    let names: Vec<String> = names.iter().map(|name| format!("CAP_{name}")).collect();
    assert_eq!(actual, names);
}

#[test]
fn capabilities_are_added_and_dropped() {
    check_capabilities(&[], &[], |_| {});
    check_capabilities(&["SYS_PTRACE", "cap_mknod"], &[], |names| {
        names.extend(["SYS_PTRACE", "MKNOD"])
    });
    check_capabilities(&[], &["NET_RAW"], |names| {
        names.retain(|name| *name != "NET_RAW")
    });
    check_capabilities(&[], &["ALL"], |names| names.clear());
    check_capabilities(&["KILL"], &["ALL"], |names| {
        names.retain(|name| *name == "KILL")
    });
    check_capabilities(&["KILL"], &["KILL"], |_| {});
}

#[test]
fn what_the_host_cannot_give_is_left_out() {
    let mut spec = request().spec;
    spec.privileged = true;
    assert_eq!(
        Capabilities::of(&spec, 0b101).unwrap().oci_names(),
        ["CAP_CHOWN", "CAP_DAC_READ_SEARCH"]
    );
}

#[track_caller]
fn check_call(add: &[&str], call: &str, expected: &str) {
    let mut spec = request().spec;
    spec.capabilities_add = add.iter().map(|word| (*word).to_owned()).collect();
    let filter = Filter::of(&Capabilities::of(&spec, ALL_CAPABILITIES).unwrap());
    let rules = filter
        .rules
        .iter()
        .filter(|rule| rule.calls.contains(&call));
    let answers: Vec<String> = rules
        .map(|rule| match rule.condition {
            Some(condition) => format!("{:?} if {condition:x?}", rule.answer),
            None => format!("{:?}", rule.answer),
        })
        .collect();
    assert_eq!(answers.join(", "), expected);
}

#[test]
fn system_calls_follow_the_capabilities() {
    check_call(&[], "openat", "Allow");
    check_call(&[], "mount", "");
    check_call(&[], "unshare", "");
    check_call(&[], "io_uring_setup", "");
    check_call(&[], "clone", "Allow if Lacks(7e020000)");
    check_call(&[], "clone3", "Error(38)");
    check_call(&[], "socket", "Allow if IsNot(28)");
    check_call(&["SYS_ADMIN"], "mount", "Allow");
    check_call(&["SYS_ADMIN"], "clone", "Allow");
    check_call(&["SYS_ADMIN"], "clone3", "Allow");
    check_call(&["SYS_TIME"], "clock_settime", "Allow");
}

#[test]
fn swap_is_limited_only_where_the_host_can() {
    let spec = request().spec;
    let facts = |limits_swap| CgroupFacts {
        version: CgroupVersion::V2,
        limits_swap,
    };
    let with = resources::resources(&spec, facts(true));
    assert_eq!(with["memory"]["swap"], with["memory"]["limit"]);
    assert!(
        resources::resources(&spec, facts(false))["memory"]
            .get("swap")
            .is_none()
    );
}

#[test]
fn a_container_without_cpu_gets_the_least_share() {
    let mut spec = request().spec;
    spec.cpu_units = 0;
    let facts = CgroupFacts {
        version: CgroupVersion::V1,
        limits_swap: false,
    };
    assert_eq!(resources::resources(&spec, facts)["cpu"]["shares"], 2);
}
