//! Earlier states, so that reads may lag behind writes where somebody asks for it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use control::State;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// The longest delay that the configuration can ask for.
pub(crate) const DELAY_MAX: Duration = Duration::from_secs(60);

/// The longest delay that a request can ask for, where the configuration does not ask for more.
const REQUEST_DELAY_MAX: Duration = Duration::from_secs(10);

/// A state is kept at most this often, so a read lags at most this much longer than asked.
const STEP: Duration = Duration::from_millis(100);

/// What reads see that lag. Cheap to clone.
#[derive(Clone)]
pub(crate) struct History {
    kept: Arc<Mutex<Kept>>,
    usual_delay: Duration,
}

impl History {
    /// Starts with the present state, and follows the commits until the task is aborted.
    pub(crate) fn follow(
        commits: watch::Receiver<Arc<State>>,
        usual_delay: Duration,
    ) -> (Self, JoinHandle<()>) {
        let first = (Instant::now(), commits.borrow().clone());
        let history = Self {
            kept: Arc::new(Mutex::new(Kept(VecDeque::from([first])))),
            usual_delay,
        };
        let follower = history.clone();
        (history, tokio::spawn(follower.keep(commits)))
    }

    async fn keep(self, mut commits: watch::Receiver<Arc<State>>) {
        loop {
            // While nothing happens the old ones still have to go.
            let patience = match self.lock().0.len() {
                1 => Duration::MAX,
                _ => self.delay_max(),
            };
            match tokio::time::timeout(patience, commits.changed()).await {
                Ok(Ok(())) => {
                    let state = commits.borrow_and_update().clone();
                    let now = Instant::now();
                    self.lock().push(now, state, self.delay_max());
                    tokio::time::sleep(STEP).await;
                }
                // The writer is gone.
                Ok(Err(_)) => return,
                Err(_) => self.lock().drop_old(Instant::now(), self.delay_max()),
            }
        }
    }

    pub(crate) fn delay_max(&self) -> Duration {
        self.usual_delay.max(REQUEST_DELAY_MAX)
    }

    /// The state that a read sees which asked for `delay`, or for none; `None`: the newest.
    pub(crate) fn seen_by(&self, delay: Option<Duration>) -> Option<Arc<State>> {
        let delay = delay.unwrap_or(self.usual_delay);
        if delay.is_zero() {
            return None;
        }
        self.lock().as_of(Instant::now(), delay)
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A panic elsewhere leaves the list whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The states of the longest delay and the newest one before, oldest first.
struct Kept(VecDeque<(Instant, Arc<State>)>);

impl Kept {
    fn push(&mut self, now: Instant, state: Arc<State>, delay_max: Duration) {
        self.0.push_back((now, state));
        self.drop_old(now, delay_max);
    }

    fn drop_old(&mut self, now: Instant, delay_max: Duration) {
        // The second one already answers for the longest delay.
        while self.0.get(1).is_some_and(|(at, _)| *at + delay_max <= now) {
            self.0.pop_front();
        }
    }

    /// The state of that time. Before the server started there was none: then its first.
    fn as_of(&self, now: Instant, delay: Duration) -> Option<Arc<State>> {
        let newest_first = self.0.iter().rev();
        let mut old_enough = newest_first.skip_while(|(at, _)| *at + delay > now);
        let found = old_enough.next().or_else(|| self.0.front());
        found.map(|(_, state)| state.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_delay_shows_what_was_then() {
        let start = Instant::now();
        let states: Vec<_> = (0..4).map(|_| Arc::new(State::default())).collect();
        let entries = (0..4).zip(&states);
        let kept = Kept(
            entries
                .map(|(second, state)| (start + SECOND * second, state.clone()))
                .collect(),
        );
        let check = |delay_millis, expected: usize| {
            let delay = Duration::from_millis(delay_millis);
            let found = kept.as_of(start + SECOND * 3, delay);
            let found = states
                .iter()
                .position(|one| found.as_ref().is_some_and(|it| Arc::ptr_eq(one, it)));
            assert_eq!(found, Some(expected), "{delay:?}");
        };
        check(1, 2);
        check(1000, 2);
        check(1001, 1);
        check(3000, 0);
        check(9000, 0);
    }

    #[test]
    fn what_nobody_can_ask_for_is_dropped() {
        let start = Instant::now();
        let mut kept = Kept(VecDeque::new());
        for second in 0..200 {
            kept.push(start + SECOND * second, Arc::default(), SECOND * 20);
        }
        assert_eq!(kept.0.len(), 21);
        kept.drop_old(start + SECOND * 300, SECOND * 20);
        assert_eq!(kept.0.len(), 1);
    }
}
