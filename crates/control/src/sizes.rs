//! Task-level CPU and memory: their spellings, and the pairs that Fargate knows
//! (`task-lifecycle.md` §4; run-task.md §5.1).

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
    let (from, to, step) = match cpu_units {
        256 => return [512, 1024, 2048].contains(&memory_mib),
        512 => (1024, 4096, 1024),
        1024 => (2048, 8192, 1024),
        2048 => (4096, 16384, 1024),
        4096 => (8192, 30720, 1024),
        8192 => (16384, 61440, 4096),
        16384 => (32768, 122_880, 8192),
        _ => return false,
    };
    (from..=to).contains(&memory_mib) && memory_mib.is_multiple_of(step)
}

/// The refusal of a pair that Fargate does not have.
pub(crate) fn no_fargate_configuration(cpu: &str, memory: &str) -> crate::OpError {
    crate::OpError::client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. \
         See the Amazon ECS documentation for the valid values."
    ))
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
