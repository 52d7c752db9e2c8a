//! Reports of one task on their way to the control plane: in order, one at a time.

use std::collections::VecDeque;

use model::payload::{HostStatus, TaskReport};

/// Holds at most two reports: a newer one replaces one that waits, because each carries the
/// whole state. Only RUNNING is never replaced by what comes after it: that a task ran is
/// to be seen even if it ended at once.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<TaskReport>,
    sending: bool,
    closed: bool,
}

impl Outbox {
    pub(crate) fn push(&mut self, report: TaskReport) {
        if self.closed {
            return;
        }
        let replaceable = |waiting: &TaskReport| {
            waiting.status != HostStatus::Running || report.status == HostStatus::Running
        };
        if self.waiting.back().is_some_and(replaceable) {
            self.waiting.pop_back();
        }
        self.waiting.push_back(report);
    }

    /// The next report to send, if none is being sent. [`Outbox::sent`] must follow.
    pub(crate) fn take(&mut self) -> Option<TaskReport> {
        if self.sending {
            return None;
        }
        let report = self.waiting.pop_front();
        self.sending = report.is_some();
        report
    }

    pub(crate) fn sent(&mut self) {
        self.sending = false;
    }

    /// Nobody listens any more: what waits and what comes is dropped.
    pub(crate) fn close(&mut self) {
        self.closed = true;
        self.waiting.clear();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.sending
    }
}

#[cfg(test)]
mod tests {
    use HostStatus::{Pending, Running, Stopped, Stopping};
    use model::TaskId;

    use super::*;

    fn report(status: HostStatus) -> TaskReport {
        TaskReport {
            task: TaskId::from_bits(1),
            status,
            containers: Vec::new(),
            interface: None,
            pull_started_at: None,
            pull_stopped_at: None,
            started_at: None,
            execution_stopped_at: None,
            stop: None,
        }
    }

    /// All reports come before the first is taken.
    #[track_caller]
    fn check(reports: &[HostStatus], sent: &[HostStatus]) {
        let mut outbox = Outbox::default();
        for status in reports {
            outbox.push(report(*status));
        }
        let mut statuses = Vec::new();
        while let Some(report) = outbox.take() {
            assert_eq!(outbox.take(), None, "one at a time");
            statuses.push(report.status);
            outbox.sent();
        }
        assert_eq!(statuses, sent);
        assert!(outbox.is_empty());
    }

    #[test]
    fn only_the_newest_is_sent_but_running_always() {
        check(&[Pending, Pending], &[Pending]);
        check(&[Pending, Running, Running], &[Running]);
        check(&[Pending, Running, Stopping, Stopped], &[Running, Stopped]);
        check(&[Pending, Stopping, Stopped], &[Stopped]);
    }

    #[test]
    fn what_is_being_sent_is_not_replaced() {
        let mut outbox = Outbox::default();
        outbox.push(report(Pending));
        assert_eq!(outbox.take().map(|report| report.status), Some(Pending));
        outbox.push(report(Stopped));
        assert!(!outbox.is_empty());
        outbox.sent();
        assert_eq!(outbox.take().map(|report| report.status), Some(Stopped));
    }

    #[test]
    fn a_closed_one_holds_nothing() {
        let mut outbox = Outbox::default();
        outbox.push(report(Pending));
        outbox.close();
        outbox.push(report(Stopped));
        assert!(outbox.is_empty());
    }
}
