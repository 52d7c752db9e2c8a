//! Idempotency under SIGKILL: many clients send one token at once, the server is killed somewhere
//! around the commit and started again, and every client retries until it is answered.

use std::rc::Rc;
use std::time::Instant;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet, LocalSet};

use super::client::{COUNT, Client, Reply, exchange, input, sign};
use super::moments::{Moment, Moments, Pace};
use super::report::{Outcome, Report};
use super::server::{Program, Server, Trigger};
use super::stored::{self, Stored};
use super::told::{Tasks, Told};
use crate::clock;
use crate::connection::Connection;
use crate::signing::Caller;

/// Rounds without a crash that the moments are drawn by.
const PACE_ROUNDS: usize = 9;

/// What to do.
pub struct Crashes {
    /// The server's program and a data directory of its own, which does not exist yet.
    pub program: Program,
    pub rounds: usize,
    pub clients: usize,
    /// Of the moments at which the server is killed.
    pub seed: u64,
}

/// What the rounds leave.
struct Findings {
    told: Told,
    report: Report,
}

/// What the clients of one burst have seen.
struct Burst {
    /// One per client; `None` is a connection that broke.
    replies: Vec<Option<Reply>>,
    /// When the first and the last answer came, from the first byte sent on.
    pace: Option<Pace>,
}

impl Crashes {
    /// Runs all rounds, then holds the reopened store against what clients were told.
    pub async fn run(&self) -> anyhow::Result<Report> {
        LocalSet::new().run_until(self.work()).await
    }

    async fn work(&self) -> anyhow::Result<Report> {
        let mut server = self.program.start()?;
        Client::open(&server.caller).await?.register().await?;
        let mut findings = Findings {
            told: Told::default(),
            report: Report::new(self.seed, self.clients),
        };
        let pace = self.pace(&server.caller, &mut findings).await?;
        findings.report.pace = Some(pace);
        let mut moments = Moments::new(self.seed, pace, self.clients);
        for number in 0..self.rounds {
            let moment = moments.draw();
            let said = || format!("round {number}");
            let round = self.round(server, number, moment, &mut findings).await;
            let outcome;
            (server, outcome) = round.with_context(said)?;
            moments.learn(moment, outcome);
            findings.report.add(outcome);
        }
        server.kill()?;
        for view in stored::in_file(self.program.data_dir())? {
            findings.compare(&view);
        }
        let server = self.program.start()?;
        let mut client = Client::open(&server.caller).await?;
        findings.compare(&stored::in_server(&mut client, None).await?);
        findings.report.tokens = findings.told.tokens();
        Ok(findings.report)
    }

    /// How long a round takes that nobody disturbs.
    async fn pace(&self, caller: &Caller, findings: &mut Findings) -> anyhow::Result<Pace> {
        let mut paces = Vec::new();
        for number in 0..PACE_ROUNDS {
            let token = format!("pace-{number}");
            findings.told.ask(&token, COUNT);
            let connections = self.connect(caller).await?;
            let burst = burst(caller, connections, &input(&token, COUNT), |_| {}).await?;
            paces.extend(burst.pace);
            findings.note(&token, burst.replies);
        }
        Ok(Pace::median(paces))
    }

    /// One crash. Returns the server that runs after it, and what the crash met.
    async fn round(
        &self,
        server: Server,
        number: usize,
        moment: Moment,
        findings: &mut Findings,
    ) -> anyhow::Result<(Server, Outcome)> {
        let (token, refused) = (format!("round-{number}"), format!("refused-{number}"));
        let wish = input(&token, COUNT);
        findings.told.ask(&token, COUNT);
        let mut client = Client::open(&server.caller).await?;
        let reply = client.run_task(&spoilt(&refused, number)).await?;
        let is_refused = matches!(reply, Reply::Refused(_));
        anyhow::ensure!(is_refused, "a call that must fail: {reply:?}");

        let replies = self.crash(server, &wish, moment).await?;
        let answered = findings.note(&token, replies);
        let server = self.program.start()?;
        let mut client = Client::open(&server.caller).await?;
        let kept = stored::in_server(&mut client, Some(&token)).await?;
        let is_kept = kept.tasks.contains_key(&token);
        let outcome = Outcome { is_kept, answered };

        // As an SDK does: again, until there is an answer. Here the first attempt must succeed.
        let connections = self.connect(&server.caller).await?;
        let again = burst(&server.caller, connections, &wish, |_| {}).await?;
        let answered = findings.note(&token, again.replies);
        anyhow::ensure!(
            answered == self.clients,
            "only {answered} clients were answered by a server that nobody killed"
        );
        findings.told.ask(&refused, 1);
        let free = client.run_task(&input(&refused, 1)).await?;
        findings.note(&refused, vec![Some(free)]);
        Ok((server, outcome))
    }

