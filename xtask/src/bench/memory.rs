//! How much memory a process has in use.

use anyhow::Context as _;

/// Resident memory in bytes.
pub(super) fn resident(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).context(path)?;
    of_status(&text).context("no VmRSS")
}

fn of_status(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_kibibytes() {
        assert_eq!(
            of_status("Name:\tx\nVmRSS:\t    1024 kB\n"),
            Some(1_048_576.0)
        );
        assert_eq!(of_status("Name:\tx\n"), None);
    }
}
