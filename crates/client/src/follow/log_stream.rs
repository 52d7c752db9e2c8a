//! Where the output of a container is found: a log group and a stream in it.
//!
//! With the driver `awslogs` the definition says so: `PREFIX/CONTAINER/TASK` in its
//! group, and without a prefix the container's id in the runtime. Containers without a
//! log configuration log to `/ecs/FAMILY` under the prefix `ecs` on our server.

use model::shapes::{ContainerDefinition, LogDriver, Task, TaskDefinition};

/// The place of one container's output.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStream {
    pub group: String,
    /// `None` while it is not known: it is named after the container's runtime id, which
    /// there is none of yet.
    pub stream: Option<String>,
    /// Where the group is, if the definition says so.
    pub region: Option<String>,
}

/// The last part of a task's ARN.
fn id(task: &Task) -> &str {
    let arn = task.task_arn.as_deref().unwrap_or_default();
    arn.rsplit('/').next().unwrap_or_default()
}

impl LogStream {
    /// Where a container of a task logs; `None` if its logs go elsewhere than to
    /// CloudWatch Logs.
    pub fn of(
        definition: &TaskDefinition,
        container: &ContainerDefinition,
        task: &Task,
    ) -> Option<Self> {
        of(definition, container, task)
    }
}

fn of(
    definition: &TaskDefinition,
    container: &ContainerDefinition,
    task: &Task,
) -> Option<LogStream> {
    let name = container.name.as_deref().unwrap_or_default();
    let own_group = || format!("/ecs/{}", definition.family.as_deref().unwrap_or_default());
    let stream = |prefix: &str| format!("{prefix}/{name}/{}", id(task));
    let Some(log) = &container.log_configuration else {
        return Some(LogStream {
            group: own_group(),
            stream: Some(stream("ecs")),
            region: None,
        });
    };
    if log
        .log_driver
        .as_ref()
        .is_some_and(|driver| *driver != LogDriver::Awslogs)
    {
        return None;
    }
    let option = |key: &str| log.options.as_ref()?.get(key).cloned();
    Some(LogStream {
        group: option("awslogs-group").unwrap_or_else(own_group),
        stream: match option("awslogs-stream-prefix") {
            Some(prefix) => Some(stream(&prefix)),
            None if log.options.is_none() => Some(stream("ecs")),
            None => runtime_id(task, name),
        },
        region: option("awslogs-region"),
    })
}

fn runtime_id(task: &Task, container: &str) -> Option<String> {
    let mut containers = task.containers.iter().flatten();
    let found = containers.find(|one| one.name.as_deref() == Some(container))?;
    found.runtime_id.clone()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ARN: &str = "arn:aws:ecs:us-east-1:000000000000:task/default/0c9f3a64b1c84b0f";

    #[track_caller]
    fn check(log: Value, runtime_id: Option<&str>, expected: Option<(&str, Option<&str>)>) {
        let definition = json!({"family": "report", "containerDefinitions":
            [{"name": "app", "logConfiguration": log}]});
        let task = json!({"taskArn": ARN, "containers":
            [{"name": "app", "runtimeId": runtime_id}]});
        let definition: TaskDefinition = serde_json::from_value(definition).unwrap();
        let container = &definition.container_definitions.as_ref().unwrap()[0];
        let found = of(
            &definition,
            container,
            &serde_json::from_value(task).unwrap(),
        );
        let found = found
            .as_ref()
            .map(|place| (place.group.as_str(), place.stream.as_deref()));
        assert_eq!(found, expected);
    }

    #[test]
    fn streams_are_named_as_ecs_names_them() {
        check(
            Value::Null,
            None,
            Some(("/ecs/report", Some("ecs/app/0c9f3a64b1c84b0f"))),
        );
        let prefixed = json!({"logDriver": "awslogs", "options":
            {"awslogs-group": "jobs", "awslogs-stream-prefix": "nightly"}});
        check(
            prefixed,
            None,
            Some(("jobs", Some("nightly/app/0c9f3a64b1c84b0f"))),
        );
        let bare = json!({"logDriver": "awslogs", "options": {"awslogs-group": "jobs"}});
        check(bare.clone(), None, Some(("jobs", None)));
        check(bare, Some("abc-1"), Some(("jobs", Some("abc-1"))));
        check(json!({"logDriver": "json-file"}), None, None);
    }
}
