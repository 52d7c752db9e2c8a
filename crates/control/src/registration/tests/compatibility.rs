//! Launch types that a definition is valid for, and what hosts must be able to do for it.

use super::*;

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
            "Tasks using the Fargate launch type do not support ipcMode.",
        ),
        (
            r#","pidMode":"host""#,
            "Tasks using the Fargate launch type do not support pidMode 'host'. The supported value \
             for pidMode is 'task'.",
        ),
        (
            r#","volumes":[{"name":"v","host":{"sourcePath":"/s"}}]"#,
            "Fargate compatible task definitions do not support sourcePath",
        ),
        (
            r#","volumes":[{"name":"v","dockerVolumeConfiguration":{}}]"#,
            "Fargate compatible task definitions do not support docker volumes",
        ),
        (
            r#","placementConstraints":[{"type":"memberOf","expression":"attribute:x exists"}]"#,
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
