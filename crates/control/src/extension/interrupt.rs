//! Interrupts a task on FARGATE_SPOT, as Fargate does when it takes its capacity back
//! (`task-lifecycle.md` §4): its containers get the stop signal at once and SIGKILL after their
//! `stopTimeout`, which on Fargate is at most the two minutes that the notice gives.

use model::interrupt::{InterruptInput, InterruptOutput};

use crate::cx::Cx;
use crate::error::OpError;
use crate::identifier::{active_cluster, known_task, task_id};
use crate::record::capacity_provider::FARGATE_SPOT;
use crate::record::task::{Stop, StopCode};
use crate::view::task::Tags;
use crate::{stopping, view};

pub(crate) fn interrupt(
    cx: &mut Cx<'_>,
    input: InterruptInput,
) -> Result<InterruptOutput, OpError> {
    let cluster = active_cluster(&cx.reading(), input.cluster.as_deref())?;
    let id = task_id(cx.settings, &cluster.name, &input.task)?;
    let task = known_task(cx.state, &cluster.name, id)?;
    if task.provider.as_deref() != Some(FARGATE_SPOT) {
        return Err(OpError::invalid_parameter(
            "Only a task on capacity provider FARGATE_SPOT can be interrupted.",
        ));
    }
    let cause = Stop {
        code: StopCode::SpotInterruption,
        reason: "Your Spot Task was interrupted.".to_owned(),
    };
    let task = stopping::wish(cx, task, cause);
    Ok(InterruptOutput {
        task: view::task::task(&cx.reading(), &task, Tags::Shown),
    })
}

#[cfg(test)]
mod tests {
    use model::interrupt::{INTERRUPT_PATH, InterruptOutput};
    use model::payload::HostStatus;
    use serde_json::{Value, json};

    use crate::assignment::stop_wanted;
    use crate::testing::{World, web};

    /// The answer, or the error's text.
    fn interrupt(world: &mut World, task: impl std::fmt::Display) -> Result<Value, String> {
        let body = format!(r#"{{"task":"{task}"}}"#);
        world.extension(INTERRUPT_PATH, &body)
    }

    fn on(provider: &str) -> String {
        let strategy =
            format!(r#""capacityProviderStrategy":[{{"capacityProvider":"{provider}"}}],"#);
        web("").replace(r#""launchType":"FARGATE","#, &strategy)
    }

    fn world() -> World {
        let mut world = World::with_app();
        world.associate("default", &["FARGATE", "FARGATE_SPOT"], "");
        world
    }

    #[test]
    fn the_notice_shows_a_running_task_that_is_to_stop() {
        let mut world = world();
        let id = world.run(&on("FARGATE_SPOT"))[0];
        world.tell(id, HostStatus::Running);
        let task = interrupt(&mut world, id).unwrap()["task"].clone();
        assert_eq!(task["lastStatus"], json!("RUNNING"));
        assert_eq!(task["desiredStatus"], json!("STOPPED"));
        assert_eq!(task["stopCode"], json!("SpotInterruption"));
        assert_eq!(
            task["stoppedReason"],
            json!("Your Spot Task was interrupted.")
        );
        assert!(stop_wanted(world.task(id)));
        let again = interrupt(&mut world, id).unwrap();
        assert_eq!(again["task"], task);
        serde_json::from_value::<InterruptOutput>(again).unwrap();
        world.restart();
        world.exit(id, 143);
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let code = world.at("DescribeTasks", &body, "/tasks/0/stopCode");
        assert_eq!(code, json!("SpotInterruption"));
    }

    #[test]
    fn only_tasks_on_fargate_spot_are_interrupted() {
        let mut world = world();
        let only = "InvalidParameterException: Only a task on capacity provider FARGATE_SPOT can \
                    be interrupted.";
        for body in [on("FARGATE"), web("")] {
            let id = world.run(&body)[0];
            assert_eq!(interrupt(&mut world, id), Err(only.to_owned()));
        }
        let absent = "0123456789abcdef0123456789abcdef";
        assert_eq!(
            interrupt(&mut world, absent).unwrap_err(),
            "InvalidParameterException: The referenced task was not found."
        );
    }
}
