"""What somebody sees who has an engine, no root and no Rust, step by step, from the release archive.

`cargo xtask newcomer` runs it as root: it makes a user, a group that may use the engine's socket, and
the engine, and nothing of them is left. The promise is the first line of a task's log within a minute.
"""

import os
import pathlib
import pwd
import signal
import subprocess
import sys
import tempfile
import time

from engine import Engine
from harness import PATIENCE
from test_native import IMAGE, root_file_system

# Seconds from nothing to the first line of the task.
GOAL = 60.0
# More than one line of what a program said last is of no use when it failed.
LAST_LINES = 20


class Failed(Exception):
    """A step that did not go well, in words."""


class Newcomer:
    """A user in a group of its own, with a home and nothing else."""

    def __init__(self):
        self.name = f"longshore-new-{os.getpid()}"
        self.group = f"longshore-engine-{os.getpid()}"
        self.folder = tempfile.TemporaryDirectory(prefix="longshore-newcomer-")
        os.chmod(self.folder.name, 0o755)
        self.home = pathlib.Path(self.folder.name) / "home"
        try:
            subprocess.run(["groupadd", self.group], check=True)
            home = ["--create-home", "--home-dir", str(self.home), "--skel", "/var/empty"]
            subprocess.run(["useradd", *home, "--groups", self.group, self.name], check=True)
        except BaseException:
            self.close()
            raise
        self.group_id = int(subprocess.check_output(["getent", "group", self.group], text=True).split(":")[2])

    def start(self, engine, *words):
        """A program of the user's, in the folder of the archive once there is one."""
        user = pwd.getpwnam(self.name)
        enter = [
            "setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--groups", str(self.group_id), "--",
            "env", "-i", f"HOME={self.home}", "PATH=/usr/bin:/bin", f"DOCKER_HOST={engine.address}",
        ]
        return subprocess.Popen(
            [*enter, *words], cwd=next(self.home.glob("longshore-*/"), self.home), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )

    def close(self):
        # `userdel` refuses while a program of the user's runs; those that we started have ended.
        for command in (["userdel", self.name], ["groupdel", self.group]):
            subprocess.run(command, stderr=subprocess.DEVNULL, check=False)
        self.folder.cleanup()


class Steps:
    """What was done, with the seconds that it took."""

    def __init__(self, newcomer, engine):
        self.newcomer, self.engine = newcomer, engine
        self.began = self.last = time.monotonic()
        self.table = []

    def done(self, step):
        """Writes down the time since the last step."""
        now = time.monotonic()
        self.table.append((step, now - self.last, now - self.began))
        self.last = now

    def run(self, step, *words, first=None):
        """A program to its good end; `first` names the moment of its first line. Its lines."""
        process = self.newcomer.start(self.engine, *words)
        lines = []
        try:
            signal.alarm(int(PATIENCE * 2))
            for line in process.stdout:
                print(f"[{time.monotonic() - self.began:6.2f} s] {line}", end="", flush=True)
                lines.append(line.rstrip("\n"))
                if first and is_of_task(line):
                    self.done(first)
                    first = None
            code = process.wait()
        finally:
            signal.alarm(0)
            end(process)
        if code != 0:
            raise Failed(f"{step}: exit code {code}")
        if first:
            raise Failed(f"{step}: no line of the task")
        self.done(step)
        return lines

    def tell(self):
        width = max(len(step) for step, _, _ in self.table)
        print(f"\n{'Step':{width}}  Seconds    In all")
        for step, seconds, total in self.table:
            print(f"{step:{width}}  {seconds:7.2f}  {total:8.2f}")


def is_of_task(line):
    """The container's name goes before each line of its log; what is said about it has a word there."""
    return line.startswith(("database", "migration"))


def end(process):
    """With all that it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    process.stdout.close()


def walk(archive, newcomer, engine):
    """All steps; the seconds to the first line of the task."""
    os.chmod(engine.folder, 0o755)
    os.chown(engine.socket, 0, newcomer.group_id)
    os.chmod(engine.socket, 0o660)
    steps = Steps(newcomer, engine)
    steps.run("take the archive", "cp", str(archive), ".")
    steps.run("unpack it", "tar", "-xzf", archive.name)
    told = steps.run("longshore doctor", "./longshore", "doctor")
    if "driver docker" not in told[-1]:
        raise Failed(f"the doctor does not take the engine: {told[-1]}")
    first = "longshore run examples/migrate.json: the first line"
    steps.run("the task's end", "./longshore", "run", "examples/migrate.json", first=first)
    steps.tell()
    return next(total for step, _, total in steps.table if step == first)


def prepared(archive):
    """With a user and an engine that has the image; both are gone afterwards."""
    newcomer = Newcomer()
    try:
        engine = Engine()
        try:
            with tempfile.TemporaryDirectory() as folder:
                engine.load(root_file_system(folder), IMAGE)
            return walk(archive, newcomer, engine)
        finally:
            engine.close()
    finally:
        newcomer.close()


def interrupted(*_):
    raise Failed("it took too long, or was ended")


def main():
    archive = pathlib.Path(sys.argv[1]).resolve()
    if os.geteuid() != 0:
        raise Failed("making a user and an engine needs root")
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, interrupted)
    seconds = prepared(archive)
    if seconds > GOAL:
        raise Failed(f"the first line came after {seconds:.1f} s; the promise is {GOAL:.0f} s")
    print(f"\nthe first line came after {seconds:.1f} s; the promise is {GOAL:.0f} s")


if __name__ == "__main__":
    try:
        main()
    except (Failed, subprocess.CalledProcessError, AssertionError) as error:
        sys.exit(f"error: {error}")
