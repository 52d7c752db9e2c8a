//! Definition and overrides, merged into what a host gets.

use expect_test::{Expect, expect};
use model::container::{References, SecretReference};
use model::payload::{DependencyCondition, HealthCheck, Link, TaskPayload};

use super::*;
use crate::testing::{World, app, web};

/// The payload of the first task of this call.
fn payload_of(mut world: World, body: &str) -> TaskPayload {
    let id = world.run(body)[0];
    let task = world.state.tasks().get(&id).unwrap().clone();
    let mut payload = payload(&world.reading(), &task).unwrap();
    // Ids are random; what matters is that the same one stands everywhere.
    assert_eq!(payload.network.task, id);
    assert_eq!(
        payload.arn,
        format!("arn:aws:ecs:us-east-1:000000000000:task/default/{id}")
    );
    for container in &mut payload.containers {
        assert_eq!(container.spec.key.task, id);
        container.spec.key.task = model::TaskId::from_bits(0);
        container.spec.log.stream = container.spec.log.stream.replace(&id.to_string(), "TASK");
        for label in container.spec.labels.values_mut() {
            *label = label.replace(&id.to_string(), "TASK");
        }
    }
    payload
}

fn of(containers: &str, more: &str, run: &str) -> TaskPayload {
    let mut world = World::new();
    world.containers("app", containers, more);
    payload_of(world, &app(run))
}

const MAIN: &str = r#"{"name":"main","image":"i","memory":64,"cpu":10,"command":["a","b"],
    "environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}]}"#;

