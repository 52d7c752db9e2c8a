//! What the native driver says of this host, as lines of the table.

use runtime::native::{Examined, Outcome};

use super::check::Check;

/// For what only root may try.
const AS_ROOT: &str = "sudo longshore doctor";

pub(super) fn checks() -> Vec<Check> {
    let examined = runtime::native::examine();
    examined.into_iter().map(check).collect()
}

fn check(Examined { subject, outcome }: Examined) -> Check {
    match outcome {
        Outcome::Works(found) => Check::ok(subject, found),
        Outcome::Untried(found) => {
            Check::warning(subject, format!("{found}; only root can try more"), AS_ROOT)
        }
        Outcome::Limited { found, remedy } => Check::warning(subject, found, remedy),
        Outcome::Missing(error) => Check::missing(subject, &error.to_string()),
    }
}
