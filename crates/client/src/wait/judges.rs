//! What the other waiters of the ECS model wait for, as judges for
//! [`Client::wait_until`](crate::Client::wait_until). Each does what the acceptors of its
//! waiter in the model say, in their order.

use model::shapes::{
    DaemonDeployment, DaemonDeploymentStatus, DaemonStatus, DaemonTaskDefinitionStatus,
    DescribeDaemonDeploymentsOutput, DescribeDaemonOutput, DescribeDaemonTaskDefinitionOutput,
    DescribeServicesOutput, Failure, Service,
};

use super::answer::Verdict;

/// `ServicesStable`: every service has one deployment, and as many tasks run as are
/// wanted. Fails if one is unknown, draining or inactive.
pub fn services_stable(answer: &DescribeServicesOutput) -> Verdict {
    let services = answer.services.as_deref().unwrap_or_default();
    let ending = |one: &&Service| matches!(one.status.as_deref(), Some("DRAINING" | "INACTIVE"));
    let is_stable = |one: &Service| {
        one.deployments.as_ref().map_or(0, Vec::len) == 1 && one.running_count == one.desired_count
    };
    if let Some(missing) = missing(answer.failures.as_deref()) {
        missing
    } else if let Some(service) = services.iter().find(ending) {
        let name = service.service_arn.as_deref().unwrap_or_default();
        let status = service.status.as_deref().unwrap_or_default();
        Verdict::Failed(format!("{name} is {status}"))
    } else {
        Verdict::done_if(services.iter().all(is_stable))
    }
}

/// `ServicesInactive`: one of the services is inactive. Fails if one is unknown.
pub fn services_inactive(answer: &DescribeServicesOutput) -> Verdict {
    let mut services = answer.services.iter().flatten();
    missing(answer.failures.as_deref()).unwrap_or_else(|| {
        Verdict::done_if(services.any(|one| one.status.as_deref() == Some("INACTIVE")))
    })
}

/// `DaemonActive`: the daemon is active. Fails if it is being deleted.
pub fn daemon_active(answer: &DescribeDaemonOutput) -> Verdict {
    match answer.daemon.as_ref().and_then(|one| one.status.as_ref()) {
        Some(DaemonStatus::Active) => Verdict::Done,
        Some(status @ DaemonStatus::DeleteInProgress) => is(status),
        _ => Verdict::GoOn,
    }
}

/// `DaemonDeploymentSuccessful`: all deployments were successful. Fails if one was
/// stopped, rolled back, or is unknown.
pub fn daemon_deployment_successful(answer: &DescribeDaemonDeploymentsOutput) -> Verdict {
    use DaemonDeploymentStatus::{RollbackFailed, RollbackSuccessful, Stopped, Successful};
    let deployments = answer.daemon_deployments.as_deref().unwrap_or_default();
    let mut statuses = deployments.iter().filter_map(|one| one.status.as_ref());
    if all_are(deployments, &Successful) {
        return Verdict::Done;
    }
    match statuses.find(|one| matches!(one, Stopped | RollbackFailed | RollbackSuccessful)) {
        Some(status) => is(status),
        None => missing(answer.failures.as_deref()).unwrap_or(Verdict::GoOn),
    }
}

/// `DaemonDeploymentStopped`: all deployments were stopped. Fails if one is unknown.
pub fn daemon_deployment_stopped(answer: &DescribeDaemonDeploymentsOutput) -> Verdict {
    let deployments = answer.daemon_deployments.as_deref().unwrap_or_default();
    if all_are(deployments, &DaemonDeploymentStatus::Stopped) {
        return Verdict::Done;
    }
    missing(answer.failures.as_deref()).unwrap_or(Verdict::GoOn)
}

/// `DaemonTaskDefinitionActive`: it is active. Fails if it is deleted or being deleted.
pub fn daemon_task_definition_active(answer: &DescribeDaemonTaskDefinitionOutput) -> Verdict {
    match definition_status(answer) {
        Some(DaemonTaskDefinitionStatus::Active) => Verdict::Done,
        Some(
            status @ (DaemonTaskDefinitionStatus::Deleted
            | DaemonTaskDefinitionStatus::DeleteInProgress),
        ) => is(status),
        _ => Verdict::GoOn,
    }
}

/// `DaemonTaskDefinitionDeleted`: it is deleted.
pub fn daemon_task_definition_deleted(answer: &DescribeDaemonTaskDefinitionOutput) -> Verdict {
    Verdict::done_if(definition_status(answer) == Some(&DaemonTaskDefinitionStatus::Deleted))
}

