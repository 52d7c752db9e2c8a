//! What the native driver finds on this host, for a person to read. Looks only: nothing is
//! made or changed.

use std::io;
use std::path::Path;

use super::{NativeError, is_root, knows_overlay, loads_overlay, try_namespaces};
use crate::native::cgroup::Cgroups;
use crate::native::network::{Firewall, NetworkConfig, firewall};

/// The oldest Linux with all that the driver asks for: volatile overlays.
const OLDEST_KERNEL: (u32, u32) = (5, 10);

/// One thing that the driver needs of its host.
#[derive(Debug)]
pub struct Examined {
    /// In one or two words, like `cgroups`.
    pub subject: &'static str,
    pub outcome: Outcome,
}

impl Examined {
    fn new(subject: &'static str, outcome: Outcome) -> Self {
        Self { subject, outcome }
    }
}

/// How it stands. Every text is a sentence without its full stop.
#[derive(Debug)]
pub enum Outcome {
    /// As it should be.
    Works(String),
    /// Nobody but root can try it; what is known without.
    Untried(String),
    /// Tasks run, but something does not work, and what to change.
    Limited { found: String, remedy: String },
    /// Nothing runs.
    Missing(NativeError),
}

/// Everything, in the order in which a person would repair it.
pub fn examine() -> Vec<Examined> {
    vec![
        Examined::new("kernel", kernel()),
        Examined::new("root", root()),
        Examined::new("namespaces", namespaces()),
        Examined::new("cgroups", cgroups()),
        Examined::new("overlay", overlay()),
        Examined::new("nf_tables", nf_tables()),
    ]
}

fn kernel() -> Outcome {
    let system = rustix::system::uname();
    let text = |value: &std::ffi::CStr| value.to_string_lossy().into_owned();
    let (release, machine) = (text(system.release()), text(system.machine()));
    let found = format!("Linux {release} on {machine}");
    if version(&release).is_some_and(|version| version < OLDEST_KERNEL) {
        let (major, minor) = OLDEST_KERNEL;
        let remedy = format!("use Linux {major}.{minor} or later");
        return Outcome::Limited { found, remedy };
    }
    Outcome::Works(found)
}

/// The first two numbers of a release like `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(['.', '-']).map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn root() -> Outcome {
    if is_root() {
        Outcome::Works("this is root".to_owned())
    } else {
        Outcome::Missing(NativeError::NotRoot)
    }
}

fn namespaces() -> Outcome {
    if !is_root() {
        let known = Path::new("/proc/self/ns/net").exists();
        let word = if known { "knows" } else { "does not know" };
        return Outcome::Untried(format!("the kernel {word} them"));
    }
    match try_namespaces() {
        Ok(()) => Outcome::Works("mount, UTS, IPC and network can be made".to_owned()),
        Err(error) => Outcome::Missing(NativeError::Namespaces(error)),
    }
}

fn cgroups() -> Outcome {
    let Some(found) = Cgroups::find().ok().flatten() else {
        return Outcome::Missing(NativeError::NoCgroups);
    };
    let described = found.describe();
    if !is_root() {
        return Outcome::Untried(described);
    }
    if let Err((path, source)) = found.would_prepare() {
        let path = path.display().to_string();
        return Outcome::Missing(NativeError::Cgroups { path, source });
    }
    match found.missing().as_slice() {
        [] => Outcome::Works(format!("{described}; writable")),
        missing => Outcome::Limited {
            found: format!("{described}; tasks get no limits of {}", missing.join(", ")),
            remedy: "enable the controllers, on some machines with the kernel's parameters \
                     `cgroup_enable=memory` or `systemd.unified_cgroup_hierarchy=1`"
                .to_owned(),
        },
    }
}

fn overlay() -> Outcome {
    if knows_overlay() {
        return Outcome::Works("the kernel knows it".to_owned());
    }
    if !is_root() {
        return Outcome::Untried("the module overlay is not loaded yet".to_owned());
    }
    if loads_overlay() {
        return Outcome::Works("the kernel loads it when it is needed".to_owned());
    }
    Outcome::Missing(NativeError::NoOverlay)
}

fn nf_tables() -> Outcome {
    if !is_root() {
        return Outcome::Untried("rules are not told to everybody".to_owned());
    }
    match firewall(&format!("{}0", NetworkConfig::default().bridge)) {
        Err(error) => silent(&error),
        Ok(firewall) => of_firewall(firewall),
    }
}

/// A kernel that has nf_tables but does not let us use it is one outside of our container.
fn silent(error: &io::Error) -> Outcome {
    let remedy = match error.kind() {
        io::ErrorKind::PermissionDenied => "inside a container, give it the capability NET_ADMIN",
        _ => "modprobe -a nf_tables nft_chain_nat nft_fib_ipv4",
    };
    Outcome::Limited {
        found: format!(
            "the kernel does not answer ({error}); only the network modes host and none work"
        ),
        remedy: remedy.to_owned(),
    }
}

fn of_firewall(Firewall { docker, obstacles }: Firewall) -> Outcome {
    if let Some(found) = obstacles.first() {
        let (found, remedy) = found.split_once("; ").unwrap_or((found, ""));
        return Outcome::Limited {
            found: found.to_owned(),
            remedy: remedy.to_owned(),
        };
    }
    let dockers = "; Docker's chain DOCKER-USER is there, and tasks are let through it";
    Outcome::Works(format!(
        "the kernel answers, and no other firewall drops forwarded packets{}",
        if docker { dockers } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_read_by_their_first_two_numbers() {
        assert_eq!(version("6.1.0-18-amd64"), Some((6, 1)));
        assert_eq!(version("5.10-rc1"), Some((5, 10)));
        assert_eq!(version("unknown"), None);
    }

    #[track_caller]
    fn check(docker: bool, obstacles: &[&str], expected: &str) {
        let obstacles = obstacles.iter().map(|&text| text.to_owned()).collect();
        let outcome = of_firewall(Firewall { docker, obstacles });
        assert_eq!(format!("{outcome:?}"), expected);
    }

    #[test]
    fn what_drops_forwarded_packets_is_told_with_its_remedy() {
        check(
            true,
            &["chain a drops; accept b", "another; c"],
            r#"Limited { found: "chain a drops", remedy: "accept b" }"#,
        );
        check(
            false,
            &[],
            r#"Works("the kernel answers, and no other firewall drops forwarded packets")"#,
        );
        check(
            true,
            &[],
            "Works(\"the kernel answers, and no other firewall drops forwarded packets; Docker's \
             chain DOCKER-USER is there, and tasks are let through it\")",
        );
    }

    #[test]
    fn a_module_is_no_remedy_for_a_missing_right() {
        let remedy = |number| format!("{:?}", silent(&io::Error::from_raw_os_error(number)));
        assert!(remedy(nix::libc::EPERM).contains("capability NET_ADMIN"));
        assert!(remedy(nix::libc::EOPNOTSUPP).contains("modprobe -a"));
    }

    #[test]
    fn every_subject_is_looked_at_once() {
        let subjects: Vec<&str> = examine().iter().map(|one| one.subject).collect();
        let expected = [
            "kernel",
            "root",
            "namespaces",
            "cgroups",
            "overlay",
            "nf_tables",
        ];
        assert_eq!(subjects, expected);
    }
}
