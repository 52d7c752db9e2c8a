//! Hosts as expressions of the cluster query language see them.

use model::{ContainerInstanceId, Timestamp};

use crate::account::Account;
use crate::expression::{Expression, Subjects};
use crate::{Fleet, Host};

impl Fleet {
    /// Does the host satisfy the expression? An unknown one does not.
    pub fn is_member(&self, id: &ContainerInstanceId, expression: &Expression) -> bool {
        self.account(id)
            .is_some_and(|account| is_member(account, expression))
    }
}

pub(crate) fn is_member(account: &Account, expression: &Expression) -> bool {
    expression.matches(account)
}

/// The verdict on every host that has the attributes of `host`, where these decide alone.
pub(crate) fn is_member_whatever_runs(host: &Host, expression: &Expression) -> Option<bool> {
    expression
        .asks_attributes_only()
        .then(|| expression.matches(&Empty(host)))
}

/// A host of whose tasks nothing is known.
struct Empty<'a>(&'a Host);

impl Subjects for Empty<'_> {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.0.attributes.get(name).map(Option::as_deref)
    }

    fn any_task_group(&self, _: &mut dyn FnMut(&str) -> bool) -> bool {
        false
    }

    fn agent_connected(&self) -> bool {
        self.0.agent_connected
    }

    fn agent_version(&self) -> &str {
        &self.0.agent_version
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.0.ec2_instance_id.as_deref()
    }

    fn registered_at(&self) -> Timestamp {
        self.0.registered_at
    }

    fn running_tasks_count(&self) -> u32 {
        0
    }
}

impl Subjects for Account {
    fn attribute(&self, name: &str) -> Option<Option<&str>> {
        self.host.attributes.get(name).map(Option::as_deref)
    }

    fn any_task_group(&self, pass: &mut dyn FnMut(&str) -> bool) -> bool {
        self.groups().any(|(group, _)| pass(group))
    }

    fn agent_connected(&self) -> bool {
        self.host.agent_connected
    }

    fn agent_version(&self) -> &str {
        &self.host.agent_version
    }

    fn ec2_instance_id(&self) -> Option<&str> {
        self.host.ec2_instance_id.as_deref()
    }

    fn registered_at(&self) -> Timestamp {
        self.host.registered_at
    }

    fn running_tasks_count(&self) -> u32 {
        self.running_tasks
    }
}
