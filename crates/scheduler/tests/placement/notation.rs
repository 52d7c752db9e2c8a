//! Fleets and requests in a compact text form.
//!
//! A fleet has one host per line: a letter, `CPU/MEMORY` registered, then words:
//! `zone=a`, `attr=NAME` or `attr=NAME:VALUE`, `tcp=22,80` and `udp=53` (reserved ports),
//! `gpus=2`, `eni=3`, `cluster=NAME`, `provider=NAME`, `draining`, `away` (agent not
//! connected), `external`, `fargate`, `ec2=ID`, `version=1.2.3`, `registered=SECONDS`,
//! `running=2`, and what runs there: `use=CPU/MEMORY`, `has=GROUP*2`, `holds=tcp80`.
//!
//! A request: `CPU/MEMORY`, then words: `x3` (count), `tcp=80`, `udp=53`, `gpu=1`, `eni`,
//! `zones=a,b`, `need=NAME` or `need=NAME:VALUE`, `group=NAME`, `cluster=NAME`,
//! `provider=NAME`, `external`, `fargate`, `distinct`, `in{EXPRESSION}`, `random`,
//! `spread:host`, `spread:zone`, `spread:NAME`, `binpack:cpu`, `binpack:memory`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use model::{ContainerInstanceId, Timestamp};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use scheduler::expression::Expression;
use scheduler::{
    Attributes, BinpackBy, Constraint, Demand, Fleet, Host, Placements, Pool, Request,
    RequiredAttribute, SpreadBy, Strategy,
};

pub(crate) const ZONE: &str = "ecs.availability-zone";

/// A host's id is the number of its letter.
pub(crate) fn id(letter: char) -> ContainerInstanceId {
    ContainerInstanceId::from_bits(u128::from(u32::from(letter)))
}

pub(crate) fn letter(id: ContainerInstanceId) -> char {
    let bits = u32::from_str_radix(&id.to_string()[24..], 16).unwrap();
    char::from_u32(bits).unwrap()
}

pub(crate) fn host(id: ContainerInstanceId, cpu_units: u32, memory_mib: u32) -> Host {
    Host {
        id,
        cluster: "default".to_owned(),
        active: true,
        agent_connected: true,
        external: false,
        fargate: false,
        cpu_units,
        memory_mib,
        gpus: Vec::new(),
        network_interfaces: None,
        reserved_tcp_ports: imbl::OrdSet::new(),
        reserved_udp_ports: imbl::OrdSet::new(),
        attributes: Arc::default(),
        capacity_provider: None,
        ec2_instance_id: None,
        agent_version: String::new(),
        registered_at: Timestamp::default(),
    }
}

pub(crate) fn fleet(text: &str) -> Fleet {
    let mut fleet = Fleet::default();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        add_host(&mut fleet, line);
    }
    fleet
}

fn add_host(fleet: &mut Fleet, line: &str) {
    let mut words = line.split_whitespace();
    let id = id(words.next().unwrap().chars().next().unwrap());
    let (cpu, memory) = pair(words.next().unwrap());
    let mut host = host(id, cpu, memory);
    let mut attributes = Attributes::new();
    let mut tasks = Vec::new();
    let mut running = 0;
    for word in words {
        match word.split_once('=') {
            None if word == "draining" => host.active = false,
            None if word == "away" => host.agent_connected = false,
            None if word == "external" => host.external = true,
            None if word == "fargate" => host.fargate = true,
            Some(("zone", zone)) => {
                attributes.insert(ZONE.to_owned(), Some(zone.to_owned()));
            }
            Some(("attr", attribute)) => {
                let (name, value) = named(attribute);
                attributes.insert(name.to_owned(), value.map(str::to_owned));
            }
            Some(("tcp", ports)) => host.reserved_tcp_ports = list(ports).into_iter().collect(),
            Some(("udp", ports)) => host.reserved_udp_ports = list(ports).into_iter().collect(),
            Some(("gpus", count)) => host.gpus = gpus(parsed(count)),
            Some(("eni", slots)) => host.network_interfaces = Some(parsed(slots)),
            Some(("cluster", name)) => host.cluster = name.to_owned(),
            Some(("provider", name)) => host.capacity_provider = Some(name.to_owned()),
            Some(("ec2", id)) => host.ec2_instance_id = Some(id.to_owned()),
            Some(("version", version)) => host.agent_version = version.to_owned(),
            Some(("registered", at)) => {
                host.registered_at = Timestamp::from_millis(parsed::<i64>(at) * 1000);
            }
            Some(("running", count)) => running = parsed(count),
            Some(_) => tasks.push(word),
            None => panic!("{word}"),
        }
    }
    host.attributes = Arc::new(attributes);
    fleet.register(host);
    fleet.set_running(&id, running);
    for word in tasks {
        let (demand, group, count) = task(word);
        for _ in 0..count {
            fleet.take(&id, &demand, &[], group);
        }
    }
}

