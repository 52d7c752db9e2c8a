"""`longshore run` and its neighbours, with and without a running server."""

import json
import pathlib
import shutil
import signal
import subprocess
import tempfile

import harness
from harness import Case


def definition(script, **more):
    app = {"name": "app", "image": "example:1", "memory": 64, "dockerLabels": {"longshore.script": script}}
    return json.dumps({"family": "cli", "containerDefinitions": [{**app, **more}]})


class Alone(harness.Server):
    """A data directory without a server: `run` brings its own engine."""

    def start(self):
        self.url = None

    def close(self):
        shutil.rmtree(self.folder)


class Run(Case):
    def both(self):
        """The running server, then no server."""
        yield self.server
        alone = Alone()
        self.addCleanup(alone.close)
        yield alone

    def test_the_exit_code_is_that_of_the_container(self):
        for place in self.both():
            for code in (0, 3):
                done = place.run("run", "-", stdin=definition(f"log hello; run 10ms; exit {code}"))
                self.assertEqual(done.returncode, code, done.stderr)
                self.assertIn("hello", done.stdout)

    def test_only_the_containers_output_goes_to_stdout(self):
        done = self.server.run("run", "-", stdin=definition("log one; log two; exit 0"))
        self.assertEqual([line.rsplit(" ", 1)[-1] for line in done.stdout.splitlines()], ["one", "two"])

    def test_out_of_memory_is_137_and_said(self):
        done = self.server.run("run", "-", stdin=definition("run 10ms; oom"))
        self.assertEqual(done.returncode, 137, done.stderr)
        self.assertIn("memory", done.stderr)

    def test_an_image_that_cannot_be_had_is_125_and_said(self):
        for place in self.both():
            done = place.run("run", "-", stdin=definition("pull fail nobody has it"))
            self.assertEqual(done.returncode, 125, done.stderr)
            self.assertIn("nobody has it", done.stderr)

    def test_a_time_limit_stops_the_task(self):
        done = self.server.run("run", "--timeout", "1s", "-", stdin=definition("log started"))
        self.assertEqual(done.returncode, 124, done.stderr)

    def interrupted(self, place, *flags):
        """Starts a task that goes on, interrupts `run` once it works, and returns its exit code."""
        file = place.folder / "goes-on.json"
        file.write_text(definition("log working"))
        process = subprocess.Popen(
            place.command("run", *flags, str(file)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=place.variables(),
        )
        self.addCleanup(process.stdout.close)
        self.assertIn(b"working", process.stdout.readline())
        process.send_signal(signal.SIGINT)
        return process.wait(harness.PATIENCE)

    def test_an_interrupt_stops_the_task(self):
        for place in self.both():
            self.assertEqual(self.interrupted(place), 130)
        harness.until(lambda: self.running() == [], "no task")

    def test_an_interrupt_can_leave_the_task_running(self):
        self.assertEqual(self.interrupted(self.server, "--detach-on-interrupt"), 130)
        (arn,) = self.running()
        self.ecs.stop_task(task=arn)
        self.until_status(arn, "STOPPED")

    def running(self):
        return self.tasks_of(family="cli", desiredStatus="RUNNING")

    def test_ps_logs_and_stop_look_and_act(self):
        done = self.server.run("run", "--no-wait", "-", stdin=definition("log working"))
        self.assertEqual(done.returncode, 0, done.stderr)
        arn = done.stdout.split()[0]
        self.until_status(arn, "RUNNING")
        task = arn.rsplit("/", 1)[1]
        self.assertIn(task[:8], self.server.run("ps").stdout)
        harness.until(lambda: "working" in self.server.run("logs", task).stdout, "the log")
        stopped = self.server.run("stop", task)
        self.assertEqual(stopped.returncode, 0, stopped.stderr)
        self.until_status(arn, "STOPPED")

    def test_json_is_a_line_per_event_and_what_the_api_describes(self):
        done = self.server.run("run", "--json", "-", stdin=definition("run 10ms; exit 0"))
        self.assertEqual(done.returncode, 0, done.stderr)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(events[0]["event"], "started")
        ended = events[-1]
        self.assertEqual((ended["event"], ended["exitCode"]), ("ended", 0))
        self.assertEqual(ended["tasks"][0]["lastStatus"], "STOPPED")


class BadInput(Case):
    config = "[scripted]\ncpu = 1024\nmemory = 512\n"

    def refused(self, *words, stdin=None):
        """The command fails, with a sentence; which one."""
        done = self.server.run(*words, stdin=stdin)
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertNotIn("panicked", done.stderr)
        self.assertTrue(done.stderr.strip())
        return done

    def test_a_file_that_is_not_there_is_named(self):
        done = self.refused("run", "./nowhere.json")
        self.assertEqual(done.returncode, 125)
        self.assertIn("nowhere.json", done.stderr)

    def test_a_file_that_is_no_json_is_told_with_its_place(self):
        folder = pathlib.Path(tempfile.mkdtemp(dir=self.server.folder))
        file = folder / "broken.json"
        file.write_text('{\n  "family": "x",\n  "containerDefinitions": [,]\n}\n')
        done = self.refused("run", str(file))
        self.assertEqual(done.returncode, 125)
        self.assertIn("line 3", done.stderr)
        self.assertIn("column", done.stderr)

    def test_what_does_not_fit_shows_asked_and_free(self):
        done = self.refused("run", "-", stdin=definition("exit 0", memory=4096))
        self.assertEqual(done.returncode, 125)
        self.assertIn("4096", done.stderr)
        self.assertIn("512", done.stderr)

    def test_an_unknown_family_is_named(self):
        done = self.refused("run", "never-registered")
        self.assertEqual(done.returncode, 125)
        self.assertIn("never-registered", done.stderr)

    def test_a_configuration_with_a_typing_error_is_told_with_its_place(self):
        broken = self.server.folder / "broken.toml"
        broken.write_text("drivr = 'scripted'\n")
        done = self.refused("up", "--config", str(broken))
        self.assertIn("line 1", done.stderr)
        self.assertIn("drivr", done.stderr)

    def test_an_open_door_is_refused(self):
        done = self.refused("up", "--auth", "none", "--listen", "0.0.0.0:0")
        self.assertIn("loopback", done.stderr)
