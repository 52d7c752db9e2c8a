//! Reading a script: statements in, a plan of the container's life out.

use std::collections::BTreeMap;

use super::words::{code, duration, statements, unquote};
use crate::signals;

/// The longest script in bytes; a docker label holds no more than a few kilobytes either.
const SCRIPT_BYTES_MAX: usize = 64 * 1024;
/// What a container does. Times are milliseconds, those of the life since its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    pub(crate) pull_millis: i64,
    pub(crate) pull_failure: Option<String>,
    pub(crate) start_millis: i64,
    pub(crate) start_failure: Option<String>,
    pub(crate) stop_signal: i32,
    /// In order of time.
    pub(crate) lines: Vec<(i64, String)>,
    /// `None`: it runs until it is stopped.
    pub(crate) end: Option<(i64, Ending)>,
    pub(crate) reactions: BTreeMap<i32, Reaction>,
    /// In order of time; empty: every check passes.
    pub(crate) health: Vec<(i64, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    Exit(i32),
    OutOfMemory,
    Vanish,
}

/// What a container does on a signal instead of dying of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    Ignore,
    Exit { code: i32, after_millis: i64 },
}

/// A script that cannot be read, and where: the character's place, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("script, character {place}: {problem}")]
pub(crate) struct ScriptError {
    pub(crate) place: usize,
    pub(crate) problem: String,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            pull_millis: 0,
            pull_failure: None,
            start_millis: 0,
            start_failure: None,
            stop_signal: signals::SIGTERM,
            lines: Vec::new(),
            end: None,
            reactions: BTreeMap::new(),
            health: Vec::new(),
        }
    }
}

pub(crate) fn parse(text: &str) -> Result<Script, ScriptError> {
    if text.len() > SCRIPT_BYTES_MAX {
        let problem = format!("longer than {SCRIPT_BYTES_MAX} bytes");
        return Err(ScriptError { place: 1, problem });
    }
    let mut reading = Reading {
        script: Script::default(),
        elapsed: 0,
    };
    for (start, statement) in statements(text) {
        let at = |problem| ScriptError {
            place: text[..start].chars().count() + 1,
            problem,
        };
        reading.statement(statement).map_err(at)?;
    }
    reading.script.health.sort_by_key(|(after, _)| *after);
    Ok(reading.script)
}

struct Reading {
    script: Script,
    /// Where `run` statements have brought the life.
    elapsed: i64,
}

