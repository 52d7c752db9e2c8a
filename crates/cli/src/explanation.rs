//! How an explanation of the scheduler looks on a terminal.

use comfy_table::Row;
use model::explain::{Asked, Candidate, Decision, Explanation, HostVerdict};

use crate::terminal::Terminal;
use crate::{table, task_name};

/// Prints what was asked for, then a table of hosts for each task.
pub(crate) fn print(explanation: &Explanation, terminal: &mut Terminal) {
    terminal.line(format_args!("asked: {}", asked(&explanation.asked)));
    for (what, list) in [
        ("constraints", &explanation.constraints),
        ("strategies", &explanation.strategies),
    ] {
        if !list.is_empty() {
            terminal.line(format_args!("{what}: {}", list.join(", ")));
        }
    }
    let count = explanation.tasks.len();
    for (index, decision) in explanation.tasks.iter().enumerate() {
        let which = if count > 1 {
            format!("task {} of {count}: ", index + 1)
        } else {
            String::new()
        };
        terminal.line(format_args!("{which}{}", verdict(decision)));
        print_hosts(decision, &explanation.strategies, terminal);
    }
    terminal.flush();
}

fn asked(asked: &Asked) -> String {
    let mut parts = vec![
        format!("{} CPU units", asked.cpu),
        format!("{} MiB", asked.memory),
    ];
    if asked.gpus > 0 {
        parts.push(format!("{} GPUs", asked.gpus));
    }
    if !asked.ports.is_empty() {
        parts.push(format!("host ports {}", asked.ports.join(", ")));
    }
    parts.join(", ")
}

/// `on a1: 4 of 6 hosts of launch type EC2 take it (seed 17)`.
fn verdict(decision: &Decision) -> String {
    let refused: u32 = decision.refused.iter().map(|count| count.hosts).sum();
    let Decision { pool, examined, .. } = decision;
    let Some(chosen) = &decision.chosen else {
        return format!("nowhere: 0 of {examined} hosts of {pool} take it");
    };
    let taking = examined.saturating_sub(refused);
    let (host, seed) = (name(chosen), decision.seed);
    format!("on {host}: {taking} of {examined} hosts of {pool} take it (seed {seed})")
}

fn print_hosts(decision: &Decision, strategies: &[String], terminal: &mut Terminal) {
    let strategies = strategies.iter().map(|strategy| strategy.to_uppercase());
    let mut headings = vec!["HOST".to_owned(), "ZONE".to_owned(), "VERDICT".to_owned()];
    headings.extend(strategies);
    headings.push("WHY".to_owned());
    let headings: Vec<&str> = headings.iter().map(String::as_str).collect();
    let mut hosts = table::new(terminal, &headings);
    for host in shown(decision) {
        hosts.add_row(row(&host, decision, headings.len() - 4));
    }
    table::print(terminal, hosts);
    for count in unseen(decision) {
        terminal.line(count);
    }
}

/// The winner and the runner-up first; the rest as the server ordered them.
fn shown(decision: &Decision) -> Vec<HostVerdict> {
    let best = [&decision.chosen, &decision.runner_up];
    let best = best.into_iter().flatten();
    let is_best = |arn: &str| best.clone().any(|one| one.container_instance_arn == arn);
    let mut rows: Vec<HostVerdict> = best
        .clone()
        .map(|candidate| {
            let known = decision.hosts.iter().find(|known| known.host == *candidate);
            known.cloned().unwrap_or_else(|| HostVerdict {
                host: candidate.clone(),
                ..HostVerdict::default()
            })
        })
        .collect();
    let others = decision.hosts.iter();
    rows.extend(
        others
            .filter(|host| !is_best(&host.host.container_instance_arn))
            .cloned(),
    );
    rows
}

fn row(verdict: &HostVerdict, decision: &Decision, strategies: usize) -> Row {
    let is = |candidate: &Option<Candidate>| {
        let arn = candidate.as_ref().map(|one| &one.container_instance_arn);
        arn == Some(&verdict.host.container_instance_arn)
    };
    let word = match &verdict.reason {
        Some(reason) => reason.as_str(),
        None if is(&decision.chosen) => "chosen",
        None if is(&decision.runner_up) => "runner-up",
        None => "takes it",
    };
    let mut row = Row::new();
    row.add_cell(name(&verdict.host).into());
    row.add_cell(table::or_dash(verdict.zone.clone().unwrap_or_default()).into());
    row.add_cell(word.into());
    for index in 0..strategies {
        let value = verdict.host.ranking.get(index);
        row.add_cell(value.map_or("-".to_owned(), u64::to_string).into());
    }
    row.add_cell(verdict.detail.clone().unwrap_or_default().into());
    row
}

/// Refusals that no row shows: `12 more hosts: RESOURCE:CPU`.
fn unseen(decision: &Decision) -> Vec<String> {
    let mut lines = Vec::new();
    for count in &decision.refused {
        let hosts = decision.hosts.iter();
        let seen = hosts.filter(|host| host.reason.as_ref() == Some(&count.reason));
        let more = count.hosts.saturating_sub(seen.count() as u32);
        if more > 0 {
            lines.push(format!("{more} more: {}", count.reason));
        }
    }
    lines
}

/// The name in the configuration, else the beginning of the id.
fn name(candidate: &Candidate) -> &str {
    let short = || task_name::short(&candidate.container_instance_arn);
    candidate.name.as_deref().unwrap_or_else(short)
}
