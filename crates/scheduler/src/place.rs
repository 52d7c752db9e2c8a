//! The public function: a host for each task of a request, or the reasons against.

use model::ContainerInstanceId;
use rand::Rng;
use rand::seq::IteratorRandom;

use crate::check::{Refusal, check};
use crate::{Demand, Fleet, Host, RequiredAttribute};

/// `count` equal tasks.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    pub pool: Pool<'a>,
    pub count: usize,
    pub demand: &'a Demand,
    pub attributes: &'a [RequiredAttribute<'a>],
}

/// Which hosts are looked at.
#[derive(Clone, Copy, Debug)]
pub enum Pool<'a> {
    /// Launch type EC2: hosts of the cluster that are not external.
    Ec2 { cluster: &'a str },
    /// Launch type EXTERNAL: external hosts of the cluster.
    External { cluster: &'a str },
    /// Launch type FARGATE: hosts that lend themselves to it, whatever their cluster.
    Fargate,
}

impl Pool<'_> {
    fn holds(self, host: &Host) -> bool {
        host.active
            && match self {
                Self::Ec2 { cluster } => host.cluster == cluster && !host.external,
                Self::External { cluster } => host.cluster == cluster && host.external,
                Self::Fargate => host.fargate,
            }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placements {
    /// One host per placed task, in order.
    pub placed: Vec<ContainerInstanceId>,
    /// Empty when all were placed. Else the verdict of each host on the first task that fitted nowhere.
    pub refusals: Vec<(ContainerInstanceId, Refusal)>,
    /// Hosts in the pool; 0 means that there was nothing to look at.
    pub examined: usize,
}

/// Places the tasks one after the other; each sees what the ones before took.
pub fn place(fleet: &Fleet, request: &Request<'_>, rng: &mut impl Rng) -> Placements {
    let mut ledger = fleet.clone();
    let pool: Vec<&Host> = fleet
        .hosts()
        .filter(|host| request.pool.holds(host))
        .collect();
    let mut result = Placements {
        examined: pool.len(),
        ..Placements::default()
    };
    for _ in 0..request.count {
        let verdicts = pool.iter().map(|host| {
            (
                host.id,
                check(&ledger, host, request.demand, request.attributes),
            )
        });
        let fitting = verdicts.clone().filter(|(_, verdict)| verdict.is_ok());
        let Some((chosen, _)) = fitting.choose(rng) else {
            result.refusals = verdicts
                .filter_map(|(id, verdict)| Some((id, verdict.err()?)))
                .collect();
            break;
        };
        ledger.take(&chosen, request.demand);
        result.placed.push(chosen);
    }
    result
}

#[cfg(test)]
pub(crate) mod tests {
    use expect_test::{Expect, expect};
    use imbl::OrdSet;
    use rand::SeedableRng;
    use rand_chacha::ChaCha12Rng;

    use super::*;

    pub(crate) fn host(id: u128, cpu_units: u32, memory_mib: u32) -> Host {
        Host {
            id: ContainerInstanceId::from_bits(id),
            cluster: "default".into(),
            active: true,
            agent_connected: true,
            external: false,
            fargate: true,
            cpu_units,
            memory_mib,
            reserved_tcp_ports: OrdSet::unit(22),
            reserved_udp_ports: OrdSet::new(),
            attributes: [("ecs.os-type".to_owned(), Some("linux".to_owned()))].into(),
        }
    }

    fn demand(cpu_units: u32, memory_mib: u32, tcp_ports: &[u16]) -> Demand {
        Demand {
            cpu_units,
            memory_mib,
            tcp_ports: tcp_ports.to_vec(),
            udp_ports: vec![],
        }
    }

    #[track_caller]
    fn check(hosts: Vec<Host>, pool: Pool<'_>, count: usize, demand: &Demand, expected: Expect) {
        check_with(hosts, pool, count, demand, &[], expected);
    }

    #[track_caller]
    fn check_with(
        hosts: Vec<Host>,
        pool: Pool<'_>,
        count: usize,
        demand: &Demand,
        attributes: &[RequiredAttribute<'_>],
        expected: Expect,
    ) {
        let mut fleet = Fleet::default();
        for host in hosts {
            fleet.register(host);
        }
        let request = Request {
            pool,
            count,
            demand,
            attributes,
        };
        let result = place(&fleet, &request, &mut ChaCha12Rng::seed_from_u64(1));
        let refusals: Vec<String> = result
            .refusals
            .iter()
            .map(|(_, why)| format!("{why} {why:?}"))
            .collect();
        let text = format!(
            "placed {} of {count}, examined {}\n{}",
            result.placed.len(),
            result.examined,
            refusals.join("\n")
        );
        expected.assert_eq(text.trim_end());
    }

    const DEFAULT: Pool<'static> = Pool::Ec2 { cluster: "default" };

    #[test]
    fn tasks_of_one_call_see_each_other() {
        check(
            vec![host(1, 1024, 1024)],
            DEFAULT,
            3,
            &demand(512, 100, &[]),
            expect![[r#"
                placed 2 of 3, examined 1
                RESOURCE:CPU Resource(Cpu { asked: 512, free: 0 })"#]],
        );
    }

    #[test]
    fn each_host_tells_the_first_check_it_failed() {
        check(
            vec![host(1, 100, 4096), host(2, 4096, 100)],
            DEFAULT,
            1,
            &demand(512, 512, &[]),
            expect![[r#"
                placed 0 of 1, examined 2
                RESOURCE:CPU Resource(Cpu { asked: 512, free: 100 })
                RESOURCE:MEMORY Resource(Memory { asked: 512, free: 100 })"#]],
        );
    }

    #[test]
    fn every_host_that_fits_is_chosen_sometimes_and_no_other() {
        let mut fleet = Fleet::default();
        for id in 1..=4 {
            fleet.register(host(id, if id == 4 { 100 } else { 4096 }, 4096));
        }
        let demand = demand(512, 1, &[]);
        let request = Request {
            pool: DEFAULT,
            count: 1,
            demand: &demand,
            attributes: &[],
        };
        let chosen =
            |seed| place(&fleet, &request, &mut ChaCha12Rng::seed_from_u64(seed)).placed[0];
        let all: OrdSet<ContainerInstanceId> = (0..100).map(chosen).collect();
        let expected: OrdSet<_> = (1..=3).map(ContainerInstanceId::from_bits).collect();
        assert_eq!(all, expected);
        assert_eq!(chosen(7), chosen(7));
    }

    #[test]
    fn a_host_port_is_held_once() {
        check(
            vec![host(1, 4096, 4096)],
            DEFAULT,
            2,
            &demand(0, 1, &[8080]),
            expect![[r#"
                placed 1 of 2, examined 1
                RESOURCE:PORTS Resource(Ports)"#]],
        );
        check(
            vec![host(1, 4096, 4096)],
            DEFAULT,
            1,
            &demand(0, 1, &[22]),
            expect![[r#"
                placed 0 of 1, examined 1
                RESOURCE:PORTS Resource(Ports)"#]],
        );
    }

    #[test]
    fn pools_differ_by_cluster_and_kind() {
        let external = Host {
            external: true,
            ..host(2, 4096, 4096)
        };
        let other = Host {
            cluster: "other".into(),
            ..host(3, 4096, 4096)
        };
        let hosts = vec![host(1, 1024, 4096), external, other];
        let one = demand(1024, 1, &[]);
        check(
            hosts.clone(),
            DEFAULT,
            2,
            &one,
            expect![[r#"
                placed 1 of 2, examined 1
                RESOURCE:CPU Resource(Cpu { asked: 1024, free: 0 })"#]],
        );
        let pool = Pool::External { cluster: "default" };
        check(
            hosts.clone(),
            pool,
            1,
            &one,
            expect!["placed 1 of 1, examined 1"],
        );
        check(
            hosts.clone(),
            Pool::Fargate,
            9,
            &one,
            expect!["placed 9 of 9, examined 3"],
        );
        let pool = Pool::Ec2 { cluster: "empty" };
        check(hosts, pool, 1, &one, expect!["placed 0 of 1, examined 0"]);
    }

    #[test]
    fn agents_and_attributes_are_checked_first() {
        let away = Host {
            agent_connected: false,
            ..host(1, 0, 0)
        };
        let wanted = [
            RequiredAttribute {
                name: "ecs.os-type",
                value: Some("linux"),
            },
            RequiredAttribute {
                name: "ecs.capability.task-eni",
                value: None,
            },
        ];
        check_with(
            vec![away, host(2, 0, 0)],
            DEFAULT,
            1,
            &demand(1, 1, &[]),
            &wanted,
            expect![[r#"
                placed 0 of 1, examined 2
                AGENT Agent
                ATTRIBUTE Attribute("ecs.capability.task-eni")"#]],
        );
    }
}
