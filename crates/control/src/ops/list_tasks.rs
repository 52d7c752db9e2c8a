//! ListTasks: pages of task ARNs of a cluster (`operations.md`, `run-task.md` §7).
//!
//! What surprises: without `desiredStatus` it means RUNNING, which includes tasks on their
//! way up; `PENDING` is accepted and finds nothing; `startedBy` allows no filter beside it
//! but the desired status.

use std::sync::Arc;

use model::ContainerInstanceId;
use model::errors::ErrorCode;
use model::shapes::{DesiredStatus, LaunchType, ListTasksInput, ListTasksOutput};

use crate::cx::ReadCx;
use crate::error::{OpError, not_one_of};
use crate::identifier::{active_cluster, container_instance_id};
use crate::limits::STARTED_BY_CHARS_MAX;
use crate::paging;
use crate::record::Task;
use crate::record::task::{self, Desired};

pub(crate) fn list_tasks(
    cx: &ReadCx<'_>,
    input: ListTasksInput,
) -> Result<ListTasksOutput, OpError> {
    let cluster = active_cluster(cx, input.cluster.as_deref())?;
    let filter = Filter::parse(cx, &cluster.name, &input)?;
    let size = paging::page_size(input.max_results)?;
    let after = paging::after_key(input.next_token.as_deref())?;
    let key = |task: &&Arc<Task>| task.id.to_string();
    let page = match filter.desired {
        // Whoever is to run does not count as stopped, so the stopped ones need not be passed by.
        Some(Desired::Running) => {
            let live = cx.state.live_tasks_of_cluster(&cluster.name, after);
            paging::page(live.filter(|task| filter.passes(task)), size, key)
        }
        Some(Desired::Stopped) => {
            let all = cx.state.tasks_of_cluster(&cluster.name, after);
            paging::page(all.filter(|task| filter.passes(task)), size, key)
        }
        None => paging::page(std::iter::empty(), size, key),
    };
    let arn = |task: &&Arc<Task>| cx.settings.task_arn(&task.cluster, task.id);
    Ok(ListTasksOutput {
        task_arns: Some(page.items.iter().map(arn).collect()),
        next_token: page.next_token,
    })
}

struct Filter {
    /// `None` where no task can pass.
    desired: Option<Desired>,
    family: Option<String>,
    started_by: Option<String>,
    launch_type: Option<LaunchType>,
    instance: Option<ContainerInstanceId>,
}

impl Filter {
    fn parse(cx: &ReadCx<'_>, cluster: &str, input: &ListTasksInput) -> Result<Self, OpError> {
        check_combination(input)?;
        let instance = input.container_instance.as_deref();
        let instance = instance
            .map(|text| container_instance_id(cx.settings, cluster, text))
            .transpose()?;
        Ok(Self {
            desired: desired(input.desired_status.as_ref())?,
            family: input.family.clone(),
            started_by: input.started_by.clone(),
            launch_type: input
                .launch_type
                .clone()
                .map(known_launch_type)
                .transpose()?,
            instance,
        })
    }

    fn passes(&self, task: &Task) -> bool {
        let shown_instance = match task.launch_type {
            task::LaunchType::Fargate => None,
            task::LaunchType::Ec2 | task::LaunchType::External => task.instance,
        };
        self.desired == Some(task.desired)
            && self
                .family
                .as_ref()
                .is_none_or(|family| task.definition.family == *family)
            && self
                .started_by
                .as_ref()
                .is_none_or(|by| task.started_by.as_ref() == Some(by))
            && self
                .launch_type
                .as_ref()
                .is_none_or(|launch_type| task.launch_type.as_str() == launch_type.as_str())
            && self
                .instance
                .is_none_or(|instance| shown_instance == Some(instance))
    }
}

fn check_combination(input: &ListTasksInput) -> Result<(), OpError> {
    let others = input.family.is_some()
        || input.launch_type.is_some()
        || input.service_name.is_some()
        || input.daemon_name.is_some()
        || input.container_instance.is_some();
    if let Some(started_by) = &input.started_by {
        if others {
            let text = "cannot specify startedBy with other arguments";
            return Err(OpError::invalid_parameter(text));
        }
        if started_by.chars().count() > STARTED_BY_CHARS_MAX {
            let text = format!("ownerId longer than {STARTED_BY_CHARS_MAX}.");
            return Err(OpError::invalid_parameter(text));
        }
    }
    if input.service_name.is_some() {
        if input.container_instance.is_some() || input.family.is_some() {
            let text = "cannot specify serviceName with other arguments";
            return Err(OpError::invalid_parameter(text));
        }
        // Services are not built, so none can be found.
        return Err(OpError::new(
            ErrorCode::ServiceNotFoundException,
            "Service not found.",
        ));
    }
    if input.daemon_name.is_some() {
        return Err(OpError::client(
            "ListTasks by daemonName is not supported by this server.",
        ));
    }
    Ok(())
}

