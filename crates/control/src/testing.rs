//! A control plane for tests: a state, a seeded generator, a clock that stands still until it
//! is moved. Calls go the way of the server: decode, run, undo what an error has changed.

use model::errors::ErrorCode;
use model::operations::OperationFacts;
use model::payload::{
    ContainerReport, ContainerStatus, Health, HostStatus, HostStop, PortBinding, TaskReport,
};
use model::{ContainerInstanceId, TaskId, Timestamp};
use serde_json::Value;
use store::journal::Memory;
use store::{Change, Journal, Rows};

use crate::cx::{Caller, Cx, Random, ReadCx, Settings};
use crate::hosting::{self, HostedInstance, LocalMachine};
use crate::limits::Limits;
use crate::operation::{Prepared, find};
use crate::record::instance::Agent;
use crate::record::{Instance, Task};
use crate::state::State;
use crate::{OpError, capacity, extension, report, retention};

pub(crate) const ACCOUNT: &str = "000000000000";
/// Begins every ARN of the world.
pub(crate) const ARN: &str = "arn:aws:ecs:us-east-1:000000000000";

pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) random: Random,
    pub(crate) now: Timestamp,
    pub(crate) settings: Settings,
    pub(crate) caller: Caller,
    /// The rows of all restarts so far.
    stored: Memory,
}

/// May the operation answer this error? A body that cannot be read is an error of any.
fn is_declared(operation: &str, code: ErrorCode) -> bool {
    let facts = OperationFacts::find(operation).unwrap();
    code == ErrorCode::SerializationException || facts.errors.contains(&code)
}

fn shown(error: &OpError) -> String {
    let ids = error.resource_ids.as_ref();
    let ids = ids.map(|ids| format!(" {ids:?}")).unwrap_or_default();
    format!("{error}{ids}")
}

/// The machine that [`World::new`] registers: 4096 CPU units, 8192 MiB.
pub(crate) fn machine() -> LocalMachine {
    LocalMachine {
        cpu_units: 4096,
        memory_mib: 8192,
        architecture: "x86_64".to_owned(),
        reserved_tcp_ports: vec![22, 8327],
        agent_version: "1.2.3".to_owned(),
    }
}

impl World {
    /// With cluster `default` and one container instance in it.
    pub(crate) fn new() -> Self {
        let mut world = Self::without_hosts();
        world.register(machine());
        world
    }

    /// Empty: not even cluster `default` exists.
    pub(crate) fn without_hosts() -> Self {
        Self {
            state: State::load(&mut Rows::default()).unwrap(),
            random: Random::from_seed([7; 32]),
            now: Timestamp::from_millis(1_767_600_000_000),
            settings: Settings {
                region: "us-east-1".to_owned(),
                account: ACCOUNT.to_owned(),
                availability_zone: "us-east-1a".to_owned(),
                subnet_zones: Default::default(),
                vpcs: Vec::new(),
                volumes: Default::default(),
                scripted: false,
                limits: Limits::default(),
            },
            caller: Caller {
                principal_arn: format!("arn:aws:iam::{ACCOUNT}:root"),
            },
            stored: Memory::new(),
        }
    }

    /// With the ACTIVE revisions `app:1` and, for Fargate, `web:1`. Each has one container
    /// `main` with 256 CPU units and 512 MiB.
    pub(crate) fn with_app() -> Self {
        let mut world = Self::new();
        world.definition("app", "");
        world.definition("web", FARGATE);
        world
    }

    /// Registers a revision with the one container `main`. `more` is JSON members and begins
    /// with a comma, or is empty.
    #[track_caller]
    pub(crate) fn definition(&mut self, family: &str, more: &str) {
        let main = r#"{"name":"main","image":"busybox","cpu":256,"memory":512}"#;
        self.containers(family, main, more);
    }

