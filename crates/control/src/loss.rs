//! The loss of a task's host: nobody tells how the containers ended, and nobody will.

use std::sync::Arc;

use model::TaskId;

use crate::cx::Cx;
use crate::deregistration::{end, take_out};
use crate::record::instance::{Instance, InstanceStatus};
use crate::record::task::{LaunchType, Stop, StopCode, Task};

/// Marks the task STOPPED with code `TerminationNotice`. A container instance that it ran on is
/// deregistered with all its tasks, as when its EC2 instance was terminated; behind Fargate every
/// task has a host of its own. Tasks that have stopped or wait for an instance are left alone.
pub fn lose_host(cx: &mut Cx<'_>, task: TaskId) {
    let Some(task) = cx.state.tasks().get(&task).cloned() else {
        return;
    };
    let instance = task.instance.and_then(|id| cx.state.instances().get(&id));
    let Some(instance) = instance.cloned().filter(|_| !task.is_stopped()) else {
        return;
    };
    if task.launch_type == LaunchType::Fargate {
        let cause = cause(&task, &instance);
        end(cx, &task, cause);
    } else if instance.status != InstanceStatus::Inactive {
        take_out(cx, &instance, |task| cause(task, &instance));
    }
}

/// The words for Fargate are ours; those for EC2 are AWS's (`task-lifecycle.md` §4).
fn cause(task: &Task, instance: &Arc<Instance>) -> Stop {
    let reason = match task.launch_type {
        LaunchType::Fargate => "The host of the Fargate task was lost.".to_owned(),
        LaunchType::Ec2 | LaunchType::External => {
            let own = || instance.id.to_string();
            let id = instance.ec2_instance_id.clone().unwrap_or_else(own);
            format!("Host EC2 (instance {id}) terminated.")
        }
    };
    let code = StopCode::TerminationNotice;
    Stop { code, reason }
}

#[cfg(test)]
mod tests {
    use model::payload::HostStatus;
    use serde_json::{Value, json};

    use super::*;
    use crate::testing::{World, app, web};

    fn shown(world: &mut World, id: TaskId) -> Value {
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        world.at("DescribeTasks", &body, "/tasks/0")
    }

    #[test]
    fn all_tasks_of_a_lost_instance_stop_and_the_instance_is_gone() {
        let mut world = World::with_app();
        let tasks = world.run(&app(r#","count":2"#));
        let instance = world.task(tasks[0]).instance.unwrap();
        world.tell(tasks[0], HostStatus::Running);
        lose_host(&mut world.cx(), tasks[0]);
        world.restart();
        for id in tasks {
            let task = shown(&mut world, id);
            assert_eq!(task["lastStatus"], json!("STOPPED"));
            assert_eq!(task["stopCode"], json!("TerminationNotice"));
            let reason = format!("Host EC2 (instance {instance}) terminated.");
            assert_eq!(task["stoppedReason"], json!(reason));
            assert_eq!(task["containers"][0]["exitCode"], Value::Null);
        }
        let body = format!(r#"{{"containerInstances":["{instance}"]}}"#);
        let status = world.at(
            "DescribeContainerInstances",
            &body,
            "/containerInstances/0/status",
        );
        assert_eq!(status, json!("INACTIVE"));
    }

    #[test]
    fn behind_fargate_only_the_task_is_lost() {
        let mut world = World::with_app();
        let tasks = world.run(&web(r#","count":2"#));
        lose_host(&mut world.cx(), tasks[0]);
        let lost = shown(&mut world, tasks[0]);
        assert_eq!(lost["stopCode"], json!("TerminationNotice"));
        assert_eq!(
            lost["stoppedReason"],
            json!("The host of the Fargate task was lost.")
        );
        assert_eq!(
            shown(&mut world, tasks[1])["desiredStatus"],
            json!("RUNNING")
        );
        // What has stopped keeps its first cause.
        let before = world.task(tasks[0]).clone();
        lose_host(&mut world.cx(), tasks[0]);
        assert_eq!(*world.task(tasks[0]), before);
    }
}
