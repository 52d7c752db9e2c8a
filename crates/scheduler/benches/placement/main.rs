//! How fast hosts are found, how that grows with the fleet, and how well tasks are
//! packed. Beside each figure stands a scan of all hosts, in the same run.
//! `cargo xtask bench placement` prints the tables.

#![expect(clippy::print_stdout, reason = "the findings")]

mod fleet;
mod packing;
mod stopwatch;

use fleet::{Traffic, Way};
use peak_alloc::PeakAlloc;
use scheduler::{BinpackBy, Constraint, SpreadBy, Strategy};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];

fn main() {
    // `cargo test --benches` only asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let zone = || Strategy::Spread(SpreadBy::Attribute("ecs.availability-zone".to_owned()));
    let pack = || Strategy::Binpack(BinpackBy::Memory);
    let rows = [
        ("binpack memory", vec![pack()]),
        ("spread by zone", vec![zone()]),
        ("spread by zone, binpack memory", vec![zone(), pack()]),
        (
            "spread by instance",
            vec![Strategy::Spread(SpreadBy::InstanceId)],
        ),
        ("random", vec![]),
    ];
    println!("Successful placements per second on one core: the fleet 60 to 90 % full, each task");
    println!("of a size of its own, tasks stopped in between, every tenth request refused.\n");
    println!("| Strategy | Way | 10 | 100 | 1,000 | 10,000 instances | Growth |");
    println!("|---|---|--:|--:|--:|--:|--:|");
    for (name, strategies) in &rows {
        for way in [Way::Index, Way::Scan] {
            speed(name, strategies, way);
        }
    }
    latency(&[zone(), pack()]);
    memory();
    packing::compare();
}

fn speed(name: &str, strategies: &[Strategy], way: Way) {
    let mut points = Vec::new();
    let mut cells = String::new();
    for hosts in SIZES {
        let mut traffic = Traffic::new(hosts, strategies.to_vec(), Vec::new());
        let per_second = traffic.measure(way);
        points.push((hosts as f64, 1.0 / per_second));
        cells += &format!(" {} |", thousands(per_second));
    }
    let way = match way {
        Way::Index => "index",
        Way::Scan => "scan",
    };
    println!("| {name} | {way} |{cells} n^{:.2} |", exponent(&points));
}

/// The slope of the line through the logarithms, by least squares.
fn exponent(points: &[(f64, f64)]) -> f64 {
    let count = points.len() as f64;
    let logs = points.iter().map(|(size, cost)| (size.ln(), cost.ln()));
    let mean = |of: fn(&(f64, f64)) -> f64| logs.clone().map(|one| of(&one)).sum::<f64>() / count;
    let (x_mean, y_mean) = (mean(|one| one.0), mean(|one| one.1));
    let above: f64 = logs.clone().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let below: f64 = logs.map(|(x, _)| (x - x_mean).powi(2)).sum();
    above / below
}

fn latency(strategies: &[Strategy]) {
    println!("\nOne placement with a memberOf expression, 10,000 instances, in microseconds.\n");
    println!("| Expression | Median | p99 | Longest |");
    println!("|---|--:|--:|--:|");
    let expressions = [
        "attribute:ecs.instance-type =~ m5.* and attribute:ecs.availability-zone in [a, b]",
        "not(task:group == group7)",
        "task:group == group7",
        "runningTasksCount < 12 and agentVersion >= 1.80.0",
    ];
    for text in expressions {
        let constraint = Constraint::MemberOf(fleet::expression(text));
        let mut traffic = Traffic::new(10_000, strategies.to_vec(), vec![constraint]);
        let micros = traffic.latencies(5_000);
        let at = |share: f64| micros[((micros.len() - 1) as f64 * share) as usize];
        println!(
            "| `{text}` | {:.1} | {:.1} | {:.1} |",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}

fn memory() {
    let before = ALLOCATOR.current_usage();
    let traffic = Traffic::new(10_000, Vec::new(), Vec::new());
    let bytes = traffic.without_tasks(|| ALLOCATOR.current_usage() - before);
    println!("\nMemory: {bytes} bytes per instance, the tasks' part in the ledger included");
}

fn thousands(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
