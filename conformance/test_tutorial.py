"""Executes pages of `docs/`: the configuration they show, each command, each output."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import harness
from harness import Case

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "=====end of the output of a command====="


def blocks(page, kind):
    text = (harness.ROOT / "docs" / page).read_text()
    return [text for named, text in BLOCK.findall(text) if named == kind]


def steps(page):
    """Pairs of command and output: a command follows `$ `, goes on after `\\`."""
    for block in blocks(page, "console"):
        command, output = None, []
        for line in block.splitlines():
            if line.startswith("$ "):
                if command is not None:
                    yield command, output
                command, output = line[2:], []
            elif command.endswith("\\"):
                command += "\n" + line
            else:
                output.append(line)
        if command is not None:
            yield command, output


class Page:
    """The commands of one page, typed one after the other."""

    def check(self, page, at_least):
        commands = list(steps(page))
        self.assertGreater(len(commands), at_least)
        printed = self.printed([command for command, _ in commands])
        for (command, expected), actual in zip(commands, printed, strict=True):
            self.assertEqual(actual, expected, f"$ {command}")

    def printed(self, commands):
        """What each command prints when a person types them into one shell."""
        script = "\n".join(f"{command}\necho; echo '{MARK}'" for command in commands)
        with tempfile.TemporaryDirectory() as folder:
            programs = pathlib.Path(folder)
            (programs / "longshore").symlink_to(pathlib.Path(harness.BINARY).resolve())
            path = os.pathsep.join([folder, os.fspath(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
            variables = harness.environment(
                PATH=path,
                LONGSHORE_DATA_DIR=os.fspath(self.server.data_dir),
                LONGSHORE_CONFIG=os.fspath(self.server.config),
            )
            done = subprocess.run(
                ["bash", "-s"],
                input=script,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd=harness.ROOT,
                env={**variables, "PATH": path},
                timeout=harness.PATIENCE * 5,
                check=False,
            )
        outputs = done.stdout.split(f"{MARK}\n")[:-1]
        return [output.strip("\n").splitlines() for output in outputs]


class Placement(Page, Case):
    config = "\n".join(blocks("PLACEMENT.md", "toml"))

    def test_every_command_prints_what_the_tutorial_says(self):
        self.check("PLACEMENT.md", 20)


class Faults(Page, Case):
    def test_every_command_prints_what_the_page_says(self):
        self.check("FAULTS.md", 10)
