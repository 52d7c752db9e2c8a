//! Task-level CPU and memory: their spellings, and the pairs that Fargate knows
//! (`task-lifecycle.md` §4; run-task.md §5.1).

use crate::error::OpError;
use crate::limits::{EPHEMERAL_STORAGE_GIB, FARGATE_SIZES};

/// CPU units of `"512"`, `"1 vCPU"` or `".5 vcpu"`.
pub(crate) fn cpu_units(text: &str) -> Option<u32> {
    scaled(text, "vcpu", 1024.0)
}

/// MiB of `"1024"`, `"1GB"` or `"0.5 GB"`.
pub(crate) fn memory_mib(text: &str) -> Option<u32> {
    scaled(text, "gb", 1024.0)
}

fn scaled(text: &str, unit: &str, factor: f64) -> Option<u32> {
    let text = text.trim().to_ascii_lowercase();
    let Some(number) = text.strip_suffix(unit) else {
        return text.parse().ok().filter(|&n: &u32| n > 0);
    };
    let amount = number.trim_end().parse::<f64>().ok()? * factor;
    // Only whole units exist: 0.3 vCPU is none.
    (amount >= 1.0 && amount <= f64::from(u32::MAX) && amount.fract() == 0.0)
        .then_some(amount as u32)
}

/// Does Fargate have this size? 74 pairs.
pub(crate) fn is_fargate_size(cpu_units: u32, memory_mib: u32) -> bool {
    FARGATE_SIZES.iter().any(|(cpu, memory, step)| {
        *cpu == cpu_units && memory.contains(&memory_mib) && memory_mib.is_multiple_of(*step)
    })
}

/// The refusal of a pair that Fargate does not have.
pub(crate) fn no_fargate_configuration(cpu: &str, memory: &str) -> OpError {
    OpError::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
         See the Amazon ECS documentation for the valid values."
    ))
}

/// What is wrong with an amount of scratch space on Fargate.
pub(crate) fn ephemeral_storage_problem(gib: i32) -> Option<String> {
    let (least, most) = (EPHEMERAL_STORAGE_GIB.start(), EPHEMERAL_STORAGE_GIB.end());
    if gib < *least {
        return Some(format!("EphemeralStorage size should be at least {least}"));
    }
    (gib > *most).then(|| format!("EphemeralStorage size should be at most {most}"))
}

/// The containers together within the task, if that has a size.
pub(crate) fn check_cpu_sum(
    task: Option<u32>,
    containers: impl Iterator<Item = Option<i32>>,
) -> Result<(), OpError> {
    let sum: i64 = containers.map(|cpu| i64::from(cpu.unwrap_or(0))).sum();
    if task.is_none_or(|task| sum <= i64::from(task)) {
        return Ok(());
    }
    Err(OpError::client(
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    ))
}

/// A container's limit, else its reservation, within the task, if that has a size.
pub(crate) fn check_memory_within(
    task: Option<u32>,
    name: &str,
    own: Option<i32>,
) -> Result<(), OpError> {
    match (task, own) {
        (Some(task), Some(own)) if i64::from(own) > i64::from(task) => Err(OpError::client(
            format!("The 'memory' setting for container '{name}' is greater than for the task."),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, cpu: Option<u32>, memory: Option<u32>) {
        assert_eq!((cpu_units(text), memory_mib(text)), (cpu, memory), "{text}");
    }

    #[test]
    fn spellings() {
        check("512", Some(512), Some(512));
        check("1 vCPU", Some(1024), None);
        check(".5 vCPU", Some(512), None);
        check("0.25vcpu", Some(256), None);
        check("1GB", None, Some(1024));
        check("0.5 GB", None, Some(512));
        check("", None, None);
        check("0", None, None);
        check("-1", None, None);
        check("0.3 vCPU", None, None);
        check("nan vcpu", None, None);
        check("lots", None, None);
    }

    #[test]
    fn seventy_four_pairs_exist() {
        let cpus = [256, 512, 1024, 2048, 4096, 8192, 16384, 32768];
        let pairs = cpus.iter().flat_map(|cpu| {
            (1..=256)
                .map(move |half| half * 512)
                .filter(|memory| is_fargate_size(*cpu, *memory))
        });
        assert_eq!(pairs.count(), 74);
    }
}
