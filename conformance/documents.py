"""Commands as documents show them, typed by a person into one shell."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

import harness

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page, *languages):
    """The blocks of a page in these languages, in their order; the page is named from the root."""
    found = BLOCK.findall((harness.ROOT / page).read_text())
    return [text for language, text in found if language in languages]


class Shell:
    """Where the commands find `longshore`, the AWS CLI of the tests, and what a test adds."""

    def __init__(self, folder, **variables):
        """Works in `folder`; more variables than every program of ours gets."""
        self.folder = folder
        self.programs = tempfile.TemporaryDirectory(prefix="longshore-programs-")
        self.add("longshore").symlink_to(pathlib.Path(harness.BINARY).resolve())
        path = [self.programs.name, str(pathlib.Path(sys.executable).parent), "/usr/sbin", "/sbin", os.environ["PATH"]]
        self.variables = {**harness.environment(**variables), "PATH": os.pathsep.join(path)}

    def add(self, name):
        """The path of a program that does not exist yet."""
        return pathlib.Path(self.programs.name) / name

    def type(self, script, patience=harness.PATIENCE * 5):
        """Runs the script to its end: its exit code, and both of its outputs as one text."""
        done = subprocess.run(
            ["bash", "-s"],
            input=script,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=self.variables,
            timeout=patience,
            check=False,
        )
        return done.returncode, done.stdout

    def close(self):
        self.programs.cleanup()
