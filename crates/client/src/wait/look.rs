//! The newest state of some tasks, asked for in as many calls as it takes.

use std::collections::BTreeMap;

use model::operations::DescribeTasks;
use model::shapes::{DescribeTasksInput, Task};

use crate::client::Client;
use crate::error::Error;
use crate::options::CallOptions;

/// Most tasks that one DescribeTasks takes.
const TASKS_PER_CALL: usize = 100;

/// Tasks of a cluster, followed by the names they are asked for: ARNs or ids.
#[derive(Debug)]
pub(crate) struct Look {
    pub(crate) cluster: Option<String>,
    pub(crate) names: Vec<String>,
    /// The newest state of every task that was ever seen.
    pub(crate) seen: BTreeMap<String, Task>,
    /// What the last poll did not find.
    pub(crate) missing: Vec<String>,
}

impl Look {
    pub(crate) fn new(cluster: Option<String>, names: Vec<String>) -> Self {
        Self {
            cluster,
            names,
            seen: BTreeMap::new(),
            missing: Vec::new(),
        }
    }

    /// Asks for all of them.
    pub(crate) async fn poll(
        &mut self,
        client: &Client,
        options: &CallOptions,
    ) -> Result<(), Error> {
        let mut missing = Vec::new();
        for asked in self.names.chunks(TASKS_PER_CALL) {
            let input = DescribeTasksInput {
                cluster: self.cluster.clone(),
                tasks: Some(asked.to_vec()),
                ..Default::default()
            };
            let answer = client.call_with::<DescribeTasks>(input, options).await?;
            let mut found = BTreeMap::new();
            for task in answer.into_output().tasks.into_iter().flatten() {
                if let Some(name) = asked.iter().find(|asked| is_task(&task, asked)) {
                    found.insert(name.clone(), task);
                }
            }
            let lacking = asked.iter().filter(|name| !found.contains_key(*name));
            missing.extend(lacking.cloned());
            self.seen.extend(found);
        }
        self.missing = missing;
        Ok(())
    }

    /// Whether a task is unknown now that was seen before: it is gone for good.
    pub(crate) fn has_lost_any(&self) -> bool {
        self.missing.iter().any(|name| self.seen.contains_key(name))
    }
}

/// Whether a task is the one meant by an ARN or an id.
fn is_task(task: &Task, asked: &str) -> bool {
    let arn = task.task_arn.as_deref().unwrap_or_default();
    arn == asked || arn.rsplit('/').next() == Some(asked)
}
