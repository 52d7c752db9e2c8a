//! What to do about a failure or a stop, by the words ECS uses for it.

/// Words that a reason contains, and the remedy. The first row that fits counts.
/// `docs/FAILURES.md` is made of the same rows; a test compares them.
const REMEDIES: [(&str, &str); 29] = [
    (
        "RESOURCE:CPU",
        "ask for less CPU in the definition or with --overrides, or stop other tasks \
         (`longshore ps` lists them)",
    ),
    (
        "RESOURCE:MEMORY",
        "ask for less memory in the definition or with --overrides, or stop other tasks \
         (`longshore ps` lists them)",
    ),
    (
        "RESOURCE:PORTS",
        "leave `hostPort` out to get a free port, or stop what holds it (`longshore ps` lists \
         tasks with their ports)",
    ),
    (
        "RESOURCE:GPU",
        "ask for fewer GPUs, or declare more with `gpus` of an `[[instance]]`",
    ),
    (
        "RESOURCE:ENI",
        "stop other tasks of network mode awsvpc on the instance, or add an instance",
    ),
    (
        "RESOURCE:FARGATE",
        "ask for less in the definition or with --overrides, or stop other tasks \
         (`longshore ps` lists them)",
    ),
    (
        "Capacity is unavailable at this time",
        "ask for less in the definition or with --overrides, or stop other tasks \
         (`longshore ps` lists them)",
    ),
    (
        "reached the limit on the number of",
        "wait for other tasks to end, or have the quota raised",
    ),
    (
        "EMPTY CAPACITY PROVIDER",
        "add an instance with this `capacity-provider`, or name another provider",
    ),
    (
        "NO ACTIVE INSTANCES",
        "add an instance, or set a DRAINING one back to ACTIVE (`longshore instances`)",
    ),
    (
        "placement constraint unsatisfied",
        "loosen the placement constraint, or add an instance that meets it \
         (`longshore run --dry-run` shows each instance)",
    ),
    (
        "ecs.cpu-architecture",
        "change `runtimePlatform`; or have a Docker engine emulate it, with \
         DOCKER_DEFAULT_PLATFORM=linux/amd64 (or linux/arm64) where the server is started",
    ),
    (
        "ATTRIBUTE",
        "the definition needs what no instance has: change it or add an instance",
    ),
    (
        "LOCATION",
        "give a subnet in the zone of an instance (`network.subnet-zones`)",
    ),
    (
        "AGENT",
        "wait until the instance's agent is connected (`longshore instances`)",
    ),
    (
        "MISSING",
        "`longshore instances` and `longshore ps` list what there is",
    ),
    (
        "INACTIVE",
        "it was deregistered: `longshore instances` lists the instances there are",
    ),
    (
        "CannotPullContainerError",
        "check the image's name, tag and credentials; `longshore image load` takes an archive \
         where there is no registry",
    ),
    (
        "CannotPullECRContainerError",
        "let your AWS keys log in (`endpoints.ecr`) or docker's helper as the reason says, map its \
         registry under `[registry.mirrors]`, or load the image with `longshore image load`",
    ),
    (
        "CannotCreateContainerError",
        "correct what the reason names in the container definition and register it again",
    ),
    (
        "CannotStartContainerError",
        "check `command`, `entryPoint` and `workingDirectory` against the image, and that host \
         ports are free",
    ),
    (
        "ResourceInitializationError",
        "check what the reason names: secrets, roles, log groups and environment files",
    ),
    (
        "TaskDependencyError",
        "see why the container in `dependsOn` ended or did not become healthy (`longshore logs`)",
    ),
    (
        "OutOfMemory",
        "raise `memory` of the container or of the task, or let the program use less",
    ),
    (
        "DockerTimeoutError",
        "the host is overloaded or slow: look at its disk and load, then run the task again",
    ),
    (
        "ContainerVanishedError",
        "the container ended while no server watched and left no exit record: run the task again",
    ),
    (
        "container health checks",
        "run the health check's command in the container by hand, or give it a longer \
         `startPeriod`",
    ),
    (
        "Spot Task was interrupted",
        "run the task again; use FARGATE instead of FARGATE_SPOT for what must not be interrupted",
    ),
    (
        "Essential container in task exited",
        "when this was not meant, `longshore logs` shows the container's last words",
    ),
];

pub(crate) fn of(reason: &str) -> Option<&'static str> {
    let mut rows = REMEDIES.iter();
    let row = rows.find(|(words, _)| reason.contains(words));
    row.map(|(_, remedy)| *remedy)
}

/// `hint: …` for each remedy, once.
pub(crate) fn hints<'a>(reasons: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut remedies = Vec::new();
    for reason in reasons {
        remedies.extend(of(reason).filter(|remedy| !remedies.contains(remedy)));
    }
    let hint = |remedy| format!("hint: {remedy}");
    remedies.into_iter().map(hint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remedy_is_documented() {
        let guide = include_str!("../../../docs/FAILURES.md");
        let rows = guide.lines().filter(|line| line.starts_with("| `"));
        let documented: Vec<_> = rows.filter_map(|row| row.split(" | ").last()).collect();
        let expected: Vec<_> = REMEDIES.map(|(_, remedy)| format!("{remedy} |")).into();
        assert_eq!(documented, expected);
        for (words, _) in REMEDIES {
            assert!(guide.contains(&format!("| `{words}` |")), "{words}");
        }
    }

    #[test]
    fn a_reason_has_the_remedy_of_its_words() {
        let check = |reason: &str, words: &str| {
            let expected = REMEDIES.iter().find(|(known, _)| *known == words);
            assert_eq!(of(reason), expected.map(|(_, remedy)| *remedy), "{reason}");
        };
        check("TaskFailedToStart: RESOURCE:MEMORY", "RESOURCE:MEMORY");
        check(
            "MemberOf placement constraint unsatisfied.",
            "placement constraint unsatisfied",
        );
        check(
            "OutOfMemoryError: Container killed due to memory usage",
            "OutOfMemory",
        );
        check("TaskFailedToStart: AGENT", "AGENT");
        assert_eq!(of("Task stopped by user"), None);
    }
}
