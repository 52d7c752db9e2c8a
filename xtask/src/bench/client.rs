//! Our client beside aws-sdk-ecs: what a RunTask costs on the same echo, and what a program that
//! does nothing else costs to build, to store and to audit. `crates/bench/minimal` holds the
//! programs.

mod build;
mod calls;

use super::figures::{tenths, whole};
use super::table::{Goal, Table};
use crate::programs::Programs;
use crate::workplace::Workplace;
use build::Built;

/// Whether the minimal programs are built, from nothing and timed, which takes many minutes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Builds {
    Timed,
    LeftOut,
}

/// One of ours, what it is for people, and how much of the SDK's build it may take.
struct Goals {
    program: &'static str,
    name: &'static str,
    build: f64,
}

const OURS: [Goals; 2] = [
    Goals {
        program: "ours",
        name: "static keys",
        build: 1.0 / 3.0,
    },
    Goals {
        program: "ours-chain",
        name: "same chain",
        build: 0.5,
    },
];
/// As its documents have one add it: with aws-config, and the default features of both.
const SDK: &str = "sdk";
/// How much of the SDK's program ours may weigh.
const SIZE: f64 = 0.5;

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    builds: Builds,
    table: &mut Table,
) -> anyhow::Result<()> {
    build::fetch()?;
    calls::measure(programs, workplace, table)?;
    if builds == Builds::LeftOut {
        return Ok(());
    }
    let sdk = build::from_nothing(SDK)?;
    for goals in &OURS {
        tell(goals, &build::from_nothing(goals.program)?, &sdk, table);
    }
    Ok(())
}

fn tell(goals: &Goals, own: &Built, sdk: &Built, table: &mut Table) {
    let mut add = |figure: &str, value: fn(&Built) -> f64, unit: &str, goal| {
        let (own, other) = (value(own), value(sdk));
        let text = |value: f64| match unit {
            "" => whole(value),
            _ => format!("{} {unit}", tenths(value)),
        };
        let figure = format!("{figure}, {}", goals.name);
        let beside = format!("aws-sdk-ecs: {}", text(other));
        table.add(figure, text(own), beside, (own / other, "×"), goal);
    };
    let build = Goal::AtMost(goals.build);
    add("Clean release build", |built| built.cpu, "s of CPU", build);
    add("Crates", |built| built.crates, "", Goal::None);
    let size = Goal::AtMost(SIZE);
    add("Stripped program", |built| built.megabytes, "MB", size);
}
