//! ListTasks: pages of task ARNs of a cluster (`operations.md`, `run-task.md` §7).
//!
//! What surprises: without `desiredStatus` it means RUNNING, which includes tasks on their
//! way up; `PENDING` is accepted and finds nothing; `startedBy` allows no filter beside it
//! but the desired status.

use std::sync::Arc;

use model::ContainerInstanceId;
use model::errors::ErrorCode;
use model::shapes::{DesiredStatus, LaunchType, ListTasksInput, ListTasksOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::limits::STARTED_BY_CHARS_MAX;
use crate::paging;
use crate::record::Task;
use crate::record::task::{self, Desired};

pub(crate) fn list_tasks(
    cx: &ReadCx<'_>,
    input: ListTasksInput,
) -> Result<ListTasksOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let filter = Filter::parse(cx, &cluster.name, &input)?;
    let size = paging::page_size(input.max_results)?;
    let after = paging::after(input.next_token.as_deref())?;
    let tasks = cx
        .state
        .tasks_of_cluster(&cluster.name)
        .filter(|task| {
            after
                .as_ref()
                .is_none_or(|after| task.id.to_string() > *after)
        })
        .filter(|task| filter.passes(task));
    let page = paging::page(tasks, size, |task| task.id.to_string());
    let arn = |task: &Arc<Task>| cx.settings.task_arn(&task.cluster, task.id);
    Ok(ListTasksOutput {
        task_arns: Some(page.items.iter().map(|task| arn(task)).collect()),
        next_token: page.next_token,
    })
}

struct Filter {
    /// `None` where no task can pass.
    desired: Option<Desired>,
    family: Option<String>,
    started_by: Option<String>,
    launch_type: Option<task::LaunchType>,
    instance: Option<ContainerInstanceId>,
}

impl Filter {
    fn parse(cx: &ReadCx<'_>, cluster: &str, input: &ListTasksInput) -> Result<Self, OpError> {
        check_combination(input)?;
        let instance = input.container_instance.as_deref();
        let instance = instance
            .map(|text| container_instance_id(cx.settings, cluster, text))
            .transpose()?;
        Ok(Self {
            desired: desired(input.desired_status.as_ref())?,
            family: input.family.clone(),
            started_by: input.started_by.clone(),
            launch_type: input
                .launch_type
                .as_ref()
                .map(launch_type)
                .transpose()?
                .flatten(),
            instance,
        })
    }

    fn passes(&self, task: &Task) -> bool {
        let shown_instance = match task.launch_type {
            task::LaunchType::Fargate => None,
            task::LaunchType::Ec2 | task::LaunchType::External => Some(task.instance),
        };
        self.desired == Some(task.desired)
            && self
                .family
                .as_ref()
                .is_none_or(|family| task.definition.family == *family)
            && self
                .started_by
                .as_ref()
                .is_none_or(|by| task.started_by.as_ref() == Some(by))
            && self
                .launch_type
                .is_none_or(|launch_type| task.launch_type == launch_type)
            && self
                .instance
                .is_none_or(|instance| shown_instance == Some(instance))
    }
}

fn check_combination(input: &ListTasksInput) -> Result<(), OpError> {
    let others = input.family.is_some()
        || input.launch_type.is_some()
        || input.service_name.is_some()
        || input.container_instance.is_some();
    if let Some(started_by) = &input.started_by {
        if others {
            let text = "cannot specify startedBy with other arguments";
            return Err(OpError::invalid_parameter(text));
        }
        if started_by.chars().count() > STARTED_BY_CHARS_MAX {
            let text = format!("ownerId longer than {STARTED_BY_CHARS_MAX}.");
            return Err(OpError::invalid_parameter(text));
        }
    }
    if input.service_name.is_some() {
        if input.container_instance.is_some() || input.family.is_some() {
            let text = "cannot specify serviceName with other arguments";
            return Err(OpError::invalid_parameter(text));
        }
        // Services are not built, so none can be found.
        return Err(OpError::new(
            ErrorCode::ServiceNotFoundException,
            "Service not found.",
        ));
    }
    if input.daemon_name.is_some() {
        return Err(OpError::client(
            "ListTasks by daemonName is not supported by this server.",
        ));
    }
    Ok(())
}

fn desired(given: Option<&DesiredStatus>) -> Result<Option<Desired>, OpError> {
    match given {
        None | Some(DesiredStatus::Running) => Ok(Some(Desired::Running)),
        Some(DesiredStatus::Stopped) => Ok(Some(Desired::Stopped)),
        Some(DesiredStatus::Pending) => Ok(None),
        Some(other) => {
            let known = DesiredStatus::VALUES.join(",");
            let text = format!("desiredStatus should be one of [{known}], but was {other}.");
            Err(OpError::invalid_parameter(text))
        }
    }
}

fn launch_type(given: &LaunchType) -> Result<Option<task::LaunchType>, OpError> {
    match given {
        LaunchType::Ec2 => Ok(Some(task::LaunchType::Ec2)),
        LaunchType::Fargate => Ok(Some(task::LaunchType::Fargate)),
        LaunchType::External => Ok(Some(task::LaunchType::External)),
        other => Err(OpError::invalid_parameter(format!(
            "launchType should be one of [EC2,EXTERNAL,FARGATE], but was {other}."
        ))),
    }
}