    /// Registers a revision with these containers.
    #[track_caller]
    pub(crate) fn containers(&mut self, family: &str, containers: &str, more: &str) {
        let body =
            format!(r#"{{"family":"{family}","containerDefinitions":[{containers}]{more}}}"#);
        self.ok("RegisterTaskDefinition", &body);
    }

    /// Registers one more container instance, like the local one but for its sizes.
    pub(crate) fn add_instance(
        &mut self,
        cluster: &str,
        cpu_units: u32,
        memory_mib: u32,
    ) -> ContainerInstanceId {
        let local = self.state.instances().iter().next().unwrap().clone();
        let mut instance = Instance::clone(&local);
        instance.id = self.random.container_instance_id();
        instance.cluster = cluster.to_owned();
        instance
            .attributes
            .retain(|one| one.name.as_deref() != Some("longshore.local"));
        instance.agent = Agent::Remote;
        (instance.cpu_units, instance.memory_mib) = (cpu_units, memory_mib);
        self.state.put_instance(instance).id
    }

    /// Registers the machine as a whole; its id.
    pub(crate) fn register(&mut self, machine: LocalMachine) -> ContainerInstanceId {
        let whole = HostedInstance::whole(&machine);
        hosting::register(&mut self.cx(), &machine, &[whole]);
        let mut all = self.state.instances().iter();
        let local = all.find(|one| one.attribute("longshore.local").is_some());
        local.unwrap().id
    }

    pub(crate) fn cx(&mut self) -> Cx<'_> {
        Cx {
            state: &mut self.state,
            caller: &self.caller,
            now: self.now,
            random: &mut self.random,
            settings: &self.settings,
            withheld: None,
        }
    }

    pub(crate) fn reading(&self) -> ReadCx<'_> {
        ReadCx {
            state: &self.state,
            caller: &self.caller,
            now: self.now,
            settings: &self.settings,
        }
    }

    /// The answer as JSON, or `ErrorName: message`. The error must be one that the operation
    /// declares.
    #[track_caller]
    pub(crate) fn call(&mut self, operation: &str, body: &str) -> String {
        let entry = find(operation).unwrap();
        self.perform(entry.prepare(body.as_bytes()))
            .unwrap_or_else(|error| {
                assert!(is_declared(operation, error.code), "{operation}: {error}");
                shown(&error)
            })
    }

    /// The answer of one of the server's own paths, or the error.
    pub(crate) fn extension(&mut self, path: &str, body: &str) -> Result<Value, String> {
        let answer = self.perform(extension::prepare(path, body.as_bytes()).unwrap());
        answer
            .map(|answer| serde_json::from_str(&answer).unwrap())
            .map_err(|error| shown(&error))
    }

    fn perform(&mut self, prepared: Result<Prepared, OpError>) -> Result<String, OpError> {
        let before = self.state.mark();
        let outcome = match prepared {
            Ok(Prepared::Read(run)) => run(&self.reading()),
            Ok(Prepared::Write(run)) => run(&mut self.cx()),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(answer) => {
                self.advance();
                Ok(String::from_utf8(answer.to_json().unwrap()).unwrap())
            }
            Err(error) => {
                self.state.undo(&before, false);
                Err(error)
            }
        }
    }

    /// The answer of a call that must succeed.
    #[track_caller]
    pub(crate) fn ok(&mut self, operation: &str, body: &str) -> Value {
        let answer = self.call(operation, body);
        match serde_json::from_str(&answer) {
            Ok(value) => value,
            Err(_) => panic!("{operation} {body}: {answer}"),
        }
    }

    /// The call must be refused with exactly this `ErrorName: message`, and must change nothing.
    #[track_caller]
    pub(crate) fn refused(&mut self, operation: &str, body: &str, expected: &str) {
        assert_eq!(self.call(operation, body), expected, "{operation} {body}");
    }

    /// What the answer holds at a JSON pointer; `null` if there is nothing.
    #[track_caller]
    pub(crate) fn at(&mut self, operation: &str, body: &str, pointer: &str) -> Value {
        let answer = self.ok(operation, body);
        answer.pointer(pointer).cloned().unwrap_or(Value::Null)
    }

    /// Creates a capacity provider of a group of the same name. `scaling` is members of
    /// `managedScaling`.
    #[track_caller]
    pub(crate) fn provider(&mut self, name: &str, scaling: &str) {
        let body = format!(
            r#"{{"name":"{name}","autoScalingGroupProvider":
                {{"autoScalingGroupArn":"{name}","managedScaling":{{{scaling}}}}}}}"#
        );
        self.ok("CreateCapacityProvider", &body);
    }

    /// Gives a cluster these providers; `default` is the items of its default strategy.
    #[track_caller]
    pub(crate) fn associate(&mut self, cluster: &str, providers: &[&str], default: &str) {
        let providers = serde_json::to_string(providers).unwrap();
        let body = format!(
            r#"{{"cluster":"{cluster}","capacityProviders":{providers},
                "defaultCapacityProviderStrategy":[{default}]}}"#
        );
        self.ok("PutClusterCapacityProviders", &body);
    }

    /// Runs tasks and returns their ids.
    #[track_caller]
    pub(crate) fn run(&mut self, body: &str) -> Vec<TaskId> {
        ids(&self.ok("RunTask", body))
    }

    pub(crate) fn task(&self, id: TaskId) -> &Task {
        self.state.tasks().get(&id).unwrap()
    }

    pub(crate) fn pass_seconds(&mut self, seconds: i64) {
        self.now = self.now.plus_millis(seconds * 1000);
    }

    pub(crate) fn sweep(&mut self) -> bool {
        capacity::expire(&mut self.cx());
        let more = retention::sweep(&mut self.cx());
        self.advance();
        more
    }

    pub(crate) fn report(&mut self, report: &TaskReport) {
        report::apply(&mut self.cx(), report);
        self.advance();
    }

    /// What the writer does after each batch of changes.
    pub(crate) fn advance(&mut self) {
        capacity::advance(&mut self.cx());
    }

    /// A report of the task's host that says only this status, and the containers' with it.
    pub(crate) fn reported(&self, id: TaskId, status: HostStatus) -> TaskReport {
        let up = status >= HostStatus::Running;
        let container = match status {
            HostStatus::Provisioning | HostStatus::Pending => ContainerStatus::Pending,
            HostStatus::Running | HostStatus::Stopping => ContainerStatus::Running,
            HostStatus::Deprovisioning | HostStatus::Stopped => ContainerStatus::Stopped,
        };
        let containers = self.task(id).containers.iter();
        TaskReport {
            task: id,
            status,
            containers: containers
                .map(|one| container_report(&one.report.name, container))
                .collect(),
            interface: None,
            pull_started_at: up.then_some(self.now),
            pull_stopped_at: up.then_some(self.now),
            started_at: up.then_some(self.now),
            execution_stopped_at: (status > HostStatus::Stopping).then_some(self.now),
            stop: None,
        }
    }

    /// Applies such a report.
    pub(crate) fn tell(&mut self, id: TaskId, status: HostStatus) {
        let report = self.reported(id, status);
        self.report(&report);
    }

    /// The host ends the task by itself, an essential container has exited with `code`.
    pub(crate) fn exit(&mut self, id: TaskId, code: i32) {
        let mut report = self.reported(id, HostStatus::Stopped);
        report.stop = Some(HostStop::EssentialContainerExited);
        for container in &mut report.containers {
            container.exit_code = Some(code);
        }
        self.report(&report);
    }

    /// Throws the state away and reads it again from its stored rows.
    pub(crate) fn restart(&mut self) {
        let mut batch: Vec<Change> = Vec::new();
        self.state.drain(&mut batch).unwrap();
        self.stored.commit(&batch).unwrap();
        let mut rows = self.stored.load().unwrap();
        self.state = State::load(&mut rows).unwrap();
    }
}

