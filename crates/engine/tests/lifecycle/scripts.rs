//! Scripts: one rule each, a snapshot with one line per event.

use engine::Task;
use expect_test::{Expect, expect};
use model::container::Existing;
use model::payload::{
    ContainerReport, ContainerStatus, Health, HostStatus, NetworkMode, TaskReport,
};

use crate::language::{exit, line, payload, play, seconds, started, task_id};

#[track_caller]
fn check_in(mode: NetworkMode, definition: &str, events: &str, expected: Expect) {
    let (mut task, effects) = Task::accept(payload(mode, definition), seconds(0));
    let mut out = String::new();
    line(task.payload(), "accept", &effects, &mut out);
    play(&mut task, seconds(0), events, &mut out);
    expected.assert_eq(&out);
}

#[track_caller]
fn check(definition: &str, events: &str, expected: Expect) {
    check_in(NetworkMode::Bridge, definition, events, expected);
}

#[test]
fn one_container_ends_its_task() {
    check(
        "app",
        "network; +1s; pulled app; +1s; started app; +5s; exited app 3; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            +1s: -
            pulled app: start app, [Pending app=Pending pull@0 pulled@1]
            +1s: -
            started app: wait app, [Running app=Running pull@0 pulled@1 started@2]
            +5s: -
            exited app 3: tear down, [Stopping app=Stopped(3) !essential pull@0 pulled@1 started@2 ended@7]
            torn: [Stopped app=Stopped(3) !essential pull@0 pulled@1 started@2 ended@7]
        "#]],
    );
}

