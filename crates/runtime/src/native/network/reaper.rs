//! Takes redirections away in the background. The kernel needs some 15 ms to delete an
//! element, however many go at once: what piles up meanwhile goes in one batch.

use std::io;
use std::net::Ipv4Addr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use super::flows;
use super::nftables::{PublishedPort, Table};
use super::port::HeldPort;

/// What a task gives back. Ports stay held and addresses taken until no redirection
/// names them any more; else a stale one would hand the next owner's traffic to nobody.
#[derive(Debug, Default)]
pub(super) struct Release {
    pub(super) published: Vec<PublishedPort>,
    pub(super) held: Vec<HeldPort>,
    pub(super) addresses: Vec<Ipv4Addr>,
}

enum Work {
    Release(Release),
    Settle(Sender<()>),
}

/// The owner's end. Both queues are bounded by the subnet: every entry was an address in use.
#[derive(Debug)]
pub(super) struct Reaper {
    queue: Option<Sender<Work>>,
    returned: Receiver<Ipv4Addr>,
    thread: Option<JoinHandle<()>>,
}

impl Reaper {
    /// The thread works in the network namespace of the calling thread.
    pub(super) fn start(bridge: &str) -> io::Result<Self> {
        let table = Table::open(bridge)?;
        let (queue, inbox) = channel();
        let (give_back, returned) = channel();
        let thread = thread::Builder::new()
            .name("port-reaper".to_owned())
            .spawn(move || run(table, &inbox, &give_back))?;
        Ok(Self {
            queue: Some(queue),
            returned,
            thread: Some(thread),
        })
    }

    pub(super) fn release(&self, release: Release) {
        self.send(Work::Release(release));
    }

    /// Addresses that became free since the last call.
    pub(super) fn returned(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.returned.try_iter()
    }

    /// Waits until everything released so far is gone.
    pub(super) fn settle(&self) {
        let (done, settled) = channel();
        self.send(Work::Settle(done));
        // An error means that the thread has ended, and with it all it held.
        let _ = settled.recv();
    }

    fn send(&self, work: Work) {
        let sent = self
            .queue
            .as_ref()
            .is_some_and(|queue| queue.send(work).is_ok());
        if !sent {
            tracing::error!("the port reaper has ended: redirections stay until the next start");
        }
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(mut table: Table, inbox: &Receiver<Work>, give_back: &Sender<Ipv4Addr>) {
    let mut stuck = Release::default();
    while let Ok(first) = inbox.recv() {
        let mut waiting = Vec::new();
        let mut batch = std::mem::take(&mut stuck);
        for work in std::iter::once(first).chain(inbox.try_iter()) {
            match work {
                Work::Release(release) => batch.merge(release),
                Work::Settle(done) => waiting.push(done),
            }
        }
        match table.delete(&batch.published) {
            Ok(()) => {
                if let Err(error) = flows::forget(&batch.published) {
                    tracing::warn!(%error, "cannot end UDP flows to ports that were released");
                }
                drop(batch.held);
                for address in batch.addresses {
                    // An owner that is gone gives out no more addresses.
                    let _ = give_back.send(address);
                }
            }
            Err(error) => {
                tracing::error!(%error, "cannot delete redirections; their ports stay held");
                stuck = batch;
            }
        }
        for done in waiting {
            let _ = done.send(());
        }
    }
}

impl Release {
    fn merge(&mut self, other: Self) {
        self.published.extend(other.published);
        self.held.extend(other.held);
        self.addresses.extend(other.addresses);
    }
}
