//! The capabilities of a container: a default set, changed by its definition.

use model::container::{ContainerSpec, Failure, FailureName};

/// Names without `CAP_`, in the kernel's order, each at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Capabilities(Vec<&'static str>);

impl Capabilities {
    /// The default set plus `capabilities_add` minus `capabilities_drop`; everything if privileged.
    ///
    /// `ALL` is understood in both lists. A capability in both lists is granted, as with the
    /// engines, unless `ALL` is added: then what is dropped stays dropped. What the host cannot
    /// give (`host`, one bit for each) is left out, as engines do.
    pub(crate) fn of(spec: &ContainerSpec, host: u64) -> Result<Self, Failure> {
        let given = KNOWN
            .iter()
            .enumerate()
            .filter(|(number, _)| host & (1 << number) != 0);
        let given = given.map(|(_, name)| name);
        if spec.privileged {
            return Ok(Self(given.copied().collect()));
        }
        let add = known(&spec.capabilities_add)?;
        let drop = known(&spec.capabilities_drop)?;
        let granted = |name: &&&'static str| match (&add, &drop) {
            (Named::All, Named::All) => true,
            (Named::All, Named::Some(drop)) => !drop.contains(name),
            (Named::Some(add), Named::All) => add.contains(name),
            (Named::Some(add), Named::Some(drop)) => {
                add.contains(name) || (DEFAULT.contains(name) && !drop.contains(name))
            }
        };
        Ok(Self(given.filter(granted).copied().collect()))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    /// With the prefix, as the OCI specification wants them.
    pub(crate) fn oci_names(&self) -> Vec<String> {
        self.0.iter().map(|name| format!("CAP_{name}")).collect()
    }
}

enum Named {
    All,
    Some(Vec<&'static str>),
}

fn known(names: &[String]) -> Result<Named, Failure> {
    let mut found = Vec::new();
    for name in names {
        let upper = name.to_ascii_uppercase();
        let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
        if bare == "ALL" {
            return Ok(Named::All);
        }
        match KNOWN.iter().find(|known| **known == bare) {
            Some(known) => found.push(*known),
            None => {
                return Err(Failure::new(
                    FailureName::CannotCreateContainerError,
                    format!(
                        "the capability {name} is not known; correct linuxParameters.capabilities"
                    ),
                ));
            }
        }
    }
    Ok(Named::Some(found))
}

/// What a container may do without being asked. The engines' default also has `MKNOD`: it is
/// left out as a second wall behind the device rules, and a definition can add it.
pub(crate) const DEFAULT: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Every capability, in the order of their numbers.
const KNOWN: [&str; 41] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "KILL",
    "SETGID",
    "SETUID",
    "SETPCAP",
    "LINUX_IMMUTABLE",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_ADMIN",
    "NET_RAW",
    "IPC_LOCK",
    "IPC_OWNER",
    "SYS_MODULE",
    "SYS_RAWIO",
    "SYS_CHROOT",
    "SYS_PTRACE",
    "SYS_PACCT",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_NICE",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "MKNOD",
    "LEASE",
    "AUDIT_WRITE",
    "AUDIT_CONTROL",
    "SETFCAP",
    "MAC_OVERRIDE",
    "MAC_ADMIN",
    "SYSLOG",
    "WAKE_ALARM",
    "BLOCK_SUSPEND",
    "AUDIT_READ",
    "PERFMON",
    "BPF",
    "CHECKPOINT_RESTORE",
];
