//! The small language of the scripts: a definition, a line of events, a line per answer.
//!
//! Definition, one container after the other, separated by `;`:
//! `app`, `side optional`, `app needs=db:HEALTHY,init:SUCCESS stop=5 start=10
//! health=INTERVAL/RETRIES/PERIOD restart=PERIOD/IGNORED,CODES`; the mode of the network is an argument of its own.
//! Events: `network`, `pulled app`, `started app`, `exited app 1`, `stop`, `torn`, `+30s`
//! (time passes, then a tick), and `… fails TEXT` for those that can.

use std::fmt::Write as _;
use std::sync::Arc;

use engine::{ContainerIndex, Effect, Event, HealthOutcome, Task};
use model::container::{
    ContainerKey, ContainerSpec, Exit, Failure, FailureName, LogTarget, PulledImage, Started,
};
use model::payload::{
    ContainerNetwork, ContainerPlan, ContainerReport, Dependency, DependencyCondition, Health,
    HealthCheck, HostStop, NetworkMode, NetworkSpec, NetworkState, RestartPolicy, TaskInterface,
    TaskPayload, TaskReport,
};
use model::{TaskId, Timestamp};

pub(crate) const SIGTERM: i32 = 15;

pub(crate) fn task_id() -> TaskId {
    TaskId::from_bits(7)
}

pub(crate) fn seconds(count: i64) -> Timestamp {
    Timestamp::from_millis(count * 1000)
}

pub(crate) fn payload(mode: NetworkMode, definition: &str) -> Arc<TaskPayload> {
    let containers: Vec<_> = definition
        .split(';')
        .map(|text| plan(text.trim()))
        .collect();
    let names = containers
        .iter()
        .map(|plan| plan.spec.key.container.clone())
        .collect();
    Arc::new(TaskPayload {
        id: task_id(),
        arn: "arn:aws:ecs:us-east-1:000000000000:task/default/7".to_owned(),
        family: "f".to_owned(),
        revision: 1,
        network: NetworkSpec::new(task_id(), mode, names),
        containers,
    })
}

fn plan(text: &str) -> ContainerPlan {
    let mut words = text.split_whitespace();
    let name = words.next().expect("a container has a name");
    let mut plan = ContainerPlan::new(spec(name));
    for word in words {
        match word.split_once('=') {
            None if word == "optional" => plan.essential = false,
            Some(("needs", list)) => plan.depends_on = list.split(',').map(dependency).collect(),
            Some(("after", list)) => {
                plan.starts_after = list.split(',').map(str::to_owned).collect();
            }
            Some(("stop", n)) => plan.stop_timeout_seconds = n.parse().unwrap(),
            Some(("start", n)) => plan.start_timeout_seconds = Some(n.parse().unwrap()),
            Some(("restart", text)) => plan.restart_policy = Some(restart_policy(text)),
            Some(("health", text)) => plan.health_check = Some(health_check(text)),
            _ => panic!("unknown word {word}"),
        }
    }
    plan
}

fn dependency(text: &str) -> Dependency {
    let (container, condition) = text.split_once(':').expect("container:CONDITION");
    let condition = match condition {
        "START" => DependencyCondition::Start,
        "COMPLETE" => DependencyCondition::Complete,
        "SUCCESS" => DependencyCondition::Success,
        "HEALTHY" => DependencyCondition::Healthy,
        _ => panic!("unknown condition {condition}"),
    };
    Dependency {
        container: container.to_owned(),
        condition,
    }
}

fn health_check(text: &str) -> HealthCheck {
    let numbers: Vec<u32> = text.split('/').map(|n| n.parse().unwrap()).collect();
    HealthCheck {
        command: vec!["CMD-SHELL".to_owned(), "true".to_owned()],
        interval_seconds: numbers[0],
        timeout_seconds: 5,
        retries: numbers[1],
        start_period_seconds: numbers[2],
    }
}

fn restart_policy(text: &str) -> RestartPolicy {
    let (period, codes) = text.split_once('/').expect("PERIOD/CODES");
    let codes = codes.split(',').filter(|code| !code.is_empty());
    RestartPolicy {
        attempt_period_seconds: period.parse().unwrap(),
        ignored_exit_codes: codes.map(|code| code.parse().unwrap()).collect(),
    }
}

fn spec(name: &str) -> ContainerSpec {
    ContainerSpec::new(
        ContainerKey {
            task: task_id(),
            container: name.to_owned(),
        },
        "busybox",
        LogTarget {
            group: "g".to_owned(),
            stream: name.to_owned(),
        },
    )
}

pub(crate) fn index(payload: &TaskPayload, name: &str) -> ContainerIndex {
    let position = payload
        .containers
        .iter()
        .position(|plan| plan.spec.key.container == name);
    ContainerIndex(position.unwrap_or_else(|| panic!("no container {name}")))
}

