"""Real containers: needs root. Leaves the machine as it was."""

import concurrent.futures
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import urllib.request
import uuid

import harness
from harness import Case, example, until
from test_command_line import Alone

BUSYBOX = "/bin/busybox"
IMAGE = "busybox:demo"
# How many tasks the leak test runs one after the other; a tenth of them at a time afterwards.
TASKS = int(os.environ.get("LONGSHORE_LEAK_TASKS", "30"))


def root_file_system(folder):
    """A few folders and Debian's static busybox under all of its names."""
    root = pathlib.Path(folder) / "rootfs"
    for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy(BUSYBOX, root / "bin/busybox")
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout
    for name in names.split():
        if name != "busybox":
            (root / "bin" / name).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/:/bin/sh\n")
    return root


def import_image(test, place):
    done = place.run("image", "import", str(root_file_system(place.folder)), "--tag", IMAGE)
    test.assertEqual(done.returncode, 0, done.stderr)


class Commands(Case):
    """`longshore run` without a server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Alone("native")
        cls.addClassCleanup(cls.server.close)
        import_image(cls("run_example"), cls.server)

    def run_example(self, name, *flags):
        return self.server.run("run", f"examples/{name}", *flags)

    def test_exit_codes(self):
        hello = self.run_example("hello.json")
        self.assertEqual(hello.returncode, 0, hello.stderr)
        self.assertIn("hello from a container", hello.stdout)
        failing = self.run_example("exit3.json")
        self.assertEqual(failing.returncode, 3, failing.stderr)
        self.assertIn("something is wrong", failing.stdout)

    def test_out_of_memory(self):
        greedy = self.run_example("out-of-memory.json")
        self.assertEqual(greedy.returncode, 137, greedy.stderr)
        self.assertIn("memory", greedy.stderr)

    def test_a_missing_image(self):
        missing = self.run_example("missing-image.json")
        self.assertEqual(missing.returncode, 125)
        self.assertIn("127.0.0.1:9/no-such-image:1", missing.stderr)

    def test_what_does_not_fit(self):
        giant = self.run_example("too-large.json")
        self.assertEqual(giant.returncode, 125)
        self.assertIn("16777216", giant.stderr)

    def test_a_port_that_another_program_holds(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            web = example("web.json")
            web["containerDefinitions"][0]["portMappings"][0]["hostPort"] = port
            done = self.server.run("run", "-", stdin=json.dumps(web))
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn(str(port), done.stderr)

    def test_two_containers_talk_over_localhost(self):
        done = self.run_example("migrate.json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("schema is now 42 for everyone", done.stdout)


class OnAServer(Case):
    driver = "native"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(cls.stop_all)
        import_image(cls("inventory"), cls.server)

    @classmethod
    def stop_all(cls):
        """A server that ends leaves its tasks running, so a failed test must not."""
        test = cls("inventory")
        for arn in test.tasks_of():
            test.ecs.stop_task(task=arn)
            test.until_status(arn, "STOPPED")

    def shell(self, family, script, **more):
        app = {"name": "app", "image": IMAGE, "memory": 64, "command": ["sh", "-c", script]}
        return self.register(family, containers=[app], networkMode="none", **more)

    def process(self, mark):
        """The pid of the process whose command line holds the mark."""
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0] == b"sh" and any(mark.encode() in word for word in words):
                return int(folder.name)
        return None

    def messages(self, arn):
        task = self.describe(arn)
        definition = self.ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])
        options = definition["taskDefinition"]["containerDefinitions"][0]["logConfiguration"]["options"]
        stream = f"{options['awslogs-stream-prefix']}/app/{arn.rsplit('/', 1)[1]}"
        events = self.server.logs.get_log_events(
            logGroupName=options["awslogs-group"], logStreamName=stream, startFromHead=True
        )
        return [event["message"] for event in events["events"]]

    def test_a_container_survives_kill_9_of_the_server(self):
        mark = f"mark-{uuid.uuid4()}"
        options = {"awslogs-group": "/ecs/native", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        script = f": {mark}; for n in 1 2 3 4 5 6; do echo line $n; sleep 1; done; exit 7"
        app = {
            "name": "app", "image": IMAGE, "memory": 64, "command": ["sh", "-c", script],
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        arn = self.start(self.register("survive", containers=[app], networkMode="none"))
        self.until_status(arn, "RUNNING")
        before = until(lambda: self.process(mark), "the process")
        self.server.kill()
        self.assertEqual(self.process(mark), before)
        self.server.start()
        self.assertEqual(self.process(mark), before)
        task = self.until_status(arn, "STOPPED")
        self.assertEqual(task["containers"][0]["exitCode"], 7)
        self.assertEqual(self.messages(arn), [f"line {n}" for n in range(1, 7)])

    def test_dynamic_ports_answer_from_the_host(self):
        web = example("web.json")
        self.ecs.register_task_definition(**web)
        tasks = [self.start("web") for _ in range(2)]
        ports = set()
        for arn in tasks:
            task = self.until_status(arn, "RUNNING")
            (binding,) = task["containers"][0]["networkBindings"]
            self.assertEqual(binding["containerPort"], 80)
            ports.add(binding["hostPort"])
        self.assertEqual(len(ports), 2)

        def answers(port):
            try:
                return urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).status == 200
            except OSError:
                return False

        for port in ports:
            until(lambda port=port: answers(port), f"an answer on port {port}")
        for arn in tasks:
            self.ecs.stop_task(task=arn)
            self.until_status(arn, "STOPPED")
        self.assertFalse(any(answers(port) for port in ports))

    def output(self, containers, overrides=()):
        """Runs a task and returns what each container wrote, in words."""
        options = {"awslogs-group": "/ecs/output", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        log = {"logDriver": "awslogs", "options": options}
        containers = [{"memory": 64, "logConfiguration": log, **one} for one in containers]
        definition = self.register("output", containers=containers, networkMode="none")
        arn = self.start(definition, overrides={"containerOverrides": list(overrides)})
        self.until_status(arn, "STOPPED")
        found = {}
        for one in containers:
            events = self.server.logs.get_log_events(
                logGroupName="/ecs/output",
                logStreamName=f"p/{one['name']}/{arn.rsplit('/', 1)[1]}",
                startFromHead=True,
            )
            found[one["name"]] = " ".join(event["message"] for event in events["events"]).split()
        return found

    def test_overrides_lie_over_the_definition_and_that_over_the_image(self):
        done = self.server.run(
            "image", "import", str(self.server.folder / "rootfs"), "--tag", "layers:1",
            "--cmd", "sh", "--cmd", "-c", "--cmd", "echo image $A $B $C $D", "--env", "A=image", "--env", "B=image",
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        bare = {"name": "bare", "image": "layers:1"}
        variables = [{"name": "B", "value": "definition"}, {"name": "C", "value": "definition"}]
        full = {"name": "full", "image": "layers:1", "environment": variables, "essential": False,
                "command": ["sh", "-c", "echo definition $A $B $C $D"]}
        depends = {"dependsOn": [{"containerName": "full", "condition": "COMPLETE"}]}
        self.assertEqual(self.output([full, {**bare, **depends}]), {
            "full": ["definition", "image", "definition", "definition"],
            "bare": ["image", "image", "image"],
        })
        command = ["sh", "-c", "echo request $A $B $C $D"]
        environment = [{"name": "B", "value": "request"}, {"name": "D", "value": "request"}]
        over = {"name": "full", "command": command, "environment": environment}
        self.assertEqual(self.output([full, {**bare, **depends}], [over]), {
            "full": ["request", "image", "request", "definition", "request"],
            "bare": ["image", "image", "image"],
        })
        over = {"name": "bare", "command": command, "environment": [{"name": "A", "value": "request"}]}
        self.assertEqual(self.output([{**bare}], [over]), {"bare": ["request", "request", "image"]})

    def inventory(self):
        """What a container could leave behind on the host, as sorted lines."""
        def lines(*command):
            return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()

        own = str(self.server.data_dir)
        pid = self.server.process.pid
        found = {
            "mounts": [line for line in pathlib.Path("/proc/self/mounts").read_text().splitlines() if own in line],
            "interfaces": [line.split(": ")[1] for line in lines("ip", "-o", "link")],
            "rules": [re.sub(r"(packets|bytes|handle) \d+|expires \S+", "", line) for line in lines("nft", "list", "ruleset")],
            # Walked, not globbed: groups come and go meanwhile, which a walk does not mind.
            "groups": [folder for folder, *_ in os.walk("/sys/fs/cgroup") if "longshore" in folder],
            "processes": [line for line in lines("ps", "-eo", "args") if own in line],
            "descriptors": [len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))],
            "containers": [str(path.relative_to(own)) for path in pathlib.Path(own).glob("native/tasks/*")],
        }
        return {name: sorted(each) for name, each in found.items()}

    def free(self):
        (arn,) = self.ecs.list_container_instances()["containerInstanceArns"]
        (one,) = self.ecs.describe_container_instances(containerInstances=[arn])["containerInstances"]
        return one["remainingResources"], one["runningTasksCount"], one["pendingTasksCount"]

    def test_nothing_is_left_behind(self):
        app = {
            "name": "app", "image": IMAGE, "memory": 32, "command": ["true"],
            "portMappings": [{"containerPort": 80, "hostPort": 0}],
        }
        definition = self.register("leak", containers=[app], networkMode="bridge")

        def life(_=None):
            self.until_status(self.start(definition), "STOPPED")

        # The first task makes what stays: the bridge, the folders, the connections.
        life()
        # What belongs to a stopped task goes shortly after its last report.
        before = until(self.settled, "a quiet machine")
        free = self.free()
        for _ in range(TASKS):
            life()
        with concurrent.futures.ThreadPoolExecutor(max(2, TASKS // 10)) as pool:
            list(pool.map(life, range(TASKS)))
        until(lambda: not self.difference(before), "the inventory from before", lambda: self.difference(before))
        self.assertEqual(self.free(), free)

    def settled(self):
        """The inventory, once no process or mount of a container is in it."""
        now = self.inventory()
        return now if not now["mounts"] and len(now["processes"]) <= 1 else None

    def difference(self, before):
        """What is not as before; connections of our own clients may hold descriptors."""
        now = self.inventory()
        found = {name: (before[name], now[name]) for name in now if now[name] != before[name]}
        if "descriptors" in found and now["descriptors"][0] - before["descriptors"][0] <= 32:
            del found["descriptors"]
        return found


class Ending(Case):
    driver = "native"

    def test_a_server_without_tasks_takes_its_bridge_along(self):
        import_image(self, self.server)
        app = {"name": "app", "image": IMAGE, "memory": 32, "command": ["true"]}
        arn = self.start(self.register("last", containers=[app], networkMode="bridge"))
        self.until_status(arn, "STOPPED")
        own = str(self.server.data_dir)

        def bridges():
            links = subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True)
            return [one["ifname"] for one in json.loads(links.stdout) if own in one.get("ifalias", "")]

        self.assertEqual(len(bridges()), 1)
        self.assertEqual(self.server.terminate(), 0)
        self.assertEqual(bridges(), [])
