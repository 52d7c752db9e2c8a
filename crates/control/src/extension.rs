//! What this server can do beyond ECS, below `/_longshore/v1/`. The wire of ECS never
//! changes for it; who may ask is decided as for any call.

pub(crate) mod explain;
pub(crate) mod interrupt;
pub(crate) mod why;

use model::capacity::CAPACITY_PATH;
use model::explain::{EXPLAIN_PATH, WHY_PATH};
use model::interrupt::INTERRUPT_PATH;

use crate::capacity;
use crate::error::OpError;
use crate::operation::{self, Prepared};

/// Decodes the body of a `POST`; `None` for an unknown path.
pub fn prepare(path: &str, body: &[u8]) -> Option<Result<Prepared, OpError>> {
    let prepared = match path {
        EXPLAIN_PATH => operation::read(body, explain::explain),
        CAPACITY_PATH => operation::read(body, capacity::wish::list),
        INTERRUPT_PATH => operation::write(body, interrupt::interrupt),
        WHY_PATH => operation::read(body, why::why),
        _ => return None,
    };
    Some(prepared)
}
