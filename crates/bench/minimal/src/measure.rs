//! Calls one after the other: what each takes of the processor, of the allocator and of time.

use std::alloc::System;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Connections, caches and pages of memory are there after so many.
const WARMUP: u32 = 500;
const CALLS: u32 = 5000;

/// Prints one line of JSON: `cpu_us`, `allocations` and `allocated_bytes` of a call, and the
/// median and the 99th percentile of `latency_us`.
pub async fn calls(mut call: impl AsyncFnMut()) {
    for _ in 0..WARMUP {
        call().await;
    }
    let mut latencies = Vec::with_capacity(CALLS as usize);
    let region = Region::new(ALLOCATOR);
    let cpu = cpu_time();
    for _ in 0..CALLS {
        let start = Instant::now();
        call().await;
        latencies.push(start.elapsed());
    }
    let cpu = cpu_time() - cpu;
    let allocated = region.change();
    latencies.sort_unstable();
    let at = |percent| micros(latencies[latencies.len() * percent / 100]);
    let each = |total: usize| total as f64 / f64::from(CALLS);
    let found = serde_json::json!({
        "cpu_us": micros(cpu) / f64::from(CALLS),
        "allocations": each(allocated.allocations + allocated.reallocations),
        "allocated_bytes": each(allocated.bytes_allocated),
        "latency_us": {"p50": at(50), "p99": at(99)},
    });
    println!("{found}");
}

/// Of the whole process, in user and system mode.
fn cpu_time() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let spent = usage.user_time() + usage.system_time();
    Duration::from_micros(spent.num_microseconds().try_into().unwrap())
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
