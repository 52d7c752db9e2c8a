"""Types the commands of the README and of `docs/`. A block that is neither run nor listed fails."""

import pathlib
import shutil
import tempfile
import unittest

import documents
import harness

# Pages whose commands are run from the first block to the last, as one person types them.
RUN = ["README.md", "docs/GETTING_STARTED.md"]
# Pages that `test_tutorial.py` runs, with what each command prints.
TUTORIALS = ["docs/FAULTS.md", "docs/PLACEMENT.md"]
# Page, how the block begins, and why it is not run.
LEFT_OUT = [
    ("README.md", "cargo xtask dist\n", "a release build; crates/longshore/tests/dist.rs runs it"),
    ("README.md", "cargo xtask demo ", "they build, and run this test"),
    ("docs/GETTING_STARTED.md", "tar -xzf longshore-", "crates/longshore/tests/dist.rs unpacks it"),
    ("docs/GETTING_STARTED.md", "docker pull ", "needs an engine; test_docker.py has one"),
    ("docs/GETTING_STARTED.md", "sudo apt install ", "would change this machine"),
    ("docs/CONFIGURATION.md", "$ longshore up ", "a server alone; test_consistency.py has the flag"),
    ("docs/SECRETS.md", "$ longshore run task.json --secrets-template", "a person fills in the values"),
    ("docs/PARITY.md", "cargo xtask parity --aws --profile", "needs an account at AWS"),
    ("docs/PARITY.md", "cargo xtask parity --aws --record", "needs an account at AWS"),
]


def pages():
    return ["README.md", *(f"docs/{path.name}" for path in (harness.ROOT / "docs").glob("*.md"))]


def blocks(page):
    return documents.blocks(page, "sh", "console")


def is_left_out(page, block):
    return any(page == of and block.startswith(start) for of, start, _ in LEFT_OUT)


class Blocks(unittest.TestCase):
    def test_every_block_is_run_or_listed(self):
        for page in pages():
            if page in RUN + TUTORIALS:
                continue
            for block in blocks(page):
                self.assertTrue(is_left_out(page, block), f"{page}: nothing runs\n{block}")

    def test_the_list_names_blocks_that_are_there(self):
        for page, start, _ in LEFT_OUT:
            found = [block for block in blocks(page) if block.startswith(start)]
            self.assertEqual(len(found), 1, f"{page}: {start}")


class Typed(unittest.TestCase):
    """Real containers, in a folder with the examples, as root: `sudo` is there and does nothing."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="longshore-docs-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        shutil.copytree(harness.ROOT / "examples", self.folder / "examples")
        # A port of its own, because other tests run beside this one.
        (self.folder / "longshore.toml").write_text('listen = "127.0.0.1:0"\n')
        self.shell = documents.Shell(
            self.folder,
            LONGSHORE_DATA_DIR=str(self.folder / "data"),
            LONGSHORE_CONFIG=str(self.folder / "longshore.toml"),
            RUST_LOG="warn",
        )
        self.addCleanup(self.shell.close)
        sudo = self.shell.add("sudo")
        sudo.write_text('#!/bin/sh\nexec "$@"\n')
        sudo.chmod(0o755)

    def type(self, script):
        code, said = self.shell.type(script)
        self.assertEqual(code, 0, f"{script}\n---\n{said}")
        return said

    def typed(self, page, before=""):
        """All blocks of a page in one shell, which ends at the first command that fails."""
        typed = [block for block in blocks(page) if not is_left_out(page, block)]
        self.assertGreater(len(typed), 2)
        self.assertFalse([block for block in typed if block.startswith("$ ")], "these have outputs")
        lines = "".join(typed).splitlines()
        return self.type("\n".join(["set -e", "trap 'kill $(jobs -p)' EXIT", before, *map(settled, lines)]))

    def test_the_readme(self):
        image = next(block for block in blocks("docs/GETTING_STARTED.md") if "image import" in block)
        # The README takes it for granted that the image of the examples and an archive are there.
        (self.folder / "save.py").write_text(SAVE)
        said = self.typed("README.md", f"{image}\npython3 save.py root app.tar")
        for line in ["schema is now 42 for everyone", "schema is now 42 for acme", "hello from a container"]:
            self.assertIn(line, said)
        self.assertIn("loaded docker.io/library/app:1", said)

    def test_the_first_ten_minutes(self):
        said = self.typed("docs/GETTING_STARTED.md")
        for line in ["hello from a container", "schema is now 42 for acme", "exit code 3", "throttling"]:
            self.assertIn(line, said)

    def test_a_job_without_service_containers(self):
        script = self.folder / "examples/ci/run.sh"
        said = self.type(f"sh {script} aws ecs list-clusters --query 'length(clusterArns)'")
        self.assertEqual(said.strip(), "1")


def settled(line):
    """A server in the background is waited for, as a person waits for its ready line."""
    command = line.split(" #")[0].rstrip()
    if command.endswith("&"):
        return f"{line}\nuntil longshore doctor --server; do :; done"
    return line


# Writes what `docker save` would: an image `app:1` of the files in a folder.
SAVE = """
import hashlib, io, json, sys, tarfile
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as tar:
    tar.add(sys.argv[1], arcname=".")
digest = hashlib.sha256(layer.getvalue()).hexdigest()
config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest]}}
manifest = [{"Config": "config.json", "RepoTags": ["app:1"], "Layers": ["layer.tar"]}]
files = {"config.json": json.dumps(config).encode(), "manifest.json": json.dumps(manifest).encode()}
files["layer.tar"] = layer.getvalue()
with tarfile.open(sys.argv[2], "w") as tar:
    for name, content in files.items():
        member = tarfile.TarInfo(name)
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
"""
