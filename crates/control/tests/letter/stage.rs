//! The server of a case: the control plane on a state of its own, as the writer of the program
//! drives it, with a seeded generator and a clock that moves when it is told to.

use std::sync::LazyLock;

use control::cx::{Random, Vpc};
use control::hosting::{self, HostedInstance, LocalMachine};
use control::limits::Limits;
use control::operation::{self, Prepared};
use control::record::Instance;
use control::{Caller, Cx, ReadCx, Settings, State, capacity, report, retention};

use model::{TaskId, Timestamp};
use store::Rows;

use crate::case::{self, Outcome, Step};
use crate::names::Names;
use crate::told;

const ACCOUNT: &str = "000000000000";

pub(crate) struct Stage {
    state: State,
    random: Random,
    now: Timestamp,
    settings: Settings,
    caller: Caller,
    names: Names,
}

/// Made once: a clone of a state costs nothing.
fn world() -> (State, Names) {
    let state = State::load(&mut Rows::default()).unwrap();
    let mut stage = Stage::of(state, Names::default(), [1; 32]);
    stage.register_machine();
    for step in case::world() {
        let taken = stage.take(&step);
        taken.unwrap_or_else(|refusal| panic!("world.txt: {step:?}: {refusal}"));
    }
    (stage.state, stage.names)
}

impl Stage {
    /// With a machine of 4096 CPU units and 8192 MiB, `<machine>`, in cluster `default`, and
    /// with all of `world.txt`.
    pub(crate) fn standard() -> Self {
        static WORLD: LazyLock<(State, Names)> = LazyLock::new(world);
        let (state, names) = WORLD.clone();
        Self::of(state, names, [7; 32])
    }

    /// Equal seeds give equal ids.
    fn of(state: State, names: Names, seed: [u8; 32]) -> Self {
        Self {
            state,
            random: Random::from_seed(seed),
            now: Timestamp::from_millis(1_767_600_000_123),
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
            names,
        }
    }

    fn register_machine(&mut self) {
        let machine = LocalMachine {
            cpu_units: 4096,
            memory_mib: 8192,
            architecture: "x86_64".to_owned(),
            reserved_tcp_ports: vec![22, 8327],
            agent_version: "1.2.3".to_owned(),
        };
        hosting::register(&mut self.cx(), &machine, &[HostedInstance::whole(&machine)]);
        let id = self.state.instances().iter().next().unwrap().id;
        self.names.call(id.to_string(), "machine");
    }

    /// Does what is given; the refusal if it cannot be done.
    pub(crate) fn take(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Call { operation, body } => self.call(operation, body).map(drop)?,
            Step::Times(number, step) => {
                for _ in 0..*number {
                    self.take(step)?;
                }
            }
            Step::Instance { body } => self.connected_instance(body)?,
            Step::Subnet { name, zone } => {
                let zones = &mut self.settings.subnet_zones;
                zones.insert(name.clone(), zone.clone());
            }
            Step::Interfaces { instance, number } => self.alter(instance, |instance| {
                instance.network_interfaces = Some(*number);
            }),
            Step::Vpc { body } => self.settings.vpcs.push(vpc(body)),
            Step::Scripted => self.settings.scripted = true,
            Step::Seconds(seconds) => self.pass(*seconds),
            Step::Report { task, status, more } => self.report(task, status, more)?,
        }
        Ok(())
    }

    pub(crate) fn call(&mut self, operation: &str, body: &str) -> Outcome {
        let body = self.names.resolved(body);
        let entry = operation::find(operation).ok_or("there is no such operation")?;
        let before = self.state.mark();
        let outcome = match entry.prepare(body.as_bytes()) {
            Ok(Prepared::Read(run)) => run(&self.reading()),
            Ok(Prepared::Write(run)) => run(&mut self.cx()),
            Err(error) => Err(error),
        };
        match outcome {
            Ok(answer) => {
                capacity::advance(&mut self.cx());
                let answer = String::from_utf8(answer.to_json().unwrap()).unwrap();
                Ok(serde_json::from_str(&self.names.spoken(&answer)).unwrap())
            }
            Err(error) => {
                self.state.undo(&before, false);
                let ids = error.resource_ids.as_ref();
                let ids = ids.map_or(String::new(), |ids| format!(" {}", ids.join(", ")));
                Err(self.names.spoken(&format!("{error}{ids}")))
            }
        }
    }

    fn connected_instance(&mut self, body: &str) -> Result<(), String> {
        let answer = self.call("RegisterContainerInstance", body)?;
        let arn = &answer["containerInstance"]["containerInstanceArn"];
        let id = arn.as_str().unwrap_or_default().rsplit('/').next();
        self.alter(id.unwrap_or_default(), |instance| {
            instance.agent_connected = true;
        });
        Ok(())
    }

    /// Changes what the server knows of an instance.
    fn alter(&mut self, instance: &str, change: impl FnOnce(&mut Instance)) {
        let id = self.names.resolved(instance).parse().unwrap();
        let mut instance = Instance::clone(self.state.instances().get(&id).unwrap());
        change(&mut instance);
        self.state.put_instance(instance);
        capacity::advance(&mut self.cx());
    }

    fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus_millis(seconds * 1000);
        capacity::expire(&mut self.cx());
        while retention::sweep(&mut self.cx()) {}
        capacity::advance(&mut self.cx());
    }

    fn report(&mut self, task: &str, status: &str, more: &str) -> Result<(), String> {
        let id: TaskId = self.names.resolved(task).parse().map_err(|_| "no task")?;
        let known = self.state.tasks().get(&id).ok_or("no such task")?;
        let report = told::report(known, status, more, self.now)?;
        report::apply(&mut self.cx(), &report);
        capacity::advance(&mut self.cx());
        Ok(())
    }

    fn cx(&mut self) -> Cx<'_> {
        Cx {
            state: &mut self.state,
            caller: &self.caller,
            now: self.now,
            random: &mut self.random,
            settings: &self.settings,
            withheld: None,
        }
    }

    fn reading(&self) -> ReadCx<'_> {
        ReadCx {
            state: &self.state,
            caller: &self.caller,
            now: self.now,
            settings: &self.settings,
        }
    }
}

fn vpc(body: &str) -> Vpc {
    let given: serde_json::Value = serde_json::from_str(body).unwrap();
    let names = |member: &str| serde_json::from_value(given[member].clone()).unwrap();
    Vpc {
        id: given["id"].as_str().unwrap().to_owned(),
        subnets: names("subnets"),
        security_groups: names("securityGroups"),
    }
}
