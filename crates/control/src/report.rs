//! What a host tells of a task, written into the record. A report carries the
//! whole state, so repeating it changes nothing and an older one is ignored.

use std::sync::Arc;

use model::payload::{HostStatus, HostStop, TaskReport};

use crate::cx::Cx;
use crate::record::Task;
use crate::record::task::{Stop, StopCode, TaskStatus};

/// Applies a report. Unknown and already stopped tasks are left alone.
pub fn apply(cx: &mut Cx<'_>, report: &TaskReport) {
    let Some(before) = cx.state.tasks().get(&report.task).cloned() else {
        return;
    };
    if before.is_stopped() {
        return;
    }
    let mut task = Task::clone(&before);
    update(&mut task, report, cx.now);
    if task != *before {
        task.version += i64::from(task.has_moved(&before));
        cx.state.put_task(task);
    }
}

fn update(task: &mut Task, report: &TaskReport, now: model::Timestamp) {
    let times = &mut task.times;
    times.connectivity_at.get_or_insert(now);
    times.pull_started_at = times.pull_started_at.or(report.pull_started_at);
    times.pull_stopped_at = times.pull_stopped_at.or(report.pull_stopped_at);
    times.started_at = times.started_at.or(report.started_at);
    times.execution_stopped_at = times.execution_stopped_at.or(report.execution_stopped_at);
    for container in &mut task.containers {
        let told = report
            .containers
            .iter()
            .find(|told| told.name == container.report.name);
        if let Some(told) = told.filter(|told| told.status >= container.report.status) {
            container.report.clone_from(told);
        }
    }
    if let Some(attachment) = &mut task.attachment {
        attachment.interface = attachment
            .interface
            .take()
            .or_else(|| report.interface.clone());
    }
    if let Some(stop) = &report.stop {
        task.want_stopped(cause(stop), now);
    }
    let status = status_of(task, report.status);
    if status > task.status {
        task.advance(status, now);
    }
}

fn cause(stop: &HostStop) -> Stop {
    match stop {
        HostStop::EssentialContainerExited => Stop {
            code: StopCode::EssentialContainerExited,
            reason: "Essential container in task exited".to_owned(),
        },
        HostStop::FailedToStart(reason) => Stop {
            code: StopCode::TaskFailedToStart,
            reason: reason.clone(),
        },
    }
}

/// PROVISIONING and DEPROVISIONING are for tasks with an interface or a volume of their own.
fn status_of(task: &Task, status: HostStatus) -> TaskStatus {
    match status {
        HostStatus::Provisioning if task.has_attachments() => TaskStatus::Provisioning,
        HostStatus::Provisioning | HostStatus::Pending => TaskStatus::Pending,
        HostStatus::Running => TaskStatus::Running,
        HostStatus::Stopping => TaskStatus::Stopping,
        HostStatus::Deprovisioning if task.has_attachments() => TaskStatus::Deprovisioning,
        HostStatus::Deprovisioning => TaskStatus::Stopping,
        HostStatus::Stopped => TaskStatus::Stopped,
    }
}

/// The report that would lead to this record; `None` if the host has yet to tell something.
pub fn last_of(task: &Arc<Task>) -> Option<TaskReport> {
    if !task.is_stopped() {
        task.times.connectivity_at?;
    }
    let stop = task.stop.as_ref().and_then(|stop| match stop.code {
        StopCode::EssentialContainerExited => Some(HostStop::EssentialContainerExited),
        StopCode::TaskFailedToStart => Some(HostStop::FailedToStart(stop.reason.clone())),
        StopCode::SpotInterruption | StopCode::TerminationNotice | StopCode::UserInitiated => None,
    });
    Some(TaskReport {
        task: task.id,
        status: match task.status {
            TaskStatus::Provisioning => HostStatus::Provisioning,
            TaskStatus::Pending => HostStatus::Pending,
            TaskStatus::Running => HostStatus::Running,
            TaskStatus::Stopping => HostStatus::Stopping,
            TaskStatus::Deprovisioning => HostStatus::Deprovisioning,
            TaskStatus::Stopped => HostStatus::Stopped,
        },
        containers: task
            .containers
            .iter()
            .map(|container| container.report.clone())
            .collect(),
        interface: task
            .attachment
            .as_ref()
            .and_then(|eni| eni.interface.clone()),
        pull_started_at: task.times.pull_started_at,
        pull_stopped_at: task.times.pull_stopped_at,
        started_at: task.times.started_at,
        execution_stopped_at: task.times.execution_stopped_at,
        stop,
    })
}

