//! Keeps SQLite's write-ahead log short without making commits wait: a thread
//! copies the log into the database file through a connection of its own.
//!
//! The log starts over only when all of it has been copied, and under steady
//! load there are always some pages that came after the copy began. So when the
//! thread has copied the bulk, the next commit copies the few pages that remain.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::Change;

/// Pages in the log (of 4 KiB: 16 MiB) from which on it is copied.
pub(super) const LOG_PAGES: usize = 4096;

/// The log's bound, in multiples of the above: should the thread not keep up, a
/// commit copies the log itself.
const BEHIND_MAX: usize = 4;

/// SQLite's default, which we keep: larger pages write more per commit.
const PAGE_BYTES: usize = 4096;

pub(super) struct Checkpointer {
    /// Pages in the log at most: counted from the changes, because SQLite tells
    /// the true number only to a checkpoint.
    pages: usize,
    log_pages: usize,
    wake: Option<SyncSender<()>>,
    /// The thread was woken and its copy not yet made use of.
    asked: bool,
    /// The thread has copied what was in the log when it was woken.
    copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    /// Starts the thread; it ends when this value is dropped. The writer's
    /// connection must not checkpoint on its own. `log_bytes` are there already:
    /// programs that are killed leave their log, and each goes on with it.
    pub(super) fn start(copier: Connection, log_pages: usize, log_bytes: u64) -> io::Result<Self> {
        let copied = Arc::new(AtomicBool::new(false));
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("checkpoint".to_owned())
            .spawn({
                let copied = Arc::clone(&copied);
                move || run(&copier, &woken, &copied)
            })?;
        let (wake, thread) = (Some(wake), Some(thread));
        Ok(Self {
            pages: usize::try_from(log_bytes).map_or(usize::MAX, |bytes| bytes / PAGE_BYTES),
            log_pages,
            wake,
            asked: false,
            copied,
            thread,
        })
    }

    /// To be called after each commit. Failures wait for the next call: the
    /// commit is durable in the log already, and a full disk shows at a commit.
    pub(super) fn after_commit(&mut self, writer: &Connection, batch: &[Change]) {
        let pages = ABOVE + batch.iter().map(pages_of).sum::<usize>();
        self.pages = self.pages.saturating_add(pages);
        if self.pages < self.log_pages {
            return;
        }
        if self.copied.swap(false, Ordering::AcqRel) || self.pages >= BEHIND_MAX * self.log_pages {
            if copy_log(writer).unwrap_or(false) {
                self.pages = 0;
            }
            self.asked = false;
        } else if !self.asked
            && let Some(wake) = &self.wake
        {
            self.asked = wake.try_send(()).is_ok();
        }
    }
}

/// Pages above those of the rows that a commit dirties.
const ABOVE: usize = 2;

/// Rows that lie side by side share pages, which counts for nothing here.
fn pages_of(change: &Change) -> usize {
    1 + change.value.as_ref().map_or(0, Vec::len) / PAGE_BYTES
}

fn run(copier: &Connection, woken: &Receiver<()>, copied: &AtomicBool) {
    while woken.recv().is_ok() {
        // Even after an error the next commit tries itself, and wakes us again later.
        let _ = copy_log(copier);
        copied.store(true, Ordering::Release);
    }
}

/// Copies as much of the log as possible without waiting for anyone. False if
/// another connection is copying just now.
fn copy_log(db: &Connection) -> rusqlite::Result<bool> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |row| row.get(0))?;
    Ok(busy == 0)
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook; nothing depends on the thread.
            let _ = thread.join();
        }
    }
}
