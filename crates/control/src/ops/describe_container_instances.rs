//! DescribeContainerInstances: up to 100 instances with what they have and what is left.

use std::collections::BTreeSet;

use model::shapes::{DescribeContainerInstancesInput, DescribeContainerInstancesOutput};

use crate::cx::ReadCx;
use crate::error::OpError;
use crate::identifier::{active_cluster, container_instance_id};
use crate::limits::DESCRIBE_MAX;
use crate::view;

pub(crate) fn describe_container_instances(
    cx: &ReadCx<'_>,
    input: DescribeContainerInstancesInput,
) -> Result<DescribeContainerInstancesOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let asked = input.container_instances.unwrap_or_default();
    if asked.is_empty() {
        return Err(OpError::invalid_parameter(
            "Container instances cannot be empty.",
        ));
    }
    if asked.len() > DESCRIBE_MAX {
        let text = format!("instanceIds can have at most {DESCRIBE_MAX} items.");
        return Err(OpError::invalid_parameter(text));
    }
    // Health is not measured here, so including it adds nothing.
    let known = ["CONTAINER_INSTANCE_HEALTH", "TAGS"];
    let tags = view::tags_included(input.include.as_deref(), &known)?;
    let (mut instances, mut failures) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for text in &asked {
        let id = container_instance_id(cx.settings, &cluster.name, text)?;
        if !seen.insert(id) {
            continue;
        }
        let found = cx.state.instances().get(&id);
        match found.filter(|instance| instance.cluster == cluster.name) {
            Some(instance) => instances.push(view::instance::instance(cx, instance, tags)),
            None => {
                let arn = cx.settings.instance_arn(&cluster.name, id);
                failures.push(view::missing(arn));
            }
        }
    }
    Ok(DescribeContainerInstancesOutput {
        container_instances: Some(instances),
        failures: Some(failures),
    })
}
