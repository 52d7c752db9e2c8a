"""The compose file and the CI jobs of `examples/`: what they say fits together, and their commands run."""

import json
import pathlib
import tempfile
import tomllib
import unittest
from urllib.parse import urlsplit

import yaml

import harness
from documents import Shell
from harness import Case

KEYS = {
    "LONGSHORE_ROOT_ACCESS_KEY_ID": "AWS_ACCESS_KEY_ID",
    "LONGSHORE_ROOT_SECRET_ACCESS_KEY": "AWS_SECRET_ACCESS_KEY",
}


def read(name):
    return yaml.safe_load((harness.ROOT / "examples" / name).read_text())


class GitHub(Case):
    """The job's steps, with a server of ours in the place of its service container."""

    def setUp(self):
        self.job = read("ci/github.yml")["jobs"]["test"]
        self.service = self.job["services"]["longshore"]

    def test_the_job_has_the_key_and_the_port_of_its_service(self):
        for ours, callers in KEYS.items():
            self.assertEqual(self.service["env"][ours], self.job["env"][callers])
        (port,) = self.service["ports"]
        for name in ("ECS", "CLOUDWATCH_LOGS"):
            url = urlsplit(self.job["env"][f"AWS_ENDPOINT_URL_{name}"])
            self.assertEqual(port, f"{url.port}:{url.port}")

    def test_its_steps_start_a_task(self):
        folder = tempfile.TemporaryDirectory(prefix="longshore-job-")
        self.addCleanup(folder.cleanup)
        tests = pathlib.Path(folder.name) / "tests"
        tests.mkdir()
        # The one file of the caller's own.
        hello = {**harness.example("hello.json"), "family": "task"}
        (tests / "task.json").write_text(json.dumps(hello))
        urls = {name: self.server.url for name in self.job["env"] if name.startswith("AWS_ENDPOINT_URL_")}
        shell = Shell(folder.name, **{**self.job["env"], **urls})
        self.addCleanup(shell.close)
        steps = [step for step in self.job["steps"] if "uses" not in step]
        self.assertGreater(len(steps), 1)
        for step in steps:
            code, said = shell.type(f"set -e -o pipefail\n{step['run']}")
            self.assertEqual(code, 0, f"{step['run']}\n---\n{said}")
        (task,) = self.ecs.list_tasks(family="task")["taskArns"] or self.stopped()
        self.assertIn(":task/", task)

    def stopped(self):
        return self.ecs.list_tasks(family="task", desiredStatus="STOPPED")["taskArns"]

    def test_its_service_is_well_when_it_says_so(self):
        (command,) = [words for words in self.service["options"].split('"') if words.startswith("longshore ")]
        self.assertEqual(self.server.run(*command.split()[1:]).returncode, 0)


class Compose(unittest.TestCase):
    """`docker compose` itself is not started: its callers and the image's settings are compared."""

    def setUp(self):
        self.services = read("compose.yaml")["services"]
        self.settings = tomllib.loads((harness.ROOT / "packaging/container.toml").read_text())

    def test_the_caller_finds_the_server_and_has_its_key(self):
        server, caller = (self.services[name]["environment"] for name in ("longshore", "caller"))
        for ours, callers in KEYS.items():
            self.assertEqual(server[ours], caller[callers])
        url = urlsplit(caller["AWS_ENDPOINT_URL_ECS"])
        self.assertIn(url.hostname, self.services)
        self.assertIn(url.hostname, self.settings["allowed-hosts"])
        self.assertTrue(self.settings["listen"].endswith(f":{url.port}"))

    def test_ports_are_published_on_this_machine_only(self):
        port = self.settings["listen"].rsplit(":", 1)[1]
        self.assertEqual(self.services["longshore"]["ports"], [f"127.0.0.1:{port}:{port}"])
