//! What RegisterTaskDefinition refuses, fills in and concludes.

mod compatibility;
mod members;
mod together;

use serde_json::{Value, json};

use crate::testing::{FARGATE, World, copies};

fn body(containers: &str, more: &str) -> String {
    format!(r#"{{"family":"app","containerDefinitions":[{containers}]{more}}}"#)
}

/// A definition with one container `main` that has these members too.
fn main(members: &str, more: &str) -> String {
    body(
        &format!(r#"{{"name":"main","image":"i","memory":64{members}}}"#),
        more,
    )
}

#[track_caller]
fn check(body: &str, expected: &str) {
    let expected = format!("ClientException: {expected}");
    World::new().refused("RegisterTaskDefinition", body, &expected);
}

/// What the registered definition shows at this pointer.
#[track_caller]
fn check_shown(body: &str, pointer: &str, expected: Value) {
    let pointer = format!("/taskDefinition/{pointer}");
    assert_eq!(
        World::new().at("RegisterTaskDefinition", body, &pointer),
        expected,
        "{body}"
    );
}

#[test]
fn a_family_is_1_to_255_letters_digits_hyphens_and_underscores() {
    let with = |family: &str| main("", "").replace("\"app\"", &format!("\"{family}\""));
    check(&with(""), "Family should not be null or empty.");
    for bad in ["a b", "a:b", "a/b", "é", &"a".repeat(256)] {
        check(&with(bad), "Family contains invalid characters.");
    }
    check_shown(&with(&"a".repeat(255)), "revision", json!(1));
    check_shown(&with("A-z_9"), "family", json!("A-z_9"));
}

#[test]
fn one_to_ten_containers_with_names_and_images() {
    check(&body("", ""), "Container list cannot be empty.");
    check(r#"{"family":"app"}"#, "Container list cannot be empty.");
    let numbered = |count: usize| {
        let one = |i| format!(r#"{{"name":"c{i}","image":"i","memory":6}}"#);
        (0..count).map(one).collect::<Vec<_>>().join(",")
    };
    check_shown(&body(&numbered(10), ""), "revision", json!(1));
    check(&body(&numbered(11), ""), "Too many containers.");
    check(
        &body(r#"{"image":"i"}"#, ""),
        "Container.name should not be null or empty.",
    );
    check(
        &body(r#"{"name":"","image":"i"}"#, ""),
        "Container.name should not be null or empty.",
    );
    check(
        &body(r#"{"name":"a"}"#, ""),
        "Container.image should not be null or empty.",
    );
    check(
        &body(r#"{"name":"a","image":" "}"#, ""),
        "Container.image should not be null or empty.",
    );
    check(
        &body(r#"{"name":"a b","image":"i"}"#, ""),
        "Container name 'a b' may hold 1 to 255 letters, digits, hyphens and underscores.",
    );
    let twice = copies(r#"{"name":"a","image":"i","memory":6}"#, 2);
    check(&body(&twice, ""), "Container name 'a' is used twice.");
}

#[test]
fn at_least_one_container_is_essential() {
    check(
        &main(r#","essential":false"#, ""),
        "Task definition doesn't have any essential container.",
    );
}

#[test]
fn sizes_of_containers_and_task_fit_each_other() {
    let one =
        |members: &str, more: &str| body(&format!(r#"{{"name":"a","image":"i"{members}}}"#), more);
    check(
        &one("", ""),
        "Invalid setting for container 'a'. At least one of 'memory' or 'memoryReservation' must \
         be specified.",
    );
    check_shown(&one("", r#","memory":"64""#), "memory", json!("64"));
    check(
        &one(r#","memory":6,"cpu":-1"#, ""),
        "Invalid 'cpu' setting for container 'a'.",
    );
    check(
        &one(r#","memory":5"#, ""),
        "Invalid 'memory' setting for container 'a': at least 6 MiB are needed.",
    );
    check(
        &one(r#","memoryReservation":5"#, ""),
        "Invalid 'memoryReservation' setting for container 'a': at least 6 MiB are needed.",
    );
    check(
        &one(r#","memory":64,"memoryReservation":64"#, ""),
        "Invalid setting for container 'a': 'memory' must be greater than 'memoryReservation'.",
    );
    check(
        &one(r#","memory":65"#, r#","memory":"64""#),
        "The 'memory' setting for container 'a' is greater than for the task.",
    );
    check_shown(
        &one(r#","memory":6,"cpu":256"#, r#","cpu":"256""#),
        "cpu",
        json!("256"),
    );
    check(
        &one(r#","memory":6,"cpu":257"#, r#","cpu":"256""#),
        "The sum of all container 'cpu' values cannot be greater than the value of the task 'cpu'.",
    );
}

#[test]
fn task_level_sizes_are_normalised() {
    check_shown(&main("", r#","cpu":"1 vCPU""#), "cpu", json!("1024"));
    check_shown(&main("", r#","cpu":".5 vcpu""#), "cpu", json!("512"));
    check_shown(&main("", r#","memory":"0.5 GB""#), "memory", json!("512"));
    check_shown(&main("", r#","cpu":"128""#), "cpu", json!("128"));
    check_shown(&main("", r#","cpu":"196608""#), "cpu", json!("196608"));
    for bad in ["", "127", "196609", "some", "-1"] {
        check(
            &main("", &format!(r#","cpu":"{bad}""#)),
            "Invalid 'cpu' setting for task.",
        );
    }
    check(
        &main("", r#","memory":"0""#),
        "Invalid 'memory' setting for task.",
    );
}

#[test]
fn roles_are_names_or_arns() {
    for good in ["app-role", "arn:aws:iam::000000000000:role/path/app"] {
        check_shown(
            &main("", &format!(r#","taskRoleArn":"{good}""#)),
            "taskRoleArn",
            json!(good),
        );
    }
    for bad in [
        "arn:aws:iam",
        "a role",
        "arn:aws:s3:::bucket",
        "arn:aws:iam::0:user/x",
    ] {
        check(
            &main("", &format!(r#","taskRoleArn":"{bad}""#)),
            "Role is not valid",
        );
        check(
            &main("", &format!(r#","executionRoleArn":"{bad}""#)),
            "Role is not valid",
        );
    }
}

#[test]
fn further_members_of_a_container_are_checked() {
    let texts = [
        (
            r#","environment":[{"name":"A=B","value":""}]"#,
            "Container 'main' has an environment variable with an unusable name 'A=B'.",
        ),
        (
            r#","stopTimeout":-1"#,
            "Invalid 'stopTimeout' setting for container 'main'.",
        ),
        (
            r#","startTimeout":-1"#,
            "Invalid 'startTimeout' setting for container 'main'.",
        ),
        (
            r#","ulimits":[{"name":"nofile","softLimit":2,"hardLimit":1}]"#,
            "Soft limit exceeds hard limit for ulimit nofile",
        ),
        (
            r#","ulimits":[{"name":"moon","softLimit":1,"hardLimit":1}]"#,
            "Unknown ulimit 'moon'.",
        ),
        (
            r#","logConfiguration":{"logDriver":"awslogs","options":{"awslogs-group":"g"}}"#,
            "Log driver awslogs requires options: awslogs-region, awslogs-group",
        ),
        (
            r#","logConfiguration":{"logDriver":"awslogs"}"#,
            "Log driver awslogs requires options: awslogs-region, awslogs-group",
        ),
        (
            r#","restartPolicy":{"enabled":true,"restartAttemptPeriod":59}"#,
            "the 'restartAttemptPeriod' setting for container 'main' must be between 60 and 1800",
        ),
        (
            r#","restartPolicy":{"enabled":true,"restartAttemptPeriod":1801}"#,
            "the 'restartAttemptPeriod' setting for container 'main' must be between 60 and 1800",
        ),
        (
            r#","mountPoints":[{"sourceVolume":"v","containerPath":"/v"}]"#,
            "Unknown volume 'v'.",
        ),
        (
            r#","volumesFrom":[{"sourceContainer":"c"}]"#,
            "Unknown container 'c' in volumesFrom.",
        ),
        (
            r#","secrets":[{"name":"S","valueFrom":"arn:aws:ssm:us-east-1:0:parameter/s"}]"#,
            "When you are specifying container secrets, you must also specify a value for \
             'executionRoleArn'.",
        ),
    ];
    for (members, text) in texts {
        check(&main(members, ""), text);
    }
    let codes = |count| {
        let codes = copies("1", count);
        main(
            &format!(r#","restartPolicy":{{"enabled":true,"ignoredExitCodes":[{codes}]}}"#),
            "",
        )
    };
    check_shown(&codes(50), "revision", json!(1));
    check(
        &codes(51),
        "Container 'main' can have at most 50 ignoredExitCodes.",
    );
}

#[test]
fn constraints_and_volumes_are_checked() {
    let constraint = |json: &str| main("", &format!(r#","placementConstraints":[{json}]"#));
    check(
        &constraint(r#"{"type":"distinctInstance"}"#),
        "constraint.type 'distinctInstance' is not supported.",
    );
    check(
        &constraint(r#"{"type":"memberOf"}"#),
        "memberOf expression should not be null or empty.",
    );
    let mut world = World::new();
    world.refused(
        "RegisterTaskDefinition",
        &constraint(r#"{"type":"memberOf","expression":"attribute:a is b"}"#),
        "InvalidParameterException: Invalid expression: attribute:a is b: at character 13: \
         expected an operator of attribute:a: `==`, `!=`, `>`, `>=`, `<`, `<=`, `in`, `!in`, \
         `=~`, `!~`, `exists`, `!exists`, found `is`",
    );
    let member_of = |count| {
        copies(
            r#"{"type":"memberOf","expression":"attribute:a exists"}"#,
            count,
        )
    };
    check_shown(&constraint(&member_of(10)), "revision", json!(1));
    check(
        &constraint(&member_of(11)),
        "Maximum number of constraints is 10",
    );
    let volume = |json: &str| main("", &format!(r#","volumes":[{json}]"#));
    check(
        &volume(r#"{"name":"a b"}"#),
        "Volume name 'a b' is not valid.",
    );
    check(
        &volume(r#"{"name":"v"},{"name":"v"}"#),
        "Volume name 'v' is used twice.",
    );
    check(
        &volume(r#"{"name":"v","host":{"sourcePath":"/s"},"configuredAtLaunch":true}"#),
        "Volume 'v' has more than one kind of configuration.",
    );
    check(
        &volume(r#"{"name":"v","configuredAtLaunch":true},{"name":"w","configuredAtLaunch":true}"#),
        "At most one volume can be configured at launch.",
    );
}

#[test]
fn words_outside_an_enumeration_are_refused() {
    check(
        &main("", r#","networkMode":"moon""#),
        "networkMode should be one of [bridge,host,awsvpc,none], but was moon.",
    );
    check(
        &main("", r#","requiresCompatibilities":["MOON"]"#),
        "requiresCompatibilities should be one of [EC2,FARGATE,EXTERNAL,MANAGED_INSTANCES], but \
         was MOON.",
    );
    check(
        &main(r#","logConfiguration":{"logDriver":"moon"}"#, ""),
        "logDriver should be one of \
         [json-file,syslog,journald,gelf,fluentd,awslogs,splunk,awsfirelens], but was moon.",
    );
}

#[test]
fn a_definition_has_at_most_64_kib() {
    let with = |length: usize| main(&format!(r#","command":["{}"]"#, "a".repeat(length)), "");
    check_shown(&with(60_000), "revision", json!(1));
    let answer = World::new().call("RegisterTaskDefinition", &with(65_536));
    assert!(
        answer.ends_with("bytes, at most 65536 are allowed."),
        "{answer}"
    );
}

#[test]
fn defaults_are_filled_in() {
    let answer = World::new().ok("RegisterTaskDefinition", &main("", ""));
    let expected = json!({
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/app:1",
        "family": "app",
        "revision": 1,
        "status": "ACTIVE",
        "registeredAt": 1_767_600_000,
        "registeredBy": "arn:aws:iam::000000000000:root",
        "compatibilities": ["EC2", "EXTERNAL"],
        "requiresAttributes": [],
        "placementConstraints": [],
        "volumes": [],
        "containerDefinitions": [{
            "name": "main", "image": "i", "memory": 64, "cpu": 0, "essential": true,
            "environment": [], "mountPoints": [], "volumesFrom": [], "portMappings": [],
            "systemControls": [],
        }],
    });
    assert_eq!(answer, json!({"taskDefinition": expected, "tags": []}));
}