/// What runs on a host: its demand, its group, and how many of it.
fn task(word: &str) -> (Demand, &str, usize) {
    let mut demand = Demand::default();
    match word.split_once('=').unwrap() {
        ("use", amounts) => {
            (demand.cpu_units, demand.memory_mib) = pair(amounts);
            (demand, "other", 1)
        }
        ("has", group) => match group.split_once('*') {
            Some((group, count)) => (demand, group, parsed(count)),
            None => (demand, group, 1),
        },
        ("holds", port) => {
            match port.strip_prefix("udp") {
                Some(port) => demand.udp_ports.push(parsed(port)),
                None => demand.tcp_ports.push(parsed(&port["tcp".len()..])),
            }
            (demand, "other", 1)
        }
        _ => panic!("{word}"),
    }
}

fn gpus(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("gpu{number}")).collect()
}

fn parsed<T: FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn pair(text: &str) -> (u32, u32) {
    let (cpu, memory) = text.split_once('/').unwrap();
    (parsed(cpu), parsed(memory))
}

fn list(text: &str) -> Vec<u16> {
    text.split(',').map(parsed).collect()
}

fn named(text: &str) -> (&str, Option<&str>) {
    match text.split_once(':') {
        Some((name, value)) => (name, Some(value)),
        None => (text, None),
    }
}

/// A request that owns what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) cluster: String,
    pub(crate) provider: Option<String>,
    pub(crate) external: bool,
    pub(crate) fargate: bool,
    pub(crate) count: usize,
    pub(crate) demand: Demand,
    pub(crate) needs: Vec<String>,
    pub(crate) group: String,
    pub(crate) zones: Vec<String>,
    pub(crate) constraints: Vec<Constraint>,
    pub(crate) strategies: Vec<Strategy>,
}

impl Asked {
    pub(crate) fn new(cpu_units: u32, memory_mib: u32) -> Self {
        Self {
            cluster: "default".to_owned(),
            provider: None,
            external: false,
            fargate: false,
            count: 1,
            demand: Demand {
                cpu_units,
                memory_mib,
                ..Demand::default()
            },
            needs: Vec::new(),
            group: "g".to_owned(),
            zones: Vec::new(),
            constraints: Vec::new(),
            strategies: Vec::new(),
        }
    }

    pub(crate) fn parse(text: &str) -> Self {
        let (text, expressions) = without_expressions(text);
        let mut words = text.split_whitespace();
        let (cpu, memory) = pair(words.next().unwrap());
        let mut asked = Self::new(cpu, memory);
        for expression in expressions {
            asked.constraints.push(member_of(&expression));
        }
        for word in words {
            asked.read(word);
        }
        asked
    }

