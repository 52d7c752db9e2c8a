//! One number for what became of tasks.

use std::collections::{BTreeMap, BTreeSet};

use model::shapes::{Container, Task, TaskDefinition, TaskStopCode};

/// The exit code for a task that could not be run.
pub const NOT_RUN: u8 = 125;
/// The exit code when the time was up.
pub const TIMED_OUT: u8 = 124;
/// The exit code of a run that was canceled.
pub const INTERRUPTED: u8 = 130;

/// Which container's exit code is that of the task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExitPolicy {
    /// The essential container that ended first.
    #[default]
    FirstEssential,
    /// The highest code of the essential containers; one without a code counts as 125.
    WorstEssential,
    /// The container of this name; 125 if it has no code.
    Container(String),
}

/// 128 + SIGKILL and 128 + SIGTERM: what a container ends with that was told to stop.
const STOPPED_BY_SIGNAL: [i32; 2] = [137, 143];

/// Observation of a task: the number of the poll that first showed a container STOPPED.
pub(super) type FirstStopped = BTreeMap<String, u32>;

/// Adds what a poll shows.
pub(super) fn observe(seen: &mut FirstStopped, poll: u32, task: &Task) {
    let containers = task.containers.iter().flatten();
    for container in containers.filter(|one| one.last_status.as_deref() == Some("STOPPED")) {
        let name = container.name.clone().unwrap_or_default();
        seen.entry(name).or_insert(poll);
    }
}

/// Names of the containers that end their task.
pub(super) fn essential(definition: &TaskDefinition) -> BTreeSet<&str> {
    let containers = definition.container_definitions.iter().flatten();
    containers
        .filter(|container| container.essential.unwrap_or(true))
        .filter_map(|container| container.name.as_deref())
        .collect()
}

/// The code of a task: 125 if it did not start, else what the policy says. Without a
/// definition every container counts as essential.
pub(super) fn of_task(
    task: &Task,
    essential: Option<&BTreeSet<&str>>,
    seen: &FirstStopped,
    policy: &ExitPolicy,
) -> u8 {
    if task.stop_code == Some(TaskStopCode::TaskFailedToStart) {
        return NOT_RUN;
    }
    let name = |container: &Container| container.name.clone().unwrap_or_default();
    let is_essential = |container: &&Container| {
        essential.is_none_or(|names| names.contains(name(container).as_str()))
    };
    let mut containers = task.containers.iter().flatten();
    match policy {
        ExitPolicy::FirstEssential => first_ended(containers.filter(is_essential), seen),
        ExitPolicy::WorstEssential => {
            let codes = containers.filter(is_essential).map(code);
            codes.max().unwrap_or(NOT_RUN)
        }
        ExitPolicy::Container(wanted) => {
            let found = containers.find(|container| name(container) == *wanted);
            found.map_or(NOT_RUN, code)
        }
    }
}

/// The code of the container that ended first; 125 if none has a code.
///
/// ECS does not tell when a container ended, and its siblings are stopped at once. The
/// container that ended by itself is therefore, in this order: the one seen STOPPED in
/// an earlier poll; one that ran out of memory or whose code is not that of a stop
/// signal; one that failed rather than one that ended well (which a sibling does that
/// heeds SIGTERM); the first in the definition.
fn first_ended<'a>(containers: impl Iterator<Item = &'a Container>, seen: &FirstStopped) -> u8 {
    let ended = containers.filter_map(|container| Some((container, container.exit_code?)));
    let first = ended.min_by_key(|(container, code)| {
        let name = container.name.as_deref().unwrap_or_default();
        let poll = seen.get(name).copied().unwrap_or(u32::MAX);
        let was_stopped = STOPPED_BY_SIGNAL.contains(code) && !ran_out_of_memory(container);
        (poll, was_stopped, *code == 0)
    });
    first.map_or(NOT_RUN, |(container, _)| code(container))
}

fn code(container: &Container) -> u8 {
    let code = container.exit_code;
    code.map_or(NOT_RUN, |code| u8::try_from(code).unwrap_or(u8::MAX))
}

/// Whether a container was killed because it ran out of memory.
pub fn ran_out_of_memory(container: &Container) -> bool {
    let reason = container.reason.as_deref().unwrap_or_default();
    reason.starts_with("OutOfMemory")
}

