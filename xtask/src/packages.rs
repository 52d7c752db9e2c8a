//! Debian's packages that build, tests and demo need: installed when missing.

use std::process::Stdio;

use crate::{say, shell};

/// Package, and what for.
const NEEDED: [(&str, &str); 11] = [
    ("busybox-static", "the image of demo and tests"),
    (
        "docker.io",
        "tests of the docker driver start an engine of their own",
    ),
    ("iproute2", "tests look at interfaces and namespaces"),
    (
        "libelf-dev",
        "linked statically, for device rules of cgroup v2",
    ),
    (
        "libseccomp-dev",
        "linked statically, for system call filters",
    ),
    ("make", "builds libbpf"),
    ("nftables", "tests read the rules"),
    ("openssl", "certificates of an engine behind TLS"),
    ("pkg-config", "finds the libraries"),
    (
        "python3-venv",
        "boto3 and the AWS CLI get an environment of their own",
    ),
    ("zlib1g-dev", "linked statically, under libelf"),
];

/// What `cargo xtask powerloss` needs besides.
const OF_GUESTS: [(&str, &str); 3] = [
    ("e2fsprogs", "makes the disk of a guest"),
    ("iproute2", "brings a guest's loopback interface up"),
    (
        "user-mode-linux",
        "a kernel that runs as a program: the guest",
    ),
];

/// Installs what build, tests and demo miss. Without dpkg only says what is needed.
pub(crate) fn ensure() -> anyhow::Result<()> {
    ensure_all(&NEEDED)
}

/// The same for machines that lose their power.
pub(crate) fn ensure_guests() -> anyhow::Result<()> {
    ensure_all(&OF_GUESTS)
}

fn ensure_all(needed: &[(&str, &str)]) -> anyhow::Result<()> {
    if !shell::exists("dpkg-query") {
        say("not a Debian or Ubuntu system: these packages are needed under whatever name");
        for (package, purpose) in needed {
            say(&format!("  {package}: {purpose}"));
        }
        return Ok(());
    }
    let missing: Vec<&str> = needed
        .iter()
        .map(|(package, _)| *package)
        .filter(|package| !is_installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    install(&missing)
}

/// Brings packages from Debian's archive, as root.
pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    say(&format!("installing {}", packages.join(" ")));
    let apt = || -> anyhow::Result<_> {
        let mut apt = shell::root_command("env")?;
        apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet"]);
        Ok(apt)
    };
    shell::check(apt()?.arg("update"))?;
    let options = ["--yes", "--no-install-recommends", "install"];
    shell::check(apt()?.args(options).args(packages))
}

fn is_installed(package: &str) -> bool {
    shell::command("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|done| done.status.success() && done.stdout == b"installed")
}
