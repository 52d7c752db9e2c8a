//! What clients were told about their tokens, held against what the store has.

use std::collections::{BTreeMap, BTreeSet};

use super::stored::Stored;

/// The ids of the tasks that one answer told, or that belong to one token.
pub type Tasks = BTreeSet<String>;

/// All tokens that were sent, and what came back.
#[derive(Debug, Default)]
pub struct Told(BTreeMap<String, Promise>);

/// What is known of one token.
#[derive(Debug)]
struct Promise {
    /// Tasks that a call with the token asks for.
    count: usize,
    /// What answers told. More than one when they differ, which is a fault.
    answers: BTreeSet<Tasks>,
}

impl Told {
    /// A token is about to be sent.
    pub fn ask(&mut self, token: &str, count: usize) {
        let answers = BTreeSet::new();
        self.0
            .entry(token.to_owned())
            .or_insert(Promise { count, answers });
    }

    /// A call with a token that was asked for has been answered.
    pub fn answer(&mut self, token: &str, tasks: Tasks) {
        if let Some(promise) = self.0.get_mut(token) {
            promise.answers.insert(tasks);
        }
    }

    pub fn tokens(&self) -> usize {
        self.0.len()
    }

    /// What does not hold: one line per token and fault. Every token must have been answered, by
    /// one set of tasks, which has as many tasks as were asked for and which the store has.
    pub fn complaints(&self, stored: &Stored) -> Vec<String> {
        let none = Tasks::new();
        let mut found = Vec::new();
        for (token, promise) in &self.0 {
            let kept = stored.tasks.get(token).unwrap_or(&none);
            let of_token = promise.complaints(kept).into_iter();
            found.extend(of_token.map(|text| format!("{}: {token}: {text}", stored.source)));
        }
        let strangers = stored
            .tasks
            .keys()
            .filter(|token| !self.0.contains_key(*token));
        found.extend(strangers.map(|token| format!("{}: {token}: never sent", stored.source)));
        found
    }
}

impl Promise {
    fn complaints(&self, kept: &Tasks) -> Vec<String> {
        let mut found = Vec::new();
        if kept.len() != self.count {
            let (stored, asked) = (kept.len(), self.count);
            found.push(format!("{stored} tasks where {asked} were asked for"));
        }
        if self.answers.is_empty() {
            found.push("never answered".to_owned());
        }
        let wrong = self.answers.iter().filter(|told| *told != kept);
        found.extend(wrong.map(|told| format!("clients were told {told:?}, kept are {kept:?}")));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tasks(ids: &[&str]) -> Tasks {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    /// Token `t`, which asks for two tasks, and these answers and these tasks in the store.
    #[track_caller]
    fn check(answers: &[&[&str]], stored: &[(&str, &[&str])], expected: &[&str]) {
        let mut told = Told::default();
        told.ask("t", 2);
        for answer in answers {
            told.answer("t", tasks(answer));
        }
        let kept = stored
            .iter()
            .map(|(token, ids)| ((*token).to_owned(), tasks(ids)));
        let stored = Stored {
            source: "s",
            tasks: kept.collect(),
        };
        assert_eq!(told.complaints(&stored), expected);
    }

    #[test]
    fn one_set_of_tasks_that_everybody_was_told_is_right() {
        check(&[&["a", "b"], &["b", "a"]], &[("t", &["a", "b"])], &[]);
    }

    #[test]
    fn a_second_set_of_tasks_is_caught() {
        check(
            &[&["a", "b"]],
            &[("t", &["a", "b", "c", "d"])],
            &[
                "s: t: 4 tasks where 2 were asked for",
                r#"s: t: clients were told {"a", "b"}, kept are {"a", "b", "c", "d"}"#,
            ],
        );
    }

    #[test]
    fn a_missing_acknowledged_task_is_caught() {
        check(
            &[&["a", "b"]],
            &[("t", &["a"])],
            &[
                "s: t: 1 tasks where 2 were asked for",
                r#"s: t: clients were told {"a", "b"}, kept are {"a"}"#,
            ],
        );
        check(
            &[&["a", "b"]],
            &[],
            &[
                "s: t: 0 tasks where 2 were asked for",
                r#"s: t: clients were told {"a", "b"}, kept are {}"#,
            ],
        );
    }

    #[test]
    fn clients_that_were_told_different_tasks_are_caught() {
        check(
            &[&["a", "b"], &["c", "d"]],
            &[("t", &["c", "d"])],
            &[r#"s: t: clients were told {"a", "b"}, kept are {"c", "d"}"#],
        );
    }

    #[test]
    fn half_a_set_is_caught_though_everybody_was_told_the_same() {
        check(
            &[&["a"]],
            &[("t", &["a"])],
            &["s: t: 1 tasks where 2 were asked for"],
        );
    }

    #[test]
    fn silence_and_tasks_that_nobody_asked_for_are_caught() {
        check(&[], &[("t", &["a", "b"])], &["s: t: never answered"]);
        let kept: [(&str, &[&str]); 2] = [("t", &["a", "b"]), ("u", &["c"])];
        check(&[&["a", "b"]], &kept, &["s: u: never sent"]);
    }
}
