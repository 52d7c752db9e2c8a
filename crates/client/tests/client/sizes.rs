//! Futures of calls are small: those of the pipeline are boxed, because futures of several
//! KiB inside each other overflow stacks.

use longshore_client::{CallOptions, PlacementPolicy};
use model::operations::RunTask;

use crate::calls::run_task;
use crate::server::config;

const BYTES: usize = 4096;

#[track_caller]
fn check<F: Future>(future: &F) {
    let size = size_of_val(future);
    assert!(size < BYTES, "{size} bytes");
}

#[test]
fn futures_are_below_4_kib() {
    let client = longshore_client::Client::new(config("http://127.0.0.1:9").build().unwrap());
    let (input, options) = (run_task(), CallOptions::new());
    check(&client.run_task(&input));
    check(&client.request::<RunTask>().send());
    check(&client.start_tasks(&input, &options));
    check(&client.run_task_until_placed(&input, PlacementPolicy::default(), &options));
    check(&client.wait_for(None, ["a"]).tasks_running());
    check(&client.wait_for(None, ["a"]).tasks_stopped());
}
