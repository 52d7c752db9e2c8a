//! What RegisterTaskDefinition refuses, fills in and concludes.

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
fn port_mappings_follow_the_network_mode() {
    let ports = |mappings: &str, mode: &str| {
        let mode = match mode {
            "" => String::new(),
            mode => format!(r#","networkMode":"{mode}""#),
        };
        main(&format!(r#","portMappings":[{mappings}]"#), &mode)
    };
    let pointer = "containerDefinitions/0/portMappings/0";
    let port = |host: i32| json!({"containerPort": 80, "hostPort": host, "protocol": "tcp"});
    let bare = r#"{"containerPort":80}"#;
    check_shown(&ports(bare, ""), pointer, port(0));
    check_shown(&ports(bare, "bridge"), pointer, port(0));
    check_shown(&ports(bare, "host"), pointer, port(80));
    check_shown(&ports(bare, "awsvpc"), pointer, port(80));
    check(
        &ports(bare, "none"),
        "Container 'main' has port mappings, which networkMode 'none' does not allow.",
    );
    let other = r#"{"containerPort":80,"hostPort":81}"#;
    check_shown(&ports(other, ""), pointer, port(81));
    check(
        &ports(other, "host"),
        "When networkMode=host, the host ports and container ports in port mappings must match",
    );
    for other in [other, r#"{"containerPort":80,"hostPort":0}"#] {
        check(
            &ports(other, "awsvpc"),
            "When networkMode=awsvpc, the host ports and container ports in port mappings must \
             match.",
        );
    }
    for bad in ["{}", r#"{"containerPort":0}"#, r#"{"containerPort":65536}"#] {
        check(
            &ports(bad, ""),
            "Invalid 'containerPort' setting for container 'main'.",
        );
    }
    check(
        &ports(r#"{"containerPort":1,"hostPort":65536}"#, ""),
        "Invalid 'hostPort' setting for container 'main'.",
    );
    check(
        &ports(r#"{"containerPort":1,"protocol":"sctp"}"#, ""),
        "protocol should be one of [tcp,udp], but was sctp.",
    );
    check(
        &ports(
            r#"{"containerPort":1,"hostPort":8080},{"containerPort":2,"hostPort":8080}"#,
            "",
        ),
        "TCP host port '8080' is mapped multiple times in task.",
    );
    let both =
        r#"{"containerPort":1,"hostPort":53},{"containerPort":1,"hostPort":53,"protocol":"udp"}"#;
    check_shown(&ports(both, ""), "revision", json!(1));
    for bad in ["9-8", "0-1", "5", "1-70000"] {
        check(
            &ports(&format!(r#"{{"containerPortRange":"{bad}"}}"#), ""),
            "Invalid 'containerPortRange' setting for container 'main'.",
        );
    }
    check_shown(
        &ports(r#"{"containerPortRange":"8-9"}"#, ""),
        "revision",
        json!(1),
    );
    check(
        &ports(
            r#"{"containerPort":1,"name":"a"},{"containerPort":2,"name":"a"}"#,
            "",
        ),
        "port mapping name is already used",
    );
    check(
        &ports(r#"{"containerPort":1,"name":"A"}"#, ""),
        "The port mapping name 'A' may hold 1 to 64 lower-case letters, digits, underscores and \
         hyphens, and must not begin with a hyphen.",
    );
}

#[test]
fn dependencies_name_containers_that_can_satisfy_them() {
    let two = |on: &str, condition: &str, other: &str| {
        let depends =
            format!(r#","dependsOn":[{{"containerName":"{on}","condition":"{condition}"}}]"#);
        body(
            &format!(
                r#"{{"name":"a","image":"i","memory":6{depends}}},
                   {{"name":"b","image":"i","memory":6{other}}}"#
            ),
            "",
        )
    };
    check(
        &two("c", "START", ""),
        "Cannot depend on container + 'c' because it does not exist",
    );
    for condition in ["SUCCESS", "COMPLETE"] {
        check(
            &two("b", condition, ""),
            "A dependency container with SUCCESS or COMPLETE condition cannot be an essential \
             container",
        );
        let body = two("b", condition, r#","essential":false"#);
        check_shown(&body, "revision", json!(1));
    }
    check(
        &two("b", "HEALTHY", ""),
        "A dependency container with HEALTHY condition must have health check configured",
    );
    let checked = r#","healthCheck":{"command":["CMD","true"]}"#;
    check_shown(&two("b", "HEALTHY", checked), "revision", json!(1));
    check(
        &two("b", "LATER", ""),
        "condition should be one of [START,COMPLETE,SUCCESS,HEALTHY], but was LATER.",
    );
    let back = r#","dependsOn":[{"containerName":"a","condition":"START"}]"#;
    check(
        &two("b", "START", back),
        "Container dependencies should not have a cycle",
    );
    check(
        &two("a", "START", ""),
        "Container dependencies should not have a cycle",
    );
    let linked = r#"{"name":"a","image":"i","memory":6,"links":["b:db"]},
                    {"name":"b","image":"i","memory":6,"links":["a"]}"#;
    check(&body(linked, ""), "Container links should not have a cycle");
}

#[test]
fn health_checks_have_bounds_and_defaults() {
    let with = |members: &str| {
        main(
            &format!(r#","healthCheck":{{"command":["CMD","true"]{members}}}"#),
            "",
        )
    };
    let defaults = json!({"command": ["CMD", "true"], "interval": 30, "timeout": 5, "retries": 3});
    check_shown(&with(""), "containerDefinitions/0/healthCheck", defaults);
    for (member, min, max) in [
        ("interval", 5, 300),
        ("timeout", 2, 60),
        ("retries", 1, 10),
        ("startPeriod", 0, 300),
    ] {
        for good in [min, max] {
            check_shown(
                &with(&format!(r#","{member}":{good}"#)),
                "revision",
                json!(1),
            );
        }
        for bad in [min - 1, max + 1] {
            check(
                &with(&format!(r#","{member}":{bad}"#)),
                &format!(
                    "The health check '{member}' of container 'main' must be between {min} and \
                     {max}."
                ),
            );
        }
    }
    check(
        &main(r#","healthCheck":{"command":["CMD-SHELL"]}"#, ""),
        "Container 'main' has a health check without a command.",
    );
    check_shown(
        &main(r#","healthCheck":{"command":["/check"]}"#, ""),
        "revision",
        json!(1),
    );
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
    let member_of = |count| copies(r#"{"type":"memberOf","expression":"nonsense"}"#, count);
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

fn fargate(members: &str, more: &str) -> String {
    main(members, &format!("{FARGATE}{more}"))
}

#[track_caller]
fn check_compatible(body: &str, expected: &[&str]) {
    check_shown(body, "compatibilities", json!(expected));
}

#[test]
fn compatibilities_are_what_the_definition_is_valid_for() {
    check_compatible(&main("", ""), &["EC2", "EXTERNAL"]);
    check_compatible(&main("", r#","networkMode":"awsvpc""#), &["EC2"]);
    check_compatible(&fargate("", ""), &["EC2", "FARGATE"]);
    check_compatible(
        &main("", r#","networkMode":"awsvpc","cpu":"256","memory":"512""#),
        &["EC2", "FARGATE"],
    );
    check_compatible(
        &main(
            "",
            r#","requiresCompatibilities":["EC2","MANAGED_INSTANCES"]"#,
        ),
        &["EC2", "EXTERNAL", "MANAGED_INSTANCES"],
    );
    check(
        &main(
            "",
            r#","networkMode":"awsvpc","requiresCompatibilities":["EXTERNAL"]"#,
        ),
        "EXTERNAL does not support network mode 'awsvpc'.",
    );
}

#[test]
fn fargate_needs_awsvpc_and_a_known_size() {
    let with = |more: &str| {
        main(
            "",
            &format!(r#","requiresCompatibilities":["FARGATE"]{more}"#),
        )
    };
    check(&with(""), "Fargate only supports network mode 'awsvpc'.");
    let awsvpc = |more: &str| with(&format!(r#","networkMode":"awsvpc"{more}"#));
    check(
        &awsvpc(r#","memory":"512""#),
        "Fargate requires that 'cpu' be defined at the task level.",
    );
    check(
        &awsvpc(r#","cpu":"256""#),
        "Fargate requires that 'memory' be defined at the task level.",
    );
    check(
        &awsvpc(r#","cpu":"256","memory":"4096""#),
        "No Fargate configuration exists for given values: 256 CPU, 4096 memory. See the Amazon \
         ECS documentation for the valid values.",
    );
    check_compatible(
        &awsvpc(r#","cpu":"16 vCPU","memory":"120 GB""#),
        &["EC2", "FARGATE"],
    );
}

#[test]
fn fargate_refuses_what_it_does_not_support() {
    let features = [
        (r#","privileged":true"#, "privileged"),
        (r#","links":["other"]"#, "links"),
        (
            r#","extraHosts":[{"hostname":"h","ipAddress":"10.0.0.1"}]"#,
            "extraHosts",
        ),
        (
            r#","dockerSecurityOptions":["no-new-privileges"]"#,
            "dockerSecurityOptions",
        ),
        (r#","dnsServers":["10.0.0.1"]"#, "dnsServers"),
        (
            r#","linuxParameters":{"devices":[{"hostPath":"/dev/x"}]}"#,
            "devices",
        ),
        (
            r#","linuxParameters":{"sharedMemorySize":64}"#,
            "sharedMemorySize",
        ),
        (r#","linuxParameters":{"maxSwap":0}"#, "maxSwap"),
        (r#","linuxParameters":{"swappiness":0}"#, "swappiness"),
        (
            r#","resourceRequirements":[{"type":"GPU","value":"1"}]"#,
            "GPU",
        ),
        (
            r#","linuxParameters":{"capabilities":{"add":["NET_ADMIN"]}}"#,
            "capabilities",
        ),
        (
            r#","logConfiguration":{"logDriver":"json-file"}"#,
            "log driver json-file",
        ),
    ];
    for (members, feature) in features {
        check(
            &fargate(members, ""),
            &format!("Fargate compatible task definitions do not support {feature}"),
        );
    }
    let ptrace = r#","linuxParameters":{"capabilities":{"add":["SYS_PTRACE"]}}"#;
    check_compatible(&fargate(ptrace, ""), &["EC2", "FARGATE"]);
    let of_task = [
        (
            r#","ipcMode":"task""#,
            "Fargate compatible task definitions do not support ipcMode",
        ),
        (
            r#","pidMode":"host""#,
            "Fargate compatible task definitions do not support pidMode 'host'",
        ),
        (
            r#","volumes":[{"name":"v","host":{"sourcePath":"/s"}}]"#,
            "Fargate compatible task definitions do not support host sourcePath",
        ),
        (
            r#","volumes":[{"name":"v","dockerVolumeConfiguration":{}}]"#,
            "Fargate compatible task definitions do not support docker volumes",
        ),
        (
            r#","placementConstraints":[{"type":"memberOf","expression":"x"}]"#,
            "Fargate compatible task definitions do not support constraints.",
        ),
        (
            r#","ephemeralStorage":{"sizeInGiB":20}"#,
            "EphemeralStorage size should be at least 21",
        ),
        (
            r#","ephemeralStorage":{"sizeInGiB":201}"#,
            "EphemeralStorage size should be at most 200",
        ),
    ];
    for (more, text) in of_task {
        check(&fargate("", more), text);
    }
    for size in [21, 200] {
        let more = format!(r#","ephemeralStorage":{{"sizeInGiB":{size}}}"#);
        check_compatible(&fargate("", &more), &["EC2", "FARGATE"]);
    }
    for (member, max) in [("stopTimeout", 120), ("startTimeout", 120)] {
        check_compatible(
            &fargate(&format!(r#","{member}":{max}"#), ""),
            &["EC2", "FARGATE"],
        );
        check(
            &fargate(&format!(r#","{member}":{}"#, max + 1), ""),
            &format!("The '{member}' of container 'main' must be at most {max}."),
        );
    }
}

#[test]
fn fargate_needs_an_execution_role_for_logs_and_registry() {
    let logs = |options: &str| {
        format!(
            r#","logConfiguration":{{"logDriver":"awslogs","options":{{"awslogs-group":"g",
               "awslogs-region":"r"{options}}}}}"#
        )
    };
    let prefixed = logs(r#","awslogs-stream-prefix":"p""#);
    let role = r#","executionRoleArn":"role""#;
    check(
        &fargate(&logs(""), role),
        "Log driver awslogs requires options: awslogs-stream-prefix",
    );
    check(
        &fargate(&prefixed, ""),
        "Fargate requires task definition to have execution role ARN to support log driver \
         awslogs.",
    );
    check_compatible(&fargate(&prefixed, role), &["EC2", "FARGATE"]);
    let ecr = fargate("", "").replace("\"i\"", "\"1.dkr.ecr.us-east-1.amazonaws.com/app\"");
    check(
        &ecr,
        "Fargate requires task definition to have execution role ARN to support ECR images.",
    );
}

#[track_caller]
fn check_required(body: &str, expected: &[&str]) {
    let pointer = "/taskDefinition/requiresAttributes";
    let required = World::new().at("RegisterTaskDefinition", body, pointer);
    let required = required.as_array().unwrap().iter().map(|attribute| {
        let name = attribute["name"].as_str().unwrap();
        let name = name.replace("com.amazonaws.ecs.capability.", "~");
        match attribute["value"].as_str() {
            Some(value) => format!("{name}={value}"),
            None => name,
        }
    });
    assert_eq!(required.collect::<Vec<_>>(), expected, "{body}");
}

#[test]
fn required_attributes_name_what_the_host_must_be_able_to_do() {
    check_required(&main("", ""), &[]);
    check_required(
        &fargate("", r#","taskRoleArn":"r""#),
        &[
            "~task-iam-role",
            "ecs.capability.task-cpu-mem-limit",
            "ecs.capability.task-eni",
        ],
    );
    check_required(
        &main("", r#","taskRoleArn":"r","networkMode":"host""#),
        &["~task-iam-role-network-host"],
    );
    check_required(
        &main(
            r#","privileged":true,"healthCheck":{"command":["true"]},"logConfiguration":
               {"logDriver":"awslogs","options":{"awslogs-group":"g","awslogs-region":"r"}}"#,
            r#","executionRoleArn":"e""#,
        ),
        &[
            "~logging-driver.awslogs",
            "~privileged-container",
            "ecs.capability.container-health-check",
            "ecs.capability.execution-role-awslogs",
        ],
    );
    check_required(
        &main(
            "",
            r#","runtimePlatform":{"cpuArchitecture":"ARM64","operatingSystemFamily":"LINUX"}"#,
        ),
        &["ecs.cpu-architecture=arm64", "ecs.os-family=LINUX"],
    );
}
