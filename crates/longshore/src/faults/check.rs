//! Is a rule one that can be followed? If not, the sentence says what to change.

use control::limits::{FAULT_DATE_SECONDS_MAX, FAULT_MILLIS_MAX};
use control::operation;
use model::faults::{Fault, FaultRule};

use super::plan::is_of_task;
use super::{DESCRIBE_TASKS, RUN_TASK, START_TASK};
use crate::gateway::LOGS_OPERATIONS;

/// Every JSON reader can hold numbers up to here.
const SEED_MAX: u64 = 1 << 53;

pub(super) fn rule(rule: &FaultRule) -> Result<(), String> {
    let problem = whom(rule)
        .or_else(|| how_often(rule))
        .or_else(|| effect(rule))
        .or_else(|| fault(&rule.fault));
    problem.map_or(Ok(()), Err)
}

fn whom(rule: &FaultRule) -> Option<String> {
    if rule.caller.as_deref() == Some("") {
        return Some("caller is empty: give an access key id or an ARN, or leave it out.".into());
    }
    let operation = rule.operation.as_deref()?;
    let is_known = operation::find(operation).is_some() || LOGS_OPERATIONS.contains(&operation);
    if !is_known {
        return Some(format!(
            "There is no operation '{operation}': write it as the API does, for example RunTask, \
             or leave it out for all."
        ));
    }
    let allowed: &[&str] = match &rule.fault {
        Fault::Failures { .. } => &[RUN_TASK, DESCRIBE_TASKS],
        fault if is_of_task(fault) => &[RUN_TASK, START_TASK],
        _ => return None,
    };
    let allowed_text = allowed.join(" or ");
    (!allowed.contains(&operation)).then(|| {
        format!("This fault needs operation {allowed_text}, but the rule is for {operation}.")
    })
}

fn how_often(rule: &FaultRule) -> Option<String> {
    match rule {
        FaultRule { times: Some(0), .. } => {
            Some("times must be at least 1; leave it out for a rule without end.".into())
        }
        FaultRule {
            probability: Some(share),
            ..
        } if !(*share > 0.0 && *share <= 1.0) => Some(format!(
            "probability must be above 0 and at most 1, but is {share}."
        )),
        FaultRule {
            probability: None,
            seed: Some(_),
            ..
        } => Some("seed needs a probability: without one there is nothing to draw.".into()),
        FaultRule {
            seed: Some(seed), ..
        } if *seed > SEED_MAX => Some(format!("seed must be at most {SEED_MAX}, but is {seed}.")),
        _ => None,
    }
}

fn effect(rule: &FaultRule) -> Option<String> {
    let may_come_after = matches!(
        rule.fault,
        Fault::Throttling {}
            | Fault::ServerError {}
            | Fault::Latency { .. }
            | Fault::Cut {}
            | Fault::HtmlPage { .. }
    );
    let needs_operation = matches!(rule.fault, Fault::Failures { .. }) && rule.operation.is_none();
    if rule.after_effect && !may_come_after {
        return Some("This fault has no moment to choose: leave afterEffect out.".into());
    }
    needs_operation.then(|| "failures need an operation: RunTask or DescribeTasks.".into())
}

fn fault(fault: &Fault) -> Option<String> {
    match fault {
        Fault::Latency { millis } | Fault::SlowTransitions { millis } => match millis {
            0 => Some("millis must be at least 1.".into()),
            _ => delay("millis", *millis),
        },
        Fault::SpotInterruption { after_millis } | Fault::LostHost { after_millis } => {
            delay("afterMillis", *after_millis)
        }
        Fault::ExitCode { code, .. } if !(0..=255).contains(code) => {
            Some(format!("code must be between 0 and 255, but is {code}."))
        }
        Fault::ExitCode { after_millis, .. } => delay("afterMillis", after_millis.unwrap_or(0)),
        Fault::WrongDate { seconds: 0 } => {
            Some("seconds must not be 0: that is the right date.".into())
        }
        Fault::WrongDate { seconds }
            if seconds.unsigned_abs() > FAULT_DATE_SECONDS_MAX.unsigned_abs() =>
        {
            Some(format!(
                "seconds must be between -{FAULT_DATE_SECONDS_MAX} and {FAULT_DATE_SECONDS_MAX}, \
                 but is {seconds}."
            ))
        }
        Fault::HtmlPage { status } if !(400..=599).contains(status) => Some(format!(
            "status must be between 400 and 599, but is {status}."
        )),
        Fault::Failures { reason, .. } if reason.is_empty() => {
            Some("reason is empty: give one as ECS has it, for example MISSING.".into())
        }
        Fault::Failures { count: Some(0), .. } => {
            Some("count must be at least 1; leave it out for all tasks of a call.".into())
        }
        _ => None,
    }
}

fn delay(name: &str, millis: u64) -> Option<String> {
    (millis > FAULT_MILLIS_MAX)
        .then(|| format!("{name} must be at most {FAULT_MILLIS_MAX}, a day, but is {millis}."))
}
