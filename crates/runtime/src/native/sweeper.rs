//! What is left of tasks that were torn down, removed after the answer: control groups,
//! files, the leases of layers. Nobody waits for it but a new start of the same task.
//!
//! A task's folder is moved into `removed` first. So a server that ends half-way finds there
//! what to go on with when it starts again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use model::TaskId;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::cgroup::Cgroups;
use super::container::folder::{Folder, Folders};
use super::container::process::ended;
use super::image::ImageStore;
use super::{KILL_TIME, blocking};

/// At most one sweep per task goes on; they are few, as each follows a task's end.
#[derive(Clone)]
pub(super) struct Sweeper(Arc<Inner>);

struct Inner {
    removed: Folders,
    cgroups: Cgroups,
    images: ImageStore,
    under_way: Mutex<BTreeSet<TaskId>>,
    done: Notify,
}

impl Sweeper {
    /// Goes on with what a former server left in the folder.
    pub(super) fn start(
        removed: PathBuf,
        cgroups: Cgroups,
        images: ImageStore,
    ) -> io::Result<Self> {
        let sweeper = Self(Arc::new(Inner {
            removed: Folders::new(removed),
            cgroups,
            images,
            under_way: Mutex::default(),
            done: Notify::new(),
        }));
        for task in sweeper.0.removed.tasks()? {
            sweeper.begin(task);
        }
        Ok(sweeper)
    }

    /// Takes the task out of `folders`, then removes it in the background. None of its
    /// containers may run or be starting.
    pub(super) async fn sweep(&self, folders: &Folders, task: TaskId) -> io::Result<()> {
        self.settled(Some(task)).await;
        match fs::rename(folders.task(task), self.0.removed.task(task)) {
            Ok(()) => self.begin(task),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Waits until nothing of the task is left, or of any task.
    pub(super) async fn settled(&self, task: Option<TaskId>) {
        loop {
            let done = self.0.done.notified();
            if !self.is_under_way(task) {
                return;
            }
            done.await;
        }
    }

    fn is_under_way(&self, task: Option<TaskId>) -> bool {
        let under_way = self.under_way();
        task.map_or(!under_way.is_empty(), |task| under_way.contains(&task))
    }

    fn under_way(&self) -> std::sync::MutexGuard<'_, BTreeSet<TaskId>> {
        let under_way = &self.0.under_way;
        under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, task: TaskId) {
        self.under_way().insert(task);
        let sweeper = self.clone();
        tokio::spawn(async move {
            if let Err(error) = sweeper.0.remove(task).await {
                tracing::warn!(%task, %error, "what is left of the task is removed at the next start");
            }
            sweeper.under_way().remove(&task);
            sweeper.0.done.notify_waiters();
        });
    }
}

impl Inner {
    async fn remove(&self, task: TaskId) -> io::Result<()> {
        let containers = self.removed.of_task(task)?;
        for key in &containers {
            let folder = self.removed.container(key);
            // It unmounts the container's root, and only then its layers may go.
            if let Some(Ok(Some(shim))) = folder.and_then(|folder| Some(folder.shim()?.open())) {
                timeout(KILL_TIME, ended(&shim))
                    .await
                    .map_err(|_| io::Error::other("a shim does not end"))??;
            }
        }
        let (cgroups, images) = (self.cgroups.clone(), self.images.clone());
        let folder = Folder::new(self.removed.task(task));
        blocking(move || {
            cgroups.remove_task(task)?;
            for key in &containers {
                images
                    .release(&key.runtime_id())
                    .map_err(io::Error::other)?;
            }
            folder.remove()
        })
        .await
    }
}
