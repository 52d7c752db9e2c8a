//! What runs in a guest that will be killed: the server, a look whether it still has what was told
//! before, then load until the end. Everything that counts goes into the diary.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use anyhow::Context as _;
use serde::Deserialize;
use tokio::task::{JoinSet, LocalSet};

use super::client::{COUNT, Client, Reply, exchange, id, input, sign};
use super::diary::{Diary, Entry, Losses, Reader};
use super::server::Program;
use super::stored;
use super::told::Tasks;
use crate::connection::Connection;
use crate::signing::Caller;

/// DescribeTasks takes so many at a time.
const PAGE: usize = 100;

/// What to do.
pub struct Guest {
    pub program: Program,
    /// Outside of the guest's disk.
    pub diary: PathBuf,
    /// Part of the tokens, so that no two boots use the same one.
    pub boot: usize,
    /// Pairs of clients; both of a pair send the same token at once.
    pub pairs: usize,
    /// Look for everything that was ever told, not only for what was told since the last look,
    /// and count the tasks of every token in the store.
    pub all: bool,
}

/// The clients of a guest take turns on one thread.
type Shared = Rc<RefCell<Diary>>;

/// What was told, by token; each differing answer once.
type Answers = BTreeMap<String, BTreeSet<Tasks>>;

#[derive(Deserialize)]
struct Described {
    tasks: Vec<Task>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    task_arn: String,
}

impl Guest {
    /// Never returns but with an error, which is in the diary, too.
    pub async fn run(&self) -> anyhow::Result<()> {
        let diary = Rc::new(RefCell::new(Diary::open(&self.diary)?));
        let result = LocalSet::new().run_until(self.work(&diary)).await;
        if let Err(error) = &result {
            let reason = format!("{error:#}");
            diary.borrow_mut().write(&Entry::Broken { reason })?;
        }
        result
    }

    async fn work(&self, diary: &Shared) -> anyhow::Result<()> {
        let told = self.told()?;
        diary.borrow_mut().write(&Entry::Up)?;
        let server = self.program.start()?;
        let mut client = Client::open(&server.caller).await?;
        client.register().await?;
        let losses = self.losses(&mut client, &told).await?;
        diary.borrow_mut().write(&Entry::Checked(losses))?;
        load(&server.caller, self.boot, self.pairs, diary).await
    }

    /// What there is to look for.
    fn told(&self) -> anyhow::Result<Answers> {
        let mut told = Answers::new();
        for entry in Reader::open(&self.diary)?.read()? {
            match entry {
                Entry::Told { token, tasks } => {
                    told.entry(token).or_default().insert(tasks);
                }
                Entry::Checked(_) if !self.all => told.clear(),
                _ => {}
            }
        }
        Ok(told)
    }

    async fn losses(&self, client: &mut Client<'_>, told: &Answers) -> anyhow::Result<Losses> {
        let mut losses = Losses {
            tokens: told.len(),
            ..Losses::default()
        };
        if self.all {
            let stored = stored::in_server(client, None).await?;
            let odd = stored.tasks.values().filter(|tasks| tasks.len() != COUNT);
            losses.tokens_odd = odd.count();
        }
        losses.tasks_missing = missing(client, told).await?;
        for (token, answers) in told {
            let reply = client.run_task(&input(token, COUNT)).await?;
            let again = match reply {
                Reply::Started(tasks) => tasks,
                Reply::Refused(text) => anyhow::bail!("{token}: refused: {text}"),
            };
            let is_kept = answers.iter().all(|tasks| *tasks == again);
            losses.tokens_missing += usize::from(!is_kept);
        }
        Ok(losses)
    }
}

/// How many of the tasks that were told are gone. To be asked before a token is repeated, which
/// starts tasks for a token that is gone.
async fn missing(client: &mut Client<'_>, told: &Answers) -> anyhow::Result<usize> {
    let tasks: Tasks = told.values().flatten().flatten().cloned().collect();
    let ids: Vec<&String> = tasks.iter().collect();
    let mut missing = tasks.clone();
    for page in ids.chunks(PAGE) {
        let body = serde_json::json!({ "tasks": page }).to_string();
        let found: Described = client.ask("DescribeTasks", &body).await?;
        for task in found.tasks {
            missing.remove(&id(&task.task_arn));
        }
    }
    Ok(missing.len())
}

/// Sends tokens, each by a pair of clients, until something is wrong.
async fn load(caller: &Caller, boot: usize, pairs: usize, diary: &Shared) -> anyhow::Result<()> {
    let mut workers = JoinSet::new();
    for number in 0..pairs {
        let (caller, diary) = (caller.clone(), diary.clone());
        workers.spawn_local(async move {
            let authority = caller.authority()?;
            let mut pair = [
                Connection::open(authority).await?,
                Connection::open(authority).await?,
            ];
            for turn in 0.. {
                let token = format!("boot-{boot}-{number}-{turn}");
                send(&caller, &mut pair, &token, &diary).await?;
            }
            anyhow::Ok(())
        });
    }
    let done = workers.join_next().await.context("no clients")?;
    done?
}

/// Sends a token over both connections at once and writes down each answer, in this order: what
/// is in the diary has been answered.
async fn send(
    caller: &Caller,
    [one, other]: &mut [Connection; 2],
    token: &str,
    diary: &Shared,
) -> anyhow::Result<()> {
    let request = sign(caller, &input(token, COUNT))?;
    let note = async |connection| {
        let reply = exchange(connection, &request).await?;
        let tasks = match reply.context("the server is gone")? {
            Reply::Started(tasks) => tasks,
            Reply::Refused(text) => anyhow::bail!("{token}: refused: {text}"),
        };
        let token = token.to_owned();
        diary.borrow_mut().write(&Entry::Told { token, tasks })
    };
    let (first, second) = tokio::join!(note(one), note(other));
    first.and(second)
}
