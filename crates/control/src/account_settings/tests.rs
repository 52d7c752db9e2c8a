//! Account settings through the four operations that read and write them.

use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World};

const ROOT: &str = "arn:aws:iam::000000000000:root";
const USER: &str = "arn:aws:iam::000000000000:user/ada";
const ROLE: &str = "arn:aws:iam::000000000000:role/ci/deploy";

fn put(world: &mut World, principal: &str, name: &str, value: &str) -> Value {
    let body = json!({"name": name, "value": value, "principalArn": principal});
    world.at("PutAccountSetting", &body.to_string(), "/setting")
}

fn put_default(world: &mut World, name: &str, value: &str) -> Value {
    let body = json!({"name": name, "value": value});
    world.at("PutAccountSettingDefault", &body.to_string(), "/setting")
}

fn shown(principal: &str, name: &str, value: &str) -> Value {
    json!({"name": name, "value": value, "principalArn": principal, "type": "user"})
}

fn listed(world: &mut World, body: &Value) -> Vec<Value> {
    let answer = world.ok("ListAccountSettings", &body.to_string());
    answer["settings"].as_array().unwrap().clone()
}

/// What counts for a principal.
fn effective(world: &mut World, principal: &str, name: &str) -> Value {
    let body = json!({"name": name, "principalArn": principal, "effectiveSettings": true});
    let mut found = listed(world, &body);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

#[test]
fn the_own_value_counts_before_the_accounts_and_that_before_awss() {
    let mut world = World::new();
    let name = "awsvpcTrunking";
    let check = |world: &mut World, expected: Value| {
        world.restart();
        assert_eq!(effective(world, USER, name), expected);
    };
    check(&mut world, shown(ROOT, name, "disabled"));
    let answer = put_default(&mut world, name, "enabled");
    assert_eq!(answer, shown(ROOT, name, "enabled"));
    check(&mut world, shown(ROOT, name, "enabled"));
    let answer = put(&mut world, USER, name, "disabled");
    assert_eq!(answer, shown(USER, name, "disabled"));
    check(&mut world, shown(USER, name, "disabled"));
    assert_eq!(
        effective(&mut world, ROLE, name),
        shown(ROOT, name, "enabled")
    );
    let own = json!({"name": name, "principalArn": USER}).to_string();
    // The answer is what counts from now on.
    let answer = world.at("DeleteAccountSetting", &own, "/setting");
    assert_eq!(answer, shown(ROOT, name, "enabled"));
    check(&mut world, shown(ROOT, name, "enabled"));
    let absent = world.at("DeleteAccountSetting", &own, "/setting");
    assert_eq!(absent, shown(ROOT, name, "enabled"));
}

#[test]
fn without_a_principal_it_is_the_caller() {
    let mut world = World::new();
    world.caller.principal_arn = USER.to_owned();
    let body = r#"{"name":"tagResourceAuthorization","value":"off"}"#;
    let mine = shown(USER, "tagResourceAuthorization", "off");
    assert_eq!(world.at("PutAccountSetting", body, "/setting"), mine);
    assert_eq!(listed(&mut world, &json!({})), [mine]);
    assert!(listed(&mut world, &json!({"principalArn": ROLE})).is_empty());
    let body = r#"{"name":"tagResourceAuthorization"}"#;
    world.ok("DeleteAccountSetting", body);
    assert!(listed(&mut world, &json!({})).is_empty());
}

#[test]
fn the_roots_setting_is_the_accounts() {
    let mut world = World::new();
    let name = "fargateTaskRetirementWaitPeriod";
    put(&mut world, ROOT, name, "14");
    assert_eq!(effective(&mut world, USER, name), shown(ROOT, name, "14"));
    put_default(&mut world, name, "0");
    let own = listed(&mut world, &json!({"principalArn": ROOT}));
    assert_eq!(own, [shown(ROOT, name, "0")]);
}

#[test]
fn all_settings_have_a_value_that_counts() {
    let mut world = World::new();
    let (mut seen, mut token) = (Vec::new(), Value::Null);
    loop {
        let body = json!({"effectiveSettings": true, "maxResults": 4, "nextToken": token});
        let answer = world.ok("ListAccountSettings", &body.to_string());
        let page = answer["settings"].as_array().unwrap();
        assert!(page.len() <= 4);
        seen.extend(page.iter().map(|one| {
            let member = |name: &str| one[name].as_str().unwrap().to_owned();
            assert_eq!(member("principalArn"), ROOT);
            format!("{} {} {}", member("name"), member("value"), member("type"))
        }));
        token = answer["nextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let expected = [
        "awsvpcTrunking disabled user",
        "containerInsights disabled user",
        "containerInstanceLongArnFormat enabled user",
        "defaultLogDriverMode non-blocking user",
        "fargateEventWindows disabled user",
        "fargateFIPSMode disabled user",
        "fargateTaskRetirementWaitPeriod 7 user",
        "guardDutyActivate off aws_managed",
        "serviceLongArnFormat enabled user",
        "tagResourceAuthorization on user",
        "taskLongArnFormat enabled user",
    ];
    assert_eq!(seen, expected);
    // Ten to a page unless fewer are asked for.
    assert_eq!(
        listed(&mut world, &json!({"effectiveSettings": true})).len(),
        10
    );
}

#[test]
fn name_and_value_filter() {
    let mut world = World::new();
    put(&mut world, USER, "awsvpcTrunking", "enabled");
    put(&mut world, USER, "defaultLogDriverMode", "blocking");
    let mut count = |more: Value| {
        let mut body = json!({"principalArn": USER});
        let members = more.as_object().unwrap().clone();
        body.as_object_mut().unwrap().extend(members);
        listed(&mut world, &body).len()
    };
    assert_eq!(count(json!({})), 2);
    assert_eq!(count(json!({"name": "awsvpcTrunking"})), 1);
    assert_eq!(
        count(json!({"name": "awsvpcTrunking", "value": "enabled"})),
        1
    );
    assert_eq!(
        count(json!({"name": "awsvpcTrunking", "value": "disabled"})),
        0
    );
    assert_eq!(count(json!({"name": "containerInsights"})), 0);
}

#[test]
fn a_new_cluster_takes_the_insights_of_its_creator() {
    let mut world = World::new();
    let create = |world: &mut World, name: &str, more: &str| {
        let body = format!(r#"{{"clusterName":"{name}"{more}}}"#);
        world.at("CreateCluster", &body, "/cluster/settings/0/value")
    };
    put_default(&mut world, "containerInsights", "on");
    assert_eq!(create(&mut world, "a", ""), json!("enabled"));
    put(&mut world, USER, "containerInsights", "enhanced");
    world.caller.principal_arn = USER.to_owned();
    assert_eq!(create(&mut world, "b", ""), json!("enhanced"));
    let off = r#","settings":[{"name":"containerInsights","value":"disabled"}]"#;
    assert_eq!(create(&mut world, "c", off), json!("disabled"));
    // What exists keeps what it has.
    assert_eq!(create(&mut world, "a", ""), json!("enabled"));
    let default = r#"{"include":["SETTINGS"]}"#;
    let value = "/clusters/0/settings/0/value";
    assert_eq!(
        world.at("DescribeClusters", default, value),
        json!("disabled")
    );
}

#[test]
fn what_cannot_be_set_is_refused() {
    let mut world = World::new();
    let mut check = |body: Value, expected: &str| {
        let expected = format!("InvalidParameterException: {expected}");
        for operation in ["PutAccountSetting", "PutAccountSettingDefault"] {
            world.refused(operation, &body.to_string(), &expected);
        }
    };
    for format in ["task", "service", "containerInstance"] {
        for off in ["disabled", "off"] {
            check(
                json!({"name": format!("{format}LongArnFormat"), "value": off}),
                "You can no longer disable Long Arn settings",
            );
        }
    }
    check(
        json!({"name": "fargateFIPSMode", "value": "enabled"}),
        "FIPS mode is not supported by this server. Leave fargateFIPSMode disabled.",
    );
    for value in ["on", "off"] {
        check(
            json!({"name": "guardDutyActivate", "value": value}),
            "guardDutyActivate can only be read.",
        );
    }
    check(
        json!({"name": "fargateTaskRetirementWaitPeriod", "value": "8"}),
        "fargateTaskRetirementWaitPeriod should be one of [7,0,14], but was 8.",
    );
    check(
        json!({"name": "taskLongArnFormat", "value": "moon"}),
        "taskLongArnFormat should be one of [enabled,on], but was moon.",
    );
    check(
        json!({"name": "defaultLogDriverMode"}),
        "defaultLogDriverMode should be one of [non-blocking,blocking], but was .",
    );
}

#[test]
fn names_principals_and_pages_are_checked() {
    let mut world = World::new();
    let names = crate::account_settings::names()
        .collect::<Vec<_>>()
        .join(",");
    let mut check = |operation: &str, body: Value, expected: &str| {
        let expected = format!("InvalidParameterException: {expected}");
        world.refused(operation, &body.to_string(), &expected);
    };
    let unknown = format!("name should be one of [{names}], but was moon.");
    for operation in [
        "PutAccountSetting",
        "PutAccountSettingDefault",
        "DeleteAccountSetting",
        "ListAccountSettings",
    ] {
        check(
            operation,
            json!({"name": "moon", "value": "full"}),
            &unknown,
        );
    }
    let principal = format!(
        "principalArn should be the ARN of a user, a role or the root of account {ACCOUNT}."
    );
    for other in [
        "ada",
        "arn:aws:iam::000000000000:user/",
        "arn:aws:iam::000000000000:group/all",
        "arn:aws:iam::111122223333:user/ada",
    ] {
        for operation in [
            "PutAccountSetting",
            "DeleteAccountSetting",
            "ListAccountSettings",
        ] {
            let body = json!({"name": "awsvpcTrunking", "value": "on", "principalArn": other});
            check(operation, body, &principal);
        }
    }
    let list = "ListAccountSettings";
    check(
        list,
        json!({"value": "enabled"}),
        "value can be given together with name only.",
    );
    for size in [0, 11] {
        let text = format!("maxResults must be between 1 and 10, but was {size}.");
        check(list, json!({"maxResults": size}), &text);
    }
    let token = "Invalid token: use the nextToken of the page before.";
    check(list, json!({"nextToken": "moon"}), token);
}
