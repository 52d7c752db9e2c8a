//! What is refused of placement rules, and the limits on their numbers.

use crate::testing::{World, app, copies};

#[track_caller]
fn check(members: &str, expected: &str) {
    World::with_app().refused("RunTask", &app(members), expected);
}

#[track_caller]
fn check_constraint(constraint: &str, expected: &str) {
    let members = format!(r#","placementConstraints":[{constraint}]"#);
    check(&members, &format!("InvalidParameterException: {expected}"));
}

#[track_caller]
fn check_strategy(strategy: &str, expected: &str) {
    let members = format!(r#","placementStrategy":[{strategy}]"#);
    check(&members, &format!("InvalidParameterException: {expected}"));
}

#[test]
fn a_constraint_is_memberof_with_an_expression_or_distinctinstance_without() {
    let types = "placementConstraints.type should be one of [distinctInstance,memberOf]";
    check_constraint(r#"{"type":"nearby"}"#, &format!("{types}, but was nearby."));
    check_constraint("{}", &format!("{types}."));
    for expression in [r#""""#, r#""attribute:a exists""#] {
        check_constraint(
            &format!(r#"{{"type":"distinctInstance","expression":{expression}}}"#),
            "distinctInstance expression should not be specified.",
        );
    }
    for expression in ["", r#","expression":"""#] {
        check_constraint(
            &format!(r#"{{"type":"memberOf"{expression}}}"#),
            "memberOf expression should not be null or empty.",
        );
    }
}

#[test]
fn a_strategy_has_the_field_that_its_type_needs() {
    let types = "placementStrategy.type should be one of [random,spread,binpack]";
    check_strategy(r#"{"type":"nearby"}"#, &format!("{types}, but was nearby."));
    check_strategy("{}", &format!("{types}."));
    check_strategy(
        r#"{"type":"random","field":"cpu"}"#,
        "random field should not be specified",
    );
    check_strategy(
        r#"{"type":"binpack","field":"disk"}"#,
        "binpack field 'disk' is invalid",
    );
    check_strategy(
        r#"{"type":"binpack"}"#,
        "binpack field should be specified: cpu or memory.",
    );
    check_strategy(
        r#"{"type":"spread"}"#,
        "spread field should be specified: instanceId, host or attribute:NAME.",
    );
    for field in ["zone", "attribute:"] {
        check_strategy(
            &format!(r#"{{"type":"spread","field":"{field}"}}"#),
            &format!("spread field '{field}' is invalid. Use instanceId, host or attribute:NAME."),
        );
    }
}

#[test]
fn five_strategies_are_the_most() {
    let with = |count| {
        let rules = copies(r#"{"type":"random"}"#, count);
        app(&format!(r#","placementStrategy":[{rules}]"#))
    };
    assert_eq!(World::with_app().run(&with(5)).len(), 1);
    World::with_app().refused(
        "RunTask",
        &with(6),
        "InvalidParameterException: Maximum number of strategies is 5",
    );
}

#[test]
fn ten_constraints_are_the_most_those_of_the_definition_counted() {
    let rule = r#"{"type":"memberOf","expression":"attribute:ecs.os-type exists"}"#;
    let run = |own: usize, given: usize| {
        let mut world = World::new();
        let own = copies(rule, own);
        world.definition("app", &format!(r#","placementConstraints":[{own}]"#));
        let given = copies(rule, given);
        world.call(
            "RunTask",
            &app(&format!(r#","placementConstraints":[{given}]"#)),
        )
    };
    let beyond = "InvalidParameterException: Maximum number of constraints is 10";
    for (own, given) in [(0, 10), (6, 4), (10, 0)] {
        assert!(run(own, given).contains("taskArn"), "{own} and {given}");
    }
    for (own, given) in [(0, 11), (6, 5)] {
        assert_eq!(run(own, given), beyond, "{own} and {given}");
    }
}
