//! One host that the caller has named: nothing is chosen, and the pool does not matter.

use model::ContainerInstanceId;

use crate::check::check;
use crate::{Fleet, Placed, Refusal, Request};

/// May this host run one task of the request, whatever its status? `None` for an unknown host.
/// The caller enters the task with [`Fleet::take`].
pub fn admit(
    fleet: &Fleet,
    host: &ContainerInstanceId,
    request: &Request<'_>,
) -> Option<Result<Placed, Refusal>> {
    let account = fleet.account(host)?;
    let gpus = account.free_gpus().take(request.demand.gpus as usize);
    let placed = || Placed {
        host: *host,
        gpu_ids: gpus.cloned().collect(),
        values: Vec::new(),
        runner_up: None,
    };
    Some(check(account, request).map(|()| placed()))
}