/// Reads one event; `now` is what the host's clock shows.
pub(crate) fn event(payload: &TaskPayload, text: &str, now: Timestamp) -> Event {
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = |name: &str| index(payload, name);
    match words[..] {
        ["network"] => Event::NetworkReady(Ok(network(payload))),
        ["network", "fails", detail] => Event::NetworkReady(Err(Failure::new(
            FailureName::ContainerNetworkingError,
            detail,
        ))),
        ["pulled", name] => Event::Pulled(at(name), Ok(image(SIGTERM))),
        ["pulled", name, "signal", n] => Event::Pulled(at(name), Ok(image(n.parse().unwrap()))),
        ["pulled", name, "fails", detail] => Event::Pulled(
            at(name),
            Err(Failure::new(FailureName::CannotPullContainerError, detail)),
        ),
        ["started", name] => Event::Started(at(name), Ok(started(name, now))),
        ["started", name, "fails", detail] => Event::Started(
            at(name),
            Err(Failure::new(FailureName::CannotStartContainerError, detail)),
        ),
        ["exited", name, "unknown", reason] => {
            let reason = Some(reason.to_owned());
            Event::Exited(
                at(name),
                Exit {
                    code: None,
                    out_of_memory: false,
                    at: now,
                    reason,
                },
            )
        }
        ["exited", name, "oom"] => {
            let code = Some(137);
            Event::Exited(
                at(name),
                Exit {
                    code,
                    out_of_memory: true,
                    at: now,
                    reason: None,
                },
            )
        }
        ["exited", name, code] => Event::Exited(at(name), exit(code.parse().unwrap(), now)),
        ["signal", name, "fails", detail] => Event::SignalFailed(
            at(name),
            Failure::new(FailureName::CannotStopContainerError, detail),
        ),
        ["health", name, "ok"] => Event::HealthChecked(at(name), HealthOutcome::Passed),
        ["health", name, "bad"] => Event::HealthChecked(at(name), HealthOutcome::Failed),
        ["torn"] => Event::TornDown(Ok(())),
        ["torn", "fails", detail] => {
            Event::TornDown(Err(Failure::new(FailureName::InternalError, detail)))
        }
        ["stop"] => Event::StopWanted,
        _ => panic!("unknown event {text}"),
    }
}

pub(crate) fn image(stop_signal: i32) -> PulledImage {
    PulledImage {
        digest: Some("sha256:1".to_owned()),
        stop_signal,
    }
}

pub(crate) fn started(name: &str, at: Timestamp) -> Started {
    Started {
        runtime_id: format!("id-{name}"),
        at,
    }
}

pub(crate) fn exit(code: i32, at: Timestamp) -> Exit {
    Exit {
        code: Some(code),
        out_of_memory: false,
        at,
        reason: None,
    }
}

pub(crate) fn network(payload: &TaskPayload) -> NetworkState {
    let interface = (payload.network.mode == NetworkMode::Awsvpc).then(|| TaskInterface {
        ipv4: "10.0.0.2".to_owned(),
        mac: "0a:00".to_owned(),
    });
    let containers = payload
        .network
        .containers
        .iter()
        .map(|name| ContainerNetwork {
            ipv4: Some("10.0.0.2".to_owned()),
            ..ContainerNetwork::new(name)
        });
    NetworkState {
        containers: containers.collect(),
        interface,
    }
}

/// One line per event: what came, what the task asks for, what it reports.
pub(crate) fn play(task: &mut Task, mut now: Timestamp, events: &str, out: &mut String) {
    for text in events
        .split(';')
        .map(str::trim)
        .filter(|text| !text.is_empty())
    {
        let event = match text.strip_prefix('+').and_then(|t| t.strip_suffix('s')) {
            Some(passed) => {
                now = now.plus_millis(passed.parse::<i64>().unwrap() * 1000);
                Event::Tick
            }
            None => event(task.payload(), text, now),
        };
        let effects = task.step(now, event);
        line(task.payload(), text, &effects, out);
    }
}

pub(crate) fn line(payload: &TaskPayload, event: &str, effects: &[Effect], out: &mut String) {
    let words: Vec<String> = effects
        .iter()
        .map(|effect| describe(payload, effect))
        .collect();
    let answer = if words.is_empty() {
        "-".to_owned()
    } else {
        words.join(", ")
    };
    writeln!(out, "{event}: {answer}").unwrap();
}

fn describe(payload: &TaskPayload, effect: &Effect) -> String {
    let name = |index: &ContainerIndex| &payload.containers[index.0].spec.key.container;
    match effect {
        Effect::SetUpNetwork => "set up network".to_owned(),
        Effect::Pull(i) => format!("pull {}", name(i)),
        Effect::Start(i, _) => format!("start {}", name(i)),
        Effect::Restart(i, _) => format!("restart {}", name(i)),
        Effect::Wait(i) => format!("wait {}", name(i)),
        Effect::Signal(i, signal) => format!("signal {} {signal}", name(i)),
        Effect::CheckHealth(i, ..) => format!("check {}", name(i)),
        Effect::TearDown => "tear down".to_owned(),
        Effect::WakeAt(at) => format!("wake {}s", at.millis() / 1000),
        Effect::Report(report) => describe_report(report),
    }
}

fn describe_report(report: &TaskReport) -> String {
    let mut text = format!("[{:?}", report.status);
    for container in &report.containers {
        text.push_str(&describe_container(container));
    }
    match &report.stop {
        Some(HostStop::EssentialContainerExited) => text.push_str(" !essential"),
        Some(HostStop::FailedToStart(why)) => write!(text, " !failed({why})").unwrap(),
        None => {}
    }
    let stamps = [
        ("pull", report.pull_started_at),
        ("pulled", report.pull_stopped_at),
        ("started", report.started_at),
        ("ended", report.execution_stopped_at),
    ];
    for (name, at) in stamps
        .into_iter()
        .filter_map(|(name, at)| Some((name, at?)))
    {
        write!(text, " {name}@{}", at.millis() / 1000).unwrap();
    }
    text.push(']');
    text
}

fn describe_container(container: &ContainerReport) -> String {
    let mut text = format!(" {}={:?}", container.name, container.status);
    if let Some(code) = container.exit_code {
        write!(text, "({code})").unwrap();
    }
    match container.health {
        Health::Unknown => {}
        Health::Healthy => text.push('+'),
        Health::Unhealthy => text.push('-'),
    }
    if let Some(reason) = &container.reason {
        write!(text, "<{reason}>").unwrap();
    }
    text
}
