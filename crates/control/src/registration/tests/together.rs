//! Port mappings, dependencies and health checks.

use super::*;

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
