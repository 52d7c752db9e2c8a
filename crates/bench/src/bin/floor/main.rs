//! What the machine itself allows: the least work under a durable answer and
//! under a container's life. Figures of ours are told as multiples of these.

mod append;
#[cfg(target_os = "linux")]
mod life;

use bench::answer;
use clap::Parser;

#[derive(Parser)]
enum Arguments {
    /// Appends to a file and syncs it, a round of records at a time
    Append(append::Append),
    /// Starts a program in namespaces and a root of its own, and waits for its end
    #[cfg(target_os = "linux")]
    Life(life::Life),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse() {
        Arguments::Append(append) => answer::print(&append.measure()?),
        #[cfg(target_os = "linux")]
        Arguments::Life(life) => answer::print(&life.measure()?),
    }
}
