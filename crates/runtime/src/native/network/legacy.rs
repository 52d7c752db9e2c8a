//! Rules of the kernel's older firewall, as `iptables-legacy` sets them. They are in tables of
//! their own, which nf_tables does not show; a drop there is as final as one elsewhere.

use std::fs;
use std::process::{Command, Stdio};

/// Which tables there are in the network namespace of this thread; only root may read it.
const TABLES: &str = "/proc/thread-self/net/ip_tables_names";
/// The table in which packets are dropped.
const FILTER: &str = "filter";
/// Where Debian and others put programs for root, which may not be in the path.
const PROGRAMS: [&str; 2] = ["iptables-legacy-save", "/usr/sbin/iptables-legacy-save"];

/// A sentence if forwarded packets are dropped there, or may be, with what to change. `bridge` is
/// the name that our links begin with.
pub(super) fn obstacle(bridge: &str) -> Option<String> {
    // Without the table there are no rules, and asking for them would make it.
    let tables = fs::read_to_string(TABLES).unwrap_or_default();
    if !tables.lines().any(|table| table == FILTER) {
        return None;
    }
    match rules() {
        Some(rules) => drops_forwarded(&rules, bridge).then(|| dropped(bridge)),
        None => Some(
            "rules set through iptables-legacy are there and may drop forwarded packets, but the \
             program iptables-legacy-save that lists them is not; install iptables and look at \
             `iptables-legacy -S FORWARD`"
                .to_owned(),
        ),
    }
}

fn dropped(bridge: &str) -> String {
    format!(
        "the chain FORWARD of iptables-legacy drops forwarded packets: tasks cannot reach other \
         hosts, and other hosts cannot reach published ports; iptables-legacy -I FORWARD -i \
         {bridge}+ -j ACCEPT && iptables-legacy -I FORWARD -o {bridge}+ -j ACCEPT"
    )
}

/// The filter table as the program writes it.
fn rules() -> Option<String> {
    PROGRAMS.iter().find_map(|program| {
        let mut command = Command::new(program);
        command.args(["-t", FILTER]).stdin(Stdio::null());
        let done = command.output().ok().filter(|done| done.status.success())?;
        String::from_utf8(done.stdout).ok()
    })
}

/// Whether the policy is to drop, and no rules let our links through both ways.
fn drops_forwarded(rules: &str, bridge: &str) -> bool {
    let has_policy = rules.lines().any(|line| line.starts_with(":FORWARD DROP"));
    let is_admitted = |direction: &str| {
        let rule = format!("-A FORWARD {direction} {bridge}");
        let mut lines = rules.lines().filter_map(|line| line.strip_prefix(&*rule));
        lines.any(|rest| rest.ends_with(" -j ACCEPT"))
    };
    has_policy && !(is_admitted("-i") && is_admitted("-o"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rules: &str, expected: bool) {
        assert_eq!(drops_forwarded(rules, "longshore"), expected, "{rules}");
    }

    #[test]
    fn a_policy_drops_unless_our_links_are_let_through_both_ways() {
        let policy = "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n";
        check(policy, true);
        check(&policy.replace("FORWARD DROP", "FORWARD ACCEPT"), false);
        let entering = "-A FORWARD -i longshore+ -j ACCEPT\n";
        let leaving = "-A FORWARD -o longshore0 -j ACCEPT\n";
        check(&format!("{policy}{entering}"), true);
        check(&format!("{policy}{entering}{leaving}"), false);
        check(
            &format!("{policy}{entering}-A FORWARD -o longshore+ -j DROP\n"),
            true,
        );
        check(
            &format!("{policy}{}", entering.replace("FORWARD", "INPUT")),
            true,
        );
    }
}
