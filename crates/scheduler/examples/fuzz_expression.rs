//! Fuzzes the cluster query language: `fuzz_expression [INPUTS [FIRST]]`, or `cargo xtask fuzz
//! expression`. Half of the inputs are made from the grammar, half are arbitrary; each is
//! parsed and asked of some instances. Fails on a panic, on a slow input, and when few of the
//! grammar parse.

#![expect(clippy::print_stdout, reason = "the findings")]

#[path = "../tests/expression/grammar.rs"]
mod grammar;
#[path = "../tests/expression/input.rs"]
mod input;
#[path = "../tests/expression/instance.rs"]
mod instance;
#[path = "../tests/expression/noise.rs"]
mod noise;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use input::{Input, input, parse_and_ask};
use instance::Instance;
use rustix::time::{ClockId, clock_gettime};

const INPUTS_DEFAULT: u64 = 1_000_000;
/// For parsing and all instances together.
const TIME_MAX: Duration = Duration::from_millis(10);
/// A time counts when it is the least of so many: the rest was somebody else's.
const TIMINGS: usize = 6;
/// Inputs that a thread takes at a time.
const PORTION: u64 = 1000;

#[derive(Debug, Default)]
struct Findings {
    of_grammar: u64,
    of_grammar_parsed: u64,
    arbitrary: u64,
    arbitrary_parsed: u64,
    /// Numbers of the inputs.
    panics: Vec<u64>,
    slow: Vec<u64>,
    slowest: Option<(Duration, u64)>,
}

fn main() -> ExitCode {
    let words = std::env::args().skip(1);
    let numbers: Result<Vec<u64>, _> = words.map(|word| word.parse()).collect();
    let (inputs, first) = match numbers.as_deref() {
        Ok([]) => (INPUTS_DEFAULT, 0),
        Ok([inputs]) => (*inputs, 0),
        Ok([inputs, first]) => (*inputs, *first),
        _ => {
            println!("usage: fuzz_expression [INPUTS [NUMBER_OF_THE_FIRST]]");
            return ExitCode::FAILURE;
        }
    };
    let started = now();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicU64::new(first);
    let findings = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|_| scope.spawn(|| work(&next, first.saturating_add(inputs))))
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended.fold(Findings::default(), |all, one| {
            all.with(one.expect("panics of inputs are caught"))
        })
    });
    let seconds = started.elapsed().as_secs();
    println!("{inputs} inputs in {seconds} s on {cores} cores");
    findings.print();
    if findings.are_good() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[expect(clippy::disallowed_methods, reason = "the program measures time")]
fn now() -> Instant {
    Instant::now()
}

/// What this thread has spent on the CPU: a busy machine does not count.
fn on_cpu() -> Duration {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(spent).unwrap_or_default()
}

fn work(next: &AtomicU64, end: u64) -> Findings {
    let instances = instance::instances();
    let mut findings = Findings::default();
    loop {
        let first = next.fetch_add(PORTION, Ordering::Relaxed);
        if first >= end {
            return findings;
        }
        for number in first..end.min(first + PORTION) {
            findings.try_one(number, &instances);
        }
    }
}

impl Findings {
    fn try_one(&mut self, number: u64, instances: &[Instance]) {
        let Input { from_grammar, text } = input(number);
        let started = now();
        let parsed = panic::catch_unwind(AssertUnwindSafe(|| parse_and_ask(&text, instances)));
        let time = started.elapsed();
        let parsed = u64::from(parsed.unwrap_or_else(|_| {
            self.panics.push(number);
            false
        }));
        if from_grammar {
            self.of_grammar += 1;
            self.of_grammar_parsed += parsed;
        } else {
            self.arbitrary += 1;
            self.arbitrary_parsed += parsed;
        }
        let slowest = self.slowest.map_or(Duration::ZERO, |(slowest, _)| slowest);
        if time > slowest.min(TIME_MAX) && !self.panics.contains(&number) {
            self.time_again(number, time, &text, instances);
        }
    }

    fn time_again(&mut self, number: u64, first: Duration, text: &str, instances: &[Instance]) {
        let mut least = first;
        for _ in 1..TIMINGS {
            let started = on_cpu();
            parse_and_ask(text, instances);
            least = least.min(on_cpu().saturating_sub(started));
        }
        if least >= TIME_MAX {
            self.slow.push(number);
        }
        self.slowest = self.slowest.max(Some((least, number)));
    }

    fn with(mut self, other: Self) -> Self {
        self.of_grammar += other.of_grammar;
        self.of_grammar_parsed += other.of_grammar_parsed;
        self.arbitrary += other.arbitrary;
        self.arbitrary_parsed += other.arbitrary_parsed;
        self.panics.extend(other.panics);
        self.slow.extend(other.slow);
        self.slowest = self.slowest.max(other.slowest);
        self
    }

    fn are_good(&self) -> bool {
        self.panics.is_empty()
            && self.slow.is_empty()
            && self.of_grammar_parsed * 2 >= self.of_grammar
    }

    fn print(&self) {
        let share = |of: u64, all: u64| of * 100 / all.max(1);
        for (kind, all, parsed) in [
            ("from the grammar", self.of_grammar, self.of_grammar_parsed),
            ("arbitrary", self.arbitrary, self.arbitrary_parsed),
        ] {
            println!(
                "{kind}: {all}, of these parsed {parsed} ({} %)",
                share(parsed, all)
            );
        }
        println!("panics: {}", self.panics.len());
        println!("not under {} ms: {}", TIME_MAX.as_millis(), self.slow.len());
        if let Some((time, number)) = self.slowest {
            println!(
                "slowest: {:.3} ms, {}",
                time.as_secs_f64() * 1000.0,
                told(number)
            );
        }
        for number in self.panics.iter().chain(&self.slow).take(20) {
            println!("failed: {}", told(*number));
        }
    }
}

fn told(number: u64) -> String {
    let text = input(number).text;
    let characters = text.chars().count();
    let start: String = text.chars().take(120).collect();
    format!("input {number}, {characters} characters: {start:?}")
}
