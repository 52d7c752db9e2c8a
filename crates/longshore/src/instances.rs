//! `[[instance]]` of the configuration: the container instances that this server hosts.

use std::collections::{BTreeMap, BTreeSet};

use control::hosting::{self, HostedInstance, LocalMachine};
use control::identifier::{DEFAULT_CLUSTER, is_name};
use control::record::instance::Agent;
use serde::{Deserialize, Serialize};

/// Instances of one entry at most; each is a row of the store.
const COUNT_MAX: u32 = 100_000;
/// GPUs of one instance at most.
const GPUS_MAX: u32 = 64;

/// One entry; with `count` it stands for that many equal instances.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct InstanceConfig {
    /// Keeps the instance's id over restarts. With `count`: `NAME-1` to `NAME-COUNT`.
    pub(crate) name: String,
    /// 1024 per core.
    pub(crate) cpu: u32,
    /// MiB.
    pub(crate) memory: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cluster: Option<String>,
    /// The Availability Zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(crate) gpus: u32,
    /// How many awsvpc tasks it can hold; without a number as many as fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_interfaces: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) capacity_provider: Option<String>,
    /// What runs its containers; that of the server if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) driver: Option<InstanceDriver>,
    /// Whether FARGATE tasks may take from it; those of the server's own driver do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fargate: Option<bool>,
    /// Names and values; an empty value stands for an attribute without one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) attributes: BTreeMap<String, String>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum InstanceDriver {
    /// Real containers: a part of this machine.
    Native,
    /// Containers that behave as their script says: any size.
    Scripted,
}

impl InstanceConfig {
    fn names(&self) -> impl Iterator<Item = String> + '_ {
        let numbered = self.count.is_some();
        (1..=self.count.unwrap_or(1)).map(move |number| {
            if numbered {
                format!("{}-{number}", self.name)
            } else {
                self.name.clone()
            }
        })
    }

    fn cluster(&self) -> &str {
        self.cluster.as_deref().unwrap_or(DEFAULT_CLUSTER)
    }

    fn attributes(&self) -> Vec<(String, Option<String>)> {
        let pair = |(name, value): (&String, &String)| {
            (
                name.clone(),
                Some(value.clone()).filter(|value| !value.is_empty()),
            )
        };
        self.attributes.iter().map(pair).collect()
    }

    fn problem(&self) -> Option<String> {
        let zone_like = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        let zone = self.zone.as_deref().unwrap_or("a");
        let count = self.count.unwrap_or(1);
        if !hosting::is_instance_name(&self.name) {
            Some(
                "its name must be 1 to 100 letters, digits, hyphens, underscores or periods".into(),
            )
        } else if self.cpu == 0 || self.memory == 0 {
            Some("its cpu (1024 per core) and memory (MiB) must be at least 1".into())
        } else if self.cpu > i32::MAX as u32 || self.memory > i32::MAX as u32 {
            Some(format!("its cpu and memory must be at most {}", i32::MAX))
        } else if !(1..=COUNT_MAX).contains(&count) {
            Some(format!(
                "its count must be between 1 and {COUNT_MAX}, but is {count}"
            ))
        } else if self.gpus > GPUS_MAX {
            Some(format!(
                "it can have at most {GPUS_MAX} gpus, but has {}",
                self.gpus
            ))
        } else if zone.is_empty() || zone.len() > 64 || !zone.bytes().all(zone_like) {
            Some(format!(
                "its zone must be letters, digits and hyphens, but is '{zone}'"
            ))
        } else if !is_name(self.cluster()) {
            Some(format!("'{}' is no name of a cluster", self.cluster()))
        } else if self
            .capacity_provider
            .as_deref()
            .is_some_and(|name| !is_name(name))
        {
            Some("its capacity-provider must be 1 to 255 letters, digits, - and _".into())
        } else {
            hosting::attribute_problem(&self.attributes())
        }
    }
}

/// Why these entries cannot be used, with the entry that is wrong.
pub(crate) fn problem(entries: &[InstanceConfig]) -> Option<String> {
    let mut seen = BTreeSet::new();
    for entry in entries {
        if let Some(problem) = entry.problem() {
            return Some(format!("instance '{}': {problem}", entry.name));
        }
        let twice = entry
            .names()
            .find(|name| !seen.insert((entry.cluster(), name.clone())));
        if let Some(name) = twice {
            return Some(format!("instance '{name}': there are two of this name"));
        }
    }
    None
}

