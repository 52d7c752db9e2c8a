"""The program `wire` of the package `sdk-rust`: one RunTask with the AWS SDK or with our client."""

import json
import os
import pathlib
import subprocess

import harness

PROGRAM = harness.ROOT / "target/sdk-rust/debug/wire"
# Every member of RunTask, and every member below it.
INPUT = json.loads((harness.ROOT / "conformance/sdk-rust/run_task.json").read_text())
TOKEN = "SESSION/TOKEN+with=signs"


def send(client, url, value, session_token=TOKEN):
    """Sends the input with `sdk` or `longshore`; the answer must be a success."""
    if not pathlib.Path(PROGRAM).is_file():
        raise AssertionError("not built: `cargo xtask test` builds it")
    token = {"AWS_SESSION_TOKEN": session_token} if session_token else {}
    variables = harness.environment(
        AWS_ENDPOINT_URL_ECS=url,
        AWS_REGION=harness.REGION,
        AWS_ACCESS_KEY_ID=harness.KEY[0],
        AWS_SECRET_ACCESS_KEY=harness.KEY[1],
        **token,
    )
    done = subprocess.run(
        [os.fspath(PROGRAM), client],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        env=variables,
        timeout=harness.PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr)
