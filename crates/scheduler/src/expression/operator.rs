//! The operators of a comparison, and which subject takes which.

use super::parse::Order;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Order(Order),
    In,
    NotIn,
    Matches,
    NotMatches,
    Exists,
    NotExists,
}

/// Both spellings of each; a longer sign stands before the one that it begins with.
pub(super) const SIGNS: [(&str, Operator); 10] = [
    ("==", Operator::Order(Order::Equal)),
    ("!=", Operator::Order(Order::NotEqual)),
    (">=", Operator::Order(Order::GreaterEqual)),
    ("<=", Operator::Order(Order::LessEqual)),
    (">", Operator::Order(Order::Greater)),
    ("<", Operator::Order(Order::Less)),
    ("=~", Operator::Matches),
    ("!~", Operator::NotMatches),
    ("!in", Operator::NotIn),
    ("!exists", Operator::NotExists),
];
/// Lower case only: whether AWS takes other cases is not known.
pub(super) const WORDS: [(&str, Operator); 12] = [
    ("equals", Operator::Order(Order::Equal)),
    ("not_equals", Operator::Order(Order::NotEqual)),
    ("greater_than", Operator::Order(Order::Greater)),
    ("greater_than_equal", Operator::Order(Order::GreaterEqual)),
    ("less_than", Operator::Order(Order::Less)),
    ("less_than_equal", Operator::Order(Order::LessEqual)),
    ("matches", Operator::Matches),
    ("not_matches", Operator::NotMatches),
    ("in", Operator::In),
    ("not_in", Operator::NotIn),
    ("exists", Operator::Exists),
    ("not_exists", Operator::NotExists),
];

/// Which operators a subject has (`placement.md` §2.2).
#[derive(Clone, Copy)]
pub(super) struct Takes {
    order: bool,
    lists: bool,
    patterns: bool,
    existence: bool,
}

pub(super) const ALL: Takes = Takes {
    order: true,
    lists: true,
    patterns: true,
    existence: true,
};
pub(super) const GROUP: Takes = Takes {
    order: false,
    ..ALL
};
pub(super) const IDENTITY: Takes = Takes {
    existence: false,
    ..GROUP
};
pub(super) const MEASURE: Takes = Takes {
    order: true,
    lists: false,
    patterns: false,
    existence: false,
};

impl Takes {
    pub(super) fn takes(self, operator: Operator) -> bool {
        match operator {
            Operator::Order(Order::Equal | Order::NotEqual) => true,
            Operator::Order(_) => self.order,
            Operator::In | Operator::NotIn => self.lists,
            Operator::Matches | Operator::NotMatches => self.patterns,
            Operator::Exists | Operator::NotExists => self.existence,
        }
    }

    pub(super) fn in_words(self) -> String {
        let mut words = vec!["`==`", "`!=`"];
        for (has, more) in [
            (self.order, ["`>`, `>=`", "`<`, `<=`"]),
            (self.lists, ["`in`", "`!in`"]),
            (self.patterns, ["`=~`", "`!~`"]),
            (self.existence, ["`exists`", "`!exists`"]),
        ] {
            if has {
                words.extend(more);
            }
        }
        words.join(", ")
    }
}