fn over(members: &str) -> String {
    format!(r#","overrides":{{"containerOverrides":[{{"name":"main",{members}}}]}}"#)
}

#[test]
fn a_command_override_replaces_the_command_and_an_empty_one_keeps_it() {
    let check = |containers: &str, run: &str, expected: Option<&[&str]>| {
        let command = of(containers, "", run).containers[0].spec.command.clone();
        assert_eq!(
            command.as_deref(),
            expected
                .map(|c| c.iter().map(|w| w.to_string()).collect::<Vec<_>>())
                .as_deref()
        );
    };
    check(MAIN, "", Some(&["a", "b"]));
    check(MAIN, &over(r#""command":["c"]"#), Some(&["c"]));
    check(MAIN, &over(r#""command":[]"#), Some(&["a", "b"]));
    let bare = r#"{"name":"main","image":"i","memory":64}"#;
    // None keeps the command of the image.
    check(bare, "", None);
    check(bare, &over(r#""command":["c"]"#), Some(&["c"]));
}

fn environment_of(payload: &TaskPayload) -> Vec<String> {
    let own = payload.containers[0].spec.environment.iter();
    own.map(|one| format!("{}={}", one.name, one.value))
        .collect()
}

#[test]
fn an_environment_override_replaces_in_place_adds_and_leaves_the_rest() {
    let check = |run: &str, expected: &[&str]| {
        assert_eq!(environment_of(&of(MAIN, "", run)), *expected);
    };
    check("", &["A=1", "B=2"]);
    check(
        &over(r#""environment":[{"name":"C","value":"3"},{"name":"A","value":"0"}]"#),
        &["A=0", "B=2", "C=3"],
    );
    check(&over(r#""environment":[]"#), &["A=1", "B=2"]);
}

#[test]
fn the_platform_speaks_apart_so_that_all_others_may_contradict() {
    let platform = |payload: TaskPayload| {
        let own = payload.containers[0].spec.platform_environment.clone();
        let own = own.iter().map(|one| format!("{}={}", one.name, one.value));
        own.collect::<Vec<_>>()
    };
    let region = ["AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-1"];
    let ec2 = platform(payload_of(World::with_app(), &app("")));
    assert_eq!(ec2[0], "AWS_EXECUTION_ENV=AWS_ECS_EC2");
    assert_eq!(ec2[1..], region);
    let fargate = platform(payload_of(World::with_app(), &web("")));
    assert_eq!(fargate[0], "AWS_EXECUTION_ENV=AWS_ECS_FARGATE");
}

#[test]
fn an_override_changes_its_container_only() {
    let two = format!(r#"{MAIN},{{"name":"side","image":"i","memory":32,"command":["x"]}}"#);
    let payload = of(
        &two,
        "",
        &over(r#""command":["c"],"cpu":77,"memory":100,"memoryReservation":50"#),
    );
    let sizes = payload.containers.iter().map(|one| {
        let spec = &one.spec;
        (
            spec.command.clone().unwrap()[0].clone(),
            spec.cpu_units,
            spec.memory_mib,
            spec.memory_reservation_mib,
        )
    });
    let expected = [
        ("c".to_owned(), 77, Some(100), Some(50)),
        ("x".to_owned(), 0, Some(32), None),
    ];
    assert_eq!(sizes.collect::<Vec<_>>(), expected);
}

#[test]
fn limits_of_the_task_are_the_override_or_the_definition() {
    let limits = |more: &str, run: &str| of(MAIN, more, run).containers[0].spec.task_limits;
    let check = |more: &str, run: &str, cpu_units: Option<u32>, memory_mib: Option<u32>| {
        assert_eq!(
            limits(more, run),
            TaskLimits {
                cpu_units,
                memory_mib
            }
        );
    };
    check("", "", None, None);
    check(r#","cpu":"512","memory":"1 GB""#, "", Some(512), Some(1024));
    let run = r#","overrides":{"memory":"2048"}"#;
    check(
        r#","cpu":"512","memory":"1 GB""#,
        run,
        Some(512),
        Some(2048),
    );
}

/// Group and stream of the container `main` with this log configuration.
#[track_caller]
fn check_log(configuration: &str, group: &str, stream: &str) {
    let main = format!(r#"{{"name":"main","image":"i","memory":6{configuration}}}"#);
    let log = of(&main, "", "").containers[0].spec.log.clone();
    assert_eq!(log.group, group);
    assert_eq!(log.stream, stream);
}

#[test]
fn output_goes_to_the_stream_that_awslogs_would_name() {
    check_log("", "/ecs/app", "ecs/main/TASK");
    let with = |more: &str| {
        format!(
            r#","logConfiguration":{{"logDriver":"awslogs","options":{{"awslogs-group":"g",
                "awslogs-region":"r"{more}}}}}"#
        )
    };
    check_log(&with(r#","awslogs-stream-prefix":"p""#), "g", "p/main/TASK");
}

#[test]
fn lines_of_other_drivers_come_to_the_log_store_too() {
    let splunk = r#","logConfiguration":{"logDriver":"splunk","options":{"splunk-url":"u",
        "splunk-token":"t"}}"#;
    check_log(splunk, "/ecs/app", "ecs/main/TASK");
}

#[test]
fn without_a_prefix_the_stream_is_the_runtime_id_of_the_container() {
    let main = r#"{"name":"main","image":"i","memory":6,"logConfiguration":{"logDriver":"awslogs",
        "options":{"awslogs-group":"g","awslogs-region":"r"}}}"#;
    let mut world = World::new();
    world.containers("app", main, "");
    let id = world.run(&app(""))[0];
    let task = world.state.tasks().get(&id).unwrap().clone();
    let payload = payload(&world.reading(), &task).unwrap();
    let spec = &payload.containers[0].spec;
    assert_eq!(spec.log.stream, spec.key.runtime_id());
}

fn ports_of(mode: &str) -> String {
    let main = r#"{"name":"main","image":"i","memory":6,"portMappings":[
        {"containerPort":80},{"containerPort":53,"protocol":"udp"}]}"#;
    let more = match mode {
        "" => String::new(),
        mode => format!(r#","networkMode":"{mode}""#),
    };
    let run = match mode {
        "awsvpc" => r#","networkConfiguration":{"awsvpcConfiguration":{"subnets":["s"]}}"#,
        _ => "",
    };
    let network = of(main, &more, run).network;
    let ports = network.ports.iter().map(|port| {
        format!(
            "{} {}:{:?} {:?}",
            port.container, port.container_port, port.host_port, port.protocol
        )
    });
    format!(
        "{:?} {}",
        network.mode,
        ports.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn ports_follow_the_network_mode() {
    assert_eq!(ports_of(""), "Bridge main 80:None Tcp, main 53:None Udp");
    assert_eq!(
        ports_of("bridge"),
        "Bridge main 80:None Tcp, main 53:None Udp"
    );
    assert_eq!(
        ports_of("host"),
        "Host main 80:Some(80) Tcp, main 53:Some(53) Udp"
    );
    assert_eq!(ports_of("awsvpc"), "Awsvpc ");
}

#[test]
fn dependencies_health_checks_and_timeouts_have_their_defaults() {
    let two = r#"{"name":"main","image":"i","memory":6,"startTimeout":7,"stopTimeout":9,
            "dependsOn":[{"containerName":"db","condition":"HEALTHY"}]},
        {"name":"db","image":"i","memory":6,"essential":false,
            "healthCheck":{"command":["CMD","true"],"retries":2}},
        {"name":"off","image":"i","memory":6,"healthCheck":{"command":["NONE"]}}"#;
    let payload = of(two, "", "");
    let [main, db, off] = &payload.containers[..] else {
        panic!("three containers")
    };
    assert_eq!(
        main.depends_on,
        [Dependency {
            container: "db".to_owned(),
            condition: DependencyCondition::Healthy
        }]
    );
    assert_eq!(
        (main.start_timeout_seconds, main.stop_timeout_seconds),
        (Some(7), 9)
    );
    assert_eq!(
        (db.start_timeout_seconds, db.stop_timeout_seconds),
        (None, 30)
    );
    assert!(main.essential && !db.essential);
    let check = HealthCheck {
        command: vec!["CMD".to_owned(), "true".to_owned()],
        interval_seconds: 30,
        timeout_seconds: 5,
        retries: 2,
        start_period_seconds: 0,
    };
    assert_eq!(db.health_check, Some(check));
    assert_eq!(off.health_check, None);
}

#[test]
fn links_and_volumes_of_others_say_who_starts_first_and_who_is_alone() {
    let main = r#"{"name":"main","image":"i","memory":64,"links":["db:mysql","cache"],
        "volumesFrom":[{"sourceContainer":"data"}]}"#;
    let others = ["db", "cache", "data"].map(|name| {
        format!(
            r#"{{"name":"{name}","image":"i","memory":64,"disableNetworking":{}}}"#,
            name == "data"
        )
    });
    let payload = of(&format!("{main},{}", others.join(",")), "", "");
    assert_eq!(payload.containers[0].starts_after, ["db", "cache", "data"]);
    assert_eq!(payload.containers[1].starts_after, [""; 0]);
    let link = |container: &str, alias: &str| Link {
        container: container.to_owned(),
        alias: alias.to_owned(),
    };
    let expected = vec![link("db", "mysql"), link("cache", "cache")];
    assert_eq!(
        payload.network.links,
        [("main".to_owned(), expected)].into()
    );
    assert_eq!(payload.network.isolated, ["data".to_owned()].into());
}

#[test]
fn a_container_without_networking_publishes_no_port() {
    let main =
        r#"{"name":"main","image":"i","memory":64,"portMappings":[{"containerPort":80}]MORE}"#;
    let ports = |more: &str| of(&main.replace("MORE", more), "", "").network.ports.len();
    assert_eq!(ports(""), 1);
    assert_eq!(ports(r#","disableNetworking":true"#), 0);
}

#[test]
fn a_restart_policy_counts_when_it_is_switched_on() {
    let policy = |member: &str| {
        let main = format!(r#"{{"name":"main","image":"i","memory":6,"restartPolicy":{member}}}"#);
        of(&main, "", "").containers[0].restart_policy.clone()
    };
    assert_eq!(policy(r#"{"enabled":false}"#), None);
    let expected = |codes: &[i32], attempt_period_seconds| RestartPolicy {
        ignored_exit_codes: codes.to_vec(),
        attempt_period_seconds,
    };
    assert_eq!(policy(r#"{"enabled":true}"#), Some(expected(&[], 300)));
    assert_eq!(
        policy(r#"{"enabled":true,"ignoredExitCodes":[0,3],"restartAttemptPeriod":60}"#),
        Some(expected(&[0, 3], 60))
    );
}

#[test]
fn what_is_of_the_network_is_told_to_the_network_too() {
    let main = r#"{"name":"main","image":"i","memory":6,"hostname":"h",
        "systemControls":[{"namespace":"net.core.somaxconn","value":"5"},
            {"namespace":"fs.mqueue.msg_max","value":"9"}]},
        {"name":"side","image":"i","memory":6}"#;
    let payload = of(main, "", "");
    let network = payload.network;
    let names: Vec<_> = network.identities.keys().map(String::as_str).collect();
    assert_eq!(names, ["main"]);
    let controls = format!("{:?}", network.system_controls);
    assert_eq!(controls, r#"{"main": {"net.core.somaxconn": "5"}}"#);
    assert_eq!(payload.containers[0].spec.system_controls.len(), 2);
}

#[track_caller]
fn check_spec(containers: &str, expected: Expect) {
    let mut payload = of(containers, "", "");
    expected.assert_debug_eq(&payload.containers.remove(0).spec);
}

#[test]
fn everything_else_is_handed_on() {
    check_spec(
        r#"{"name":"main","image":"repo/app:3","memory":64,"entryPoint":["/bin/sh","-c"],
            "workingDirectory":"/w","user":"1:2","readonlyRootFilesystem":true,"privileged":true,
            "hostname":"h","dockerLabels":{"own":"label"},
            "extraHosts":[{"hostname":"db","ipAddress":"10.0.0.9"}],"dnsServers":["10.0.0.2"],
            "dnsSearchDomains":["lan"],"pseudoTerminal":true,"interactive":true,
            "dockerSecurityOptions":["no-new-privileges"],
            "ulimits":[{"name":"nofile","softLimit":1,"hardLimit":-1}],
            "linuxParameters":{"capabilities":{"add":["NET_ADMIN"],"drop":["CHOWN"]},
                "initProcessEnabled":true,"sharedMemorySize":16}}"#,
        expect![[r#"
            ContainerSpec {
                key: ContainerKey {
                    task: 00000000000000000000000000000000,
                    container: "main",
                },
                image: "repo/app:3",
                entry_point: Some(
                    [
                        "/bin/sh",
                        "-c",
                    ],
                ),
                command: None,
                platform_environment: [
                    AWS_EXECUTION_ENV=…,
                    AWS_REGION=…,
                    AWS_DEFAULT_REGION=…,
                ],
                environment: [],
                working_directory: Some(
                    "/w",
                ),
                user: Some(
                    "1:2",
                ),
                readonly_root_filesystem: true,
                privileged: true,
                init_process: true,
                cpu_units: 0,
                memory_mib: Some(
                    64,
                ),
                memory_reservation_mib: None,
                ulimits: [
                    Ulimit {
                        name: "nofile",
                        soft: 1,
                        hard: 18446744073709551615,
                    },
                ],
                capabilities_add: [
                    "NET_ADMIN",
                ],
                capabilities_drop: [
                    "CHOWN",
                ],
                identity: Identity {
                    hostname: Some(
                        "h",
                    ),
                    extra_hosts: [
                        ExtraHost {
                            hostname: "db",
                            ip_address: "10.0.0.9",
                        },
                    ],
                    dns_servers: [
                        "10.0.0.2",
                    ],
                    dns_search_domains: [
                        "lan",
                    ],
                },
                system_controls: {},
                mounts: [],
                volumes_from: [],
                shared_memory_mib: Some(
                    16,
                ),
                pid: Own,
                ipc: Own,
                terminal: true,
                interactive: true,
                no_new_privileges: true,
                references: References {
                    secrets: [],
                    environment_files: [],
                    repository_credentials: None,
                },
                registry_login: None,
                labels: {
                    "com.amazonaws.ecs.cluster": "default",
                    "com.amazonaws.ecs.container-name": "main",
                    "com.amazonaws.ecs.task-arn": "arn:aws:ecs:us-east-1:000000000000:task/default/TASK",
                    "com.amazonaws.ecs.task-definition-family": "app",
                    "com.amazonaws.ecs.task-definition-version": "1",
                    "own": "label",
                },
                log: LogTarget {
                    group: "/ecs/app",
                    stream: "ecs/main/TASK",
                },
                task_limits: TaskLimits {
                    cpu_units: None,
                    memory_mib: None,
                },
            }
        "#]],
    );
}

#[test]
fn a_wish_to_stop_is_the_desired_status() {
    let mut world = World::with_app();
    let id = world.run(&app(""))[0];
    assert!(!stop_wanted(world.task(id)));
    world.ok("StopTask", &format!(r#"{{"task":"{id}"}}"#));
    assert!(stop_wanted(world.task(id)));
}

#[test]
fn what_the_host_must_fetch_is_named_and_never_more() {
    let main = r#"{"name":"main","image":"i","memory":64,
        "secrets":[{"name":"S","valueFrom":"/prod/s"},{"name":"T","valueFrom":"t"}],
        "environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/one.env"},
                            {"type":"s3","value":"arn:aws:s3:::b/two.env"}],
        "repositoryCredentials":{"credentialsParameter":"login"}}"#;
    let role = r#","executionRoleArn":"arn:aws:iam::000000000000:role/r""#;
    let found = |run: &str| of(main, role, run).containers[0].spec.references.clone();
    let secret = |name: &str, from: &str| SecretReference {
        name: name.to_owned(),
        value_from: from.to_owned(),
    };
    let texts = |texts: &[&str]| {
        texts
            .iter()
            .map(|text| (*text).to_owned())
            .collect::<Vec<_>>()
    };
    let expected = References {
        secrets: vec![secret("S", "/prod/s"), secret("T", "t")],
        environment_files: texts(&["arn:aws:s3:::b/one.env", "arn:aws:s3:::b/two.env"]),
        repository_credentials: Some("login".to_owned()),
    };
    assert_eq!(found(""), expected);
    // The caller's files take the place of those of the definition.
    let run = r#""environmentFiles":[{"type":"s3","value":"arn:aws:s3:::b/three.env"}]"#;
    let of_caller = References {
        environment_files: texts(&["arn:aws:s3:::b/three.env"]),
        ..expected
    };
    assert_eq!(found(&over(run)), of_caller);
}
