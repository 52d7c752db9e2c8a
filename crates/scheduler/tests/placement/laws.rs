//! Laws that hold for every fleet and request, over random histories of a fleet.

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{ContainerInstanceId, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use scheduler::{
    Attributes, BinpackBy, Constraint, Demand, Fleet, Free, Host, Placed, RankValue, Request,
    SpreadBy, Strategy as Rule, explain, place, place_by_scan, survey,
};

use crate::notation::{Asked, ZONE, host, member_of, rng};

/// One thing that happens to a fleet.
#[derive(Clone, Debug)]
enum Step {
    Run(Box<Asked>),
    Stop(Index),
    Register(Box<Host>),
    Remove(Index),
    SetRunning(Index, u32),
}

/// A task that runs.
#[derive(Clone, Debug)]
struct Held {
    host: ContainerInstanceId,
    demand: Demand,
    gpus: Vec<String>,
    group: String,
}

/// A fleet and what runs on it.
#[derive(Clone, Debug, Default)]
struct World {
    fleet: Fleet,
    held: Vec<Held>,
}

const EXPRESSIONS: [&str; 8] = [
    "attribute:ecs.availability-zone in [a, b]",
    "not(attribute:ecs.availability-zone == c)",
    "attribute:rack exists",
    "task:group == g",
    "not(task:group == h)",
    "runningTasksCount < 2",
    "attribute:rack == r1 or runningTasksCount > 0",
    "agentVersion >= 1.2.3 and ec2InstanceId != i-1",
];

fn any_host() -> impl Strategy<Value = Host> {
    let size = (0..9u32, 0..9u32, 0..3usize, proptest::option::of(0..4u32));
    let place = (
        select(vec!["a", "b", "c", ""]),
        proptest::option::of(select(vec!["r1", "r2"])),
        select(vec![None, None, Some("p"), Some("q")]),
        select(vec!["default", "default", "default", "other"]),
    );
    let flags = (
        proptest::bool::weighted(0.9),
        proptest::bool::weighted(0.9),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.3),
        subsequence(vec![22u16, 80, 443], 0..3),
    );
    (0..12u128, size, place, flags).prop_map(|(id, size, place, flags)| {
        let (cpu, memory, gpus, slots) = size;
        let (zone, rack, provider, cluster) = place;
        let (active, agent_connected, external, fargate, ports) = flags;
        let mut attributes = Attributes::new();
        if !zone.is_empty() {
            attributes.insert(ZONE.to_owned(), Some(zone.to_owned()));
        }
        if let Some(rack) = rack {
            attributes.insert("rack".to_owned(), Some(rack.to_owned()));
        }
        Host {
            cluster: cluster.to_owned(),
            active,
            agent_connected,
            external,
            fargate,
            gpus: (0..gpus).map(|number| format!("gpu{number}")).collect(),
            network_interfaces: slots,
            reserved_tcp_ports: ports.into_iter().collect(),
            attributes: Arc::new(attributes),
            capacity_provider: provider.map(str::to_owned),
            ec2_instance_id: Some(format!("i-{id}")),
            agent_version: "1.2.3".to_owned(),
            registered_at: Timestamp::from_millis(id as i64),
            ..host(ContainerInstanceId::from_bits(id), cpu * 256, memory * 256)
        }
    })
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let rule = select(vec![
        Rule::Random,
        Rule::Spread(SpreadBy::InstanceId),
        Rule::Spread(SpreadBy::Attribute(ZONE.to_owned())),
        Rule::Spread(SpreadBy::Attribute("rack".to_owned())),
        Rule::Binpack(BinpackBy::Cpu),
        Rule::Binpack(BinpackBy::Memory),
    ]);
    proptest::collection::vec(rule, 0..=5)
}

fn any_constraints() -> impl Strategy<Value = Vec<Constraint>> {
    let one = prop_oneof![
        3 => select(EXPRESSIONS.to_vec()).prop_map(member_of),
        1 => Just(Constraint::DistinctInstance),
    ];
    prop_oneof![
        2 => Just(Vec::new()),
        1 => proptest::collection::vec(one, 1..=3),
    ]
}

