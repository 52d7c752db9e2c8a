"""Starts a `longshore up` of a test's own and talks to it with boto3.

Every answer of every client made here is held against botocore's shapes, so a
member that AWS does not have fails the test that met it. The binary is named
by `LONGSHORE_BIN`; `crates/longshore/tests/conformance.rs` sets it.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import boto3
import botocore.config
import botocore.exceptions

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "crates/model/tests"))

import strict  # noqa: E402

BINARY = os.environ.get("LONGSHORE_BIN", str(ROOT / "target/debug/longshore"))
AWS = str(pathlib.Path(sys.executable).parent / "aws")
REGION = "us-east-1"
KEY = ("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")

# One for all clients, because it reads the models once; making a client of it takes the lock.
SESSION = boto3.session.Session()
SESSION_LOCK = threading.Lock()

# How long anything may take on a busy machine before a test gives up.
PATIENCE = 60.0
# Between two looks at a condition.
PAUSE = 0.02


def until(look, what="the condition", show=lambda: None):
    """Looks until the result is true, and returns it; `show` says more when it never is."""
    deadline = time.monotonic() + PATIENCE
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true; the last look saw {seen!r} {show() or ''}")
        time.sleep(PAUSE)


def environment(**more):
    """The variables that every program of ours gets: nothing of the person's own."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {**kept, "AWS_CONFIG_FILE": "/dev/null", "AWS_PAGER": "", **more}


class Server:
    """A server process and its data directory; a killed one can be started again."""

    def __init__(self, driver="scripted", config="", flags=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="longshore-test-"))
        self.data_dir = self.folder / "data"
        self.config = self.folder / "longshore.toml"
        self.config.write_text(f'driver = "{driver}"\n{config}')
        self.flags = list(flags)
        self.process = None
        self.clients = {}
        self.start()

    def command(self, *words):
        """The binary with this server's directory and configuration."""
        return [BINARY, "--data-dir", str(self.data_dir), "--config", str(self.config), *words]

    def variables(self):
        key = {"LONGSHORE_ROOT_ACCESS_KEY_ID": KEY[0], "LONGSHORE_ROOT_SECRET_ACCESS_KEY": KEY[1]}
        return environment(RUST_LOG="warn", **key)

    def start(self):
        with open(self.folder / "stderr", "ab") as stderr:
            self.process = subprocess.Popen(
                self.command("up", "--listen", "127.0.0.1:0", *self.flags),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=self.variables(),
            )
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        line = self.process.stdout.readline().decode()
        watchdog.cancel()
        if not line.startswith("ready http://"):
            self.process.wait()
            self.process.stdout.close()
            raise AssertionError(f"the server is not ready: {line!r} {self.stderr()}")
        self.url = line.split()[1]
        self.clients = {}

    def stderr(self):
        return (self.folder / "stderr").read_text(errors="replace")

    def kill(self):
        """Ends the server as a power failure would."""
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def terminate(self):
        """Ends the server as its user would; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"SIGTERM did not end the server: {self.stderr()}") from None
        self.process.stdout.close()
        return code

    def close(self):
        if self.process.poll() is None:
            self.terminate()
        shutil.rmtree(self.folder)

    def client(self, service="ecs", key=KEY, attempts=1, **more):
        """A fresh boto3 client whose answers are checked."""
        config = botocore.config.Config(
            retries={"total_max_attempts": attempts},
            max_pool_connections=64,
            connect_timeout=PATIENCE,
            read_timeout=PATIENCE,
            **more,
        )
        with SESSION_LOCK:
            client = SESSION.client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id=key[0],
                aws_secret_access_key=key[1],
                config=config,
            )
        strict.watch(client)
        return client

    @property
    def ecs(self):
        return self.clients.setdefault("ecs", None) or self.remember("ecs")

    @property
    def logs(self):
        return self.clients.setdefault("logs", None) or self.remember("logs")

    def remember(self, service):
        self.clients[service] = self.client(service)
        return self.clients[service]

    def run(self, *words, stdin=None):
        """A command of the binary beside the server, to its end."""
        return subprocess.run(
            self.command(*words),
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=self.variables(),
            timeout=PATIENCE * 2,
            check=False,
        )


class Case(unittest.TestCase):
    """One server per class. Tests of a class share it and use names of their own."""

    driver = "scripted"
    config = ""
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.driver, cls.config, cls.flags)
        cls.addClassCleanup(cls.server.close)

    @property
    def ecs(self):
        return self.server.ecs

    def register(self, family, script="", containers=None, **more):
        """A definition with one container, `app`, that behaves as the script says."""
        labels = {"dockerLabels": {"longshore.script": script}} if script else {}
        app = {"name": "app", "image": "example:1", "cpu": 10, "memory": 16, **labels}
        answer = self.ecs.register_task_definition(
            family=family, containerDefinitions=containers or [app], **more
        )
        return answer["taskDefinition"]["taskDefinitionArn"]

    def run_task(self, definition, **more):
        """Starts tasks, all of which must be placed."""
        answer = self.ecs.run_task(taskDefinition=definition, **more)
        self.assertEqual(answer["failures"], [])
        return answer["tasks"]

    def start(self, definition, **more):
        """Starts one task and returns its ARN."""
        (task,) = self.run_task(definition, **more)
        return task["taskArn"]

    def describe(self, arn, **more):
        answer = self.ecs.describe_tasks(tasks=[arn], **more)
        self.assertEqual(answer["failures"], [])
        return answer["tasks"][0]

    def until_status(self, arn, status, **more):
        """Waits for a task's last status and returns the task."""

        def look():
            task = self.describe(arn, **more)
            return task if task["lastStatus"] == status else None

        return until(look, f"{arn} {status}")

    def refused(self, code, call, *arguments, text="", **more):
        """The call must be answered with this error; its message."""
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(*arguments, **more)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        self.assertIn(text, error["Message"])
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 400)
        return caught.exception.response

    def tasks_of(self, **filters):
        """All task ARNs that ListTasks gives, page by page."""
        pages = self.ecs.get_paginator("list_tasks").paginate(**filters)
        return [arn for page in pages for arn in page["taskArns"]]


def example(name):
    """A task definition of `examples/`."""
    return json.loads((ROOT / "examples" / name).read_text())