fn definition_status(
    answer: &DescribeDaemonTaskDefinitionOutput,
) -> Option<&DaemonTaskDefinitionStatus> {
    answer.daemon_task_definition.as_ref()?.status.as_ref()
}

/// An empty list is never "all".
fn all_are(deployments: &[DaemonDeployment], status: &DaemonDeploymentStatus) -> bool {
    let is_so = |one: &DaemonDeployment| one.status.as_ref() == Some(status);
    !deployments.is_empty() && deployments.iter().all(is_so)
}

fn is(status: impl std::fmt::Display) -> Verdict {
    Verdict::Failed(format!("it is {status}"))
}

fn missing(failures: Option<&[Failure]>) -> Option<Verdict> {
    let mut failures = failures.unwrap_or_default().iter();
    let missing = failures.find(|one| one.reason.as_deref() == Some("MISSING"))?;
    let arn = missing.arn.as_deref().unwrap_or_default();
    Some(Verdict::Failed(format!("{arn} is MISSING")))
}

#[cfg(test)]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check<T: DeserializeOwned>(judge: fn(&T) -> Verdict, cases: &[(Value, &str)]) {
        for (answer, expected) in cases {
            let verdict = match judge(&serde_json::from_value(answer.clone()).unwrap()) {
                Verdict::Done => "done".to_owned(),
                Verdict::GoOn => "go on".to_owned(),
                Verdict::Failed(why) => why,
            };
            assert_eq!(verdict, *expected, "{answer}");
        }
    }

    fn service(status: &str, deployments: usize, running: i32) -> Value {
        let deployments = vec![json!({}); deployments];
        json!({"services": [{"serviceArn": "s", "status": status, "deployments": deployments,
            "runningCount": running, "desiredCount": 2}]})
    }

    fn unknown() -> Value {
        json!({"failures": [{"arn": "x", "reason": "MISSING"}]})
    }

    #[test]
    fn services_are_stable_or_inactive_as_the_model_says() {
        let stable = [
            (service("ACTIVE", 1, 2), "done"),
            (service("ACTIVE", 2, 2), "go on"),
            (service("ACTIVE", 1, 1), "go on"),
            (service("DRAINING", 1, 2), "s is DRAINING"),
            (service("INACTIVE", 1, 2), "s is INACTIVE"),
            (unknown(), "x is MISSING"),
        ];
        check(services_stable, &stable);
        let inactive = [
            (service("INACTIVE", 0, 0), "done"),
            (service("DRAINING", 1, 2), "go on"),
            (unknown(), "x is MISSING"),
        ];
        check(services_inactive, &inactive);
    }

    #[test]
    fn daemons_are_judged_as_the_model_says() {
        let daemon = |status: &str| json!({"daemon": {"status": status}});
        let active = [
            (daemon("ACTIVE"), "done"),
            (daemon("DELETE_IN_PROGRESS"), "it is DELETE_IN_PROGRESS"),
            (json!({}), "go on"),
        ];
        check(daemon_active, &active);
        let definition = |status: &str| json!({"daemonTaskDefinition": {"status": status}});
        let active = [
            (definition("ACTIVE"), "done"),
            (definition("DELETED"), "it is DELETED"),
            (definition("DELETE_IN_PROGRESS"), "it is DELETE_IN_PROGRESS"),
        ];
        check(daemon_task_definition_active, &active);
        let deleted = [
            (definition("DELETED"), "done"),
            (definition("ACTIVE"), "go on"),
        ];
        check(daemon_task_definition_deleted, &deleted);
    }

    #[test]
    fn daemon_deployments_are_judged_as_the_model_says() {
        let deployments = |statuses: &[&str]| {
            let all: Vec<Value> = statuses
                .iter()
                .map(|status| json!({"status": status}))
                .collect();
            json!({"daemonDeployments": all})
        };
        let successful = [
            (deployments(&["SUCCESSFUL", "SUCCESSFUL"]), "done"),
            (deployments(&["SUCCESSFUL", "IN_PROGRESS"]), "go on"),
            (deployments(&["SUCCESSFUL", "STOPPED"]), "it is STOPPED"),
            (deployments(&["ROLLBACK_FAILED"]), "it is ROLLBACK_FAILED"),
            (
                deployments(&["ROLLBACK_SUCCESSFUL"]),
                "it is ROLLBACK_SUCCESSFUL",
            ),
            (deployments(&[]), "go on"),
            (unknown(), "x is MISSING"),
        ];
        check(daemon_deployment_successful, &successful);
        let stopped = [
            (deployments(&["STOPPED"]), "done"),
            (deployments(&["STOP_REQUESTED"]), "go on"),
            (unknown(), "x is MISSING"),
        ];
        check(daemon_deployment_stopped, &stopped);
    }
}
