"""Executes pages of `docs/`: the configuration they show, each command, each output."""

import os

import harness
from documents import Shell, blocks
from harness import Case

MARK = "=====end of the output of a command====="


def steps(page):
    """Pairs of command and output: a command follows `$ `, goes on after `\\`."""
    for block in blocks(f"docs/{page}", "console"):
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
        shell = Shell(
            harness.ROOT,
            LONGSHORE_DATA_DIR=os.fspath(self.server.data_dir),
            LONGSHORE_CONFIG=os.fspath(self.server.config),
        )
        self.addCleanup(shell.close)
        _, said = shell.type(script)
        outputs = said.split(f"{MARK}\n")[:-1]
        return [output.strip("\n").splitlines() for output in outputs]


class Placement(Page, Case):
    config = "\n".join(blocks("docs/PLACEMENT.md", "toml"))

    def test_every_command_prints_what_the_tutorial_says(self):
        self.check("PLACEMENT.md", 20)


class Faults(Page, Case):
    def test_every_command_prints_what_the_page_says(self):
        self.check("FAULTS.md", 10)