#[test]
fn awsvpc_is_provisioned_and_deprovisioned() {
    check_in(
        NetworkMode::Awsvpc,
        "app",
        "network; pulled app; started app; exited app 0; torn",
        expect![[r#"
            accept: set up network, [Provisioning app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app 0: tear down, [Deprovisioning app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn an_essential_container_stops_the_others() {
    check(
        "app; side",
        "network; pulled app; pulled side; started app; started side; exited app 1; exited side 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled app: start app, [Pending app=Pending side=Pending pull@0]
            pulled side: start side, [Pending app=Pending side=Pending pull@0 pulled@0]
            started app: wait app, [Pending app=Running side=Pending pull@0 pulled@0]
            started side: wait side, [Running app=Running side=Running pull@0 pulled@0 started@0]
            exited app 1: signal side 15, [Stopping app=Stopped(1) side=Running !essential pull@0 pulled@0 started@0 ended@0], wake 30s
            exited side 143: tear down, [Stopping app=Stopped(1) side=Stopped(143) !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(1) side=Stopped(143) !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn an_optional_container_does_not() {
    check(
        "app; side optional",
        "network; pulled app; pulled side; started side; exited side 9; started app; exited app 0; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled app: start app, [Pending app=Pending side=Pending pull@0]
            pulled side: start side, [Pending app=Pending side=Pending pull@0 pulled@0]
            started side: wait side, [Pending app=Pending side=Running pull@0 pulled@0]
            exited side 9: [Pending app=Pending side=Stopped(9) pull@0 pulled@0]
            started app: wait app, [Running app=Running side=Stopped(9) pull@0 pulled@0 started@0]
            exited app 0: tear down, [Stopping app=Stopped(0) side=Stopped(9) !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(0) side=Stopped(9) !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_signal_that_is_ignored_is_followed_by_sigkill() {
    check(
        "app stop=5",
        "network; pulled app signal 3; started app; stop; +4s; +1s; +10s; exited app 137; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app signal 3: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            stop: signal app 3, [Stopping app=Running pull@0 pulled@0 started@0], wake 5s
            +4s: wake 5s
            +1s: signal app 9, wake 15s
            +10s: signal app 9, wake 25s
            exited app 137: tear down, [Stopping app=Stopped(137) pull@0 pulled@0 started@0 ended@15]
            torn: [Stopped app=Stopped(137) pull@0 pulled@0 started@0 ended@15]
        "#]],
    );
}

#[test]
fn a_signal_that_fails_is_followed_by_sigkill_at_once() {
    check(
        "app",
        "network; pulled app; started app; stop; signal app fails frozen; exited app 137; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            stop: signal app 15, [Stopping app=Running pull@0 pulled@0 started@0], wake 30s
            signal app fails frozen: signal app 9, [Stopping app=Running<CannotStopContainerError: frozen> pull@0 pulled@0 started@0], wake 10s
            exited app 137: tear down, [Stopping app=Stopped(137)<CannotStopContainerError: frozen> pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(137)<CannotStopContainerError: frozen> pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_stop_before_the_start_needs_no_signal() {
    check(
        "app",
        "network; stop; pulled app; torn",
        expect![[r#"
        accept: set up network, [Pending app=Pending]
        network: pull app, [Pending app=Pending pull@0]
        stop: tear down, [Stopping app=Stopped pull@0 ended@0]
        pulled app: -
        torn: [Stopped app=Stopped pull@0 ended@0]
    "#]],
    );
    check(
        "app",
        "stop; network; torn; stop",
        expect![[r#"
        accept: set up network, [Pending app=Pending]
        stop: [Stopping app=Stopped]
        network: tear down, [Stopping app=Stopped ended@0]
        torn: [Stopped app=Stopped ended@0]
        stop: -
    "#]],
    );
    check(
        "app",
        "network; pulled app; stop; started app; exited app 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            stop: [Stopping app=Pending pull@0 pulled@0]
            started app: wait app, signal app 15, [Stopping app=Running pull@0 pulled@0], wake 30s
            exited app 143: tear down, [Stopping app=Stopped(143) pull@0 pulled@0 ended@0]
            torn: [Stopped app=Stopped(143) pull@0 pulled@0 ended@0]
        "#]],
    );
}

#[test]
fn an_image_that_cannot_be_had_fails_the_task() {
    check(
        "app; side",
        "network; pulled side; pulled app fails missing; started side; exited side 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled side: start side, [Pending app=Pending side=Pending pull@0]
            pulled app fails missing: [Stopping app=Stopped<CannotPullContainerError: missing> side=Pending !failed(CannotPullContainerError: missing) pull@0 pulled@0]
            started side: wait side, signal side 15, [Stopping app=Stopped<CannotPullContainerError: missing> side=Running !failed(CannotPullContainerError: missing) pull@0 pulled@0], wake 30s
            exited side 143: tear down, [Stopping app=Stopped<CannotPullContainerError: missing> side=Stopped(143) !failed(CannotPullContainerError: missing) pull@0 pulled@0 ended@0]
            torn: [Stopped app=Stopped<CannotPullContainerError: missing> side=Stopped(143) !failed(CannotPullContainerError: missing) pull@0 pulled@0 ended@0]
        "#]],
    );
}

#[test]
fn an_optional_image_that_cannot_be_had_does_not() {
    check(
        "app; side optional",
        "network; pulled side fails missing; pulled app; started app",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled side fails missing: [Pending app=Pending side=Stopped<CannotPullContainerError: missing> pull@0]
            pulled app: start app, [Pending app=Pending side=Stopped<CannotPullContainerError: missing> pull@0 pulled@0]
            started app: wait app, [Running app=Running side=Stopped<CannotPullContainerError: missing> pull@0 pulled@0 started@0]
        "#]],
    );
    check(
        "side optional",
        "network; pulled side fails missing; torn",
        expect![[r#"
            accept: set up network, [Pending side=Pending]
            network: pull side, [Pending side=Pending pull@0]
            pulled side fails missing: tear down, [Stopping side=Stopped<CannotPullContainerError: missing> !failed(Task failed to start) pull@0 pulled@0 ended@0]
            torn: [Stopped side=Stopped<CannotPullContainerError: missing> !failed(Task failed to start) pull@0 pulled@0 ended@0]
        "#]],
    );
}

#[test]
fn a_start_that_fails_stops_what_runs() {
    check(
        "app; side",
        "network; pulled app; pulled side; started side; started app fails nope; exited side 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled app: start app, [Pending app=Pending side=Pending pull@0]
            pulled side: start side, [Pending app=Pending side=Pending pull@0 pulled@0]
            started side: wait side, [Pending app=Pending side=Running pull@0 pulled@0]
            started app fails nope: signal side 15, [Stopping app=Stopped<CannotStartContainerError: nope> side=Running !failed(CannotStartContainerError: nope) pull@0 pulled@0], wake 30s
            exited side 143: tear down, [Stopping app=Stopped<CannotStartContainerError: nope> side=Stopped(143) !failed(CannotStartContainerError: nope) pull@0 pulled@0 ended@0]
            torn: [Stopped app=Stopped<CannotStartContainerError: nope> side=Stopped(143) !failed(CannotStartContainerError: nope) pull@0 pulled@0 ended@0]
        "#]],
    );
}

#[test]
fn a_network_that_fails_fails_the_task() {
    check(
        "app",
        "network fails taken; torn",
        expect![[r#"
        accept: set up network, [Pending app=Pending]
        network fails taken: tear down, [Stopping app=Stopped !failed(ContainerNetworkingError: taken) ended@0]
        torn: [Stopped app=Stopped !failed(ContainerNetworkingError: taken) ended@0]
    "#]],
    );
}

#[test]
fn exits_have_reasons() {
    check(
        "app",
        "network; pulled app; started app; exited app oom",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app oom: tear down, [Stopping app=Stopped(137)<OutOfMemoryError: Container killed due to memory usage> !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
    check(
        "app",
        "network; pulled app; started app; exited app unknown lost",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app unknown lost: tear down, [Stopping app=Stopped<lost> !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_dependant_starts_after_success() {
    check(
        "app needs=init:SUCCESS; init optional",
        "network; pulled app; pulled init; started init; exited init 0; started app; exited app 0; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending init=Pending]
            network: pull app, pull init, [Pending app=Pending init=Pending pull@0]
            pulled app: [Pending app=Pending init=Pending pull@0]
            pulled init: start init, [Pending app=Pending init=Pending pull@0 pulled@0]
            started init: wait init, [Pending app=Pending init=Running pull@0 pulled@0]
            exited init 0: start app, [Pending app=Pending init=Stopped(0) pull@0 pulled@0]
            started app: wait app, [Running app=Running init=Stopped(0) pull@0 pulled@0 started@0]
            exited app 0: tear down, [Stopping app=Stopped(0) init=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(0) init=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_dependant_never_starts_after_failure() {
    check(
        "app needs=init:SUCCESS; init optional",
        "network; pulled init; pulled app; started init; exited init 4; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending init=Pending]
            network: pull app, pull init, [Pending app=Pending init=Pending pull@0]
            pulled init: start init, [Pending app=Pending init=Pending pull@0]
            pulled app: [Pending app=Pending init=Pending pull@0 pulled@0]
            started init: wait init, [Pending app=Pending init=Running pull@0 pulled@0]
            exited init 4: tear down, [Stopping app=Stopped<TaskDependencyError: SUCCESS of container 'init' is required, but it exited with code 4> init=Stopped(4) !failed(Task failed to start) pull@0 pulled@0 ended@0]
            torn: [Stopped app=Stopped<TaskDependencyError: SUCCESS of container 'init' is required, but it exited with code 4> init=Stopped(4) !failed(Task failed to start) pull@0 pulled@0 ended@0]
        "#]],
    );
}

#[test]
fn complete_takes_any_code_but_not_none_at_all() {
    check(
        "app needs=init:COMPLETE; init optional",
        "network; pulled init; pulled app; started init; exited init 4",
        expect![[r#"
            accept: set up network, [Pending app=Pending init=Pending]
            network: pull app, pull init, [Pending app=Pending init=Pending pull@0]
            pulled init: start init, [Pending app=Pending init=Pending pull@0]
            pulled app: [Pending app=Pending init=Pending pull@0 pulled@0]
            started init: wait init, [Pending app=Pending init=Running pull@0 pulled@0]
            exited init 4: start app, [Pending app=Pending init=Stopped(4) pull@0 pulled@0]
        "#]],
    );
    check(
        "app needs=init:COMPLETE; init optional",
        "network; pulled init fails missing; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending init=Pending]
            network: pull app, pull init, [Pending app=Pending init=Pending pull@0]
            pulled init fails missing: tear down, [Stopping app=Stopped<TaskDependencyError: COMPLETE of container 'init' is required, but it was not started> init=Stopped<CannotPullContainerError: missing> !failed(Task failed to start) pull@0 ended@0]
            torn: [Stopped app=Stopped<TaskDependencyError: COMPLETE of container 'init' is required, but it was not started> init=Stopped<CannotPullContainerError: missing> !failed(Task failed to start) pull@0 ended@0]
        "#]],
    );
}

#[test]
fn a_dependant_waits_for_health() {
    check(
        "app needs=db:HEALTHY; db health=5/2/0",
        "network; pulled app; pulled db; started db; +5s; health db bad; +5s; health db ok; started app; +5s; health db bad; +5s; health db bad",
        expect![[r#"
            accept: set up network, [Pending app=Pending db=Pending]
            network: pull app, pull db, [Pending app=Pending db=Pending pull@0]
            pulled app: [Pending app=Pending db=Pending pull@0]
            pulled db: start db, [Pending app=Pending db=Pending pull@0 pulled@0]
            started db: wait db, [Pending app=Pending db=Running pull@0 pulled@0], wake 5s
            +5s: check db
            health db bad: wake 10s
            +5s: check db
            health db ok: start app, [Pending app=Pending db=Running+ pull@0 pulled@0], wake 15s
            started app: wait app, [Running app=Running db=Running+ pull@0 pulled@0 started@10]
            +5s: check db
            health db bad: wake 20s
            +5s: check db
            health db bad: [Running app=Running db=Running- pull@0 pulled@0 started@10], wake 25s
        "#]],
    );
}

#[test]
fn a_dependant_does_not_start_on_unhealthy() {
    check(
        "app needs=db:HEALTHY; db health=5/1/0",
        "network; pulled app; pulled db; started db; +5s; health db bad; exited db 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending db=Pending]
            network: pull app, pull db, [Pending app=Pending db=Pending pull@0]
            pulled app: [Pending app=Pending db=Pending pull@0]
            pulled db: start db, [Pending app=Pending db=Pending pull@0 pulled@0]
            started db: wait db, [Pending app=Pending db=Running pull@0 pulled@0], wake 5s
            +5s: check db
            health db bad: signal db 15, [Stopping app=Stopped<TaskDependencyError: HEALTHY of container 'db' is required, but it is UNHEALTHY> db=Running- !failed(Task failed to start) pull@0 pulled@0], wake 35s
            exited db 143: tear down, [Stopping app=Stopped<TaskDependencyError: HEALTHY of container 'db' is required, but it is UNHEALTHY> db=Stopped(143)- !failed(Task failed to start) pull@0 pulled@0 ended@5]
            torn: [Stopped app=Stopped<TaskDependencyError: HEALTHY of container 'db' is required, but it is UNHEALTHY> db=Stopped(143)- !failed(Task failed to start) pull@0 pulled@0 ended@5]
        "#]],
    );
}

#[test]
fn failures_in_the_start_period_do_not_count() {
    check(
        "app health=5/1/12",
        "network; pulled app; started app; +5s; health app bad; +5s; health app bad; +5s; health app bad",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0], wake 5s
            +5s: check app
            health app bad: wake 10s
            +5s: check app
            health app bad: wake 15s
            +5s: check app
            health app bad: [Running app=Running- pull@0 pulled@0 started@0], wake 20s
        "#]],
    );
}

#[test]
fn a_success_ends_the_start_period() {
    check(
        "app health=5/1/60",
        "network; pulled app; started app; +5s; health app ok; +5s; health app bad; stop; health app ok",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0], wake 5s
            +5s: check app
            health app ok: [Running app=Running+ pull@0 pulled@0 started@0], wake 10s
            +5s: check app
            health app bad: [Running app=Running- pull@0 pulled@0 started@0], wake 15s
            stop: signal app 15, [Stopping app=Running- pull@0 pulled@0 started@0], wake 40s
            health app ok: [Stopping app=Running+ pull@0 pulled@0 started@0]
        "#]],
    );
}

#[test]
fn start_timeout_bounds_the_wait_of_dependants() {
    check(
        "app needs=init:SUCCESS; init optional start=10",
        "network; pulled init; +3s; pulled app; started init; +9s; +1s; exited init 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending init=Pending]
            network: pull app, pull init, [Pending app=Pending init=Pending pull@0]
            pulled init: start init, [Pending app=Pending init=Pending pull@0]
            +3s: -
            pulled app: [Pending app=Pending init=Pending pull@0 pulled@3]
            started init: wait init, [Pending app=Pending init=Running pull@0 pulled@3], wake 13s
            +9s: wake 13s
            +1s: signal init 15, [Stopping app=Stopped<TaskDependencyError: SUCCESS of container 'init' is required, but its startTimeout of 10 s has passed> init=Running !failed(Task failed to start) pull@0 pulled@3], wake 43s
            exited init 143: tear down, [Stopping app=Stopped<TaskDependencyError: SUCCESS of container 'init' is required, but its startTimeout of 10 s has passed> init=Stopped(143) !failed(Task failed to start) pull@0 pulled@3 ended@13]
            torn: [Stopped app=Stopped<TaskDependencyError: SUCCESS of container 'init' is required, but its startTimeout of 10 s has passed> init=Stopped(143) !failed(Task failed to start) pull@0 pulled@3 ended@13]
        "#]],
    );
}

#[test]
fn shutdown_runs_the_dependencies_backwards() {
    check(
        "db; app needs=db:START; web needs=app:START",
        "network; pulled db; pulled app; pulled web; started db; started app; started web; stop; exited web 143; exited app 0; exited db 143; torn",
        expect![[r#"
            accept: set up network, [Pending db=Pending app=Pending web=Pending]
            network: pull db, pull app, pull web, [Pending db=Pending app=Pending web=Pending pull@0]
            pulled db: start db, [Pending db=Pending app=Pending web=Pending pull@0]
            pulled app: [Pending db=Pending app=Pending web=Pending pull@0]
            pulled web: [Pending db=Pending app=Pending web=Pending pull@0 pulled@0]
            started db: wait db, start app, [Pending db=Running app=Pending web=Pending pull@0 pulled@0]
            started app: wait app, start web, [Pending db=Running app=Running web=Pending pull@0 pulled@0]
            started web: wait web, [Running db=Running app=Running web=Running pull@0 pulled@0 started@0]
            stop: signal web 15, [Stopping db=Running app=Running web=Running pull@0 pulled@0 started@0], wake 30s
            exited web 143: signal app 15, [Stopping db=Running app=Running web=Stopped(143) pull@0 pulled@0 started@0 ended@0]
            exited app 0: signal db 15, [Stopping db=Running app=Stopped(0) web=Stopped(143) pull@0 pulled@0 started@0 ended@0]
            exited db 143: tear down, [Stopping db=Stopped(143) app=Stopped(0) web=Stopped(143) pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped db=Stopped(143) app=Stopped(0) web=Stopped(143) pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn what_a_container_is_linked_to_starts_before_it_and_stops_with_it() {
    check(
        "app after=db; db",
        "network; pulled app; pulled db; started db; started app; stop; exited app 0; exited db 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending db=Pending]
            network: pull app, pull db, [Pending app=Pending db=Pending pull@0]
            pulled app: [Pending app=Pending db=Pending pull@0]
            pulled db: start db, [Pending app=Pending db=Pending pull@0 pulled@0]
            started db: wait db, start app, [Pending app=Pending db=Running pull@0 pulled@0]
            started app: wait app, [Running app=Running db=Running pull@0 pulled@0 started@0]
            stop: signal app 15, signal db 15, [Stopping app=Running db=Running pull@0 pulled@0 started@0], wake 30s
            exited app 0: [Stopping app=Stopped(0) db=Running pull@0 pulled@0 started@0 ended@0]
            exited db 143: tear down, [Stopping app=Stopped(0) db=Stopped(143) pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(0) db=Stopped(143) pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_link_against_a_dependency_is_refused() {
    check(
        "app after=db; db needs=app:START",
        "",
        expect![[r#"
        accept: tear down, [Stopping app=Stopped db=Stopped !failed(TaskDependencyError: Task dependencies cannot be resolved, taskArn: arn:aws:ecs:us-east-1:000000000000:task/default/7) ended@0]
    "#]],
    );
}

#[test]
fn dependencies_without_an_order_are_refused() {
    check(
        "a needs=b:START; b needs=a:START; c",
        "torn",
        expect![[r#"
        accept: tear down, [Stopping a=Stopped b=Stopped c=Stopped !failed(TaskDependencyError: Task dependencies cannot be resolved, taskArn: arn:aws:ecs:us-east-1:000000000000:task/default/7) ended@0]
        torn: [Stopped a=Stopped b=Stopped c=Stopped !failed(TaskDependencyError: Task dependencies cannot be resolved, taskArn: arn:aws:ecs:us-east-1:000000000000:task/default/7) ended@0]
    "#]],
    );
    check(
        "a needs=ghost:START",
        "network; torn",
        expect![[r#"
        accept: set up network, [Stopping a=Stopped<TaskDependencyError: START of container 'ghost' is required, but the task has no such container> !failed(Task failed to start)]
        network: tear down, [Stopping a=Stopped<TaskDependencyError: START of container 'ghost' is required, but the task has no such container> !failed(Task failed to start) ended@0]
        torn: [Stopped a=Stopped<TaskDependencyError: START of container 'ghost' is required, but the task has no such container> !failed(Task failed to start) ended@0]
    "#]],
    );
}

#[test]
fn a_removal_that_fails_is_tried_again() {
    check(
        "app",
        "network; pulled app; started app; exited app 0; torn fails busy; +1s; +1s; torn; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app 0: tear down, [Stopping app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            torn fails busy: wake 2s
            +1s: wake 2s
            +1s: tear down
            torn: [Stopped app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            torn: -
        "#]],
    );
}

#[test]
fn a_removal_that_fails_for_ever_holds_nobody_up() {
    check(
        "app",
        "stop; network; torn fails a; +2s; torn fails b; +4s; torn fails c; +8s; torn fails d; +16s; torn fails e",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            stop: [Stopping app=Stopped]
            network: tear down, [Stopping app=Stopped ended@0]
            torn fails a: wake 2s
            +2s: tear down
            torn fails b: wake 6s
            +4s: tear down
            torn fails c: wake 14s
            +8s: tear down
            torn fails d: wake 30s
            +16s: tear down
            torn fails e: [Stopped app=Stopped ended@0]
        "#]],
    );
}

#[test]
fn late_and_repeated_events_are_ignored() {
    check(
        "app",
        "pulled app; started app; exited app 1; torn; network; network; pulled app; pulled app; started app; started app; exited app 0; exited app 1; health app bad; signal app fails x; torn; torn; stop; network; pulled app",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            pulled app: -
            started app: -
            exited app 1: -
            torn: -
            network: pull app, [Pending app=Pending pull@0]
            network: -
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            pulled app: -
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            started app: -
            exited app 0: tear down, [Stopping app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            exited app 1: -
            health app bad: -
            signal app fails x: -
            torn: [Stopped app=Stopped(0) !essential pull@0 pulled@0 started@0 ended@0]
            torn: -
            stop: -
            network: -
            pulled app: -
        "#]],
    );
}

/// What the control plane knows of a task: its status and, per container, name, status, code.
fn known(status: HostStatus, containers: &[(&str, ContainerStatus, Option<i32>)]) -> TaskReport {
    let reached = |least| (status >= least).then(|| seconds(1));
    let containers = containers
        .iter()
        .map(|&(name, status, exit_code)| ContainerReport {
            name: name.to_owned(),
            status,
            runtime_id: (status > ContainerStatus::Pending).then(|| format!("id-{name}")),
            image_digest: None,
            exit_code,
            reason: None,
            bindings: Vec::new(),
            ipv4: None,
            health: Health::Unknown,
        });
    TaskReport {
        task: task_id(),
        status,
        containers: containers.collect(),
        interface: None,
        pull_started_at: reached(HostStatus::Running),
        pull_stopped_at: reached(HostStatus::Running),
        started_at: reached(HostStatus::Running),
        execution_stopped_at: reached(HostStatus::Deprovisioning),
        stop: None,
    }
}

/// `existing` names what the driver found: the container, and its code if it has ended.
#[track_caller]
fn check_resume(
    definition: &str,
    known: Option<TaskReport>,
    existing: &[(&str, Option<i32>)],
    events: &str,
    expected: Expect,
) {
    let payload = payload(NetworkMode::Bridge, definition);
    let existing: Vec<_> = existing
        .iter()
        .map(|&(name, code)| Existing {
            key: model::container::ContainerKey {
                task: task_id(),
                container: name.to_owned(),
            },
            started: started(name, seconds(1)),
            exit: code.map(|code| exit(code, seconds(2))),
        })
        .collect();
    let (mut task, effects) = Task::resume(payload, known, &existing, seconds(100));
    let mut out = String::new();
    line(task.payload(), "resume", &effects, &mut out);
    play(&mut task, seconds(100), events, &mut out);
    expected.assert_eq(&out);
}

#[test]
fn a_running_container_is_adopted() {
    let running = known(
        HostStatus::Running,
        &[("app", ContainerStatus::Running, None)],
    );
    check_resume(
        "app",
        Some(running),
        &[("app", None)],
        "network; pulled app signal 2; stop; exited app 130; torn",
        expect![[r#"
            resume: wait app, pull app, set up network
            network: [Running app=Running pull@1 pulled@1 started@1]
            pulled app signal 2: [Running app=Running pull@1 pulled@1 started@1]
            stop: signal app 2, [Stopping app=Running pull@1 pulled@1 started@1], wake 130s
            exited app 130: tear down, [Stopping app=Stopped(130) pull@1 pulled@1 started@1 ended@100]
            torn: [Stopped app=Stopped(130) pull@1 pulled@1 started@1 ended@100]
        "#]],
    );
    let running = known(
        HostStatus::Running,
        &[("app", ContainerStatus::Running, None)],
    );
    check_resume(
        "app",
        Some(running),
        &[("app", None)],
        "network fails gone; exited app 0",
        expect![[r#"
            resume: wait app, pull app, set up network
            network fails gone: -
            exited app 0: tear down, [Stopping app=Stopped(0) !essential pull@1 pulled@1 started@1 ended@100]
        "#]],
    );
}

#[test]
fn an_exit_that_nobody_saw_is_reported() {
    let running = known(
        HostStatus::Running,
        &[("app", ContainerStatus::Running, None)],
    );
    check_resume(
        "app",
        Some(running),
        &[("app", Some(3))],
        "network; torn",
        expect![[r#"
            resume: tear down, [Stopping app=Stopped(3) !essential pull@1 pulled@1 started@1 ended@2]
            network: -
            torn: [Stopped app=Stopped(3) !essential pull@1 pulled@1 started@1 ended@2]
        "#]],
    );
    check_resume(
        "app",
        None,
        &[("app", Some(3))],
        "network; torn",
        expect![[r#"
            resume: [Running app=Running started@1], tear down, [Stopping app=Stopped(3) !essential started@1 ended@2]
            network: -
            torn: [Stopped app=Stopped(3) !essential started@1 ended@2]
        "#]],
    );
}

#[test]
fn a_container_that_is_gone_has_vanished() {
    let running = known(
        HostStatus::Running,
        &[("app", ContainerStatus::Running, None)],
    );
    check_resume(
        "app",
        Some(running),
        &[],
        "network; torn",
        expect![[r#"
        resume: tear down, [Stopping app=Stopped<ContainerVanishedError: the host no longer knows this container; how it ended is unknown> !essential pull@1 pulled@1 started@1 ended@100]
        network: -
        torn: [Stopped app=Stopped<ContainerVanishedError: the host no longer knows this container; how it ended is unknown> !essential pull@1 pulled@1 started@1 ended@100]
    "#]],
    );
}

#[test]
fn a_stop_goes_on_after_a_restart() {
    let stopping = known(
        HostStatus::Stopping,
        &[("app", ContainerStatus::Running, None)],
    );
    check_resume(
        "app",
        Some(stopping),
        &[("app", None)],
        "pulled app; exited app 143; torn",
        expect![[r#"
            resume: wait app, pull app, signal app 15, wake 130s
            pulled app: [Stopping app=Running pull@1 pulled@1 started@1]
            exited app 143: tear down, [Stopping app=Stopped(143) pull@1 pulled@1 started@1 ended@100]
            torn: [Stopped app=Stopped(143) pull@1 pulled@1 started@1 ended@100]
        "#]],
    );
    let ended = known(
        HostStatus::Deprovisioning,
        &[("app", ContainerStatus::Stopped, Some(0))],
    );
    check_resume(
        "app",
        Some(ended),
        &[],
        "torn",
        expect![[r#"
        resume: tear down
        torn: [Stopped app=Stopped(0) pull@1 pulled@1 started@1 ended@1]
    "#]],
    );
    let stopped = known(
        HostStatus::Stopped,
        &[("app", ContainerStatus::Stopped, Some(0))],
    );
    check_resume(
        "app",
        Some(stopped),
        &[],
        "stop; network; torn",
        expect![[r#"
            resume: -
            stop: -
            network: -
            torn: -
        "#]],
    );
}

#[test]
fn a_task_that_was_starting_starts_on() {
    let pending = known(
        HostStatus::Pending,
        &[
            ("app", ContainerStatus::Pending, None),
            ("init", ContainerStatus::Stopped, Some(0)),
        ],
    );
    check_resume(
        "app needs=init:SUCCESS; init optional",
        Some(pending),
        &[],
        "network; pulled app; started app",
        expect![[r#"
            resume: set up network
            network: pull app, [Pending app=Pending init=Stopped(0) pull@100]
            pulled app: start app, [Pending app=Pending init=Stopped(0) pull@100 pulled@100]
            started app: wait app, [Running app=Running init=Stopped(0) pull@100 pulled@100 started@100]
        "#]],
    );
}

#[test]
fn a_restart_policy_starts_it_again_in_its_place() {
    check(
        "app restart=60/42",
        "network; pulled app; started app; +60s; exited app 1; started app; +59s; exited app 1; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            +60s: -
            exited app 1: restart app
            started app: wait app
            +59s: -
            exited app 1: tear down, [Stopping app=Stopped(1) !essential pull@0 pulled@0 started@0 ended@119]
            torn: [Stopped app=Stopped(1) !essential pull@0 pulled@0 started@0 ended@119]
        "#]],
    );
    check(
        "app restart=60/0,42",
        "network; pulled app; started app; +99s; exited app 42; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            +99s: -
            exited app 42: tear down, [Stopping app=Stopped(42) !essential pull@0 pulled@0 started@0 ended@99]
            torn: [Stopped app=Stopped(42) !essential pull@0 pulled@0 started@0 ended@99]
        "#]],
    );
    check(
        "app restart=0/",
        "network; pulled app; started app; exited app unknown lost; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app unknown lost: tear down, [Stopping app=Stopped<lost> !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped<lost> !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_restart_that_fails_ends_it() {
    check(
        "app restart=0/; side optional restart=0/",
        "network; pulled app; pulled side; started app; started side; exited side 1; started side fails gone; exited app 3; started app fails gone; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending side=Pending]
            network: pull app, pull side, [Pending app=Pending side=Pending pull@0]
            pulled app: start app, [Pending app=Pending side=Pending pull@0]
            pulled side: start side, [Pending app=Pending side=Pending pull@0 pulled@0]
            started app: wait app, [Pending app=Running side=Pending pull@0 pulled@0]
            started side: wait side, [Running app=Running side=Running pull@0 pulled@0 started@0]
            exited side 1: restart side
            started side fails gone: [Running app=Running side=Stopped(1)<CannotStartContainerError: gone> pull@0 pulled@0 started@0]
            exited app 3: restart app
            started app fails gone: tear down, [Stopping app=Stopped(3)<CannotStartContainerError: gone> side=Stopped(1)<CannotStartContainerError: gone> !essential pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(3)<CannotStartContainerError: gone> side=Stopped(1)<CannotStartContainerError: gone> !essential pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}

#[test]
fn a_stop_waits_for_the_restart_under_way() {
    check(
        "app restart=0/",
        "network; pulled app; started app; exited app 1; stop; started app; exited app 143; torn",
        expect![[r#"
            accept: set up network, [Pending app=Pending]
            network: pull app, [Pending app=Pending pull@0]
            pulled app: start app, [Pending app=Pending pull@0 pulled@0]
            started app: wait app, [Running app=Running pull@0 pulled@0 started@0]
            exited app 1: restart app
            stop: [Stopping app=Running pull@0 pulled@0 started@0]
            started app: wait app, signal app 15, wake 30s
            exited app 143: tear down, [Stopping app=Stopped(143) pull@0 pulled@0 started@0 ended@0]
            torn: [Stopped app=Stopped(143) pull@0 pulled@0 started@0 ended@0]
        "#]],
    );
}