/// The first that is not 0, in the order of the tasks; 125 if fewer were placed than
/// asked for.
pub(super) fn of_all(codes: impl IntoIterator<Item = u8>, all_placed: bool) -> u8 {
    let failed = codes.into_iter().find(|code| *code != 0);
    failed.unwrap_or(if all_placed { 0 } else { NOT_RUN })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Containers as `name code` or `name code poll`; `-` for no code, `oom` for 137 with
    /// its reason. Names in capitals are not essential.
    #[track_caller]
    fn check_by(policy: &ExitPolicy, stop_code: &str, containers: &[&str], expected: u8) {
        let mut seen = FirstStopped::new();
        let mut shapes = Vec::new();
        for text in containers {
            let words: Vec<&str> = text.split(' ').collect();
            let code = match words[1] {
                "-" => None,
                "oom" => Some(137),
                code => Some(code.parse::<i32>().unwrap()),
            };
            let reason = (words[1] == "oom").then_some("OutOfMemoryError: Container killed");
            shapes.push(json!({"name": words[0], "exitCode": code, "reason": reason}));
            if let Some(poll) = words.get(2) {
                seen.insert(words[0].to_owned(), poll.parse().unwrap());
            }
        }
        let task = json!({"stopCode": stop_code, "containers": shapes});
        let names = containers.iter().filter_map(|text| text.split(' ').next());
        let essential = names
            .filter(|name| name.chars().all(char::is_lowercase))
            .collect();
        let task = serde_json::from_value(task).unwrap();
        assert_eq!(
            of_task(&task, Some(&essential), &seen, policy),
            expected,
            "{containers:?}"
        );
    }

    #[track_caller]
    fn check(stop_code: &str, containers: &[&str], expected: u8) {
        check_by(&ExitPolicy::FirstEssential, stop_code, containers, expected);
    }

    #[test]
    fn the_worst_or_a_named_container_decides_on_request() {
        let check = |policy: &ExitPolicy, containers: &[&str], expected| {
            check_by(policy, "EssentialContainerExited", containers, expected);
        };
        let worst = ExitPolicy::WorstEssential;
        check(&worst, &["a 3 1", "b 7 9", "SIDE 9"], 7);
        check(&worst, &["a 0", "b 0", "SIDE 9"], 0);
        check(&worst, &["a 0", "b -"], NOT_RUN);
        let named = ExitPolicy::Container("SIDE".to_owned());
        check(&named, &["a 3", "SIDE 9"], 9);
        check(&named, &["a 3", "SIDE -"], NOT_RUN);
        check(&named, &["a 3"], NOT_RUN);
        check_by(&worst, "TaskFailedToStart", &["a 0"], NOT_RUN);
    }

    #[test]
    fn the_container_that_ended_by_itself_decides() {
        let check = |containers: &[&str], expected| {
            check("EssentialContainerExited", containers, expected);
        };
        check(&["a 0"], 0);
        check(&["a 3"], 3);
        check(&["a 143"], 143);
        check(&["a oom"], 137);
        check(&["db 143", "job 3"], 3);
        check(&["db 137", "job 0"], 0);
        check(&["db 0", "job 3"], 3);
        check(&["db 143", "job oom"], 137);
        check(&["db 137", "job 143"], 137);
        // Earlier is certain, whatever the codes look like.
        check(&["db 1 7", "job 0 5"], 0);
        check(&["db 3 7", "job 143 5"], 143);
        check(&["db 143 7", "job 4 7"], 4);
        // Not essential, or never started.
        check(&["SIDE 9 1", "job 0 2"], 0);
        check(&["SIDE 9", "job -"], NOT_RUN);
        check(&["a 300"], 255);
    }

    #[test]
    fn a_task_that_did_not_start_was_not_run() {
        check("TaskFailedToStart", &["db 143", "job -"], NOT_RUN);
        check("UserInitiated", &["a 143"], 143);
        check("UserInitiated", &["a -"], NOT_RUN);
        check("InfrastructureHealth", &["a -"], NOT_RUN);
    }

    #[test]
    fn several_tasks_give_the_first_failure() {
        assert_eq!(of_all([0, 3, 4], true), 3);
        assert_eq!(of_all([0, 0], true), 0);
        assert_eq!(of_all([0], false), NOT_RUN);
    }

    #[test]
    fn the_first_poll_that_shows_an_end_is_kept() {
        let task = json!({"containers": [
            {"name": "a", "lastStatus": "STOPPED"}, {"name": "b", "lastStatus": "RUNNING"}]});
        let task = serde_json::from_value(task).unwrap();
        let mut seen = FirstStopped::new();
        observe(&mut seen, 4, &task);
        observe(&mut seen, 5, &task);
        assert_eq!(seen, FirstStopped::from([("a".to_owned(), 4)]));
    }
}