/// Do all of them do without real containers?
pub(crate) fn all_scripted(entries: &[InstanceConfig]) -> bool {
    let scripted = |entry: &InstanceConfig| entry.driver == Some(InstanceDriver::Scripted);
    !entries.is_empty() && entries.iter().all(scripted)
}

/// Do some of them need the scripted driver beside the server's own?
pub(crate) fn any_scripted(entries: &[InstanceConfig]) -> bool {
    let mut entries = entries.iter();
    entries.any(|entry| entry.driver == Some(InstanceDriver::Scripted))
}

/// The instances to register: those declared, or the machine as a whole. `scripted` says that
/// the server's own driver is. The text of an error names what does not fit.
pub(crate) fn hosted(
    entries: &[InstanceConfig],
    machine: &LocalMachine,
    scripted: bool,
) -> Result<Vec<HostedInstance>, String> {
    if entries.is_empty() {
        return Ok(vec![HostedInstance::whole(machine)]);
    }
    let native = |entry: &&InstanceConfig| match entry.driver {
        Some(driver) => driver == InstanceDriver::Native,
        None => !scripted,
    };
    let carved: Vec<_> = entries.iter().filter(native).collect();
    if let Some(entry) = carved.iter().find(|_| scripted) {
        return Err(format!(
            "instance '{}' wants the native driver, but the server runs with the scripted one: \
             leave its driver out, or start with --driver native",
            entry.name
        ));
    }
    check_carved(&carved, machine)?;
    let instances = entries.iter().flat_map(|entry| {
        let beside = !scripted && !native(&entry);
        let agent = if beside {
            Agent::Scripted
        } else {
            Agent::Local
        };
        entry.names().map(move |name| instance(entry, name, agent))
    });
    Ok(instances.collect())
}

/// Together the carved instances take no more than the machine has.
fn check_carved(carved: &[&InstanceConfig], machine: &LocalMachine) -> Result<(), String> {
    if let Some(entry) = carved.iter().find(|entry| entry.gpus > 0) {
        return Err(format!(
            "instance '{}': the native driver has no GPUs to give; declare gpus with \
             driver = \"scripted\" only",
            entry.name
        ));
    }
    let sum = |of: fn(&InstanceConfig) -> u32| -> u64 {
        let each =
            |entry: &&InstanceConfig| u64::from(of(entry)) * u64::from(entry.count.unwrap_or(1));
        carved.iter().map(each).sum()
    };
    let sums = [
        ("CPU units", sum(|entry| entry.cpu), machine.cpu_units),
        (
            "MiB of memory",
            sum(|entry| entry.memory),
            machine.memory_mib,
        ),
    ];
    for (what, asked, there) in sums {
        if asked > u64::from(there) {
            return Err(format!(
                "the instances in the configuration need {asked} {what} together, but this \
                 machine has {there}: make them smaller or fewer, or give them \
                 driver = \"scripted\""
            ));
        }
    }
    Ok(())
}