    /// All clients send; at the moment the server is killed.
    async fn crash(
        &self,
        server: Server,
        wish: &Value,
        moment: Moment,
    ) -> anyhow::Result<Vec<Option<Reply>>> {
        let connections = self.connect(&server.caller).await?;
        let trigger = server.trigger();
        let on_answer = move |answered| {
            if moment == Moment::Answered(answered) {
                // A process that has ended by itself shows as a connection without an answer.
                let _ = trigger.pull();
            }
        };
        let killer = kill_in_time(server.trigger(), moment);
        let burst = burst(&server.caller, connections, wish, on_answer).await?;
        if let Some(killer) = killer {
            killer.await??;
        }
        server.kill()?;
        Ok(burst.replies)
    }

    async fn connect(&self, caller: &Caller) -> anyhow::Result<Vec<Connection>> {
        let mut connections = Vec::new();
        for _ in 0..self.clients {
            connections.push(Connection::open(caller.authority()?).await?);
        }
        Ok(connections)
    }
}

/// A thread that kills by the clock, because the timers of the runtime are a millisecond coarse.
fn kill_in_time(trigger: Trigger, moment: Moment) -> Option<JoinHandle<std::io::Result<()>>> {
    let Moment::After(delay) = moment else {
        return None;
    };
    Some(tokio::task::spawn_blocking(move || {
        std::thread::sleep(delay);
        trigger.pull()
    }))
}

/// A call that starts nothing: by an error of the request, of what it names, or by failures only.
fn spoilt(token: &str, number: usize) -> Value {
    let mut input = input(token, 1);
    match number % 3 {
        0 => input["count"] = 11.into(),
        1 => input["taskDefinition"] = "nowhere".into(),
        _ => {
            let nowhere = "attribute:nowhere exists";
            let constraint = json!({ "type": "memberOf", "expression": nowhere });
            input["placementConstraints"] = json!([constraint]);
        }
    }
    input
}

/// Sends the same call over all connections at once and waits until each has its answer or is
/// broken. `on_answer` hears how many have theirs.
async fn burst(
    caller: &Caller,
    connections: Vec<Connection>,
    wish: &Value,
    on_answer: impl Fn(usize),
) -> anyhow::Result<Burst> {
    let request: Rc<[u8]> = sign(caller, wish)?.into();
    let mut clients = JoinSet::new();
    let start = clock::now();
    for connection in connections {
        let request = request.clone();
        clients.spawn_local(send(connection, request));
    }
    let mut burst = Burst {
        replies: Vec::new(),
        pace: None,
    };
    let mut answered = 0;
    while let Some(done) = clients.join_next().await {
        let (reply, at) = done??;
        if reply.is_some() {
            answered += 1;
            on_answer(answered);
            let last = at - start;
            let first = burst.pace.map_or(last, |pace| pace.first.min(last));
            burst.pace = Some(Pace { first, last });
        }
        burst.replies.push(reply);
    }
    Ok(burst)
}

async fn send(
    mut connection: Connection,
    request: Rc<[u8]>,
) -> anyhow::Result<(Option<Reply>, Instant)> {
    let reply = exchange(&mut connection, &request).await?;
    Ok((reply, clock::now()))
}

impl Findings {
    /// Takes down what clients were told; how many were answered.
    fn note(&mut self, token: &str, replies: Vec<Option<Reply>>) -> usize {
        let mut answered = 0;
        for reply in replies.into_iter().flatten() {
            answered += 1;
            match reply {
                Reply::Started(tasks) => self.told.answer(token, tasks),
                Reply::Refused(text) => {
                    self.report
                        .complaints
                        .push(format!("{token}: refused: {text}"));
                }
            }
        }
        answered
    }

    fn compare(&mut self, stored: &Stored) {
        let tasks = stored.tasks.values().map(Tasks::len).sum();
        self.report.views.push((stored.source, tasks));
        self.report.complaints.extend(self.told.complaints(stored));
    }
}
