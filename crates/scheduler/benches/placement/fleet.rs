//! A fleet under traffic: tasks come, are refused, and stop.

use std::sync::Arc;
use std::time::Duration;

use model::{ContainerInstanceId, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scheduler::expression::Expression;
use scheduler::{
    Attributes, Constraint, Demand, Fleet, Host, Placements, Pool, Request, RequiredAttribute,
    Strategy, place, place_by_scan,
};

use crate::stopwatch::Stopwatch;

/// How a host is chosen.
#[derive(Clone, Copy)]
pub(crate) enum Way {
    Index,
    Scan,
}

/// Kinds of instances: name, CPU units, MiB.
const KINDS: [(&str, u32, u32); 4] = [
    ("m5.large", 2048, 7_680),
    ("m5.xlarge", 4096, 15_872),
    ("c5.2xlarge", 8192, 15_872),
    ("r5.xlarge", 4096, 32_000),
];
const ZONES: [&str; 3] = ["a", "b", "c"];
const GROUPS: u32 = 100;
/// Longest time for one figure.
const PATIENCE: Duration = Duration::from_secs(3);
/// Requests from a fleet 60 % full to one 90 % full and back.
const ROUND: usize = 20_000;
const ROUNDS: usize = 10;

struct Task {
    host: ContainerInstanceId,
    demand: Demand,
    group: String,
}

pub(crate) struct Traffic {
    fleet: Fleet,
    strategies: Vec<Strategy>,
    constraints: Vec<Constraint>,
    tasks: Vec<Task>,
    memory_mib: u64,
    memory_used: u64,
    rng: ChaCha12Rng,
    /// Requests so far.
    asked: usize,
}

pub(crate) fn expression(text: &str) -> Arc<Expression> {
    Arc::new(Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

impl Traffic {
    /// A fleet that is three quarters full.
    pub(crate) fn new(
        hosts: usize,
        strategies: Vec<Strategy>,
        constraints: Vec<Constraint>,
    ) -> Self {
        let mut traffic = Self {
            fleet: Fleet::default(),
            strategies: Vec::new(),
            constraints: Vec::new(),
            tasks: Vec::new(),
            memory_mib: 0,
            memory_used: 0,
            rng: ChaCha12Rng::seed_from_u64(hosts as u64),
            asked: 0,
        };
        for number in 0..hosts {
            let host = traffic.host(number);
            traffic.memory_mib += u64::from(host.memory_mib);
            traffic.fleet.register(host);
        }
        while traffic.fill() < 0.75 {
            let (demand, group) = traffic.task();
            traffic.run(Way::Index, demand, group);
        }
        traffic.strategies = strategies;
        traffic.constraints = constraints;
        traffic
    }

    fn host(&mut self, number: usize) -> Host {
        let (kind, cpu_units, memory_mib) = KINDS[number / ZONES.len() % KINDS.len()];
        let attributes = [
            ("ecs.ami-id", Some("ami-0123456789abcdef0")),
            ("ecs.availability-zone", Some(ZONES[number % ZONES.len()])),
            ("ecs.instance-type", Some(kind)),
            ("ecs.os-type", Some("linux")),
            ("ecs.os-family", Some("LINUX")),
            ("ecs.cpu-architecture", Some("x86_64")),
            ("ecs.vpc-id", Some("vpc-0123456789abcdef0")),
            ("com.amazonaws.ecs.capability.task-iam-role", None),
            ("com.amazonaws.ecs.capability.logging-driver.awslogs", None),
            ("com.amazonaws.ecs.capability.ecr-auth", None),
            ("ecs.capability.task-eni", None),
            ("ecs.capability.container-health-check", None),
        ];
        let owned =
            |(name, value): &(&str, Option<&str>)| ((*name).to_owned(), value.map(str::to_owned));
        Host {
            id: ContainerInstanceId::from_bits(self.rng.random()),
            cluster: "default".to_owned(),
            active: true,
            agent_connected: true,
            external: false,
            fargate: false,
            cpu_units,
            memory_mib,
            gpus: Vec::new(),
            network_interfaces: None,
            reserved_tcp_ports: [22u16, 2375, 2376, 51678, 51679].into_iter().collect(),
            reserved_udp_ports: imbl::OrdSet::new(),
            attributes: Arc::new(attributes.iter().map(owned).collect::<Attributes>()),
            capacity_provider: Some("main".to_owned()),
            ec2_instance_id: Some(format!("i-{number:017x}")),
            agent_version: "1.90.0".to_owned(),
            registered_at: Timestamp::from_millis(number as i64),
        }
    }

    fn fill(&self) -> f64 {
        self.memory_used as f64 / self.memory_mib as f64
    }

    /// No two are alike.
    fn task(&mut self) -> (Demand, String) {
        let demand = Demand {
            cpu_units: self.rng.random_range(16..256),
            memory_mib: self.rng.random_range(128..2048),
            ..Demand::default()
        };
        let group = self.rng.random_range(0..GROUPS);
        (demand, format!("group{group}"))
    }

    fn place(&mut self, way: Way, demand: &Demand, group: &str) -> Placements {
        let request = Request {
            pool: Pool::Ec2 { cluster: "default" },
            count: 1,
            demand,
            attributes: &[
                RequiredAttribute {
                    name: "com.amazonaws.ecs.capability.task-iam-role",
                    value: None,
                },
                RequiredAttribute {
                    name: "ecs.os-type",
                    value: Some("linux"),
                },
            ],
            group,
            zones: &[],
            constraints: &self.constraints,
            strategies: &self.strategies,
        };
        match way {
            Way::Index => place(&self.fleet, &request, &mut self.rng),
            Way::Scan => place_by_scan(&self.fleet, &request, &mut self.rng),
        }
    }

    /// Whether it was placed.
    fn run(&mut self, way: Way, demand: Demand, group: String) -> bool {
        let placements = self.place(way, &demand, &group);
        let Some(placed) = placements.placed.into_iter().next() else {
            return false;
        };
        self.fleet.take(&placed.host, &demand, &[], &group);
        self.memory_used += u64::from(demand.memory_mib);
        let host = placed.host;
        self.tasks.push(Task {
            host,
            demand,
            group,
        });
        true
    }

    fn stop_one(&mut self) {
        let at = self.rng.random_range(0..self.tasks.len());
        let task = self.tasks.swap_remove(at);
        self.fleet
            .give_back(&task.host, &task.demand, &[], &task.group);
        self.memory_used -= u64::from(task.demand.memory_mib);
    }

    /// One request; every tenth cannot be met. The fill goes up and down between 60 and 90 %.
    fn step(&mut self, way: Way) -> bool {
        self.asked += 1;
        let (mut demand, group) = self.task();
        if self.asked.is_multiple_of(10) {
            demand.memory_mib = 40_000;
        }
        let is_placed = self.run(way, demand, group);
        let phase = (self.asked as f64 / ROUND as f64).fract();
        let limit = 0.6 + 0.3 * (1.0 - (2.0 * phase - 1.0).abs());
        while self.fill() > limit {
            self.stop_one();
        }
        is_placed
    }

    /// Successful placements per second, all of the traffic in the time: the median of rounds
    /// that each see the fleet fill and empty once.
    pub(crate) fn measure(&mut self, way: Way) -> f64 {
        let mut rates = Vec::new();
        let all = Stopwatch::start();
        while rates.is_empty() || (rates.len() < ROUNDS && all.elapsed() < PATIENCE) {
            rates.push(self.round(way, &all));
        }
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    }

    /// One round, or the part of it that patience allows.
    fn round(&mut self, way: Way, all: &Stopwatch) -> f64 {
        let watch = Stopwatch::start();
        let mut placed = 0;
        for request in 0..ROUND {
            placed += usize::from(self.step(way));
            if request % 256 == 255 && all.elapsed() > PATIENCE {
                break;
            }
        }
        placed as f64 / watch.elapsed().as_secs_f64()
    }

    /// Microseconds of single placements, the shortest first.
    pub(crate) fn latencies(&mut self, count: usize) -> Vec<f64> {
        let mut micros = Vec::with_capacity(count);
        for _ in 0..count {
            let (demand, group) = self.task();
            let watch = Stopwatch::start();
            let placements = self.place(Way::Index, &demand, &group);
            micros.push(watch.on_the_wall().as_secs_f64() * 1e6);
            drop(placements);
            let constraints = std::mem::take(&mut self.constraints);
            self.step(Way::Index);
            self.constraints = constraints;
        }
        micros.sort_by(f64::total_cmp);
        micros
    }

    /// Tells `look` the number of bytes per host that it counts, without the list of tasks.
    pub(crate) fn without_tasks(mut self, allocated: impl Fn() -> usize) -> usize {
        self.tasks = Vec::new();
        let hosts = self.fleet.hosts().count();
        allocated() / hosts
    }
}
