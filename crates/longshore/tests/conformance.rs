//! The black-box tests in `conformance/`: official tools against the built binary.
//! One test here per class there, so that cargo counts them and chooses among them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// Held by tests with real containers, some of which look at the whole machine.
static MACHINE: Mutex<()> = Mutex::new(());

/// The interpreter with boto3: `LONGSHORE_PYTHON`, else that of `target/venv`.
fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("LONGSHORE_PYTHON") {
        return named.into();
    }
    let made = Path::new(REPOSITORY).join("target/venv/bin/python");
    assert!(
        made.exists(),
        "no Python with boto3: `cargo xtask test` makes target/venv, or name one in LONGSHORE_PYTHON"
    );
    made
}

/// Runs one class of one file; what it says appears when it fails.
#[track_caller]
fn check(name: &str) {
    let done = Command::new(python())
        .args(["-B", "-m", "unittest", "--verbose", name])
        .current_dir(Path::new(REPOSITORY).join("conformance"))
        .env("LONGSHORE_BIN", env!("CARGO_BIN_EXE_longshore"))
        .stdin(Stdio::null())
        .output()
        .expect("the interpreter starts");
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{name}\n{said}");
    let mut lines = said.lines();
    let ran = lines.any(|line| line.starts_with("Ran ") && !line.starts_with("Ran 0 "));
    assert!(ran, "{name} has no test\n{said}");
}

/// As `check`, but one at a time.
#[track_caller]
fn check_alone(name: &str) {
    // A test that failed before says nothing about this one.
    let _machine = MACHINE.lock().unwrap_or_else(PoisonError::into_inner);
    check(name);
}

macro_rules! conformance {
    ($($how:ident $module:ident { $($test:ident $class:literal)+ })+) => {
        $(mod $module {
            $(#[test]
            fn $test() {
                super::$how(concat!(stringify!($module), ".", $class));
            })+
        })+
    };
}

conformance! {
    check test_protocol {
        signatures "Signatures"
        answers "Answers"
        strictness "Strictness"
        without_signatures "WithoutSignatures"
    }
    check test_clusters {
        clusters "Clusters"
        account_settings "AccountSettings"
        instances "Instances"
        tags "Tags"
    }
    check test_instances {
        declared "Declared"
        hosts "Hosts"
        restarts "Restarts"
        many "Many"
    }
    check test_consistency {
        consistency "Consistency"
        strong "Strong"
    }
    check test_faults {
        calls "Calls"
        tasks "Tasks"
        lost_hosts "LostHosts"
    }
    check test_capacity {
        fargate "Fargate"
        queue "Queue"
        hook "Hook"
        metrics "Metrics"
    }
    check test_task_definitions {
        task_definitions "TaskDefinitions"
    }
    check test_run_task {
        life "Life"
        unknown "Unknown"
        what_and_where "WhatAndWhere"
        members "Members"
        task_tags "TaskTags"
        pages "Pages"
        ledger "Ledger"
    }
    check test_start_task {
        start_task "StartTask"
    }
    check test_idempotency {
        tokens "Tokens"
        after_a_crash "AfterACrash"
    }
    check test_crash {
        load "Load"
        burst "Burst"
        restarts "Restarts"
        one_server "OneServer"
        forgetting "Forgetting"
    }
    check test_parity {
        parity "Parity"
    }
    check test_aws_cli {
        aws_cli "AwsCli"
    }
    check test_command_line {
        run "Run"
        bad_input "BadInput"
    }
    check test_javascript {
        javascript "JavaScript"
    }
    check test_examples {
        github "GitHub"
        compose "Compose"
    }
    check test_tutorial {
        placement "Placement"
        faults "Faults"
    }
    check test_rust {
        rust "Rust"
    }
    check test_wire {
        wire "Wire"
    }
    check test_signatures {
        vectors "Vectors"
        signed "Signed"
    }
    check_alone test_definitions {
        definitions_on_native "Native"
        definitions_on_docker "Docker"
        definitions "Table"
    }
    check_alone test_docker {
        adoption "Adoption"
        choice "Choice"
    }
    check_alone test_documents {
        blocks "Blocks"
        typed "Typed"
    }
    check_alone test_native {
        commands "Commands"
        on_a_server "OnAServer"
        ending "Ending"
    }
    check_alone test_secrets {
        commands "Commands"
        on_a_server "OnAServer"
    }
}
