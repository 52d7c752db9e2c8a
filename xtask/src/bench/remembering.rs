//! Many stopped tasks: what one weighs, and how soon a server is back with all of them.

use std::time::Duration;

use super::figures::{milliseconds, whole};
use super::load::{Case, LIVING, load, register};
use super::memory;
use super::server::Server;
use super::table::{Goal, Table};
use crate::programs::Programs;
use crate::say;
use crate::workplace::Workplace;

/// Stopped tasks that a server has to remember, ten from each request.
const REMEMBERED: usize = 100_000;
const SETTLE: Duration = Duration::from_secs(240);

pub(super) fn measure(
    programs: &Programs,
    workplace: &Workplace,
    table: &mut Table,
) -> anyhow::Result<()> {
    let data_dir = workplace.fresh("remembering")?;
    let server = Server::scripted(programs, &data_dir)?;
    register(programs, &server, LIVING)?;
    let before = memory::resident(server.pid)?;
    let case = Case {
        connections: 8,
        count: 10,
        family: LIVING,
    };
    let load = load(
        programs,
        &server.url,
        case,
        REMEMBERED / case.count,
        ["--seconds", "240", "--warmup", "0"],
    )?;
    let lag = server.settle(programs, SETTLE)?;
    if !load.used_up || lag.is_none() {
        say(&format!("{REMEMBERED} tasks did not come and stop in time"));
        return Ok(());
    }
    let weight = |now: f64| (now - before) / REMEMBERED as f64;
    let mut add = |figure: &str, resident: f64| {
        let bytes = weight(resident);
        let text = format!("{} bytes", whole(bytes));
        table.add(figure, text, "", (bytes, "bytes"), Goal::AtMost(2048.0));
    };
    add(
        "A remembered task, right after 100,000 lives",
        memory::resident(server.pid)?,
    );
    server.stop()?;
    let server = Server::scripted(programs, &data_dir)?;
    add(
        "A remembered task, after a restart",
        memory::resident(server.pid)?,
    );
    let ready = milliseconds(server.ready);
    let text = format!("{} ms", whole(ready));
    let figure = "Server ready, 100,000 stopped tasks";
    table.add(figure, text, "", (ready, "ms"), Goal::AtMost(2000.0));
    server.stop()
}