/// What makes a definition fit for Fargate, beside its containers.
pub(crate) const FARGATE: &str = r#","networkMode":"awsvpc","cpu":"256","memory":"512",
    "requiresCompatibilities":["FARGATE"]"#;

/// A RunTask body for `app` with more members; `more` begins with a comma, or is empty.
pub(crate) fn app(more: &str) -> String {
    format!(r#"{{"taskDefinition":"app"{more}}}"#)
}

/// The same for `web` on Fargate.
pub(crate) fn web(more: &str) -> String {
    format!(
        r#"{{"taskDefinition":"web","launchType":"FARGATE","networkConfiguration":
            {{"awsvpcConfiguration":{{"subnets":["subnet-1","subnet-2"]}}}}{more}}}"#
    )
}

/// `count` copies of a JSON value, separated by commas.
pub(crate) fn copies(value: &str, count: usize) -> String {
    vec![value; count].join(",")
}

/// The ids of the tasks in an answer.
pub(crate) fn ids(answer: &Value) -> Vec<TaskId> {
    let tasks = answer["tasks"].as_array().unwrap().iter();
    let id = |task: &Value| {
        let arn = task["taskArn"].as_str().unwrap();
        arn.rsplit('/').next().unwrap().parse().unwrap()
    };
    tasks.map(id).collect()
}

pub(crate) fn container_report(name: &str, status: ContainerStatus) -> ContainerReport {
    let up = status > ContainerStatus::Pending;
    ContainerReport {
        name: name.to_owned(),
        status,
        runtime_id: up.then(|| "0123456789abcdef-0000000001".to_owned()),
        image_digest: up.then(|| "sha256:00".to_owned()),
        exit_code: None,
        reason: None,
        bindings: Vec::<PortBinding>::new(),
        ipv4: None,
        health: Health::Unknown,
    }
}
