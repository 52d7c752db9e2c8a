//! Placement as a caller of RunTask sees it: six instances in three zones, two each.

use std::collections::BTreeMap;

use model::ContainerInstanceId;
use model::explain::{EXPLAIN_PATH, WHY_PATH};
use model::shapes::Attribute;
use serde_json::{Value, json};

use crate::record::Instance;
use crate::testing::{World, app};

/// Name, zone, MiB, whether it has the attribute `stack` with value `prod`.
const HOSTS: [(&str, &str, u32, bool); 6] = [
    ("a1", "us-east-1a", 4096, true),
    ("a2", "us-east-1a", 2048, false),
    ("b1", "us-east-1b", 4096, true),
    ("b2", "us-east-1b", 2048, false),
    ("c1", "us-east-1c", 4096, true),
    ("c2", "us-east-1c", 1024, false),
];

struct Shore {
    world: World,
    names: BTreeMap<ContainerInstanceId, &'static str>,
}

impl Shore {
    /// Definition `app` takes 256 CPU units and 512 MiB. `own` is its constraints.
    fn new(own: &str) -> Self {
        let mut world = World::new();
        let local = world.state.instances().iter().next().unwrap().id;
        let mut names = BTreeMap::new();
        for (name, zone, memory, prod) in HOSTS {
            let id = world.add_instance("default", 4096, memory);
            let mut instance = Instance::clone(world.state.instances().get(&id).unwrap());
            let zone_name = Some("ecs.availability-zone");
            let stands = |one: &&mut Attribute| one.name.as_deref() == zone_name;
            instance.attributes.iter_mut().find(stands).unwrap().value = Some(zone.to_owned());
            // The world copies an instance, perhaps one of those made here.
            instance
                .attributes
                .retain(|one| one.name.as_deref() != Some("stack"));
            if prod {
                instance.attributes.push(Attribute {
                    name: Some("stack".to_owned()),
                    value: Some("prod".to_owned()),
                    ..Attribute::default()
                });
            }
            instance.name = Some(name.to_owned());
            world.state.put_instance(instance);
            names.insert(id, name);
        }
        let local = world.settings.instance_arn("default", local);
        let leave = format!(r#"{{"containerInstance":"{local}"}}"#);
        world.ok("DeregisterContainerInstance", &leave);
        world.definition("app", &format!(r#","placementConstraints":[{own}]"#));
        Self { world, names }
    }

    /// The names of the instances that the tasks of a call went to, in order, and the reasons
    /// of its failures with how many instances gave each.
    fn run(&mut self, members: &str) -> (Vec<&'static str>, BTreeMap<String, usize>) {
        let answer = self.world.ok("RunTask", &app(members));
        let mut failures = BTreeMap::new();
        for failure in answer["failures"].as_array().unwrap() {
            let reason = failure["reason"].as_str().unwrap().to_owned();
            assert!(failure["arn"].is_string(), "{failure}");
            *failures.entry(reason).or_insert(0) += 1;
        }
        let tasks = answer["tasks"].as_array().unwrap();
        (
            tasks.iter().map(|task| self.place(task)).collect(),
            failures,
        )
    }

    fn place(&self, task: &Value) -> &'static str {
        let arn = task["containerInstanceArn"].as_str().unwrap();
        let id = arn.rsplit('/').next().unwrap().parse().unwrap();
        self.names[&id]
    }
}

fn constraints(list: &str) -> String {
    format!(r#","placementConstraints":[{list}]"#)
}

fn strategies(list: &str) -> String {
    format!(r#","placementStrategy":[{list}]"#)
}

fn member_of(expression: &str) -> String {
    format!(r#"{{"type":"memberOf","expression":"{expression}"}}"#)
}

const DISTINCT: &str = r#"{"type":"distinctInstance"}"#;
const BY_ZONE: &str = r#"{"type":"spread","field":"attribute:ecs.availability-zone"}"#;
const BY_MEMORY: &str = r#"{"type":"binpack","field":"memory"}"#;

fn sorted(mut names: Vec<&'static str>) -> Vec<&'static str> {
    names.sort_unstable();
    names
}

#[test]
fn constraints_bind_those_of_the_definition_and_of_the_request_together() {
    let mut shore = Shore::new(&member_of("attribute:stack == prod"));
    let zones = member_of("attribute:ecs.availability-zone in [us-east-1a, us-east-1b]");
    let (placed, failures) = shore.run(&format!(r#"{},"count":10"#, constraints(&zones)));
    assert!(
        placed.iter().all(|host| ["a1", "b1"].contains(host)),
        "{placed:?}"
    );
    assert_eq!((placed.len(), failures), (10, BTreeMap::new()));
    // Eight fit on each of the two by memory.
    let (placed, failures) = shore.run(&format!(r#"{},"count":10"#, constraints(&zones)));
    assert_eq!(placed.len(), 6);
    let unsatisfied = "MemberOf placement constraint unsatisfied.";
    let expected = [("RESOURCE:MEMORY", 2), (unsatisfied, 4)];
    assert_eq!(
        failures,
        expected
            .map(|(reason, hosts)| (reason.to_owned(), hosts))
            .into()
    );
}

#[test]
fn strategies_rank_and_never_prevent() {
    let mut shore = Shore::new("");
    let nowhere = r#"{"type":"spread","field":"attribute:nobody-has-it"}"#;
    let (placed, failures) = shore.run(&format!(r#"{},"count":10"#, strategies(nowhere)));
    assert_eq!((placed.len(), failures.len()), (10, 0));
}

#[test]
fn strategies_narrow_in_the_order_given() {
    let mut shore = Shore::new("");
    // Each zone in turn; within it the instance with the least memory left.
    let both = strategies(&format!("{BY_ZONE},{BY_MEMORY}"));
    let (placed, _) = shore.run(&format!(r#"{both},"count":3"#));
    assert_eq!(sorted(placed), ["a2", "b2", "c2"]);
    // Memory first: the smallest is filled, whatever its zone; then the next smallest.
    let mut shore = Shore::new("");
    let both = strategies(&format!("{BY_MEMORY},{BY_ZONE}"));
    let (placed, _) = shore.run(&format!(r#"{both},"count":6"#));
    assert_eq!(placed[..2], ["c2", "c2"]);
    let next = placed[2];
    assert!(["a2", "b2"].contains(&next), "{placed:?}");
    assert_eq!(placed[2..], [next; 4]);
}

#[test]
fn spread_by_instance_goes_round() {
    let mut shore = Shore::new("");
    let round = strategies(r#"{"type":"spread","field":"instanceId"}"#);
    let (placed, _) = shore.run(&format!(r#"{round},"count":6"#));
    assert_eq!(sorted(placed), ["a1", "a2", "b1", "b2", "c1", "c2"]);
}

#[test]
fn the_group_is_what_distinct_instance_and_expressions_look_at() {
    let mut shore = Shore::new("");
    let distinct = constraints(DISTINCT);
    let (placed, failures) = shore.run(&format!(r#"{distinct},"count":7,"group":"one""#));
    assert_eq!(placed.len(), 6, "each instance once");
    let reason = "DistinctInstance placement constraint unsatisfied.";
    let all_refuse: BTreeMap<_, _> = [(reason.to_owned(), 6)].into();
    assert_eq!(failures, all_refuse);
    // Another call of the group sees the first one, another group does not.
    assert_eq!(
        shore.run(&format!(r#"{distinct},"group":"one""#)),
        (vec![], all_refuse)
    );
    let (placed, _) = shore.run(&format!(r#"{distinct},"group":"other""#));
    assert_eq!(placed.len(), 1);
    let near = constraints(&member_of("task:group == other"));
    assert_eq!(shore.run(&near).0, placed);
    let far = constraints(&member_of("not(task:group == other)"));
    let (others, failures) = shore.run(&format!(r#"{far},"count":5"#));
    assert!(!others.contains(&placed[0]), "{others:?}");
    assert_eq!(failures.len(), 0);
}

#[test]
fn stopped_tasks_do_not_count_for_a_group() {
    let mut shore = Shore::new("");
    let only = member_of("attribute:stack == prod");
    let body = format!(
        r#"{},"group":"db""#,
        constraints(&format!("{DISTINCT},{only}"))
    );
    let tasks: Vec<_> = (0..3).flat_map(|_| shore.world.run(&app(&body))).collect();
    assert_eq!(shore.run(&body).0.len(), 0);
    let freed = shore.names[&shore.world.task(tasks[1]).instance.unwrap()];
    shore.world.exit(tasks[1], 0);
    assert_eq!(shore.run(&body).0, [freed]);
}

#[test]
fn tasks_ask_for_gpus_and_hold_their_ids() {
    let mut shore = Shore::new("");
    let needs = |count: u32| {
        format!(
            r#"{{"name":"main","image":"i","memory":64,
                "resourceRequirements":[{{"type":"GPU","value":"{count}"}}]}}"#
        )
    };
    shore.world.containers("app", &needs(2), "");
    let (placed, failures) = shore.run("");
    assert_eq!(placed.len(), 0);
    assert_eq!(failures, [("RESOURCE:GPU".to_owned(), 6)].into());
    let b1 = shore.names.iter().find(|(_, name)| **name == "b1");
    let id = *b1.unwrap().0;
    let mut instance = Instance::clone(shore.world.state.instances().get(&id).unwrap());
    instance.gpus = ["g0", "g1", "g2"].map(str::to_owned).into();
    shore.world.state.put_instance(instance);
    assert_eq!(shore.run("").0, ["b1"]);
    let held = shore.world.state.fleet().free(&id).unwrap();
    assert_eq!(held.gpus, ["g2"]);
    assert_eq!(shore.run("").1, [("RESOURCE:GPU".to_owned(), 6)].into());
}

#[test]
fn a_dry_run_shows_every_host_and_changes_nothing() {
    let mut shore = Shore::new(&member_of("attribute:stack == prod"));
    let body = app(&format!(r#"{},"count":2"#, strategies(BY_MEMORY)));
    let before = shore.world.state.fleet().clone();
    let answer = shore.world.extension(EXPLAIN_PATH, &body).unwrap();
    let first = &answer["tasks"][0];
    assert_eq!(answer["strategies"], json!(["binpack memory"]));
    assert_eq!(
        answer["constraints"],
        json!(["memberOf attribute:stack == prod"])
    );
    assert_eq!(answer["asked"], json!({"cpu": 256, "memory": 512}));
    assert_eq!(first["examined"], 6);
    let unsatisfied = "MemberOf placement constraint unsatisfied.";
    assert_eq!(
        first["refused"],
        json!([{"reason": unsatisfied, "hosts": 3}])
    );
    let hosts = first["hosts"].as_array().unwrap();
    assert_eq!(hosts.len(), 6);
    let c2 = hosts.iter().find(|host| host["name"] == "c2").unwrap();
    assert_eq!(c2["zone"], "us-east-1c");
    assert_eq!(c2["detail"], "not a member of attribute:stack == prod");
    // The second task sees the first.
    let second = &answer["tasks"][1]["chosen"];
    assert_eq!(second["name"], first["chosen"]["name"]);
    assert_eq!(
        (&first["chosen"]["ranking"][0], &second["ranking"][0]),
        (&json!(4096), &json!(3584))
    );
    for id in shore.names.keys() {
        assert_eq!(shore.world.state.fleet().free(id), before.free(id));
    }
    assert_eq!(shore.world.state.tasks().len(), 0);
}

#[test]
fn a_dry_run_takes_a_definition_that_is_not_registered() {
    let mut shore = Shore::new("");
    let body = r#"{"taskDefinition":"new","definition":{"family":"new",
        "containerDefinitions":[{"name":"main","image":"i","memory":5000}]}}"#;
    let answer = shore.world.extension(EXPLAIN_PATH, body).unwrap();
    let first = &answer["tasks"][0];
    assert_eq!(first["chosen"], Value::Null);
    assert_eq!(
        first["refused"],
        json!([{"reason": "RESOURCE:MEMORY", "hosts": 6}])
    );
    let details = first["hosts"].as_array().unwrap().iter();
    let details: Vec<&str> = details
        .map(|host| host["detail"].as_str().unwrap())
        .collect();
    assert!(
        details.contains(&"asked 5000 MiB, free 1024"),
        "{details:?}"
    );
    shore.world.refused(
        "DescribeTaskDefinition",
        r#"{"taskDefinition":"new"}"#,
        "ClientException: Unable to describe task definition.",
    );
}

#[test]
fn a_task_remembers_why_it_stands_where_it_does_over_a_restart() {
    let mut shore = Shore::new(&member_of("attribute:stack == prod"));
    let id = shore.world.run(&app(&strategies(BY_MEMORY)))[0];
    shore.world.restart();
    let body = format!(r#"{{"task":"{id}"}}"#);
    let answer = shore.world.extension(WHY_PATH, &body).unwrap();
    let kept = &answer["placement"];
    assert_eq!(kept["strategies"], json!(["binpack memory"]));
    let decision = &kept["tasks"][0];
    assert_eq!(decision["pool"], "launch type EC2");
    assert_eq!(decision["chosen"]["ranking"], json!([4096]));
    assert_eq!(decision["runnerUp"]["ranking"], json!([4096]));
    let unsatisfied = "MemberOf placement constraint unsatisfied.";
    assert_eq!(
        decision["refused"],
        json!([{"reason": unsatisfied, "hosts": 3}])
    );
    assert_eq!(decision["hosts"].as_array().unwrap().len(), 3);
    let unknown = shore
        .world
        .extension(WHY_PATH, r#"{"task":"00000000000000000000000000000000"}"#);
    assert_eq!(
        unknown.unwrap_err(),
        "InvalidParameterException: The referenced task was not found."
    );
}

#[test]
fn an_awsvpc_task_goes_to_a_zone_of_its_subnets() {
    let mut shore = Shore::new("");
    let zones = [("s-b", "us-east-1b"), ("s-c", "us-east-1c")];
    shore.world.settings.subnet_zones = zones
        .map(|(subnet, zone)| (subnet.to_owned(), zone.to_owned()))
        .into();
    shore.world.definition("app", r#","networkMode":"awsvpc""#);
    let body = |subnets: &str| {
        app(&format!(
            r#","count":8,"networkConfiguration":{{"awsvpcConfiguration":{{"subnets":[{subnets}]}}}}"#
        ))
    };
    let answer = shore.world.ok("RunTask", &body(r#""s-b","s-c""#));
    for task in answer["tasks"].as_array().unwrap() {
        let zone = task["availabilityZone"].as_str().unwrap();
        let details = task["attachments"][0]["details"].as_array().unwrap();
        let subnet = details
            .iter()
            .find(|one| one["name"] == "subnetId")
            .unwrap();
        let subnet = subnet["value"].as_str().unwrap();
        assert!(zones.contains(&(subnet, zone)), "{subnet} {zone}");
    }
    // A subnet whose zone nobody has told fits every zone.
    assert_eq!(shore.world.run(&body(r#""s-b","other""#)).len(), 8);
    let mut shore = Shore::new("");
    shore.world.definition("app", r#","networkMode":"awsvpc""#);
    shore.world.settings.subnet_zones = [("s-x".to_owned(), "us-east-1x".to_owned())].into();
    let refused = shore.world.ok("RunTask", &body(r#""s-x""#));
    let reasons = refused["failures"].as_array().unwrap();
    assert_eq!(reasons.len(), 6);
    assert!(
        reasons.iter().all(|one| one["reason"] == "LOCATION"),
        "{reasons:?}"
    );
}
