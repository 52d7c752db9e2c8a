//! What a request means for all hosts of a class at once.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use crate::Host;
use crate::check::{agent, location, required_attributes};
use crate::expression::Expression;
use crate::index::Class;
use crate::leaf::Entry;
use crate::limits::STRATEGIES_MAX;
use crate::member::is_member_whatever_runs;
use crate::refusal::Refusal;
use crate::request::{BinpackBy, Constraint, Request};

/// A class of the pool, and what has been found out about it.
pub(crate) struct Judged<'a> {
    pub(crate) class: &'a Class,
    /// How many tasks of the group its bucket has, for each strategy that spreads by attribute.
    pub(crate) in_bucket: [u32; STRATEGIES_MAX],
    verdict: OnceCell<Verdict>,
    /// The first host on each shelf that may take the task; `None`: not looked for.
    firsts: [Cell<Option<Option<Entry>>>; 2],
}

#[derive(Default)]
pub(crate) struct Verdict {
    /// Every host refuses, whatever it has left.
    pub(crate) early: Option<Refusal>,
    /// Every host that has enough left refuses then.
    pub(crate) late: Option<Refusal>,
    /// Must be asked of each host, before `late` is told.
    pub(crate) pending: Vec<Arc<Expression>>,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(class: &'a Class) -> Self {
        Self {
            class,
            in_bucket: [0; STRATEGIES_MAX],
            verdict: OnceCell::new(),
            firsts: [Cell::new(None), Cell::new(None)],
        }
    }

    /// Decided when it is first asked for: few classes are looked at closely.
    pub(crate) fn verdict(&self, request: &Request<'_>) -> &Verdict {
        let host = self.class.alike();
        self.verdict.get_or_init(|| Verdict::new(host, request))
    }

    pub(crate) fn first(&self, by: BinpackBy) -> &Cell<Option<Option<Entry>>> {
        match by {
            BinpackBy::Cpu => &self.firsts[0],
            BinpackBy::Memory => &self.firsts[1],
        }
    }
}

impl Verdict {
    fn new(host: &Host, request: &Request<'_>) -> Self {
        let mut verdict = Self {
            early: agent(host).or_else(|| required_attributes(host, request)),
            ..Self::default()
        };
        if verdict.early.is_none() {
            verdict.late = location(host, request);
        }
        if verdict.is_open() {
            verdict.judge_members(host, request);
        }
        verdict
    }

    fn judge_members(&mut self, host: &Host, request: &Request<'_>) {
        for constraint in request.constraints {
            let Constraint::MemberOf(expression) = constraint else {
                continue;
            };
            match is_member_whatever_runs(host, expression) {
                Some(true) => {}
                Some(false) => {
                    let expression = expression.text().into();
                    self.late = Some(Refusal::MemberOf { expression });
                    return;
                }
                None => self.pending.push(Arc::clone(expression)),
            }
        }
    }

    /// Some hosts of the class may take the task.
    pub(crate) fn is_open(&self) -> bool {
        self.early.is_none() && self.late.is_none()
    }
}