impl Reading {
    fn statement(&mut self, text: &str) -> Result<(), String> {
        let (verb, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let rest = rest.trim();
        match verb {
            "pull" => phase(
                rest,
                &mut self.script.pull_millis,
                &mut self.script.pull_failure,
            ),
            "start" => phase(
                rest,
                &mut self.script.start_millis,
                &mut self.script.start_failure,
            ),
            "stop-signal" => {
                self.script.stop_signal = signals::number(rest)?;
                Ok(())
            }
            "log" => self.before_end().and_then(|()| self.log(rest)),
            "run" => self.before_end().and_then(|()| self.run(rest)),
            "exit" => code(rest).and_then(|code| self.end(Ending::Exit(code))),
            "oom" if rest.is_empty() => self.end(Ending::OutOfMemory),
            "vanish" if rest.is_empty() => self.end(Ending::Vanish),
            "ignore" => self.react(rest, Reaction::Ignore),
            "on" => self.on(rest),
            "health" => self.health(rest),
            "oom" | "vanish" => Err(format!("`{verb}` stands alone")),
            _ => Err(format!(
                "`{verb}` is not a statement; there are pull, start, stop-signal, log, run, exit, \
                 oom, vanish, ignore, on, health"
            )),
        }
    }

    fn before_end(&self) -> Result<(), String> {
        match self.script.end {
            None => Ok(()),
            Some(_) => Err("nothing happens after the end".to_owned()),
        }
    }

    fn log(&mut self, text: &str) -> Result<(), String> {
        self.script.lines.push((self.elapsed, unquote(text)?));
        Ok(())
    }

    fn run(&mut self, text: &str) -> Result<(), String> {
        self.elapsed = self.elapsed.saturating_add(duration(text)?);
        Ok(())
    }

    fn end(&mut self, ending: Ending) -> Result<(), String> {
        self.before_end()?;
        self.script.end = Some((self.elapsed, ending));
        Ok(())
    }

    fn react(&mut self, signal: &str, reaction: Reaction) -> Result<(), String> {
        let number = signals::number(signal)?;
        if number == signals::SIGKILL {
            return Err("SIGKILL cannot be caught".to_owned());
        }
        self.script.reactions.insert(number, reaction);
        Ok(())
    }

    /// `on SIGNAL exit CODE [after DURATION]`
    fn on(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (signal, exit, after_millis) = match words[..] {
            [signal, "exit", exit] => (signal, exit, 0),
            [signal, "exit", exit, "after", after] => (signal, exit, duration(after)?),
            _ => return Err("write `on SIGNAL exit CODE [after DURATION]`".to_owned()),
        };
        self.react(
            signal,
            Reaction::Exit {
                code: code(exit)?,
                after_millis,
            },
        )
    }

    /// `health healthy|unhealthy [after DURATION]`
    fn health(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (state, after) = match words[..] {
            [state] => (state, 0),
            [state, "after", after] => (state, duration(after)?),
            _ => ("", 0),
        };
        let healthy = match state {
            "healthy" => true,
            "unhealthy" => false,
            _ => return Err("write `health healthy|unhealthy [after DURATION]`".to_owned()),
        };
        self.script.health.push((after, healthy));
        Ok(())
    }
}

/// `pull` and `start`: a duration, or `fail` with a text.
fn phase(text: &str, millis: &mut i64, failure: &mut Option<String>) -> Result<(), String> {
    match text.strip_prefix("fail") {
        Some(rest) if rest.starts_with(char::is_whitespace) => {
            *failure = Some(unquote(rest.trim())?);
        }
        Some("") => return Err("`fail` needs a text".to_owned()),
        _ => *millis = duration(text)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, change: impl FnOnce(&mut Script)) {
        let mut expected = Script::default();
        change(&mut expected);
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn no_statement_runs_until_it_is_stopped() {
        check("", |_| {});
        check(" ;;\n ; ", |_| {});
    }

    #[test]
    fn the_example_of_the_documentation() {
        check("start 200ms; log hello; run 2s; exit 3", |script| {
            script.start_millis = 200;
            script.lines = vec![(0, "hello".to_owned())];
            script.end = Some((2000, Ending::Exit(3)));
        });
    }

    #[test]
    fn time_passes_in_run_statements_only() {
        check("log a\nrun 1s\nlog b\nrun 2m\nlog c\noom", |script| {
            script.lines = [(0, "a"), (1000, "b"), (121_000, "c")]
                .map(|(at, text)| (at, text.to_owned()))
                .to_vec();
            script.end = Some((121_000, Ending::OutOfMemory));
        });
        check("run 1h; vanish", |script| {
            script.end = Some((3_600_000, Ending::Vanish))
        });
    }

    #[test]
    fn pull_and_start_may_take_long_and_fail() {
        check(
            "pull 1s; pull fail no such image; start fail \"x; y\"",
            |script| {
                script.pull_millis = 1000;
                script.pull_failure = Some("no such image".to_owned());
                script.start_failure = Some("x; y".to_owned());
            },
        );
    }

    #[test]
    fn quotes_hold_separators_together() {
        check(r#"log "a; \"b\"\\\n c"; log d"#, |script| {
            script.lines = vec![(0, "a; \"b\"\\\n c".to_owned()), (0, "d".to_owned())];
        });
        check("log", |script| script.lines = vec![(0, String::new())]);
    }

    #[test]
    fn signals_can_be_answered() {
        check(
            "ignore SIGTERM; on SIGINT exit 4 after 2s; on 3 exit 0; stop-signal INT",
            |script| {
                script.stop_signal = 2;
                script.reactions = BTreeMap::from([
                    (15, Reaction::Ignore),
                    (
                        2,
                        Reaction::Exit {
                            code: 4,
                            after_millis: 2000,
                        },
                    ),
                    (
                        3,
                        Reaction::Exit {
                            code: 0,
                            after_millis: 0,
                        },
                    ),
                ]);
            },
        );
    }

    #[test]
    fn health_changes_with_time() {
        check("health unhealthy after 5s; health healthy", |script| {
            script.health = vec![(0, true), (5000, false)];
        });
    }

    #[track_caller]
    fn check_error(text: &str, expected: Expect) {
        expected.assert_eq(&parse(text).unwrap_err().to_string());
    }

    #[test]
    fn errors_name_the_place() {
        check_error(
            "log ü; jump",
            expect![
                "script, character 8: `jump` is not a statement; there are pull, start, stop-signal, log, run, exit, oom, vanish, ignore, on, health"
            ],
        );
        check_error(
            "run",
            expect!["script, character 1: `` is not a duration like 200ms, 2s, 5m or 1h"],
        );
        check_error(
            "run 2",
            expect!["script, character 1: `2` is not a duration like 200ms, 2s, 5m or 1h"],
        );
        check_error(
            "run 2d",
            expect!["script, character 1: `2d` is not a duration like 200ms, 2s, 5m or 1h"],
        );
        check_error(
            "run 99999999999999999999s",
            expect![
                "script, character 1: `99999999999999999999s` is not a duration of at most 366 days"
            ],
        );
        check_error(
            "run 9999h",
            expect!["script, character 1: `9999h` is not a duration of at most 366 days"],
        );
        check_error(
            "exit",
            expect!["script, character 1: `` is not an exit code from 0 to 255"],
        );
        check_error(
            "exit 256",
            expect!["script, character 1: `256` is not an exit code from 0 to 255"],
        );
        check_error(
            "exit -1",
            expect!["script, character 1: `-1` is not an exit code from 0 to 255"],
        );
        check_error(
            "exit 0; log late",
            expect!["script, character 9: nothing happens after the end"],
        );
        check_error(
            "exit 0; exit 1",
            expect!["script, character 9: nothing happens after the end"],
        );
        check_error(
            "oom now",
            expect!["script, character 1: `oom` stands alone"],
        );
        check_error(
            "pull fail",
            expect!["script, character 1: `fail` needs a text"],
        );
        check_error(
            "pull failing",
            expect!["script, character 1: `failing` is not a duration like 200ms, 2s, 5m or 1h"],
        );
        check_error(
            "ignore SIGKILL",
            expect!["script, character 1: SIGKILL cannot be caught"],
        );
        check_error(
            "ignore SIGNOTHING",
            expect!["script, character 1: `SIGNOTHING` is not a signal like SIGTERM"],
        );
        check_error(
            "on SIGTERM ignore",
            expect!["script, character 1: write `on SIGNAL exit CODE [after DURATION]`"],
        );
        check_error(
            "health maybe",
            expect!["script, character 1: write `health healthy|unhealthy [after DURATION]`"],
        );
        check_error(
            "log 5\" high; exit 1",
            expect!["script, character 1: a quote has no partner"],
        );
        check_error(
            "log \"open",
            expect!["script, character 1: the closing quote is missing"],
        );
        check_error(
            "log \"a\" b",
            expect!["script, character 1: text goes on after the closing quote"],
        );
        check_error(
            "log \"\\q\"",
            expect![[
                r#"script, character 1: in quotes a backslash stands before `"`, `\` or `n`"#
            ]],
        );
    }

    #[test]
    fn a_script_has_a_size() {
        let problem = parse(&" ".repeat(SCRIPT_BYTES_MAX + 1))
            .unwrap_err()
            .problem;
        assert_eq!(problem, "longer than 65536 bytes");
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[a-z0-9 ;\"\\\\\nüé]{0,60}") {
            let _ = parse(&text);
        }

        #[test]
        fn statements_in_any_order_are_read(
            verbs in prop::collection::vec(
                prop::sample::select(vec!["log x", "run 3ms", "pull 1s", "exit 2", "ignore TERM"]),
                0..12,
            ),
        ) {
            let ends = verbs.iter().position(|verb| *verb == "exit 2");
            let timed = |verb: &&str| ["log x", "run 3ms", "exit 2"].contains(verb);
            let late = ends.is_some_and(|end| verbs[end + 1..].iter().any(timed));
            prop_assert_eq!(parse(&verbs.join("; ")).is_err(), late);
        }
    }
}