fn instance(entry: &InstanceConfig, name: String, agent: Agent) -> HostedInstance {
    HostedInstance {
        gpus: (0..entry.gpus)
            .map(|number| format!("GPU-{name}-{number}"))
            .collect(),
        name: Some(name),
        cluster: entry.cluster().to_owned(),
        agent,
        cpu_units: entry.cpu,
        memory_mib: entry.memory,
        network_interfaces: entry.network_interfaces,
        zone: entry.zone.clone(),
        attributes: entry.attributes(),
        capacity_provider: entry.capacity_provider.clone(),
        fargate: entry.fargate.unwrap_or(agent == Agent::Local),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct File {
        instance: Vec<InstanceConfig>,
    }

    fn entries(text: &str) -> Vec<InstanceConfig> {
        toml::from_str::<File>(text).unwrap().instance
    }

    fn entry(more: &str) -> Vec<InstanceConfig> {
        entries(&format!(
            "[[instance]]\nname = 'a'\ncpu = 1024\nmemory = 1024\n{more}\n"
        ))
    }

    fn machine() -> LocalMachine {
        LocalMachine {
            cpu_units: 2048,
            memory_mib: 4096,
            architecture: "x86_64".to_owned(),
            reserved_tcp_ports: Vec::new(),
            agent_version: "1.0.0".to_owned(),
        }
    }

    #[track_caller]
    fn check(entries: &[InstanceConfig], scripted: bool, expected: Result<&[&str], &str>) {
        let found = match problem(entries) {
            Some(problem) => Err(problem),
            None => hosted(entries, &machine(), scripted),
        };
        let found = found.map(|all| {
            let shown = |one: HostedInstance| {
                let name = one.name.unwrap_or_default();
                format!("{name} {:?} {} {}", one.agent, one.cpu_units, one.fargate)
            };
            all.into_iter().map(shown).collect::<Vec<_>>()
        });
        let expected = expected.map(|all| all.iter().map(|one| (*one).to_owned()).collect());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn without_entries_there_is_the_machine_as_a_whole() {
        check(&[], false, Ok(&[" Local 2048 true"]));
    }

    #[test]
    fn entries_become_instances_of_the_agent_that_runs_them() {
        check(&entry(""), false, Ok(&["a Local 1024 true"]));
        check(&entry(""), true, Ok(&["a Local 1024 true"]));
        let beside = entry("driver = 'scripted'");
        check(&beside, false, Ok(&["a Scripted 1024 false"]));
        check(&beside, true, Ok(&["a Local 1024 true"]));
        check(&entry("fargate = false"), true, Ok(&["a Local 1024 false"]));
        check(
            &entry("count = 2"),
            false,
            Ok(&["a-1 Local 1024 true", "a-2 Local 1024 true"]),
        );
    }

    #[test]
    fn the_machine_cannot_be_carved_into_more_than_it_has() {
        check(
            &entry("count = 3"),
            false,
            Err(
                "the instances in the configuration need 3072 CPU units together, but this \
                 machine has 2048: make them smaller or fewer, or give them driver = \"scripted\"",
            ),
        );
        let large = entries("[[instance]]\nname = 'b'\ncpu = 1\nmemory = 4097\n");
        check(
            &large,
            false,
            Err(
                "the instances in the configuration need 4097 MiB of memory together, but this \
                 machine has 4096: make them smaller or fewer, or give them driver = \"scripted\"",
            ),
        );
        check(
            &entry("gpus = 1"),
            false,
            Err(
                "instance 'a': the native driver has no GPUs to give; declare gpus with \
                 driver = \"scripted\" only",
            ),
        );
        check(
            &entry("driver = 'native'"),
            true,
            Err(
                "instance 'a' wants the native driver, but the server runs with the scripted \
                 one: leave its driver out, or start with --driver native",
            ),
        );
        check(
            &entry("count = 1000\ndriver = 'scripted'")[..0],
            false,
            Ok(&[" Local 2048 true"]),
        );
    }

    #[test]
    fn bad_entries_are_named() {
        let bad = |more: &str, expected: &str| {
            check(
                &entry(more),
                true,
                Err(&format!("instance 'a': {expected}")),
            );
        };
        bad(
            "count = 0",
            "its count must be between 1 and 100000, but is 0",
        );
        bad(
            "count = 100001",
            "its count must be between 1 and 100000, but is 100001",
        );
        bad("gpus = 65", "it can have at most 64 gpus, but has 65");
        bad(
            "zone = 'a b'",
            "its zone must be letters, digits and hyphens, but is 'a b'",
        );
        bad("cluster = 'a b'", "'a b' is no name of a cluster");
        bad(
            "capacity-provider = ''",
            "its capacity-provider must be 1 to 255 letters, digits, - and _",
        );
        bad(
            "attributes = { 'ecs.os-type' = 'moon' }",
            "Attribute ecs.os-type is set when the instance registers. Names that begin with \
             ecs., com.amazonaws.ecs., longshore. are reserved.",
        );
        let twice = [
            entry("count = 2"),
            entries("[[instance]]\nname='a-2'\ncpu=1\nmemory=1\n"),
        ];
        check(
            &twice.concat(),
            true,
            Err("instance 'a-2': there are two of this name"),
        );
        check(
            &entries("[[instance]]\nname = 'ä'\ncpu = 1\nmemory = 1\n"),
            true,
            Err(
                "instance 'ä': its name must be 1 to 100 letters, digits, hyphens, underscores \
                 or periods",
            ),
        );
        check(
            &entries("[[instance]]\nname = 'a'\ncpu = 0\nmemory = 1\n"),
            true,
            Err("instance 'a': its cpu (1024 per core) and memory (MiB) must be at least 1"),
        );
    }
}
