//! `dependsOn`: when a container may start, and when it never will
//! (`task-lifecycle.md` §2.2, §2.3).

use model::Timestamp;
use model::container::{Failure, FailureName};
use model::payload::{
    ContainerPlan, Dependency, DependencyCondition, Health, TaskPayload, reason_text,
};

use crate::container::{Container, Phase};
use crate::task::Task;

/// What a dependency says to its dependant now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Satisfied,
    /// Not yet; at the given moment `startTimeout` turns this into `Never`.
    Open {
        until: Option<Timestamp>,
    },
    /// Why not, as the end of a sentence that begins with the dependant's wish.
    Never(String),
}

impl Task {
    /// The verdict over all dependencies of one container: the worst of them.
    pub(crate) fn dependencies(&self, index: usize, now: Timestamp) -> Verdict {
        let mut overall = Verdict::Satisfied;
        for dependency in &waits_for(&self.payload.containers[index]) {
            match (self.dependency(dependency, now), &overall) {
                (Verdict::Never(why), _) => {
                    let Dependency {
                        container,
                        condition,
                    } = dependency;
                    let wish = format!("{} of container '{container}'", condition_name(*condition));
                    return Verdict::Never(format!("{wish} is required, but {why}"));
                }
                (Verdict::Satisfied, _) => {}
                (Verdict::Open { until }, Verdict::Open { until: known }) => {
                    overall = Verdict::Open {
                        until: earliest(until, *known),
                    };
                }
                (open @ Verdict::Open { .. }, _) => overall = open,
            }
        }
        overall
    }

    fn dependency(&self, dependency: &Dependency, now: Timestamp) -> Verdict {
        let Some(target) = self.position(&dependency.container) else {
            return Verdict::Never("the task has no such container".to_owned());
        };
        let timeout = self.payload.containers[target].start_timeout_seconds;
        match condition(&self.containers[target], dependency.condition) {
            Verdict::Open { .. } if dependency.condition != DependencyCondition::Start => {
                self.limit(target, timeout, now)
            }
            verdict => verdict,
        }
    }

    /// `startTimeout` counts from the start of the container that is waited for.
    fn limit(&self, target: usize, timeout: Option<u32>, now: Timestamp) -> Verdict {
        let (Some(seconds), Some(started)) = (timeout, self.containers[target].started()) else {
            return Verdict::Open { until: None };
        };
        let until = started.at.plus_millis(i64::from(seconds) * 1000);
        if until <= now {
            return Verdict::Never(format!("its startTimeout of {seconds} s has passed"));
        }
        Verdict::Open { until: Some(until) }
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.payload
            .containers
            .iter()
            .position(|plan| plan.spec.key.container == name)
    }

    /// The first unstarted container whose dependencies can never be satisfied, and why.
    pub(crate) fn hopeless(&self, now: Timestamp) -> Option<(usize, String)> {
        (0..self.containers.len())
            .filter(|&i| self.containers[i].unstarted())
            .find_map(|i| {
                let Verdict::Never(why) = self.dependencies(i, now) else {
                    return None;
                };
                Some((
                    i,
                    reason_text(&Failure::new(FailureName::TaskDependencyError, why)),
                ))
            })
    }

    /// When the next `startTimeout` that someone waits on passes.
    pub(crate) fn dependency_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = (0..self.containers.len()).filter(|&i| self.containers[i].unstarted());
        waiting
            .filter_map(|i| match self.dependencies(i, now) {
                Verdict::Open { until } => until,
                Verdict::Satisfied | Verdict::Never(_) => None,
            })
            .min()
    }

    /// Has every container that needs this one ended?
    pub(crate) fn dependants_stopped(&self, index: usize) -> bool {
        let name = &self.payload.containers[index].spec.key.container;
        self.payload
            .containers
            .iter()
            .zip(&self.containers)
            .all(|(plan, container)| {
                container.stopped() || !plan.depends_on.iter().any(|d| d.container == *name)
            })
    }
}

/// What must be before a container starts: `dependsOn`, and the start of what it is linked to
/// or has volumes from.
fn waits_for(plan: &ContainerPlan) -> Vec<Dependency> {
    let started = plan.starts_after.iter().map(|container| Dependency {
        container: container.clone(),
        condition: DependencyCondition::Start,
    });
    plan.depends_on.iter().cloned().chain(started).collect()
}

fn condition(target: &Container, condition: DependencyCondition) -> Verdict {
    let ended = target.exit();
    match (condition, &target.phase) {
        (_, Phase::Stopped { started: None, .. }) => {
            Verdict::Never("it was not started".to_owned())
        }
        (
            DependencyCondition::Start,
            Phase::Running(_) | Phase::Restarting { .. } | Phase::Stopped { .. },
        ) => Verdict::Satisfied,
        (DependencyCondition::Complete, Phase::Stopped { .. }) => Verdict::Satisfied,
        (DependencyCondition::Success, Phase::Stopped { .. }) => {
            match ended.and_then(|exit| exit.code) {
                Some(0) => Verdict::Satisfied,
                Some(code) => Verdict::Never(format!("it exited with code {code}")),
                None => Verdict::Never("its exit code is unknown".to_owned()),
            }
        }
        (DependencyCondition::Healthy, Phase::Stopped { .. }) => {
            Verdict::Never("it has stopped".to_owned())
        }
        (DependencyCondition::Healthy, Phase::Running(_)) => match target.health {
            Health::Healthy => Verdict::Satisfied,
            Health::Unhealthy => Verdict::Never("it is UNHEALTHY".to_owned()),
            Health::Unknown => Verdict::Open { until: None },
        },
        _ => Verdict::Open { until: None },
    }
}

fn condition_name(condition: DependencyCondition) -> &'static str {
    match condition {
        DependencyCondition::Start => "START",
        DependencyCondition::Complete => "COMPLETE",
        DependencyCondition::Success => "SUCCESS",
        DependencyCondition::Healthy => "HEALTHY",
    }
}

pub(crate) fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

/// Can the containers be started in some order at all? Registration refuses cycles; a
/// payload that has one all the same would wait for ever.
pub(crate) fn has_cycle(payload: &TaskPayload) -> bool {
    let mut open: Vec<_> = payload.containers.iter().collect();
    loop {
        let before = open.len();
        let names: Vec<String> = open
            .iter()
            .map(|plan| plan.spec.key.container.clone())
            .collect();
        open.retain(|plan| {
            let mut waits_for = waits_for(plan).into_iter();
            waits_for.any(|dependency| names.contains(&dependency.container))
        });
        if open.is_empty() || open.len() == before {
            return !open.is_empty();
        }
    }
}
