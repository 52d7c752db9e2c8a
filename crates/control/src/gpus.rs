//! GPUs: how many a container asks for, and which of its task's devices are its own.

use model::shapes::{ContainerDefinition, ContainerOverride, ResourceRequirement, ResourceType};

use crate::record::{Definition, Task};

/// Devices for one container; an override replaces what the definition asks for.
pub(crate) fn count(container: &ContainerDefinition, over: Option<&ContainerOverride>) -> u32 {
    let given = over.and_then(|over| over.resource_requirements.as_ref());
    let asked = given.or(container.resource_requirements.as_ref());
    let numbers = asked.into_iter().flatten().filter_map(number);
    numbers.fold(0, u32::saturating_add)
}

/// The first problem of the requirements, as a sentence that only wants its subject: a type that
/// ECS does not know, or no whole number of GPUs.
pub(crate) fn problem(requirements: &[ResourceRequirement]) -> Option<String> {
    requirements.iter().find_map(|one| {
        let kind = one.r#type.as_ref().map_or("", |kind| kind.as_str());
        if !ResourceType::VALUES.contains(&kind) {
            let known = ResourceType::VALUES.join(",");
            return Some(format!(
                "has a resource requirement of type '{kind}', which should be one of [{known}]"
            ));
        }
        let value = one.value.as_deref().unwrap_or_default();
        let is_bad = kind == "GPU" && number(one).is_none();
        is_bad.then(|| format!("asks for '{value}' GPUs, which should be a whole number from 1 up"))
    })
}

/// Is there a requirement that is no whole number of GPUs? Inference accelerators, Neuron
/// devices and sharing are not built.
pub(crate) fn is_other(requirements: &[ResourceRequirement]) -> bool {
    let is_other = |one| number(one).is_none() || one.sharing_strategy.is_some();
    requirements.iter().any(is_other)
}

fn number(requirement: &ResourceRequirement) -> Option<u32> {
    let is_gpu = requirement.r#type.as_ref()?.as_str() == "GPU";
    let value = requirement.value.as_deref()?.parse().ok()?;
    (is_gpu && value > 0).then_some(value)
}

/// The devices of the container of that name: those of its task, in the order of containers.
pub(crate) fn ids(task: &Task, definition: &Definition, name: &str) -> Option<Vec<String>> {
    let mut left = task.reserved.gpus.iter();
    for container in definition.containers() {
        let own = container.name.as_deref().unwrap_or_default();
        let asked = count(container, task.container_override(own)) as usize;
        let ids: Vec<String> = left.by_ref().take(asked).cloned().collect();
        if own == name {
            return (!ids.is_empty()).then_some(ids);
        }
    }
    None
}
