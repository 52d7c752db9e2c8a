//! Whole lists out of paged answers.

use client::Client;
use model::shapes::{
    ContainerInstance, ContainerInstanceField, DescribeContainerInstancesInput, DescribeTasksInput,
    DesiredStatus, ListContainerInstancesInput, ListTaskDefinitionsInput, ListTasksInput,
    SortOrder, Task, TaskDefinitionStatus, TaskField,
};

use crate::failed::Failed;

/// Most ARNs that one description takes.
const PER_CALL: usize = 100;

/// ARNs of a cluster's tasks, on request with those that are to stop or have stopped.
pub(crate) async fn tasks(
    client: &Client,
    cluster: Option<&str>,
    stopped_too: bool,
) -> Result<Vec<String>, Failed> {
    let mut wanted = vec![DesiredStatus::Running];
    if stopped_too {
        wanted.push(DesiredStatus::Stopped);
    }
    let mut arns = Vec::new();
    for status in wanted {
        let mut token = None;
        loop {
            let input = ListTasksInput {
                cluster: cluster.map(str::to_owned),
                desired_status: Some(status.clone()),
                next_token: token.clone(),
                ..ListTasksInput::default()
            };
            let page = client.list_tasks(input).await?.into_output();
            arns.extend(page.task_arns.into_iter().flatten());
            if !moves_on(&mut token, page.next_token) {
                break;
            }
        }
    }
    Ok(arns)
}

/// Takes the next token; false at the end, also when a server repeats itself.
fn moves_on(token: &mut Option<String>, next: Option<String>) -> bool {
    let next = next.filter(|next| !next.is_empty());
    let moves = next.is_some() && next != *token;
    *token = next;
    moves
}

/// The tasks of these ARNs; those that vanished meanwhile are left out.
pub(crate) async fn describe_tasks(
    client: &Client,
    cluster: Option<&str>,
    arns: &[String],
) -> Result<Vec<Task>, Failed> {
    let mut tasks = Vec::new();
    for some in arns.chunks(PER_CALL) {
        let input = DescribeTasksInput {
            cluster: cluster.map(str::to_owned),
            tasks: Some(some.to_vec()),
            include: Some(vec![TaskField::Tags]),
        };
        let answer = client.describe_tasks(input).await?.into_output();
        tasks.extend(answer.tasks.into_iter().flatten());
    }
    Ok(tasks)
}

/// All container instances of a cluster.
pub(crate) async fn instances(
    client: &Client,
    cluster: Option<&str>,
) -> Result<Vec<ContainerInstance>, Failed> {
    let (mut arns, mut token) = (Vec::new(), None);
    loop {
        let input = ListContainerInstancesInput {
            cluster: cluster.map(str::to_owned),
            next_token: token.clone(),
            ..ListContainerInstancesInput::default()
        };
        let page = client.list_container_instances(input).await?.into_output();
        arns.extend(page.container_instance_arns.into_iter().flatten());
        if !moves_on(&mut token, page.next_token) {
            break;
        }
    }
    describe_instances(client, cluster, &arns).await
}

/// The container instances of these ARNs.
pub(crate) async fn describe_instances(
    client: &Client,
    cluster: Option<&str>,
    arns: &[String],
) -> Result<Vec<ContainerInstance>, Failed> {
    let mut instances = Vec::new();
    for some in arns.chunks(PER_CALL) {
        let input = DescribeContainerInstancesInput {
            cluster: cluster.map(str::to_owned),
            container_instances: Some(some.to_vec()),
            include: Some(vec![ContainerInstanceField::Tags]),
        };
        let answer = client.describe_container_instances(input).await?;
        instances.extend(
            answer
                .into_output()
                .container_instances
                .into_iter()
                .flatten(),
        );
    }
    Ok(instances)
}

/// ARNs of task definitions, the newest revision of a family first.
pub(crate) async fn task_definitions(
    client: &Client,
    family: Option<&str>,
    status: TaskDefinitionStatus,
) -> Result<Vec<String>, Failed> {
    let (mut arns, mut token) = (Vec::new(), None);
    loop {
        let input = ListTaskDefinitionsInput {
            family_prefix: family.map(str::to_owned),
            status: Some(status.clone()),
            sort: Some(SortOrder::Desc),
            next_token: token.clone(),
            ..ListTaskDefinitionsInput::default()
        };
        let page = client.list_task_definitions(input).await?.into_output();
        arns.extend(page.task_definition_arns.into_iter().flatten());
        if !moves_on(&mut token, page.next_token) {
            return Ok(arns);
        }
    }
}
