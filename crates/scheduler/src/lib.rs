//! Which host runs a task, and why not the others. Pure.
//!
//! [`Fleet`] is the ledger: what every host has and what is taken from it.
//! [`place`] chooses for one request and answers with a host for each task that
//! fits, or with the first check that each host failed; [`explain`] shows the whole
//! picture. [`expression`] is the cluster query language.

mod account;
mod check;
mod demand;
mod draw;
mod explain;
pub mod expression;
mod fleet;
mod groups;
mod host;
mod index;
mod judge;
mod leaf;
pub mod limits;
mod member;
mod named;
mod place;
mod rank;
mod refusal;
mod request;
mod room;
mod scan;
mod search;
mod shelf;
mod survey;
mod tally;

pub use account::Free;
pub use demand::{Demand, RequiredAttribute};
pub use explain::{Examined, Explanation, explain};
pub use fleet::Fleet;
pub use host::{Attributes, Host};
pub use named::admit;
pub use place::{Placed, Placements, REFUSALS_MAX, RunnerUp, place};
pub use rank::RankValue;
pub use refusal::{PortRefusal, Refusal, Resource};
pub use request::{BinpackBy, Constraint, Pool, Request, SpreadBy, Strategy};
pub use scan::place_by_scan;
pub use survey::{Survey, survey};
