"""The docker driver through RunTask, against an engine of the test's own: needs root to start it."""

import json
import os
import subprocess
import tempfile
import time

import harness
from engine import Engine
from harness import Case, example, until
from test_command_line import Alone
from test_native import IMAGE, root_file_system

NOBODY = 65534


class OnAnEngine(harness.Server):
    """A server whose configuration names the engine."""

    def __init__(self, engine, driver="docker"):
        super().__init__(driver, f'[docker]\nhost = "{engine.address}"\n')


def start_engine(test_class):
    engine = Engine()
    test_class.addClassCleanup(engine.close)
    with tempfile.TemporaryDirectory() as folder:
        engine.load(root_file_system(folder), IMAGE)
    return engine


class Adoption(Case):
    """Tasks go on while no server runs, and the next server knows all of them."""

    @classmethod
    def setUpClass(cls):
        cls.engine = start_engine(cls)
        cls.server = OnAnEngine(cls.engine)
        cls.addClassCleanup(cls.server.close)

    def count(self, family, lines, pause, code, mode="none", **more):
        options = {"awslogs-group": "/ecs/docker", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        script = f"i=0; while [ $i -lt {lines} ]; do echo line $i; i=$((i+1)); sleep {pause}; done; exit {code}"
        app = {
            "name": "app", "image": IMAGE, "memory": 64, "command": ["sh", "-c", script],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        return self.start(self.register(family, containers=[app], networkMode=mode), **more)

    def messages(self, arn):
        stream = f"p/app/{arn.rsplit('/', 1)[1]}"
        events = self.server.logs.get_log_events(
            logGroupName="/ecs/docker", logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    def names(self):
        return self.engine.docker("ps", "--all", "--format", "{{.Names}}").stdout.split()

    def test_kill_9_of_the_server_loses_no_task_no_code_and_no_line(self):
        # Ends while no server runs; ends after the next one has come; serves until it is stopped.
        short = self.count("short", 20, 0.05, 3)
        subnet = {"awsvpcConfiguration": {"subnets": ["subnet-a"]}}
        long = self.count("long", 60, 0.1, 7, "awsvpc", networkConfiguration=subnet)
        app = {"name": "app", "image": IMAGE, "memory": 64, "command": ["sleep", "1000"], "stopTimeout": 2}
        serves = self.start(self.register("serves", containers=[app], networkMode="bridge"))
        for arn in (short, long, serves):
            self.until_status(arn, "RUNNING")
        until(lambda: len(self.messages(long)) > 3, "the first lines")
        before = self.id(serves)
        self.server.kill()
        until(lambda: self.state(short) == "exited", "an end without a server")
        self.server.start()
        self.assertEqual(self.id(serves), before)
        self.assertEqual(self.describe(serves)["lastStatus"], "RUNNING")
        for arn, code, lines in ((short, 3, 20), (long, 7, 60)):
            task = self.until_status(arn, "STOPPED")
            self.assertEqual(task["containers"][0]["exitCode"], code, task)
            self.assertEqual(self.messages(arn), [f"line {n}" for n in range(lines)])
        self.ecs.stop_task(task=serves)
        task = self.until_status(serves, "STOPPED")
        self.assertEqual(task["containers"][0]["exitCode"], 137)
        until(lambda: not self.names(), "an empty engine", self.names)

    def inspect(self, arn, member):
        name = f"longshore-{arn.rsplit('/', 1)[1]}-app"
        return self.engine.docker("inspect", "--format", member, name).stdout.strip()

    def state(self, arn):
        return self.inspect(arn, "{{.State.Status}}")

    def id(self, arn):
        return self.inspect(arn, "{{.Id}}")

    def test_a_dynamic_port_is_told_and_given_back(self):
        web = example("web.json")
        self.ecs.register_task_definition(**web)
        arn = self.start("web")
        (binding,) = self.until_status(arn, "RUNNING")["containers"][0]["networkBindings"]
        self.assertEqual(binding["containerPort"], 80)
        url = f"http://127.0.0.1:{binding['hostPort']}/"
        until(lambda: self.inside("wget", "-q", "-O", "-", url) == 0, "an answer on the port")
        self.ecs.stop_task(task=arn)
        self.until_status(arn, "STOPPED")
        self.assertNotEqual(self.inside("wget", "-q", "-O", "-", url), 0)

    def inside(self, *words):
        """A program of busybox in the engine's network; its exit code."""
        enter = ["nsenter", "--target", str(self.engine.process.pid), "--net", "--", "/bin/busybox"]
        return subprocess.run([*enter, *words], capture_output=True, check=False).returncode


class Choice(Case):
    """Who may not make containers takes the engine: `auto` without root."""

    @classmethod
    def setUpClass(cls):
        cls.engine = start_engine(cls)
        os.chmod(cls.engine.folder, 0o755)
        os.chown(cls.engine.socket, 0, NOBODY)
        cls.place = Alone("auto", f'[docker]\nhost = "{cls.engine.address}"\n')
        cls.addClassCleanup(cls.place.close)
        for path in (cls.place.folder, cls.place.data_dir):
            path.mkdir(exist_ok=True)
            os.chown(path, NOBODY, NOBODY)

    def run_as_nobody(self, *words, groups="--groups=65534"):
        """By an open descriptor, because nobody may look into the folders above the program."""
        command = self.place.command(*words)
        program = os.open(command[0], os.O_RDONLY)
        self.addCleanup(os.close, program)
        command[0] = f"/proc/self/fd/{program}"
        enter = ["setpriv", "--reuid=65534", f"--regid={NOBODY if groups else 1}", groups or "--clear-groups", "--"]
        return subprocess.run(
            [*enter, *command], capture_output=True, text=True, cwd="/", env=self.place.variables(),
            stdin=subprocess.DEVNULL, pass_fds=(program,), check=False,
        )

    def definition(self):
        path = self.place.folder / "hello.json"
        path.write_text(json.dumps(example("migrate.json")))
        return str(path)

    def test_a_member_of_the_group_runs_a_task(self):
        began = time.monotonic()
        done = self.run_as_nobody("run", self.definition())
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("schema is now 42 for everyone", done.stdout)
        self.assertLess(time.monotonic() - began, 60)

    def test_somebody_else_is_told_what_is_missing_for_each_driver(self):
        done = self.run_as_nobody("run", self.definition(), groups=None)
        self.assertEqual(done.returncode, 125, done.stderr)
        for words in ("the native driver needs root", "may not open the engine's socket", "usermod -aG docker"):
            self.assertIn(words, done.stderr)
