//! `dependsOn` and `links`: they name containers of the task and have no cycles.

use std::collections::{BTreeMap, BTreeSet};

use model::shapes::{ContainerCondition, ContainerDefinition, TaskDefinition};

use crate::error::{OpError, not_one_of};

/// Who waits for whom, by container name.
type Graph<'a> = BTreeMap<&'a str, Vec<&'a str>>;

pub(super) fn check(shape: &TaskDefinition) -> Result<(), OpError> {
    let containers = shape.container_definitions.as_deref().unwrap_or_default();
    let (mut depends, mut links) = (Graph::new(), Graph::new());
    for container in containers {
        let name = container.name.as_deref().unwrap_or_default();
        for dependency in container.depends_on.iter().flatten() {
            let on = dependency.container_name.as_deref().unwrap_or_default();
            check_condition(containers, on, dependency.condition.as_ref())?;
            depends.entry(name).or_default().push(on);
        }
        for link in container.links.iter().flatten() {
            links
                .entry(name)
                .or_default()
                .push(link.split(':').next().unwrap_or_default());
        }
    }
    if has_cycle(&links) {
        return Err(OpError::client("Container links should not have a cycle"));
    }
    if has_cycle(&depends) {
        return Err(OpError::client(
            "Container dependencies should not have a cycle",
        ));
    }
    Ok(())
}

fn check_condition(
    containers: &[ContainerDefinition],
    on: &str,
    condition: Option<&ContainerCondition>,
) -> Result<(), OpError> {
    let named = containers
        .iter()
        .find(|container| container.name.as_deref() == Some(on));
    let Some(named) = named else {
        let text = format!("Cannot depend on container + '{on}' because it does not exist");
        return Err(OpError::client(text));
    };
    match condition {
        Some(ContainerCondition::Start) => Ok(()),
        Some(ContainerCondition::Complete | ContainerCondition::Success)
            if named.essential.unwrap_or(true) =>
        {
            Err(OpError::client(
                "A dependency container with SUCCESS or COMPLETE condition cannot be an essential \
                 container",
            ))
        }
        Some(ContainerCondition::Complete | ContainerCondition::Success) => Ok(()),
        Some(ContainerCondition::Healthy) if named.health_check.is_none() => Err(OpError::client(
            "A dependency container with HEALTHY condition must have health check configured",
        )),
        Some(ContainerCondition::Healthy) => Ok(()),
        other => {
            let was = other.map(ContainerCondition::as_str).unwrap_or_default();
            let text = not_one_of("condition", ContainerCondition::VALUES, Some(was));
            Err(OpError::client(text))
        }
    }
}

/// Takes away, again and again, those who wait for nobody left; what remains is a cycle.
fn has_cycle(graph: &Graph<'_>) -> bool {
    let mut waiting: BTreeSet<&str> = graph.keys().copied().collect();
    loop {
        let free: Vec<&str> = waiting
            .iter()
            .filter(|name| !graph[**name].iter().any(|on| waiting.contains(on)))
            .copied()
            .collect();
        if free.is_empty() {
            return !waiting.is_empty();
        }
        waiting.retain(|name| !free.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(edges: &[(&'static str, &'static str)], cycle: bool) {
        let mut graph = Graph::new();
        for (from, to) in edges {
            graph.entry(from).or_default().push(to);
        }
        assert_eq!(has_cycle(&graph), cycle);
    }

    #[test]
    fn cycles_of_any_length_are_found() {
        check(&[], false);
        check(&[("a", "b"), ("b", "c"), ("a", "c")], false);
        check(&[("a", "a")], true);
        check(&[("a", "b"), ("b", "c"), ("c", "b")], true);
    }
}
