//! How people name tasks, and how tasks and definitions are named to people.

use client::Client;
use model::Arn;
use model::shapes::{DescribeTasksInput, Task, TaskField};

use crate::failed::Failed;
use crate::listing;

/// Characters of an id that are shown.
const SHORT_CHARS: usize = 8;

/// What stands after the last `/` of an ARN.
pub(crate) fn last_part(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// The beginning of a task's or an instance's id: what people say, and may type.
pub(crate) fn short(arn: &str) -> &str {
    let id = last_part(arn);
    id.get(..SHORT_CHARS).unwrap_or(id)
}

/// The id at the end of a task's ARN.
pub(crate) fn id(task: &Task) -> &str {
    last_part(task.task_arn.as_deref().unwrap_or_default())
}

/// `family:revision` of a task.
pub(crate) fn definition(task: &Task) -> &str {
    last_part(task.task_definition_arn.as_deref().unwrap_or_default())
}

/// A task that somebody named, and the cluster it is in.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// `None`: `default`.
    pub(crate) cluster: Option<String>,
    pub(crate) task: Task,
}

/// Finds a task by ARN, id, or the beginning of an id that no other task has.
pub(crate) async fn find(
    client: &Client,
    cluster: Option<&str>,
    name: &str,
) -> Result<Named, Failed> {
    let cluster = cluster.map(str::to_owned).or_else(|| cluster_of(name));
    let whole = name.starts_with("arn:") || name.parse::<model::TaskId>().is_ok();
    let name = if whole {
        name.to_owned()
    } else {
        complete(client, cluster.as_deref(), name).await?
    };
    let input = DescribeTasksInput {
        cluster: cluster.clone(),
        tasks: Some(vec![name.clone()]),
        include: Some(vec![TaskField::Tags]),
    };
    let found = client.describe_tasks(input).await?.into_output().tasks;
    match found.into_iter().flatten().next() {
        Some(task) => Ok(Named { cluster, task }),
        None => Err(unknown(&name, cluster.as_deref())),
    }
}

/// The cluster in the long form of a task's ARN.
fn cluster_of(name: &str) -> Option<String> {
    let arn: Arn = name.parse().ok()?;
    let (cluster, _) = arn.resource_path().split_once('/')?;
    Some(cluster.to_owned())
}

async fn complete(client: &Client, cluster: Option<&str>, start: &str) -> Result<String, Failed> {
    let arns = listing::tasks(client, cluster, true).await?;
    let start = start.to_ascii_lowercase();
    let mut fitting = arns
        .into_iter()
        .filter(|arn| last_part(arn).starts_with(&start));
    match (fitting.next(), fitting.next()) {
        (Some(arn), None) => Ok(arn),
        (None, _) => Err(unknown(&start, cluster)),
        (Some(first), Some(second)) => Err(Failed::new(format!(
            "`{start}` is the beginning of several tasks, {} and {} among them: give more of the id",
            last_part(&first),
            last_part(&second)
        ))),
    }
}

fn unknown(name: &str, cluster: Option<&str>) -> Failed {
    let cluster = cluster.unwrap_or("default");
    Failed::new(format!(
        "no task `{}` in cluster `{cluster}`: `longshore ps --all` lists them",
        last_part(name)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_id_and_cluster() {
        let arn = "arn:aws:ecs:us-east-1:000000000000:task/build/0c9f3a64b1c84b0f8d1f0b7c6f0a5e21";
        assert_eq!(short(arn), "0c9f3a64");
        assert_eq!(cluster_of(arn).as_deref(), Some("build"));
        assert_eq!(cluster_of("0c9f3a64"), None);
        let old = "arn:aws:ecs:us-east-1:000000000000:task/0c9f3a64-b1c8-4b0f-8d1f-0b7c6f0a5e21";
        assert_eq!((cluster_of(old), short(old)), (None, "0c9f3a64"));
    }
}