    fn read(&mut self, word: &str) {
        match word.split_once(['=', ':']) {
            None if word == "eni" => self.demand.network_interfaces = 1,
            None if word == "external" => self.external = true,
            None if word == "fargate" => self.fargate = true,
            None if word == "distinct" => self.constraints.push(Constraint::DistinctInstance),
            None if word == "random" => self.strategies.push(Strategy::Random),
            None => self.count = parsed(&word[1..]),
            Some(("tcp", ports)) => self.demand.tcp_ports = list(ports),
            Some(("udp", ports)) => self.demand.udp_ports = list(ports),
            Some(("gpu", count)) => self.demand.gpus = parsed(count),
            Some(("zones", zones)) => self.zones = zones.split(',').map(str::to_owned).collect(),
            Some(("need", attribute)) => self.needs.push(attribute.to_owned()),
            Some(("group", name)) => self.group = name.to_owned(),
            Some(("cluster", name)) => self.cluster = name.to_owned(),
            Some(("provider", name)) => self.provider = Some(name.to_owned()),
            Some((kind, field)) => self.strategies.push(strategy(kind, field)),
        }
    }

    /// Calls `look` with the request as the scheduler takes it.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&Request<'_>) -> T) -> T {
        let cluster = &self.cluster;
        let pool = match &self.provider {
            Some(provider) => Pool::Provider { cluster, provider },
            None if self.external => Pool::External { cluster },
            None if self.fargate => Pool::Fargate,
            None => Pool::Ec2 { cluster },
        };
        let needs = self.needs.iter().map(|need| {
            let (name, value) = named(need);
            RequiredAttribute { name, value }
        });
        let zones: Vec<&str> = self.zones.iter().map(String::as_str).collect();
        look(&Request {
            pool,
            count: self.count,
            demand: &self.demand,
            attributes: &needs.collect::<Vec<_>>(),
            group: &self.group,
            zones: &zones,
            constraints: &self.constraints,
            strategies: &self.strategies,
        })
    }
}

fn strategy(kind: &str, field: &str) -> Strategy {
    match (kind, field) {
        ("spread", "host") => Strategy::Spread(SpreadBy::InstanceId),
        ("spread", "zone") => Strategy::Spread(SpreadBy::Attribute(ZONE.to_owned())),
        ("spread", name) => Strategy::Spread(SpreadBy::Attribute(name.to_owned())),
        ("binpack", "cpu") => Strategy::Binpack(BinpackBy::Cpu),
        ("binpack", "memory") => Strategy::Binpack(BinpackBy::Memory),
        _ => panic!("{kind} {field}"),
    }
}

pub(crate) fn member_of(expression: &str) -> Constraint {
    let parsed = Expression::parse(expression);
    Constraint::MemberOf(Arc::new(parsed.unwrap_or_else(|_| panic!("{expression}"))))
}

/// Takes the `in{…}` out.
fn without_expressions(text: &str) -> (String, Vec<String>) {
    let (mut rest, mut expressions) = (text.to_owned(), Vec::new());
    while let Some(start) = rest.find("in{") {
        let end = start + rest[start..].find('}').unwrap();
        expressions.push(rest[start + 3..end].to_owned());
        rest.replace_range(start..=end, "");
    }
    (rest, expressions)
}

pub(crate) fn rng(seed: u64) -> ChaCha12Rng {
    ChaCha12Rng::seed_from_u64(seed)
}

/// `A B ! C RESOURCE:CPU`: the hosts of the placed tasks, then the refusals.
pub(crate) fn told(placements: &Placements) -> String {
    let placed = placements
        .placed
        .iter()
        .map(|one| letter(one.host).to_string());
    let mut text = placed.collect::<Vec<_>>().join(" ");
    if placements.examined == 0 {
        text += "nothing to look at";
    }
    let mut refusals = BTreeMap::<String, String>::new();
    for (id, refusal) in &placements.refusals {
        refusals
            .entry(short(&refusal.to_string()))
            .or_default()
            .push(letter(*id));
    }
    for (reason, letters) in refusals {
        text += &format!(" !{reason} {letters}");
    }
    text.trim().to_owned()
}

fn short(reason: &str) -> String {
    let reason = reason.trim_end_matches(" placement constraint unsatisfied.");
    reason.trim_start_matches("RESOURCE:").to_owned()
}