fn any_asked() -> impl Strategy<Value = Asked> {
    let demand = (
        0..5u32,
        0..5u32,
        prop_oneof![4 => Just(Vec::new()), 1 => subsequence(vec![80u16, 443, 53], 0..3)],
        prop_oneof![4 => Just(Vec::new()), 1 => Just(vec![53u16])],
        prop_oneof![4 => Just(0u32), 1 => 1..3u32],
        0..2u32,
    );
    let pool = select(vec![0, 0, 0, 1, 2, 3]);
    let rest = (
        1..6usize,
        select(vec!["g", "h", "k"]),
        prop_oneof![
            3 => Just(Vec::new()),
            1 => subsequence(vec!["a".to_owned(), "b".to_owned()], 1..=2),
        ],
        proptest::bool::weighted(0.2),
    );
    (demand, pool, rest, any_constraints(), any_rules()).prop_map(
        |(demand, pool, (count, group, zones, needs), constraints, strategies)| {
            let (cpu, memory, tcp_ports, udp_ports, gpus, network_interfaces) = demand;
            Asked {
                provider: (pool == 1).then(|| "p".to_owned()),
                external: pool == 2,
                fargate: pool == 3,
                count,
                demand: Demand {
                    cpu_units: cpu * 256,
                    memory_mib: memory * 256,
                    tcp_ports,
                    udp_ports,
                    gpus,
                    network_interfaces,
                },
                needs: if needs {
                    vec!["rack".to_owned()]
                } else {
                    vec![]
                },
                group: group.to_owned(),
                zones,
                constraints,
                strategies,
                ..Asked::new(0, 0)
            }
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => any_asked().prop_map(|asked| Step::Run(Box::new(asked))),
        3 => any::<Index>().prop_map(Step::Stop),
        2 => any_host().prop_map(|host| Step::Register(Box::new(host))),
        1 => any::<Index>().prop_map(Step::Remove),
        1 => (any::<Index>(), 0..4u32).prop_map(|(at, count)| Step::SetRunning(at, count)),
    ]
}

fn any_world() -> impl Strategy<Value = World> {
    let hosts = proptest::collection::vec(any_host(), 1..12);
    let steps = proptest::collection::vec(any_step(), 0..25);
    (hosts, steps).prop_map(|(hosts, steps)| {
        let mut world = World::default();
        for host in hosts {
            world.fleet.register(host);
        }
        for (seed, step) in steps.iter().enumerate() {
            world.take(step, seed as u64);
        }
        world
    })
}

impl World {
    fn take(&mut self, step: &Step, seed: u64) {
        match step {
            Step::Run(asked) => {
                self.run(asked, seed);
            }
            Step::Stop(at) if !self.held.is_empty() => {
                let at = at.index(self.held.len());
                self.stop(at);
            }
            Step::Stop(_) => {}
            Step::Register(host) => self.fleet.register(Host::clone(host)),
            Step::Remove(at) => {
                if let Some(id) = self.host(at) {
                    self.fleet.remove(&id);
                    self.held.retain(|held| held.host != id);
                }
            }
            Step::SetRunning(at, count) => {
                if let Some(id) = self.host(at) {
                    self.fleet.set_running(&id, *count);
                }
            }
        }
    }

    fn host(&self, at: &Index) -> Option<ContainerInstanceId> {
        let ids: Vec<_> = self.fleet.hosts().map(|host| host.id).collect();
        (!ids.is_empty()).then(|| *at.get(&ids))
    }

    fn run(&mut self, asked: &Asked, seed: u64) -> Vec<Placed> {
        let placed = asked.with(|request| place(&self.fleet, request, &mut rng(seed)).placed);
        for one in &placed {
            self.hold(asked, one);
        }
        placed
    }

    fn hold(&mut self, asked: &Asked, placed: &Placed) {
        let (gpus, group) = (placed.gpu_ids.clone(), asked.group.clone());
        self.fleet.take(&placed.host, &asked.demand, &gpus, &group);
        let (host, demand) = (placed.host, asked.demand.clone());
        self.held.push(Held {
            host,
            demand,
            gpus,
            group,
        });
    }

    fn stop(&mut self, at: usize) {
        let Held {
            host,
            demand,
            gpus,
            group,
        } = self.held.swap_remove(at);
        self.fleet.give_back(&host, &demand, &gpus, &group);
    }

    fn free(&self) -> Vec<(ContainerInstanceId, Free)> {
        let hosts = self.fleet.hosts();
        hosts
            .map(|host| (host.id, self.fleet.free(&host.id).unwrap()))
            .collect()
    }

    /// What tasks hold of `host`, summed up from the tasks themselves.
    fn held_of(&self, host: ContainerInstanceId) -> Demand {
        let mut sum = Demand::default();
        for held in self.held.iter().filter(|held| held.host == host) {
            sum.cpu_units += held.demand.cpu_units;
            sum.memory_mib += held.demand.memory_mib;
            sum.gpus += held.demand.gpus;
            sum.network_interfaces += held.demand.network_interfaces;
            sum.tcp_ports.extend(&held.demand.tcp_ports);
            sum.udp_ports.extend(&held.demand.udp_ports);
        }
        sum
    }
}

fn has_twice(ports: &[u16]) -> bool {
    let mut ports = ports.to_vec();
    ports.sort_unstable();
    ports.windows(2).any(|pair| pair[0] == pair[1])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A placement never gives more than there is, and holds each port and device once.
    #[test]
    fn nothing_is_over_committed(mut world in any_world(), asked in any_asked(), seed in 0..99u64) {
        for placed in world.run(&asked, seed) {
            let host = world.fleet.host(&placed.host).unwrap();
            let held = world.held_of(placed.host);
            prop_assert!(asked.demand.cpu_units == 0 || held.cpu_units <= host.cpu_units);
            prop_assert!(asked.demand.memory_mib == 0 || held.memory_mib <= host.memory_mib);
            if let (Some(slots), 1..) = (host.network_interfaces, asked.demand.network_interfaces) {
                prop_assert!(held.network_interfaces <= slots);
            }
            for port in &asked.demand.tcp_ports {
                prop_assert!(!host.reserved_tcp_ports.contains(port));
            }
            prop_assert!(!has_twice(&held.tcp_ports) && !has_twice(&held.udp_ports));
            prop_assert_eq!(placed.gpu_ids.len(), asked.demand.gpus as usize);
            let mut devices: Vec<&String> = Vec::new();
            for held in world.held.iter().filter(|held| held.host == placed.host) {
                devices.extend(&held.gpus);
            }
            let count = devices.len();
            devices.sort();
            devices.dedup();
            prop_assert_eq!(devices.len(), count);
        }
    }

    /// Hosts are of the pool, have what is required, and satisfy every constraint at the moment
    /// of the placement.
    #[test]
    fn no_rule_is_broken(mut world in any_world(), asked in any_asked(), seed in 0..99u64) {
        let mut one = asked.clone();
        one.count = 1;
        for _ in 0..asked.count {
            let before = world.clone();
            for placed in world.run(&one, seed) {
                let host = before.fleet.host(&placed.host).unwrap();
                prop_assert!(host.active && host.agent_connected);
                prop_assert!(asked.fargate || host.cluster == asked.cluster);
                prop_assert!(!asked.fargate || host.fargate);
                prop_assert!(asked.provider.is_none() || host.capacity_provider == asked.provider);
                prop_assert!(asked.needs.is_empty() || host.attributes.contains_key("rack"));
                let zone = host.attributes.get(ZONE).cloned().flatten();
                prop_assert!(asked.zones.is_empty() || asked.zones.contains(&zone.unwrap()));
                for constraint in &asked.constraints {
                    prop_assert!(holds(constraint, &before, host, &asked.group), "{:?}", constraint);
                }
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_placement(
        world in any_world(), asked in any_asked(), seed in 0..99u64,
    ) {
        asked.with(|request| {
            let first = place(&world.fleet, request, &mut rng(seed));
            let second = place(&world.fleet.clone(), request, &mut rng(seed));
            prop_assert_eq!(first, second);
            Ok(())
        })?;
    }

    /// Stopping everything, in any order, leaves the ledger as it was before anything ran.
    #[test]
    fn stopping_everything_restores_the_ledger(
        hosts in proptest::collection::vec(any_host(), 1..12),
        runs in proptest::collection::vec(any_asked(), 1..12),
        order in proptest::collection::vec(any::<Index>(), 100),
        asked in any_asked(),
    ) {
        let mut world = World::default();
        for host in hosts {
            world.fleet.register(host);
        }
        let before = (world.free(), asked.with(|request| place(&world.fleet, request, &mut rng(1))));
        for (seed, run) in runs.iter().enumerate() {
            world.run(run, seed as u64);
        }
        for at in order {
            if !world.held.is_empty() {
                world.stop(at.index(world.held.len()));
            }
        }
        let after = (world.free(), asked.with(|request| place(&world.fleet, request, &mut rng(1))));
        prop_assert_eq!(before, after);
    }

    /// Zones that all have room differ by at most one task.
    #[test]
    fn spread_is_balanced_within_one(
        zones in proptest::collection::vec(0..3usize, 3..20),
        count in 1..30usize,
        then in any_rules(),
        seed in 0..99u64,
    ) {
        let mut world = World::default();
        for (number, zone) in zones.iter().enumerate() {
            let zone = Some(["a", "b", "c"][*zone].to_owned());
            let attributes = Attributes::from([(ZONE.to_owned(), zone)]);
            let id = ContainerInstanceId::from_bits(number as u128);
            world.fleet.register(Host { attributes: Arc::new(attributes), ..host(id, 99, 99) });
        }
        let mut asked = Asked::new(1, 1);
        asked.count = count;
        asked.strategies = vec![Rule::Spread(SpreadBy::Attribute(ZONE.to_owned()))];
        asked.strategies.extend(then.into_iter().take(4));
        let placed = world.run(&asked, seed);
        prop_assert_eq!(placed.len(), count);
        let mut tasks: BTreeMap<usize, usize> = zones.iter().map(|zone| (*zone, 0)).collect();
        for one in placed {
            let number = usize::from_str_radix(&one.host.to_string(), 16).unwrap();
            *tasks.get_mut(&zones[number]).unwrap() += 1;
        }
        let (least, most) = (tasks.values().min().unwrap(), tasks.values().max().unwrap());
        prop_assert!(most - least <= 1, "{:?}", tasks);
    }

    /// No host that fits has less left than the one that binpack chose.
    #[test]
    fn binpack_leaves_the_least(world in any_world(), mut asked in any_asked(), seed in 0..99u64) {
        asked.count = 1;
        asked.strategies = vec![Rule::Binpack(BinpackBy::Memory)];
        asked.with(|request| {
            let memory = |id| world.fleet.free(&id).unwrap().memory_mib;
            let placements = place(&world.fleet, request, &mut rng(seed));
            let Some(placed) = placements.placed.first() else {
                return Ok(());
            };
            let explained = scheduler::explain(&world.fleet, request, &mut rng(seed));
            for examined in explained.hosts.iter().filter(|host| host.refusals.is_empty()) {
                prop_assert!(memory(examined.host) >= memory(placed.host));
            }
            Ok(())
        })?;
    }

    /// The indexes find what looking at every host finds: who fits, who refuses and why, and how
    /// good the chosen host is. Only between equals may chance choose differently.
    #[test]
    fn the_indexes_agree_with_the_scan(
        mut world in any_world(),
        mut asked in any_asked(),
        seed in 0..99u64,
    ) {
        let count = asked.count;
        asked.count = 1;
        for _ in 0..count {
            agree(&mut world, &asked, seed);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The same with so many hosts that the shelves have several levels.
    #[test]
    fn the_indexes_of_large_fleets_agree_with_the_scan(
        hosts in proptest::collection::vec(any_host(), 400),
        runs in proptest::collection::vec(any_asked(), 20),
        then in proptest::collection::vec(any_asked(), 20),
    ) {
        let mut world = World::default();
        for (number, host) in hosts.into_iter().enumerate() {
            let id = ContainerInstanceId::from_bits(number as u128);
            world.fleet.register(Host { id, ..host });
        }
        for (seed, mut asked) in runs.into_iter().enumerate() {
            asked.count = 40;
            world.run(&asked, seed as u64);
        }
        for (seed, mut asked) in then.into_iter().enumerate() {
            asked.count = 1;
            agree(&mut world, &asked, seed as u64);
        }
    }
}

/// Places one task both ways.
#[track_caller]
fn agree(world: &mut World, asked: &Asked, seed: u64) {
    let (indexed, scanned) = asked.with(|request| {
        (
            place(&world.fleet, request, &mut rng(seed)),
            place_by_scan(&world.fleet, request, &mut rng(seed)),
        )
    });
    assert_eq!(indexed.examined, scanned.examined);
    assert_eq!(indexed.tally, scanned.tally);
    assert_eq!(indexed.refusals, scanned.refusals);
    let values = |placed: &[Placed]| placed.first().map(|one| weights(&one.values));
    assert_eq!(values(&indexed.placed), values(&scanned.placed));
    let second = |placed: &[Placed]| Some(weights(&placed.first()?.runner_up.as_ref()?.values));
    assert_eq!(second(&indexed.placed), second(&scanned.placed));
    asked.with(|request| surveys_agree(&world.fleet, request, seed));
    if let Some(placed) = indexed.placed.first() {
        world.hold(asked, placed);
    }
}

/// The hosts that refuse, by the index and by asking every one, in the order of ids.
#[track_caller]
fn surveys_agree(fleet: &Fleet, request: &Request<'_>, seed: u64) {
    let mut hosts = explain(fleet, request, &mut rng(seed)).hosts;
    hosts.sort_by_key(|examined| examined.host);
    let refusals = hosts.iter().filter_map(|examined| {
        let first = examined.refusals.first()?.clone();
        Some((examined.host, first))
    });
    let refusals: Vec<_> = refusals.collect();
    let seen = survey(fleet, request, hosts.len(), 10).unwrap();
    assert_eq!(seen.tally.values().sum::<usize>(), refusals.len());
    assert_eq!(seen.refusals, refusals[..refusals.len().min(10)]);
    if let Some(fewer) = hosts.len().checked_sub(1) {
        assert_eq!(survey(fleet, request, fewer, 10), None);
    }
}

/// What decides: nothing behind a random choice does.
fn weights(values: &[RankValue]) -> Vec<u32> {
    let weights = values.iter().map_while(|value| match value {
        RankValue::Random => None,
        RankValue::Spread { tasks, .. } => Some(*tasks),
        RankValue::Binpack { left, .. } => Some(*left),
    });
    weights.collect()
}

/// The constraint, put in other words than the scheduler's.
fn holds(constraint: &Constraint, world: &World, host: &Host, group: &str) -> bool {
    let has = |group: &str| {
        let mut on_host = world.held.iter().filter(|held| held.host == host.id);
        on_host.any(|held| held.group == group)
    };
    let attribute = |name: &str| host.attributes.get(name).cloned().flatten();
    let zone = attribute(ZONE).unwrap_or_default();
    let rack = attribute("rack");
    let running = world.fleet.running(&host.id);
    let Constraint::MemberOf(expression) = constraint else {
        return !has(group);
    };
    let at = EXPRESSIONS
        .iter()
        .position(|text| *text == expression.text());
    match at.unwrap() {
        0 => zone == "a" || zone == "b",
        1 => zone != "c",
        2 => rack.is_some(),
        3 => has("g"),
        4 => !has("h"),
        5 => running < 2,
        6 => rack.as_deref() == Some("r1") || running > 0,
        _ => host.ec2_instance_id.as_deref() != Some("i-1"),
    }
}
