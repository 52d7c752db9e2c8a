//! The cluster query language through the public functions: laws, and a small run of the
//! inputs that `cargo xtask fuzz expression` makes by the million.

mod grammar;
mod input;
mod instance;
mod laws;
mod noise;

use input::{input, parse_and_ask};
use scheduler::expression::Expression;

const INPUTS: u64 = 20_000;

#[test]
fn most_inputs_from_the_grammar_parse_and_none_panics() {
    let instances = instance::instances();
    let (mut of_grammar, mut arbitrary) = (0, 0);
    for number in 0..INPUTS {
        let input = input(number);
        let parsed = u64::from(parse_and_ask(&input.text, &instances));
        if input.from_grammar {
            of_grammar += parsed;
        } else {
            arbitrary += parsed;
        }
    }
    assert!(of_grammar > INPUTS / 2 * 9 / 10, "only {of_grammar} parsed");
    assert!(
        arbitrary > 0 && arbitrary < INPUTS / 2,
        "{arbitrary} parsed"
    );
}

/// Else the laws would say little.
#[test]
fn verdicts_differ() {
    let instances = instance::instances();
    let mut verdicts = [0_u32; 2];
    for seed in 0..1000 {
        if let Ok(expression) = Expression::parse(&grammar::expression(seed, seed)) {
            for instance in &instances {
                verdicts[usize::from(expression.matches(instance))] += 1;
            }
        }
    }
    assert!(verdicts.iter().all(|count| *count > 400), "{verdicts:?}");
}
