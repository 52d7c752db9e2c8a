//! Texts that are no expressions, are nearly ones, or are made to be slow.

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::grammar;

/// Characters that mean something, here or elsewhere.
const CHARACTERS: [char; 30] = [
    '\'', '"', '(', ')', '[', ']', ',', '!', '=', '~', '<', '>', '&', '|', ' ', '\n', '\0', '\\',
    '.', ':', '*', '+', '?', '{', '}', 'é', '語', '😀', '\u{202e}', '\u{fffd}',
];
const WORDS: [&str; 16] = [
    "attribute:",
    "attribute:a",
    "task:group",
    "agentConnected",
    "agentVersion",
    "registeredAt",
    "runningTasksCount",
    " not ",
    " and ",
    " or ",
    " in ",
    "!in",
    " exists ",
    "=~",
    "99999999999999999999",
    "9999-12-31T23:59:59Z",
];
/// Patterns that are slow, or large, somewhere.
const NASTY: [&str; 27] = [
    "(a*)*b",
    "(a+)+$",
    "(a|a)*b",
    "(a|aa)+$",
    "(.*)*(.*)*x",
    "(.*a){20}",
    ".*.*.*.*.*=.*",
    "x{1000}{1000}",
    "((a{0,50}){0,50}){0,50}",
    "(a?){100}a{100}",
    "a{0,1000}",
    "\\w",
    "\\w{9}",
    "\\W\\D\\S",
    "[\\w\\d\\s]*",
    "[^\\w]",
    "\\pL",
    "\\PL",
    "\\p{Lu}+",
    "(\\pL|\\pN)*",
    "(?i)abc",
    "(?x)a#",
    "(?-u)a",
    "[a-z&&[^b]]",
    "(?u)\\w",
    "(?u:\\pL)*",
    "(?u)(.*a)+",
];

/// The same seed makes the same text.
pub(crate) fn text(seed: u64) -> String {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    match rng.random_range(0..40) {
        0..8 => bytes(&mut rng),
        8..33 => mutated(&mut rng),
        33..36 => words(&mut rng),
        36 => repeated(&mut rng),
        37 => nested(&mut rng),
        38 => nasty(&mut rng),
        _ => long(&mut rng),
    }
}

fn pick<T: Copy>(from: &[T], rng: &mut ChaCha8Rng) -> T {
    *from.choose(rng).expect("a table has rows")
}

fn bytes(rng: &mut ChaCha8Rng) -> String {
    let mut bytes = vec![0; rng.random_range(0..200)];
    rng.fill(&mut bytes[..]);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An expression with characters deleted, doubled, swapped or put in.
fn mutated(rng: &mut ChaCha8Rng) -> String {
    let text = grammar::expression(rng.random(), rng.random());
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..rng.random_range(1..5) {
        let at = rng.random_range(0..characters.len().max(1));
        let other = rng.random_range(0..characters.len().max(1));
        match rng.random_range(0..5) {
            _ if characters.is_empty() => characters.push(pick(&CHARACTERS, rng)),
            0 => drop(characters.remove(at)),
            1 => characters.insert(at, characters[at]),
            2 => characters.swap(at, other),
            3 => characters.insert(at, pick(&CHARACTERS, rng)),
            _ => {
                let word = pick(&WORDS, rng).chars();
                characters.splice(at..at, word);
            }
        }
    }
    characters.into_iter().collect()
}

fn words(rng: &mut ChaCha8Rng) -> String {
    let mut text = String::new();
    for _ in 0..rng.random_range(0..40) {
        text.push_str(pick(&WORDS, rng));
        if rng.random_ratio(1, 3) {
            text.push(pick(&CHARACTERS, rng));
        }
    }
    text
}

fn repeated(rng: &mut ChaCha8Rng) -> String {
    let part = match rng.random_range(0..3) {
        0 => pick(&CHARACTERS, rng).to_string(),
        1 => pick(&WORDS, rng).to_owned(),
        _ => grammar::expression(rng.random(), rng.random()),
    };
    part.repeat(rng.random_range(1..2100) / part.len().max(1) + 1)
}

/// Within the limit of nesting, at it, and far beyond.
fn nested(rng: &mut ChaCha8Rng) -> String {
    let opening = pick(&["(", "!", "not ", "!(", "not(", "( "], rng);
    let depth = pick(&[50, 99, 100, 101, 400, 1000], rng);
    let inner = grammar::expression(rng.random(), rng.random());
    let closing = if opening.contains('(') { ")" } else { "" };
    let closing = closing.repeat(depth - usize::from(rng.random_ratio(1, 4)));
    format!("{}{inner}{closing}", opening.repeat(depth))
}

/// Comparisons with patterns, sometimes as many as an expression can hold.
fn nasty(rng: &mut ChaCha8Rng) -> String {
    let pattern = match rng.random_range(0..3) {
        0 => pick(&NASTY, rng).to_owned(),
        1 => (0..3).map(|_| pick(&NASTY, rng)).collect(),
        _ => pick(&NASTY, rng).repeat(rng.random_range(1..20)),
    };
    let one = format!("attribute:a=~'{pattern}'");
    let sign = pick(&["||", "&&"], rng);
    let most = 2000 / (one.chars().count() + sign.len());
    let several = pick(&[1, 2, most.max(1)], rng);
    vec![one; several].join(sign)
}

/// One list or one pattern up to the limit.
fn long(rng: &mut ChaCha8Rng) -> String {
    let room = rng.random_range(1900..2000);
    let (start, part, end) = pick(
        &[
            ("attribute:a in [x", ",x", "]"),
            ("attribute:a !in ['", "','", "']"),
            ("task:group =~ '(x", "|ab", ")'"),
            ("attribute:a =~ '(x", "|a*", ")*'"),
            ("attribute:a =~ '", "(a*)*", "b'"),
            ("attribute:a =~ '", "a?", "'"),
            ("attribute:a =~ '", "\\w", "'"),
            ("attribute:a =~ '[", "a-c", "]*'"),
            ("attribute:a =~ '[", "[^a-z]", "]*'"),
            ("attribute:a =~ '", "(", "'"),
            ("attribute:a =~ '", "(?i)", "a'"),
            ("attribute:a =~ '", "\\p{Lu}", "'"),
            ("agentVersion == 1", ".9", ""),
            ("runningTasksCount == ", "9", ""),
            ("attribute:a > 1", "0", ""),
            ("attribute:", "a", " exists"),
            ("agentConnected==true", "||agentConnected in[true]", ""),
        ],
        rng,
    );
    let repetitions = (room - start.len() - end.len()) / part.len();
    format!("{start}{}{end}", part.repeat(repetitions))
}
