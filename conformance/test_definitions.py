"""Every definition of `definitions/`, run as a person would, with one mapping file.

`definitions/expected.json` says what becomes of each: its exit code and lines it writes, or the
member that is refused. `tells` is what `longshore run` says on stderr.
"""

import json
import pathlib
import shutil
import tempfile
import unittest

from engine import Engine
from harness import Case
from test_native import root_file_system

DEFINITIONS = pathlib.Path(__file__).resolve().parent / "definitions"
EXPECTED = json.loads((DEFINITIONS / "expected.json").read_text())
# Named by definitions: what a person would have on a machine of his own.
HOST = pathlib.Path("/var/tmp/longshore-definitions")
# A registry of another account, whose images are had elsewhere under another name.
MIRRORED = "210987654321.dkr.ecr.us-east-1.amazonaws.com"
MIRROR = "localhost:5000"

CONFIG = f"""
secrets = "{DEFINITIONS / "secrets.toml"}"

[volumes]
bind = ["{HOST / "uploads"}"]

[volumes.efs]
"fs-0a1b2c3d4e5f60718" = "{HOST / "efs"}"

[registry.mirrors]
"{MIRRORED}" = "{MIRROR}"
"""


def images():
    """The names of all images of the definitions."""
    files = [json.loads(file.read_text()) for file in DEFINITIONS.glob("*.json")]
    containers = [one for file in files for one in file.get("containerDefinitions", [])]
    return sorted({container["image"] for container in containers})


class Runs:
    """What every driver must do with them; a class below for each."""

    @classmethod
    def setUpClass(cls):
        cls.addClassCleanup(shutil.rmtree, HOST, ignore_errors=True)
        for folder in (HOST / "uploads", HOST / "efs/uploads"):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "greeting").write_text("hello from the host\n")
        super().setUpClass()

    def impossible(self):
        """Definitions that this machine, and not Longshore, keeps from running."""
        return []

    def check(self, name, expected):
        flags = expected.get("flags", [])
        done = self.server.run("run", str(DEFINITIONS / f"{name}.json"), *flags)
        said = f"{name}\n{done.stdout}\n{done.stderr}"
        if "refused" in expected:
            self.assertEqual(done.returncode, 125, said)
            self.assertIn(expected["refused"], done.stderr, said)
            return
        self.assertEqual(done.returncode, expected["exit"], said)
        for line in expected.get("lines", []):
            self.assertTrue(any(written.endswith(line) for written in done.stdout.splitlines()), said)
        for words in expected.get("tells", []):
            self.assertIn(words, done.stderr, said)

    def test_each_comes_to_its_end(self):
        for name, expected in EXPECTED.items():
            with self.subTest(name):
                if name in self.impossible():
                    self.skipTest("this machine lacks capabilities that the engine would give")
                self.check(name, expected)
        self.assertEqual((HOST / "uploads/result").read_text(), "done\n")


class Native(Runs, Case):
    driver = "native"
    config = CONFIG

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = str(root_file_system(cls.server.folder))
        for image in images():
            done = cls.server.run("image", "import", root, "--tag", image)
            if done.returncode:
                raise AssertionError(done.stderr)


def holds_every_capability():
    """An engine gives a privileged container all of them, or none where the machine lacks one."""
    bounds = pathlib.Path("/proc/self/status").read_text().split("CapBnd:")[1].split()[0]
    last = int(pathlib.Path("/proc/sys/kernel/cap_last_cap").read_text())
    return int(bounds, 16) == (1 << last + 1) - 1


class Docker(Runs, Case):
    driver = "docker"

    @classmethod
    def setUpClass(cls):
        engine = Engine()
        cls.addClassCleanup(engine.close)
        cls.config = f'{CONFIG}\n[docker]\nhost = "{engine.address}"\n'
        with tempfile.TemporaryDirectory() as folder:
            engine.load(root_file_system(folder), "rootfs")
        for image in images():
            engine.docker("tag", "rootfs", image.replace(MIRRORED, MIRROR))
        super().setUpClass()

    def impossible(self):
        return [] if holds_every_capability() else ["privileged"]


class Table(unittest.TestCase):
    def test_every_definition_is_expected_and_most_run(self):
        files = {file.stem for file in DEFINITIONS.glob("*.json")} - {"expected"}
        self.assertEqual(files, set(EXPECTED))
        refused = [name for name, expected in EXPECTED.items() if "refused" in expected]
        self.assertGreaterEqual(len(EXPECTED), 50)
        self.assertGreaterEqual(len(EXPECTED) - len(refused), 45)
