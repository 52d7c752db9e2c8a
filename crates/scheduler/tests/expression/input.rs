//! The inputs of the fuzz program by number, and what is done with one.

use std::hint::black_box;

use scheduler::expression::Expression;

use crate::grammar;
use crate::instance::Instance;
use crate::noise;

#[derive(Clone, Debug)]
pub(crate) struct Input {
    pub(crate) from_grammar: bool,
    pub(crate) text: String,
}

/// Even numbers are made from the grammar, odd ones are arbitrary.
pub(crate) fn input(number: u64) -> Input {
    let from_grammar = number.is_multiple_of(2);
    let text = if from_grammar {
        grammar::expression(number, number + 1)
    } else {
        noise::text(number)
    };
    Input { from_grammar, text }
}

/// Parses it, asks it of each instance, and tells whether it parsed.
pub(crate) fn parse_and_ask(text: &str, instances: &[Instance]) -> bool {
    match Expression::parse(text) {
        Ok(expression) => {
            for instance in instances {
                black_box(expression.matches(instance));
            }
            true
        }
        Err(error) => {
            black_box(error.to_string());
            false
        }
    }
}
