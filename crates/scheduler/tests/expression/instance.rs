//! Instances that expressions are asked of.

use std::collections::BTreeMap;

use model::Timestamp;
use scheduler::expression::Subjects;

#[derive(Clone, Debug, Default)]
pub(crate) struct Instance {
    pub(crate) attributes: BTreeMap<String, Option<String>>,
    groups: Vec<String>,
    agent_connected: bool,
    agent_version: String,
    ec2_instance_id: Option<String>,
    registered_at: i64,
    running: u32,
}

impl Subjects for Instance {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.attributes.get(name).map(Option::as_deref)
    }

    fn any_task_group(&self, pass: &mut dyn FnMut(&str) -> bool) -> bool {
        self.groups.iter().any(|group| pass(group))
    }

    fn agent_connected(&self) -> bool {
        self.agent_connected
    }

    fn agent_version(&self) -> &str {
        &self.agent_version
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.ec2_instance_id.as_deref()
    }

    fn registered_at(&self) -> Timestamp {
        Timestamp::from_millis(self.registered_at)
    }

    fn running_tasks_count(&self) -> u32 {
        self.running
    }
}

/// One with nothing, two usual ones, one whose values are as long as they may be.
pub(crate) fn instances() -> Vec<Instance> {
    let zone_a = Instance {
        agent_connected: true,
        agent_version: "1.14.5".to_owned(),
        ec2_instance_id: Some("i-abcd1234".to_owned()),
        registered_at: 1_529_360_908_500,
        running: 1,
        ..instance(
            "a=1, stack=prod, ecs.instance-type=t2.small, ecs.availability-zone=us-east-1a, gpu-pool",
            "service:production, family:database",
        )
    };
    let zone_b = Instance {
        agent_version: "1.100.1".to_owned(),
        ec2_instance_id: Some("g2.8xlarge".to_owned()),
        registered_at: 1_700_000_000_000,
        running: 100,
        ..instance(
            "a=9.5, stack=test, x/y\\z.0_-=10, or=and, ecs.availability-zone=us-east-1b",
            "test",
        )
    };
    vec![Instance::default(), zone_a, zone_b, long()]
}

fn long() -> Instance {
    let long = "a".repeat(128);
    let attributes = format!(
        "a={long}, stack={}, or={}, gpu-pool={}, ecs.instance-type={}",
        "1".repeat(128),
        "ab".repeat(64),
        "a b:".repeat(32),
        format_args!("{}b", &long[1..]),
    );
    let groups = format!("{long}, {}, {}", "x".repeat(128), "ab/".repeat(42));
    Instance {
        agent_connected: true,
        agent_version: format!("1{}", ".9".repeat(60)),
        ec2_instance_id: Some(long),
        running: u32::MAX,
        ..instance(&attributes, &groups)
    }
}

fn instance(attributes: &str, groups: &str) -> Instance {
    let attributes = attributes
        .split(", ")
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.to_owned(), None),
        });
    Instance {
        attributes: attributes.collect(),
        groups: groups.split(", ").map(str::to_owned).collect(),
        ..Instance::default()
    }
}