#[cfg(test)]
mod tests {
    use model::payload::{ContainerStatus, Health, TaskInterface};
    use serde_json::json;

    use super::*;
    use crate::testing::{World, app, web};

    /// A running task and its world.
    fn running() -> (World, model::TaskId) {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.tell(id, HostStatus::Running);
        (world, id)
    }

    #[test]
    fn a_task_goes_through_its_statuses_and_each_change_is_a_version() {
        let mut world = World::with_app();
        let id = world.run(&web(""))[0];
        let steps = [
            (HostStatus::Provisioning, TaskStatus::Provisioning),
            (HostStatus::Pending, TaskStatus::Pending),
            (HostStatus::Running, TaskStatus::Running),
            (HostStatus::Stopping, TaskStatus::Stopping),
            (HostStatus::Deprovisioning, TaskStatus::Deprovisioning),
            (HostStatus::Stopped, TaskStatus::Stopped),
        ];
        for (version, (told, expected)) in (1..).zip(steps) {
            world.pass_seconds(1);
            world.tell(id, told);
            assert_eq!(world.task(id).status, expected);
            assert_eq!(world.task(id).version, version);
        }
    }

    #[test]
    fn a_task_without_an_interface_is_never_provisioning() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.tell(id, HostStatus::Provisioning);
        assert_eq!(world.task(id).status, TaskStatus::Pending);
        world.tell(id, HostStatus::Deprovisioning);
        assert_eq!(world.task(id).status, TaskStatus::Stopping);
    }

    #[test]
    fn a_repeated_report_changes_nothing() {
        let (mut world, id) = running();
        let before = world.task(id).clone();
        let again = last_of(&Arc::new(before.clone())).unwrap();
        world.pass_seconds(5);
        world.report(&again);
        assert_eq!(*world.task(id), before);
    }

    #[test]
    fn only_what_an_event_tells_is_a_version() {
        let (mut world, id) = running();
        let mut version = world.task(id).version;
        let mut check = |what: &str, step: i64, change: fn(&mut TaskReport)| {
            let mut report = last_of(world.state.tasks().get(&id).unwrap()).unwrap();
            change(&mut report);
            world.report(&report);
            version += step;
            assert_eq!(world.task(id).version, version, "{what}");
        };
        check("health", 0, |report| {
            report.containers[0].health = Health::Healthy;
        });
        check("an address", 0, |report| {
            report.containers[0].ipv4 = Some("10.0.0.9".to_owned());
        });
        check("the end of a container", 1, |report| {
            report.containers[0].status = ContainerStatus::Stopped;
        });
        check("a wish", 1, |report| {
            report.stop = Some(HostStop::EssentialContainerExited);
        });
        check("status", 1, |report| report.status = HostStatus::Stopped);
    }

    #[test]
    fn an_older_report_never_leads_back() {
        let (mut world, id) = running();
        let before = world.task(id).clone();
        world.tell(id, HostStatus::Pending);
        assert_eq!(*world.task(id), before);
    }

    #[test]
    fn a_stopped_task_stays_as_it_is_and_unknown_ones_are_ignored() {
        let (mut world, id) = running();
        world.exit(id, 0);
        let before = world.task(id).clone();
        let mut late = world.reported(id, HostStatus::Running);
        world.report(&late);
        world.tell(id, HostStatus::Stopped);
        assert_eq!(*world.task(id), before);
        late.task = model::TaskId::from_bits(1);
        world.report(&late);
        assert_eq!(world.state.tasks().len(), 1);
    }

    #[test]
    fn moments_are_kept_as_first_told() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        world.pass_seconds(10);
        world.tell(id, HostStatus::Running);
        world.pass_seconds(10);
        world.exit(id, 1);
        let task = world.at(
            "DescribeTasks",
            &format!(r#"{{"tasks":["{id}"]}}"#),
            "/tasks/0",
        );
        let moments = [
            ("createdAt", 0),
            ("connectivityAt", 10),
            ("pullStartedAt", 10),
            ("pullStoppedAt", 10),
            ("startedAt", 10),
            ("stoppingAt", 20),
            ("executionStoppedAt", 20),
            ("stoppedAt", 20),
        ];
        for (member, seconds) in moments {
            assert_eq!(task[member], json!(1_767_600_000 + seconds), "{member}");
        }
        assert_eq!(task["connectivity"], json!("CONNECTED"));
    }

    #[test]
    fn a_failure_to_start_is_told_with_its_reason() {
        let mut world = World::with_app();
        let id = world.run(&app(""))[0];
        let mut report = world.reported(id, HostStatus::Stopped);
        report.started_at = None;
        report.stop = Some(HostStop::FailedToStart(
            "CannotPullContainerError: no".to_owned(),
        ));
        world.report(&report);
        let task = world.at(
            "DescribeTasks",
            &format!(r#"{{"tasks":["{id}"]}}"#),
            "/tasks/0",
        );
        assert_eq!(task["stopCode"], json!("TaskFailedToStart"));
        assert_eq!(task["stoppedReason"], json!("CannotPullContainerError: no"));
        assert_eq!(task["desiredStatus"], json!("STOPPED"));
        assert_eq!(task["startedAt"], json!(null));
    }

    #[test]
    fn what_containers_have_become_is_shown() {
        let (mut world, id) = running();
        let mut report = world.reported(id, HostStatus::Running);
        let container = &mut report.containers[0];
        container.health = Health::Healthy;
        container.bindings = vec![model::payload::PortBinding {
            container_port: 80,
            host_port: 32768,
            protocol: model::payload::Protocol::Tcp,
        }];
        world.report(&report);
        report.containers[0].status = ContainerStatus::Stopped;
        report.containers[0].reason = Some("OutOfMemoryError: Container killed".to_owned());
        report.containers[0].exit_code = Some(137);
        world.report(&report);
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let shown = world.at("DescribeTasks", &body, "/tasks/0/containers/0");
        assert_eq!(shown["lastStatus"], json!("STOPPED"));
        assert_eq!(shown["exitCode"], json!(137));
        assert_eq!(shown["reason"], json!("OutOfMemoryError: Container killed"));
        assert_eq!(shown["healthStatus"], json!("HEALTHY"));
        assert_eq!(
            shown["networkBindings"],
            json!([{"bindIP": "0.0.0.0", "containerPort": 80, "hostPort": 32768, "protocol": "tcp"}])
        );
    }

    #[test]
    fn the_interface_is_attached_once_the_host_has_made_it() {
        let mut world = World::with_app();
        let id = world.run(&web(""))[0];
        let mut report = world.reported(id, HostStatus::Running);
        report.interface = Some(TaskInterface {
            ipv4: "10.0.0.9".to_owned(),
            mac: "0a:00:00:00:00:09".to_owned(),
        });
        world.report(&report);
        let body = format!(r#"{{"tasks":["{id}"]}}"#);
        let task = world.at("DescribeTasks", &body, "/tasks/0");
        let eni = &task["attachments"][0];
        assert_eq!(eni["status"], json!("ATTACHED"));
        let details = eni["details"].as_array().unwrap().iter();
        let details: Vec<_> = details
            .map(|one| {
                (
                    one["name"].as_str().unwrap(),
                    one["value"].as_str().unwrap(),
                )
            })
            .filter(|(name, _)| *name != "networkInterfaceId")
            .collect();
        let expected = [
            ("subnetId", "subnet-1"),
            ("macAddress", "0a:00:00:00:00:09"),
            ("privateDnsName", "ip-10-0-0-9.ec2.internal"),
            ("privateIPv4Address", "10.0.0.9"),
        ];
        assert_eq!(details, expected);
        assert_eq!(
            task["containers"][0]["networkInterfaces"],
            json!([{"attachmentId": eni["id"], "privateIpv4Address": "10.0.0.9"}])
        );
        for (status, expected) in [
            (HostStatus::Deprovisioning, "DETACHING"),
            (HostStatus::Stopped, "DELETED"),
        ] {
            world.tell(id, status);
            let shown = world.at("DescribeTasks", &body, "/tasks/0/attachments/0/status");
            assert_eq!(shown, json!(expected));
        }
    }

    #[test]
    fn the_last_report_can_be_told_again_after_a_restart() {
        let (mut world, id) = running();
        let mut report = world.reported(id, HostStatus::Running);
        report.containers[0].exit_code = Some(0);
        world.report(&report);
        let task = world.state.tasks().get(&id).unwrap();
        assert_eq!(last_of(task), Some(report));
        let fresh = world.run(&app(""))[0];
        assert_eq!(last_of(world.state.tasks().get(&fresh).unwrap()), None);
    }
}
