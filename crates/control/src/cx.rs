//! What an operation gets: state, caller, time, randomness, settings.

use std::collections::{BTreeMap, BTreeSet};

use model::shapes::Failure;
use model::{ContainerInstanceId, TaskId, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;

use crate::limits::Limits;
use crate::state::State;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// For example `arn:aws:iam::000000000000:root`.
    pub principal_arn: String,
}

/// What the operator has decided about this server.
#[derive(Clone, Debug)]
pub struct Settings {
    pub region: String,
    /// 12 digits.
    pub account: String,
    /// The Availability Zone that the local machine stands in.
    pub availability_zone: String,
    /// The zones of subnets, as far as the operator has told.
    pub subnet_zones: BTreeMap<String, String>,
    /// Where subnets and security groups are looked up; without any, every name is taken.
    pub vpcs: Vec<Vpc>,
    /// What of its hosts definitions may mount.
    pub volumes: Volumes,
    /// Containers are scripted here, and so is every host that registers: there is nobody
    /// behind it, and it is connected at once.
    pub scripted: bool,
    pub limits: Limits,
}

impl Settings {
    /// The account's root, whose account settings are the defaults of all principals.
    pub fn root_arn(&self) -> String {
        root_arn(&self.account)
    }
}

/// The principal that an account's root key stands for.
pub fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// A network that the operator has declared. Each name belongs to one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vpc {
    pub id: String,
    pub subnets: BTreeSet<String>,
    pub security_groups: BTreeSet<String>,
}

/// Folders of the hosts, absolute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Volumes {
    /// `host.sourcePath` must be one of them, or below one.
    pub bind: Vec<String>,
    /// In place of file systems of EFS, and of their access points, by id.
    pub efs: BTreeMap<String, String>,
}

/// For an operation that changes something. The caller commits after `Ok` and restores the
/// state from before after `Err`.
pub struct Cx<'a> {
    pub state: &'a mut State,
    pub caller: &'a Caller,
    pub now: Timestamp,
    pub random: &'a mut Random,
    pub settings: &'a Settings,
    /// Tasks that RunTask is not to start, for the reason that it then answers with.
    pub withheld: Option<Withheld>,
}

/// Tasks that somebody wants not to be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct Withheld {
    pub failure: Failure,
    /// Of each call; all if not given.
    pub count: Option<usize>,
}

/// For an operation that only reads: it runs on a snapshot and never queues behind writers.
pub struct ReadCx<'a> {
    pub state: &'a State,
    pub caller: &'a Caller,
    pub now: Timestamp,
    pub settings: &'a Settings,
}

impl Cx<'_> {
    /// The same context for the helpers that only read.
    pub fn reading(&self) -> ReadCx<'_> {
        ReadCx {
            state: self.state,
            caller: self.caller,
            now: self.now,
            settings: self.settings,
        }
    }
}

/// Randomness with one generator per purpose, so that a draw more here changes nothing there.
#[derive(Debug)]
pub struct Random {
    ids: ChaCha12Rng,
    placement: ChaCha12Rng,
}

impl Random {
    /// The same seed gives the same ids and the same placements.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let mut root = ChaCha12Rng::from_seed(seed);
        Self {
            ids: ChaCha12Rng::from_rng(&mut root),
            placement: ChaCha12Rng::from_rng(&mut root),
        }
    }

    pub fn task_id(&mut self) -> TaskId {
        TaskId::from_bits(self.bits())
    }

    pub fn container_instance_id(&mut self) -> ContainerInstanceId {
        ContainerInstanceId::from_bits(self.bits())
    }

    /// 128 random bits for an id that has no type of its own.
    pub fn bits(&mut self) -> u128 {
        let mut bytes = [0; 16];
        self.ids.fill_bytes(&mut bytes);
        u128::from_be_bytes(bytes)
    }

    pub fn placement(&mut self) -> &mut impl Rng {
        &mut self.placement
    }
}
