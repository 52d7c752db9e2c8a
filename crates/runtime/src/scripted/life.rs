//! The life of one container as a function of time: nothing happens by itself, so a life
//! goes on while no server runs.

use model::Timestamp;
use model::container::{Exit, Failure, FailureName};
use model::payload::reason_text;

use super::script::{Ending, Reaction, Script};
use crate::signals;

/// What was done to a running container, and when.
pub(crate) type Signals = [(i32, Timestamp)];

impl Script {
    /// How and when a container that started then ends, as far as is known now.
    pub(crate) fn exit(&self, started: Timestamp, received: &Signals) -> Option<Exit> {
        let scripted = self
            .end
            .map(|(after, ending)| exit(ending, started.plus_millis(after)));
        let signalled = received
            .iter()
            .filter_map(|&(signal, at)| self.answer(signal, at));
        scripted
            .into_iter()
            .chain(signalled)
            .min_by_key(|exit| exit.at)
    }

    fn answer(&self, signal: i32, at: Timestamp) -> Option<Exit> {
        match self.reactions.get(&signal) {
            Some(Reaction::Ignore) => None,
            Some(Reaction::Exit { code, after_millis }) => {
                Some(exit(Ending::Exit(*code), at.plus_millis(*after_millis)))
            }
            None => signals::kills(signal).then(|| exit(Ending::Exit(128 + signal), at)),
        }
    }

    /// Does a health check at this moment pass?
    pub(crate) fn healthy(&self, started: Timestamp, now: Timestamp) -> bool {
        let passed = now.millis_since(started);
        let current = self
            .health
            .iter()
            .take_while(|(after, _)| *after <= passed)
            .last();
        current.map_or(self.health.is_empty(), |(_, healthy)| *healthy)
    }
}

fn exit(ending: Ending, at: Timestamp) -> Exit {
    let (code, out_of_memory, reason) = match ending {
        Ending::Exit(code) => (Some(code), false, None),
        Ending::OutOfMemory => (Some(128 + signals::SIGKILL), true, None),
        Ending::Vanish => (None, false, Some(vanished("as its script says"))),
    };
    Exit {
        code,
        out_of_memory,
        at,
        reason,
    }
}

/// The reason of an exit that nobody saw.
pub(crate) fn vanished(why: &str) -> String {
    let detail = format!("the container is gone, {why}");
    reason_text(&Failure::new(FailureName::ContainerVanishedError, detail))
}

#[cfg(test)]
mod tests {
    use super::super::script::parse;
    use super::*;

    const fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    /// Started at 1000; signals are pairs of number and time.
    #[track_caller]
    fn check(script: &str, received: &[(i32, i64)], expected: Option<(i64, Option<i32>)>) {
        let received: Vec<_> = received
            .iter()
            .map(|&(signal, time)| (signal, at(time)))
            .collect();
        let exit = parse(script).unwrap().exit(at(1000), &received);
        assert_eq!(exit.map(|exit| (exit.at.millis(), exit.code)), expected);
    }

    #[test]
    fn it_ends_as_the_script_says() {
        check("", &[], None);
        check("run 2s; exit 3", &[], Some((3000, Some(3))));
        check("exit 0", &[], Some((1000, Some(0))));
        check("run 1s; oom", &[], Some((2000, Some(137))));
        check("vanish", &[], Some((1000, None)));
    }

    #[test]
    fn it_ends_by_signals_too() {
        check("", &[(15, 1500)], Some((1500, Some(143))));
        check("", &[(28, 1500), (9, 1600)], Some((1600, Some(137))));
        check("run 2s; exit 3", &[(15, 2000)], Some((2000, Some(143))));
        check("run 2s; exit 3", &[(15, 3500)], Some((3000, Some(3))));
        check("ignore TERM", &[(15, 1500)], None);
        check(
            "ignore TERM",
            &[(15, 1500), (9, 2500)],
            Some((2500, Some(137))),
        );
        check(
            "on TERM exit 0 after 1s",
            &[(15, 1500)],
            Some((2500, Some(0))),
        );
        check(
            "on TERM exit 0 after 1s",
            &[(15, 1500), (9, 2000)],
            Some((2000, Some(137))),
        );
    }

    #[test]
    fn out_of_memory_and_vanishing_say_so() {
        let exit = parse("oom").unwrap().exit(at(0), &[]).unwrap();
        assert!(exit.out_of_memory);
        let exit = parse("vanish").unwrap().exit(at(0), &[]).unwrap();
        let reason = "ContainerVanishedError: the container is gone, as its script says";
        assert_eq!(exit.reason.as_deref(), Some(reason));
    }

    #[track_caller]
    fn check_health(script: &str, now: i64, expected: bool) {
        assert_eq!(parse(script).unwrap().healthy(at(1000), at(now)), expected);
    }

    #[test]
    fn health_is_what_was_said_last() {
        check_health("", 1000, true);
        check_health("health unhealthy", 1000, false);
        check_health("health healthy after 2s", 2999, false);
        check_health("health healthy after 2s", 3000, true);
        check_health("health healthy; health unhealthy after 5s", 5999, true);
        check_health("health healthy; health unhealthy after 5s", 6000, false);
    }
}
