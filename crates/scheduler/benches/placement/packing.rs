//! How many hosts binpack fills, against the fewest that could do.

use std::sync::Arc;

use model::{ContainerInstanceId, Timestamp};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha12Rng;
use scheduler::{BinpackBy, Demand, Fleet, Host, Pool, Request, Strategy, place};

const HOST_MIB: u32 = 4096;
const HOSTS: usize = 12;
/// Draws the size of one task.
type Size = fn(&mut ChaCha12Rng) -> u32;

/// More would take long to solve.
const TASKS: usize = 14;
const FLEETS: u64 = 2_000;

pub(crate) fn compare() {
    println!("\nPacking: hosts used, {FLEETS} fleets of {TASKS} tasks, solved exactly.\n");
    println!("| Sizes of tasks, of a host | binpack | Fewest possible | Ratio |");
    println!("|---|--:|--:|--:|");
    let mixes: [(&str, Size); 3] = [
        ("1/32 to 1/4, any", |rng| rng.random_range(128..=1024)),
        ("1/8, 1/4, 1/2", |rng| 512 << rng.random_range(0..3)),
        ("1/16 to 5/8, any", |rng| rng.random_range(256..=2560)),
    ];
    for (name, size) in mixes {
        let (mut used, mut fewest) = (0, 0);
        for seed in 0..FLEETS {
            let mut rng = ChaCha12Rng::seed_from_u64(seed);
            let sizes: Vec<u32> = (0..TASKS).map(|_| size(&mut rng)).collect();
            used += by_binpack(&sizes, &mut rng);
            fewest += fewest_hosts(sizes);
        }
        let ratio = used as f64 / fewest as f64;
        println!("| {name} | {used} | {fewest} | {ratio:.3} |");
    }
}

/// The tasks come one by one and stay where they are.
fn by_binpack(sizes: &[u32], rng: &mut ChaCha12Rng) -> usize {
    let mut fleet = Fleet::default();
    for number in 0..HOSTS {
        fleet.register(host(number));
    }
    for size in sizes {
        let demand = Demand {
            memory_mib: *size,
            ..Demand::default()
        };
        let request = Request {
            pool: Pool::Ec2 { cluster: "default" },
            count: 1,
            demand: &demand,
            attributes: &[],
            group: "g",
            zones: &[],
            constraints: &[],
            strategies: &[Strategy::Binpack(BinpackBy::Memory)],
        };
        for placed in place(&fleet, &request, rng).placed {
            fleet.take(&placed.host, &demand, &[], "g");
        }
    }
    let free = |host: &Host| fleet.free(&host.id).map(|free| free.memory_mib);
    fleet
        .hosts()
        .filter(|host| free(host) != Some(HOST_MIB))
        .count()
}

fn host(number: usize) -> Host {
    Host {
        id: ContainerInstanceId::from_bits(number as u128),
        cluster: "default".to_owned(),
        active: true,
        agent_connected: true,
        external: false,
        fargate: false,
        cpu_units: 0,
        memory_mib: HOST_MIB,
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

/// By trying every way, the largest tasks first.
fn fewest_hosts(mut sizes: Vec<u32>) -> usize {
    sizes.sort_unstable_by(|one, other| other.cmp(one));
    let mut best = sizes.len();
    let mut free = Vec::new();
    pack(&sizes, &mut free, &mut best);
    best
}

fn pack(sizes: &[u32], free: &mut Vec<u32>, best: &mut usize) {
    let left: u32 = sizes.iter().sum();
    let room: u32 = free.iter().sum();
    let more = left.saturating_sub(room).div_ceil(HOST_MIB) as usize;
    if free.len() + more >= *best {
        return;
    }
    let Some((size, rest)) = sizes.split_first() else {
        *best = free.len();
        return;
    };
    for at in 0..free.len() {
        // Hosts with the same room are the same.
        if free[at] >= *size && !free[..at].contains(&free[at]) {
            free[at] -= size;
            pack(rest, free, best);
            free[at] += size;
        }
    }
    free.push(HOST_MIB - size);
    pack(rest, free, best);
    free.pop();
}