fn desired(given: Option<&DesiredStatus>) -> Result<Option<Desired>, OpError> {
    match given {
        None | Some(DesiredStatus::Running) => Ok(Some(Desired::Running)),
        Some(DesiredStatus::Stopped) => Ok(Some(Desired::Stopped)),
        Some(DesiredStatus::Pending) => Ok(None),
        Some(other) => {
            let known = DesiredStatus::VALUES;
            let text = not_one_of("desiredStatus", known, Some(other.as_str()));
            Err(OpError::invalid_parameter(text))
        }
    }
}

fn known_launch_type(given: LaunchType) -> Result<LaunchType, OpError> {
    if LaunchType::VALUES.contains(&given.as_str()) {
        return Ok(given);
    }
    let text = not_one_of("launchType", LaunchType::VALUES, Some(given.as_str()));
    Err(OpError::invalid_parameter(text))
}

#[cfg(test)]
mod tests {
    use model::TaskId;
    use model::payload::HostStatus;
    use proptest::prelude::*;

    use crate::testing::{ARN, World, app, copies, web};

    fn listed(world: &mut World, more: &str) -> Vec<TaskId> {
        let answer = world.ok("ListTasks", &format!("{{{more}}}"));
        let arns = answer["taskArns"].as_array().unwrap().iter();
        arns.map(|arn| {
            arn.as_str()
                .unwrap()
                .rsplit('/')
                .next()
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
    }

    #[track_caller]
    fn check(world: &mut World, more: &str, mut expected: Vec<TaskId>) {
        expected.sort();
        assert_eq!(listed(world, more), expected, "{more}");
    }

    #[test]
    fn the_filters_find_exactly_what_they_name() {
        let mut world = World::with_app();
        let ours = world.run(&app(r#","startedBy":"us","count":2"#));
        let theirs = world.run(&app(r#","startedBy":"them""#));
        let fargate = world.run(&web(""));
        let all = [ours.clone(), theirs.clone(), fargate.clone()].concat();
        let instance = world.task(ours[0]).instance.unwrap();
        check(&mut world, "", all);
        check(&mut world, r#""startedBy":"us""#, ours.clone());
        check(&mut world, r#""startedBy":"US""#, vec![]);
        check(&mut world, r#""family":"web""#, fargate.clone());
        check(&mut world, r#""family":"we""#, vec![]);
        check(&mut world, r#""launchType":"FARGATE""#, fargate.clone());
        check(&mut world, r#""launchType":"EXTERNAL""#, vec![]);
        check(&mut world, r#""launchType":"EC2","family":"web""#, vec![]);
        // A Fargate task shows no instance, so it is not found by one.
        let on_instance = [ours, theirs].concat();
        check(
            &mut world,
            &format!(r#""containerInstance":"{instance}""#),
            on_instance,
        );
    }

    #[test]
    fn without_a_wish_tasks_that_are_to_run_are_listed_whatever_they_have_reached() {
        let mut world = World::with_app();
        let tasks = world.run(&app(r#","count":3"#));
        world.tell(tasks[0], HostStatus::Running);
        world.ok("StopTask", &format!(r#"{{"task":"{}"}}"#, tasks[1]));
        world.exit(tasks[2], 0);
        for running in ["", r#""desiredStatus":"RUNNING""#] {
            check(&mut world, running, vec![tasks[0]]);
        }
        // On its way down counts as STOPPED: it is what is desired that is asked for.
        check(
            &mut world,
            r#""desiredStatus":"STOPPED""#,
            tasks[1..].to_vec(),
        );
        check(&mut world, r#""desiredStatus":"PENDING""#, vec![]);
    }

    #[test]
    fn clusters_have_their_own_tasks() {
        let mut world = World::with_app();
        world.ok("CreateCluster", r#"{"clusterName":"other"}"#);
        let there = world.run(&web(r#","cluster":"other""#));
        check(&mut world, "", vec![]);
        check(&mut world, r#""cluster":"other""#, there);
        world.refused(
            "ListTasks",
            r#"{"cluster":"nowhere"}"#,
            "ClusterNotFoundException: Cluster not found.",
        );
    }

    #[test]
    fn an_instance_is_named_by_id_or_arn_of_the_same_cluster() {
        let mut world = World::with_app();
        let tasks = world.run(&app(""));
        let instance = world.task(tasks[0]).instance.unwrap();
        let by = |instance: &str| format!(r#""containerInstance":"{instance}""#);
        let arn = |cluster: &str| format!("{ARN}:container-instance/{cluster}{instance}");
        for named in [instance.to_string(), arn("default/"), arn("")] {
            check(&mut world, &by(&named), tasks.clone());
        }
        check(&mut world, &by(&"0".repeat(32)), vec![]);
        world.refused(
            "ListTasks",
            &format!("{{{}}}", by(&arn("other/"))),
            "InvalidParameterException: Invalid identifier: Identifier is for cluster other. Your \
             cluster is default",
        );
    }

    #[test]
    fn nothing_is_found_in_a_cluster_that_was_deleted() {
        let mut world = World::with_app();
        world.ok("CreateCluster", r#"{"clusterName":"gone"}"#);
        world.ok("DeleteCluster", r#"{"cluster":"gone"}"#);
        let id = "0".repeat(32);
        for (operation, more) in [
            ("ListTasks", String::new()),
            ("DescribeTasks", format!(r#","tasks":["{id}"]"#)),
            ("StopTask", format!(r#","task":"{id}""#)),
        ] {
            let body = format!(r#"{{"cluster":"gone"{more}}}"#);
            let text = "ClusterNotFoundException: The referenced cluster was inactive.";
            world.refused(operation, &body, text);
        }
    }

    #[test]
    fn filters_that_do_not_go_together_are_refused() {
        let mut world = World::with_app();
        let mut check = |more: &str, expected: &str| {
            world.refused("ListTasks", &format!("{{{more}}}"), expected);
        };
        let others = [
            r#""family":"app""#,
            r#""launchType":"EC2""#,
            r#""serviceName":"s""#,
            r#""daemonName":"d""#,
            r#""containerInstance":"0123456789abcdef0123456789abcdef""#,
        ];
        for other in others {
            check(
                &format!(r#""startedBy":"us",{other}"#),
                "InvalidParameterException: cannot specify startedBy with other arguments",
            );
        }
        for other in [others[0], others[4]] {
            check(
                &format!(r#""serviceName":"s",{other}"#),
                "InvalidParameterException: cannot specify serviceName with other arguments",
            );
        }
        check(
            r#""serviceName":"s""#,
            "ServiceNotFoundException: Service not found.",
        );
        check(
            r#""daemonName":"d""#,
            "ClientException: ListTasks by daemonName is not supported by this server.",
        );
        let long = copies("a", 1).repeat(129);
        check(
            &format!(r#""startedBy":"{long}""#),
            "InvalidParameterException: ownerId longer than 128.",
        );
        check(
            r#""desiredStatus":"MOON""#,
            "InvalidParameterException: desiredStatus should be one of \
             [RUNNING,PENDING,STOPPED], but was MOON.",
        );
        check(
            r#""launchType":"MOON""#,
            "InvalidParameterException: launchType should be one of \
             [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], but was MOON.",
        );
        check(
            r#""nextToken":"6162""#,
            "InvalidParameterException: Invalid token: use the nextToken of the page before.",
        );
    }

    #[test]
    fn started_by_goes_with_cluster_and_desired_status() {
        let mut world = World::with_app();
        let tasks = world.run(&app(r#","startedBy":"us""#));
        let more = r#""startedBy":"us","cluster":"default","desiredStatus":"RUNNING""#;
        check(&mut world, more, tasks);
    }

    fn all_pages(world: &mut World, size: usize, more: &str) -> Vec<TaskId> {
        let (mut seen, mut token) = (Vec::new(), String::new());
        loop {
            let body = format!(r#"{{"maxResults":{size},"nextToken":"{token}"{more}}}"#);
            let answer = world.ok("ListTasks", &body);
            let page = answer["taskArns"].as_array().unwrap();
            assert!(page.len() <= size);
            seen.extend(page.iter().map(|arn| {
                let id = arn.as_str().unwrap().rsplit('/').next().unwrap();
                id.parse::<TaskId>().unwrap()
            }));
            match answer["nextToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => return seen,
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        /// Law: pages of any size add up to the listing, whichever filter.
        #[test]
        fn pages_add_up(stopped in proptest::collection::vec(any::<bool>(), 1..10), size in 1usize..5) {
            let mut world = World::with_app();
            let tasks = world.run(&app(&format!(r#","count":{}"#, stopped.len())));
            let (mut up, mut down) = (Vec::new(), Vec::new());
            for (id, stopped) in tasks.into_iter().zip(stopped) {
                if stopped {
                    world.exit(id, 0);
                    down.push(id);
                } else {
                    up.push(id);
                }
            }
            up.sort();
            down.sort();
            prop_assert_eq!(all_pages(&mut world, size, ""), up);
            prop_assert_eq!(all_pages(&mut world, size, r#","desiredStatus":"STOPPED""#), down);
        }
    }
}
