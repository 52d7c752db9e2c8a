//! Says how many container instances the capacity providers want: as an event of the log, and
//! to a command of the operator's that can add and remove hosts.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use model::capacity::Wish;
use tokio::process::Command;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::writer::Writer;

/// At most one look in this time, however much happens.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A command that runs longer is killed.
const COMMAND_MAX: Duration = Duration::from_secs(60);
/// A wish that is not met is told again after this.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

/// A cluster and a provider.
type Key = (String, String);

/// Looks after every commit; ends with the writer. Without a command only the log is told.
pub(crate) async fn watch_wishes(writer: Writer, hook: Vec<String>) {
    let mut commits = writer.commits();
    let mut tellers = Tellers {
        hook,
        known: BTreeMap::new(),
        running: JoinSet::new(),
    };
    loop {
        let state = commits.borrow_and_update().clone();
        tellers.tell(control::capacity::wishes(&state));
        drop(state);
        tokio::time::sleep(LOOK_EVERY).await;
        if commits.changed().await.is_err() {
            return;
        }
    }
}

/// One task for each provider, so that a slow command keeps nobody else waiting.
struct Tellers {
    hook: Vec<String>,
    known: BTreeMap<Key, watch::Sender<Wish>>,
    /// Ends with this value.
    running: JoinSet<()>,
}

impl Tellers {
    fn tell(&mut self, wishes: Vec<Wish>) {
        let key = |wish: &Wish| (wish.cluster.clone(), wish.capacity_provider.clone());
        // Who is gone wants nothing: its task ends with the sender.
        self.known
            .retain(|known, _| wishes.iter().any(|wish| key(wish) == *known));
        while self.running.try_join_next().is_some() {}
        for wish in wishes {
            let known = self.known.get(&key(&wish));
            let before = known.map_or(wish.instances, |known| known.borrow().wanted_instances);
            if before != wish.wanted_instances {
                log(&wish);
            }
            match known {
                Some(known) => drop(known.send_replace(wish)),
                None => self.meet(key(&wish), wish),
            }
        }
    }

    fn meet(&mut self, key: Key, wish: Wish) {
        let (sender, wishes) = watch::channel(wish);
        self.known.insert(key, sender);
        if !self.hook.is_empty() {
            self.running.spawn(run_on_change(self.hook.clone(), wishes));
        }
    }
}

fn log(wish: &Wish) {
    tracing::info!(
        cluster = wish.cluster,
        capacity_provider = wish.capacity_provider,
        wanted_instances = wish.wanted_instances,
        instances = wish.instances,
        waiting_tasks = wish.waiting_tasks,
        reservation = wish.reservation,
        "a capacity provider wants another number of instances"
    );
}

/// Runs the command for one provider: when the wish changes, and again as long as it is not met.
async fn run_on_change(hook: Vec<String>, mut wishes: watch::Receiver<Wish>) {
    let mut told = wishes.borrow().instances;
    loop {
        let wish = wishes.borrow_and_update().clone();
        let wanted = wish.wanted_instances;
        if wanted != told || wanted != wish.instances {
            run(&hook, &wish).await;
            told = wanted;
        }
        let changed = wishes.wait_for(|new| new.wanted_instances != wanted);
        if let Ok(Err(_)) = timeout(AGAIN_AFTER, changed).await {
            return;
        }
    }
}

async fn run(hook: &[String], wish: &Wish) {
    let Some((program, arguments)) = hook.split_first() else {
        return;
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("LONGSHORE_CLUSTER", &wish.cluster)
        .env("LONGSHORE_CAPACITY_PROVIDER", &wish.capacity_provider)
        .env("LONGSHORE_AUTO_SCALING_GROUP", &wish.auto_scaling_group)
        .env(
            "LONGSHORE_WANTED_INSTANCES",
            wish.wanted_instances.to_string(),
        )
        .env("LONGSHORE_INSTANCES", wish.instances.to_string())
        .env("LONGSHORE_WAITING_TASKS", wish.waiting_tasks.to_string())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true);
    let provider = &wish.capacity_provider;
    match timeout(COMMAND_MAX, command.status()).await {
        Ok(Ok(status)) if status.success() => {}
        Ok(Ok(status)) => tracing::warn!(provider, %status, "the capacity hook failed"),
        Ok(Err(error)) => tracing::warn!(provider, %error, "the capacity hook does not start"),
        Err(_) => tracing::warn!(provider, "the capacity hook took too long and was killed"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn wish(provider: &str, instances: u32, wanted_instances: u32) -> Wish {
        Wish {
            cluster: "lab".to_owned(),
            capacity_provider: provider.to_owned(),
            auto_scaling_group: format!("{provider}-group"),
            instances,
            waiting_tasks: 7,
            reservation: 100,
            wanted_instances,
        }
    }

    /// Waits until the file has these lines, in any order.
    async fn wait_for(file: &Path, expected: &[&str]) {
        let mut expected = expected.to_vec();
        expected.sort_unstable();
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        let reached = async {
            loop {
                looks.tick().await;
                let text = std::fs::read_to_string(file).unwrap_or_default();
                let mut lines: Vec<&str> = text.lines().collect();
                lines.sort_unstable();
                if lines == expected {
                    return;
                }
            }
        };
        let reached = timeout(Duration::from_secs(20), reached).await;
        let found = std::fs::read_to_string(file).unwrap_or_default();
        assert!(reached.is_ok(), "expected {expected:?}, found {found:?}");
    }

    #[tokio::test]
    async fn the_command_hears_of_each_change_and_of_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("told");
        let script = "echo $LONGSHORE_CLUSTER $LONGSHORE_CAPACITY_PROVIDER \
                      $LONGSHORE_AUTO_SCALING_GROUP $LONGSHORE_WANTED_INSTANCES \
                      $LONGSHORE_INSTANCES $LONGSHORE_WAITING_TASKS >> \"$0\"";
        let path = file.display().to_string();
        let mut tellers = Tellers {
            hook: vec!["sh".to_owned(), "-c".to_owned(), script.to_owned(), path],
            known: BTreeMap::new(),
            running: JoinSet::new(),
        };
        tellers.tell(vec![wish("a", 1, 1), wish("b", 0, 2)]);
        wait_for(&file, &["lab b b-group 2 0 7"]).await;
        // The need is the same, and a's has changed.
        tellers.tell(vec![wish("a", 1, 3), wish("b", 1, 2)]);
        wait_for(&file, &["lab b b-group 2 0 7", "lab a a-group 3 1 7"]).await;
        tellers.tell(vec![wish("a", 1, 1)]);
        let all = [
            "lab b b-group 2 0 7",
            "lab a a-group 3 1 7",
            "lab a a-group 1 1 7",
        ];
        wait_for(&file, &all).await;
        tellers.tell(Vec::new());
        let gone = async { while tellers.running.join_next().await.is_some() {} };
        timeout(Duration::from_secs(20), gone).await.unwrap();
    }

    #[tokio::test]
    async fn a_command_that_fails_harms_nobody() {
        run(&["false".to_owned()], &wish("a", 0, 1)).await;
        run(&["/no/such/program".to_owned()], &wish("a", 0, 1)).await;
        run(&[], &wish("a", 0, 1)).await;
    }
}
