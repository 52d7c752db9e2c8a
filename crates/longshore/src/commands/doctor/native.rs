//! What the native driver says of this host, as lines of the table.

use std::path::Path;

use runtime::native::image::ImageStore;
use runtime::native::network::NetworkConfig;
use runtime::native::{Examined, Outcome};

use super::check::Check;
use super::place::MIB;
use crate::driver::images_root;

/// Fewer ports than this are soon used up by dynamic host ports.
const PORTS_WARNING: usize = 1000;

pub(super) fn checks(data_dir: &Path) -> Vec<Check> {
    let examined = runtime::native::examine();
    let examined = examined.into_iter().map(check);
    examined
        .chain([dynamic_ports(), images(data_dir)])
        .collect()
}

fn check(Examined { subject, outcome }: Examined) -> Check {
    match outcome {
        Outcome::Works(found) => Check::ok(subject, found),
        Outcome::Untried(found) => {
            let found = format!("{found}; only root can try more");
            Check::warning(subject, found, as_root())
        }
        Outcome::Limited { found, remedy } => Check::warning(subject, found, remedy),
        Outcome::Missing(error) => Check::missing(subject, &error.to_string()),
    }
}

/// By its whole path: sudo looks for programs in folders of its own.
fn as_root() -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| "longshore".into());
    format!("sudo {} doctor", program.display())
}

fn dynamic_ports() -> Check {
    const SUBJECT: &str = "dynamic ports";
    let range = NetworkConfig::of_host().port_range;
    let found = format!("{} to {}", range.start(), range.end());
    if range.len() < PORTS_WARNING {
        let remedy = "sysctl -w net.ipv4.ip_local_port_range=\"32768 60999\"";
        return Check::warning(SUBJECT, format!("only {found}"), remedy);
    }
    Check::ok(SUBJECT, found)
}

fn images(data_dir: &Path) -> Check {
    const SUBJECT: &str = "images";
    match ImageStore::look(&images_root(data_dir)) {
        Ok(images) if images.is_empty() => Check::ok(
            SUBJECT,
            "none yet; they are pulled, or come by `longshore image load FILE`",
        ),
        Ok(images) => {
            let bytes: u64 = images.iter().map(|image| image.size_bytes).sum();
            let found = format!("{} of together {} MiB", images.len(), bytes.div_ceil(MIB));
            Check::ok(SUBJECT, found)
        }
        Err(error) => Check::warning(
            SUBJECT,
            error.to_string(),
            "longshore image ls, as whoever made the store",
        ),
    }
}
