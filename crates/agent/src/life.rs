//! One task's owner: holds its engine, performs its effects, tells its reports.

use std::future::Future;
use std::sync::Arc;

use engine::{Effect, Event, Task};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use model::Timestamp;
use model::container::Existing;
use model::payload::HostStatus;
use tokio::sync::oneshot;

use crate::outbox::Outbox;
use crate::perform::{Host, Owned};
use crate::references::Values;
use crate::{Assignment, ReportError};

/// Lives the task to its end: returns when STOPPED has been told. `stop` fires at most once.
/// Dropped half-way, it leaves containers as they are.
pub(crate) async fn live(
    host: Arc<Host>,
    assignment: Assignment,
    existing: Vec<Existing>,
    stop: oneshot::Receiver<()>,
) {
    let Assignment {
        payload,
        stop_wanted,
        known,
    } = assignment;
    let owned = Arc::new(Owned {
        payload: Arc::clone(&payload),
        values: Values::default(),
    });
    // A task of which something runs keeps it, whatever can be fetched today.
    let is_new = existing.is_empty();
    let now = host.clock.now();
    let (task, effects) = if known.is_none() && existing.is_empty() {
        Task::accept(payload, now)
    } else {
        Task::resume(payload, known, &existing, now)
    };
    let mut life = Life {
        host,
        task,
        owned,
        is_new,
        work: FuturesUnordered::new(),
        wake_at: None,
        outbox: Outbox::default(),
    };
    life.perform(effects);
    if stop_wanted {
        life.step(Event::StopWanted);
    }
    life.run(stop).await;
}

struct Life {
    host: Arc<Host>,
    task: Task,
    owned: Arc<Owned>,
    is_new: bool,
    /// Effects that are being performed, at most a few per container.
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    wake_at: Option<Timestamp>,
    outbox: Outbox,
}

/// A piece of work that has ended.
enum Done {
    Event(Event),
    Quietly,
    Told(Result<(), ReportError>),
}

impl Life {
    async fn run(&mut self, mut stop: oneshot::Receiver<()>) {
        let mut may_stop = true;
        while self.task.status() < HostStatus::Stopped || !self.outbox.is_empty() {
            // First all that is done already: a report told before would be out of date at once.
            if let Some(Some(done)) = self.work.next().now_or_never() {
                self.done(done);
                continue;
            }
            self.send();
            let clock = Arc::clone(&self.host.clock);
            let wake_at = self.wake_at;
            tokio::select! {
                Some(done) = self.work.next() => self.done(done),
                wanted = &mut stop, if may_stop => {
                    may_stop = false;
                    if wanted.is_ok() {
                        self.step(Event::StopWanted);
                    }
                }
                () = wait_until(&*clock, wake_at), if wake_at.is_some() => {
                    self.wake_at = None;
                    self.step(Event::Tick);
                }
                else => {
                    tracing::error!(task = ?self.task.payload().id, "nothing to wait for");
                    return;
                }
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Event(event) => self.step(event),
            Done::Quietly => {}
            Done::Told(answer) => {
                self.outbox.sent();
                if answer.is_err() {
                    self.outbox.close();
                    self.step(Event::StopWanted);
                }
            }
        }
    }

    fn step(&mut self, event: Event) {
        let effects = self.task.step(self.host.clock.now(), event);
        self.perform(effects);
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            self.begin(effect);
        }
    }

    fn begin(&mut self, effect: Effect) {
        let host = Arc::clone(&self.host);
        let payload = Arc::clone(self.task.payload());
        let owned = Arc::clone(&self.owned);
        match effect {
            Effect::SetUpNetwork => {
                let is_new = self.is_new;
                self.work(async move { host.set_up(&owned, is_new).await });
            }
            Effect::Pull(index) => self.work(async move { host.pull(&owned, index).await }),
            Effect::Start(index, network) => {
                self.work(async move { host.start(&owned, index, &network).await });
            }
            Effect::Restart(index, network) => {
                self.work(async move { host.restart(&owned, index, &network).await });
            }
            Effect::Wait(index) => self.work(async move { host.wait(&payload, index).await }),
            Effect::Signal(index, signal) => self.work.push(Box::pin(async move {
                host.signal(&payload, index, signal)
                    .await
                    .map_or(Done::Quietly, Done::Event)
            })),
            Effect::CheckHealth(index, command, timeout) => self
                .work(async move { host.check_health(&payload, index, &command, timeout).await }),
            Effect::TearDown => self.work(async move { host.tear_down(&payload).await }),
            Effect::WakeAt(at) => self.wake_at = Some(at),
            Effect::Report(report) => self.outbox.push(*report),
        }
    }

    fn work(&self, effect: impl Future<Output = Event> + Send + 'static) {
        self.work
            .push(Box::pin(async move { Done::Event(effect.await) }));
    }

    fn send(&mut self) {
        if let Some(report) = self.outbox.take() {
            let host = Arc::clone(&self.host);
            self.work.push(Box::pin(
                async move { Done::Told(host.report(report).await) },
            ));
        }
    }
}

async fn wait_until(clock: &dyn runtime::Clock, moment: Option<Timestamp>) {
    if let Some(moment) = moment {
        clock.sleep_until(moment).await;
    }
}
