//! What a container cannot do.

use crate::testbed::Testbed;

/// The default set: 13 capabilities, `MKNOD` not among them.
const DEFAULT_CAPABILITIES: &str = "00000000a00425fb";
const WITH_MKNOD: u64 = 1 << 27;

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_and_system_calls_are_restricted() {
    let bed = Testbed::new().await;
    let script = "grep -E '^(CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' /proc/self/status | sort; \
        unshare -U true 2>/dev/null && echo unshared; \
        mount -t tmpfs none /tmp 2>/dev/null && echo mounted; \
        mknod /tmp/kmsg c 1 11 2>/dev/null && echo node; \
        chroot / true && echo chroot";
    let expected = format!(
        "CapAmb:\t0000000000000000\nCapBnd:\t{0:016x}\nCapEff:\t{0:016x}\nNoNewPrivs:\t1\nSeccomp:\t2\nchroot",
        u64::from_str_radix(DEFAULT_CAPABILITIES, 16).unwrap() & !WITH_MKNOD,
    );
    assert_eq!(bed.output(&bed.shell(script)).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_added_capability_does_not_open_the_hosts_devices() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell("mknod /tmp/kmsg c 1 11 && (cat /tmp/kmsg 2>&1 | head -1)");
    spec.capabilities_add = vec!["MKNOD".to_owned()];
    spec.capabilities_drop = vec!["ALL".to_owned()];
    assert_eq!(
        bed.output(&spec).await,
        "cat: can't open '/tmp/kmsg': Operation not permitted"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_root_cannot_be_written() {
    let bed = Testbed::new().await;
    let mut spec =
        bed.shell("touch /x 2>&1; touch /etc/hosts 2>&1; touch /dev/shm/x && echo shm; exit 0");
    spec.readonly_root_filesystem = true;
    let expected =
        "touch: /x: Read-only file system\ntouch: /etc/hosts: Read-only file system\nshm";
    assert_eq!(bed.output(&spec).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_kernels_files_are_masked() {
    let bed = Testbed::new().await;
    // Not every kernel has each of them.
    let script = "for file in kcore keys timer_list sched_debug interrupts; do \
          test -e /proc/$file && wc -c < /proc/$file; \
        done | sort -u; \
        ls /sys/firmware | wc -l; \
        echo 1 2>/dev/null > /proc/sys/kernel/panic || echo read-only; \
        echo 1 2>/dev/null > /proc/sysrq-trigger || echo read-only; \
        for group in /sys/fs/cgroup /sys/fs/cgroup/*; do \
          test -e $group/cgroup.procs && mkdir $group/x 2>/dev/null && echo writable $group; \
        done; \
        test -e /sys/fs/cgroup/memory.max || cat /sys/fs/cgroup/memory/memory.limit_in_bytes; exit 0";
    let mut spec = bed.shell(script);
    spec.memory_mib = Some(64);
    let output = bed.output(&spec).await;
    // Version 1 shows the container its own limit in a folder for each controller.
    let output = output.strip_suffix("\n67108864").unwrap_or(&output);
    assert_eq!(output, "0\n0\nread-only\nread-only");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_own_processes_and_mounts_are_seen() {
    let bed = Testbed::new().await;
    let script = "echo $$; ls -d /proc/[0-9]* | wc -l; ls /proc/self/fd | wc -l; \
        grep -c longshore-host /proc/self/mountinfo; exit 0";
    let output = bed.output(&bed.shell(script)).await;
    let lines: Vec<&str> = output.lines().collect();
    // The shell, `ls`, and the other end of the pipe at most.
    assert_eq!(lines[0], "1");
    assert!(lines[1].parse::<u32>().unwrap() <= 3, "{output}");
    assert_eq!((lines[2], lines[3]), ("4", "0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn privileged_means_unconfined() {
    let bed = Testbed::new().await;
    let mut spec = bed.shell(
        "grep -E '^(Seccomp|NoNewPrivs):' /proc/self/status | sort; mount -t tmpfs none /tmp && echo mounted; \
         test -c /dev/kmsg && head -c 0 /dev/kmsg && echo device",
    );
    spec.privileged = true;
    let output = bed.output(&spec).await;
    assert_eq!(output, "NoNewPrivs:\t0\nSeccomp:\t0\nmounted\ndevice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_users_name_in_the_image_cannot_be_a_link_to_the_host() {
    let bed = Testbed::new().await;
    let root = bed.folder.path().join("root");
    std::fs::remove_file(root.join("etc/passwd")).unwrap();
    let outside = bed.folder.path().join("passwd");
    std::fs::write(&outside, "daemon:x:1:1::/:/bin/sh\n").unwrap();
    let link = format!("../../../../../../../..{}", outside.display());
    std::os::unix::fs::symlink(link, root.join("etc/passwd")).unwrap();
    let source = runtime::native::image::Source::Dir(&root);
    let name = "linked".parse().unwrap();
    bed.driver
        .images()
        .import(source, &name, Default::default())
        .unwrap();
    let mut spec = bed.shell("true");
    spec.image = "linked".to_owned();
    spec.user = Some("daemon".to_owned());
    let failure = bed.start(&spec).await.unwrap_err();
    assert!(
        failure.detail.contains("\"daemon\" is not in /etc/passwd"),
        "{failure}"
    );
}
