//! Laws of logic and of spelling, for any expressions and any of the instances.

use proptest::prelude::*;
use proptest::sample::select;
use scheduler::expression::Expression;

use crate::grammar::{self, NAMES, VALUES};
use crate::instance::{Instance, instances};

/// What each instance says; `None` when it does not parse.
fn verdicts(text: &str) -> Option<Vec<bool>> {
    let expression = Expression::parse(text).ok()?;
    Some(ask(&expression))
}

fn ask(expression: &Expression) -> Vec<bool> {
    let instances = instances();
    instances
        .iter()
        .map(|one| expression.matches(one))
        .collect()
}

/// Both mean the same, provided that they are not too long.
#[track_caller]
fn check(one: &str, other: &str) {
    let both = [one, other];
    if both.iter().all(|text| text.chars().count() <= 2000) {
        let expected = verdicts(one).unwrap_or_else(|| panic!("does not parse: {one}"));
        assert_eq!(verdicts(other), Some(expected), "{one}\n{other}");
    }
}

/// Expressions that parse.
fn any_expression() -> impl Strategy<Value = String> {
    let seeds = (any::<u64>(), any::<u64>());
    let text = seeds.prop_map(|(meaning, spelling)| grammar::expression(meaning, spelling));
    text.prop_filter("refused pattern", |text| Expression::parse(text).is_ok())
}

fn any_literals() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::collection::vec(select(&VALUES[..]), 1..6)
}

fn any_subject() -> impl Strategy<Value = String> {
    let attribute = select(&NAMES[..]).prop_map(|name| format!("attribute:{name}"));
    prop_oneof![
        4 => attribute,
        1 => Just("task:group".to_owned()),
        1 => Just("ec2InstanceId".to_owned()),
        1 => Just("agentConnected".to_owned()),
    ]
}

fn each(subject: &str, sign: &str, literals: &[&str], connective: &str) -> String {
    let one = |literal: &&str| format!("{subject} {sign} {literal}");
    let all: Vec<String> = literals.iter().map(one).collect();
    all.join(connective)
}

fn has_value(instance: &Instance, name: &str) -> bool {
    matches!(instance.attributes.get(name), Some(Some(_)))
}

proptest! {
    #[test]
    fn de_morgan(a in any_expression(), b in any_expression()) {
        check(&format!("not(({a}) and ({b}))"), &format!("not({a}) or not({b})"));
        check(&format!("!(({a})||({b}))"), &format!("!({a})&&!({b})"));
    }

    #[test]
    fn a_negation_turns_and_two_cancel(a in any_expression()) {
        check(&format!("not(not({a}))"), &a);
        check(&format!("!!({a})"), &a);
        let negated = Expression::parse(&format!("not({a})")).map(|negated| ask(&negated));
        if let Ok(negated) = negated {
            let turned: Vec<bool> = negated.iter().map(|verdict| !verdict).collect();
            prop_assert_eq!(verdicts(&a), Some(turned));
        }
    }

    #[test]
    fn connectives_associate_and_commute(
        a in any_expression(), b in any_expression(), c in any_expression()
    ) {
        for sign in ["and", "or", "\n&&\t", " || "] {
            let flat = format!("({a}){sign}({b}){sign}({c})");
            check(&flat, &format!("(({a}){sign}({b})){sign}({c})"));
            check(&flat, &format!("({a}){sign}(({b}){sign}({c}))"));
            check(&flat, &format!("({c}){sign}({a}){sign}({b})"));
        }
    }

    #[test]
    fn and_binds_tighter_than_or(
        a in any_expression(), b in any_expression(), c in any_expression()
    ) {
        check(&format!("({a}) or ({b}) and ({c})"), &format!("({a}) or (({b}) and ({c}))"));
        check(&format!("({a}) and ({b}) or ({c})"), &format!("(({a}) and ({b})) or ({c})"));
        check(&format!("not ({a}) and ({b})"), &format!("(not ({a})) and ({b})"));
    }

    #[test]
    fn the_spelling_does_not_matter(meaning: u64, one: u64, other: u64) {
        let [one, other] = [one, other].map(|spelling| grammar::expression(meaning, spelling));
        let short = [&one, &other].iter().all(|text| text.chars().count() <= 2000);
        if short {
            prop_assert_eq!(verdicts(&one), verdicts(&other), "{}\n{}", one, other);
        }
    }

    #[test]
    fn a_list_is_an_or_of_equalities(subject in any_subject(), literals in any_literals()) {
        let list = format!("{subject} in [{}]", literals.join(","));
        check(&list, &each(&subject, "==", &literals, " or "));
        let pattern = literals.join("|").replace('.', "\\.");
        check(&list, &format!("{subject} =~ '{pattern}'"));
    }

    #[test]
    fn not_in_a_list_is_an_and_of_inequalities(name in select(&NAMES[..]), literals in any_literals()) {
        let subject = format!("attribute:{name}");
        let list = literals.join(", ");
        let not_in = format!("{subject} !in [{list}]");
        check(&not_in, &each(&subject, "!=", &literals, " and "));
        let not_in = Expression::parse(&not_in).expect("it is one");
        let is_in = Expression::parse(&format!("{subject} in [{list}]")).expect("it is one");
        for instance in instances() {
            let expected = has_value(&instance, name) && !is_in.matches(&instance);
            prop_assert_eq!(not_in.matches(&instance), expected);
        }
    }

    #[test]
    fn an_order_is_total_where_there_is_a_value(name in select(&NAMES[..]), value in select(&VALUES[..])) {
        let of = |sign: &str| format!("attribute:{name} {sign} {value}");
        check(&of(">="), &format!("attribute:{name} =~ '.*' and not({})", of("<")));
        check(&of("<="), &format!("attribute:{name} =~ '.*' and not({})", of(">")));
    }

    #[test]
    fn a_mistake_has_a_place_in_the_text(text: String) {
        if let Err(error) = Expression::parse(&text) {
            prop_assert!(error.position <= text.chars().count());
            prop_assert!(!error.expected.is_empty() && !error.found.is_empty());
        }
    }
}
