//! How good is a host that may run the task? One value per strategy, compared from
//! left to right, the least first: the same choice as narrowing the list strategy by
//! strategy (`placement.md` §5).

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::account::Account;
use crate::request::{BinpackBy, Request, SpreadBy, Strategy};
use crate::room::Room;
use crate::{Fleet, Host};

/// What one strategy says of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RankValue {
    /// All are equal; what stands behind it decides nothing.
    Random,
    Spread {
        by: SpreadBy,
        /// The attribute's value; `None`: by instance id, or the host has no such attribute.
        bucket: Option<String>,
        /// Tasks of the group in the bucket.
        tasks: u32,
    },
    Binpack {
        by: BinpackBy,
        /// What is left before the task is placed.
        left: u32,
    },
}

/// Best first; equal ones are a tie.
pub(crate) fn compare(one: &[RankValue], other: &[RankValue]) -> Ordering {
    let pairs = one.iter().zip(other);
    let weights = pairs.map_while(|(one, other)| Some((weight(one)?, weight(other)?)));
    let differing = weights.map(|(one, other)| one.cmp(&other));
    differing.fold(Ordering::Equal, Ordering::then)
}

/// `None` for a random choice.
fn weight(value: &RankValue) -> Option<u32> {
    match value {
        RankValue::Random => None,
        RankValue::Spread { tasks, .. } => Some(*tasks),
        RankValue::Binpack { left, .. } => Some(*left),
    }
}

/// Of a host looked at by itself.
pub(crate) fn values_of(
    account: &Account,
    request: &Request<'_>,
    buckets: &Buckets<'_>,
) -> Vec<RankValue> {
    let host = &account.host;
    let in_bucket = |at: usize, name: &str| {
        let bucket = buckets[at].get(&bucket(host, name));
        bucket.copied().unwrap_or(0)
    };
    let tasks = || account.tasks_of(request.group);
    values(host, account.entry().room, tasks, in_bucket, request)
}

/// The buckets of each spread by attribute; nothing for other strategies.
pub(crate) type Buckets<'a> = Vec<BTreeMap<Option<&'a str>, u32>>;

/// Counts by looking at every host.
pub(crate) fn count_buckets<'a>(fleet: &'a Fleet, request: &Request<'_>) -> Buckets<'a> {
    let count = |strategy: &Strategy| {
        let mut tasks = BTreeMap::new();
        if let Strategy::Spread(SpreadBy::Attribute(name)) = strategy {
            for account in fleet.accounts() {
                if request.pool.counts(&account.host) {
                    *tasks.entry(bucket(&account.host, name)).or_insert(0) +=
                        account.tasks_of(request.group);
                }
            }
        }
        tasks
    };
    request.strategies().iter().map(count).collect()
}

/// A host without the attribute is in a bucket of its own, one with no value in another.
pub(crate) fn bucket<'a>(host: &'a Host, name: &str) -> Option<&'a str> {
    let value = host.attributes.get(name)?;
    Some(value.as_deref().unwrap_or_default())
}

/// `host` is any with the same attributes; `tasks` tells how many of the group the host has,
/// `in_bucket` how many the bucket of a strategy has.
pub(crate) fn values(
    host: &Host,
    room: Room,
    tasks: impl Fn() -> u32,
    in_bucket: impl Fn(usize, &str) -> u32,
    request: &Request<'_>,
) -> Vec<RankValue> {
    let value = |(at, strategy): (usize, &Strategy)| match strategy {
        Strategy::Random => RankValue::Random,
        Strategy::Binpack(by) => RankValue::Binpack {
            by: *by,
            left: room.of(by.amount()),
        },
        Strategy::Spread(SpreadBy::InstanceId) => RankValue::Spread {
            by: SpreadBy::InstanceId,
            bucket: None,
            tasks: tasks(),
        },
        Strategy::Spread(by @ SpreadBy::Attribute(name)) => RankValue::Spread {
            by: by.clone(),
            bucket: bucket(host, name).map(str::to_owned),
            tasks: in_bucket(at, name),
        },
    };
    request.strategies().iter().enumerate().map(value).collect()
}
