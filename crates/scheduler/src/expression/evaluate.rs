//! A tree asks an instance. Stops at the first part that decides.

use std::cmp::Ordering;

use super::Subjects;
use super::operand::{Version, compare_texts};
use super::parse::{Node, Order, TextTest};

impl Node {
    pub(super) fn matches(&self, instance: &impl Subjects) -> bool {
        match self {
            Self::Or(parts) => parts.iter().any(|part| part.matches(instance)),
            Self::And(parts) => parts.iter().all(|part| part.matches(instance)),
            Self::Not(inner) => !inner.matches(instance),
            Self::Attribute(name, test) => test.of_attribute(instance.attribute(name)),
            Self::TaskGroup(TextTest::NotExists) => !instance.any_task_group(&mut |_| true),
            Self::TaskGroup(test) => instance.any_task_group(&mut |group| test.of(group)),
            Self::AgentConnected(test) => test.of(if instance.agent_connected() {
                "true"
            } else {
                "false"
            }),
            Self::Ec2InstanceId(test) => instance.ec2_instance_id().is_some_and(|id| test.of(id)),
            Self::AgentVersion(order, wanted) => Version::parse(instance.agent_version())
                .is_some_and(|version| order.holds(version.compare(wanted))),
            Self::RegisteredAt(order, wanted) => {
                // Moments are written in whole seconds.
                let second = |millis: i64| millis.div_euclid(1000);
                let registered = second(instance.registered_at().millis());
                order.holds(registered.cmp(&second(wanted.millis())))
            }
            Self::RunningTasksCount(order, wanted) => {
                order.holds(i64::from(instance.running_tasks_count()).cmp(wanted))
            }
        }
    }

    pub(super) fn asks_attributes_only(&self) -> bool {
        match self {
            Self::Or(parts) | Self::And(parts) => parts.iter().all(Self::asks_attributes_only),
            Self::Not(inner) => inner.asks_attributes_only(),
            Self::Attribute(..) | Self::AgentConnected(_) => true,
            Self::TaskGroup(_)
            | Self::Ec2InstanceId(_)
            | Self::AgentVersion(..)
            | Self::RegisteredAt(..)
            | Self::RunningTasksCount(..) => false,
        }
    }
}

impl TextTest {
    fn of_attribute(&self, attribute: Option<Option<&str>>) -> bool {
        match (self, attribute) {
            (Self::Exists, attribute) => attribute.is_some(),
            (Self::NotExists, attribute) => attribute.is_none(),
            (test, Some(Some(value))) => test.of(value),
            (_, Some(None) | None) => false,
        }
    }

    fn of(&self, value: &str) -> bool {
        let is_in = |list: &[String]| list.iter().any(|one| one == value);
        match self {
            Self::Compare(Order::Equal, wanted) => value == wanted,
            Self::Compare(Order::NotEqual, wanted) => value != wanted,
            Self::Compare(order, wanted) => order.holds(compare_texts(value, wanted)),
            Self::In(list) => is_in(list),
            Self::NotIn(list) => !is_in(list),
            Self::Matches(pattern) => pattern.matches(value),
            Self::NotMatches(pattern) => !pattern.matches(value),
            Self::Exists => true,
            Self::NotExists => false,
        }
    }
}

impl Order {
    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessEqual => ordering.is_le(),
        }
    }
}
