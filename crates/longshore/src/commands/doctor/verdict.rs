//! Which driver a server would take here, and why.

use serde::Serialize;

use super::check::Check;
use crate::config::Config;
use crate::driver::{Choice, Chosen, Refusal, choose};

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Verdict {
    /// `None` where the one that is wanted cannot run, or none can.
    pub(super) driver: Option<&'static str>,
    pub(super) reason: String,
    /// Subjects without which no server starts, whatever its driver.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) missing: Vec<&'static str>,
}

impl Verdict {
    /// From what each driver alone needs, and what every server does.
    pub(super) async fn of(
        config: &Config,
        native: &[Check],
        engine: &Check,
        server: &[Check],
    ) -> Self {
        let opened = |missing: Option<_>| missing.map_or(Ok(()), Err);
        let native = opened(native.iter().find(|check| check.is_missing()));
        let docker = opened(Some(engine).filter(|check| check.is_missing()));
        let (driver, reason) = match choose(config, async || native, async || docker).await {
            Ok(Choice { driver, reason }) => (Some(name(&driver)), reason),
            // What mends it stands in the table.
            Err(Refusal::Named(check)) => (None, check.found.clone()),
            Err(Refusal::Neither { native, docker }) => {
                let reason = format!("native: {}; docker: {}", native.found, docker.found);
                (None, reason)
            }
        };
        let missing = server.iter().filter(|check| check.is_missing());
        Self {
            driver,
            reason,
            missing: missing.map(|check| check.subject).collect(),
        }
    }

    /// Whether a server would start and run containers.
    pub(super) fn is_good(&self) -> bool {
        self.driver.is_some() && self.missing.is_empty()
    }

    pub(super) fn sentence(&self) -> String {
        match self.driver {
            Some(driver) if self.is_good() => {
                format!("a server takes the driver {driver}: {}", self.reason)
            }
            Some(driver) => format!(
                "a server would take the driver {driver}, but cannot start before this is mended: {}",
                self.missing.join(", ")
            ),
            None => format!(
                "no driver can run containers here: {}; `longshore up --driver scripted` starts \
                 nothing and works everywhere",
                self.reason
            ),
        }
    }
}

fn name(driver: &Chosen<(), ()>) -> &'static str {
    match driver {
        Chosen::Scripted => "scripted",
        Chosen::Native(()) => "native",
        Chosen::Docker(()) => "docker",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdict over a file, a native driver without root, an engine, and the server's needs.
    #[track_caller]
    fn check(file: &str, engine: &Check, server: &[Check], is_good: bool, sentence: &str) {
        let config = Config::embedded(file).unwrap();
        let ok = Check::ok("kernel", "Linux 6");
        let limited = Check::warning("cgroups", "few", "more");
        let native = [ok, limited, Check::missing("root", "it needs root; sudo")];
        let verdict = Verdict::of(&config, &native, engine, server);
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let verdict = runtime.unwrap().block_on(verdict);
        assert_eq!(verdict.is_good(), is_good);
        assert_eq!(verdict.sentence(), sentence);
    }

    #[test]
    fn the_choice_is_told_as_a_server_would_make_it() {
        let engine = Check::ok("docker engine", "version 20");
        let none = Check::missing("docker engine", "no engine listens; start one");
        let fine = [Check::ok("port", "it is free")];
        check(
            "",
            &engine,
            &fine,
            true,
            "a server takes the driver docker: an engine answers, and it needs root",
        );
        check(
            "",
            &none,
            &fine,
            false,
            "no driver can run containers here: native: it needs root; docker: no engine \
             listens; `longshore up --driver scripted` starts nothing and works everywhere",
        );
        check(
            "driver = 'scripted'",
            &none,
            &fine,
            true,
            "a server takes the driver scripted: the configuration names it",
        );
        check(
            "",
            &engine,
            &[Check::missing("disk", "it is full; free some")],
            false,
            "a server would take the driver docker, but cannot start before this is mended: disk",
        );
    }
}
