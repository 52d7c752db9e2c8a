//! What a request means for all hosts of a class at once.

use crate::Host;
use crate::check::{agent, is_member_whatever_runs, location, required_attributes};
use crate::expression::Expression;
use crate::index::Class;
use crate::refusal::Refusal;
use crate::request::{Constraint, Request};

/// A class of the pool, and what is decided about it.
pub(crate) struct Judged<'a> {
    pub(crate) class: &'a Class,
    /// Every host refuses, whatever it has left.
    pub(crate) early: Option<Refusal>,
    /// Every host that has enough left refuses then.
    pub(crate) late: Option<Refusal>,
    /// Must be asked of each host, before `late` is told.
    pub(crate) pending: Vec<&'a Expression>,
}

impl<'a> Judged<'a> {
    pub(crate) fn new(class: &'a Class, request: &Request<'a>) -> Self {
        let host = class.alike();
        let early = agent(host).or_else(|| required_attributes(host, request));
        let mut judged = Self {
            class,
            early,
            late: None,
            pending: Vec::new(),
        };
        if judged.early.is_none() {
            judged.late = location(host, request);
        }
        if judged.early.is_none() && judged.late.is_none() {
            judged.constraints(host, request);
        }
        judged
    }

    fn constraints(&mut self, host: &Host, request: &Request<'a>) {
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
                None => self.pending.push(expression),
            }
        }
    }

    /// Some hosts of the class may take the task.
    pub(crate) fn is_open(&self) -> bool {
        self.early.is_none() && self.late.is_none()
    }
}
