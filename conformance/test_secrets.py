"""Secrets, environment files and logins with real containers: needs root."""

import hashlib
import json
import os

from harness import Case, Server, until
from test_command_line import Alone
from test_native import IMAGE, import_image

DB = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:prod/db-AbCdEf"
PARAMETER = "arn:aws:ssm:eu-west-1:123456789012:parameter/prod/key"
FILE = "arn:aws:s3:::config/prod/api.env"
ROLE = "arn:aws:iam::123456789012:role/execution"
# Looked for everywhere afterwards; no part of it is in a definition.
PLANTED = "planted-7c1e55d0"


def definition(script, secrets=(), files=(), **more):
    app = {
        "name": "app",
        "image": IMAGE,
        "memory": 64,
        "command": ["sh", "-c", script],
        "secrets": [{"name": name, "valueFrom": source} for name, source in secrets],
        "environmentFiles": [{"type": "s3", "value": arn} for arn in files],
        **more,
    }
    return {
        "family": "secret",
        "networkMode": "none",
        "executionRoleArn": ROLE,
        "containerDefinitions": [app],
    }


class Commands(Case):
    """`longshore run` without a server."""

    @classmethod
    def setUpClass(cls):
        cls.server = Alone("native")
        cls.addClassCleanup(cls.server.close)
        import_image(cls("run_with"), cls.server)

    def run_with(self, task, *flags):
        return self.server.run("run", "-", *flags, stdin=json.dumps(task))

    def mapping(self, text):
        path = self.server.folder / "secrets.toml"
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def test_values_reach_the_container_in_the_order_of_ecs(self):
        (self.server.folder / "api.env").write_text("# comment\nA=file\nB=file\nC=file\n")
        mapping = self.mapping(
            f"""
            "prod/db" = '{{"user":"u","password":"{PLANTED}"}}'
            "/prod/key" = {{ command = ["printf", "of-a-command"] }}
            "{FILE}" = {{ file = "api.env" }}
            """
        )
        secrets = [("C", f"{DB}:user::"), ("PASSWORD", f"{DB}:password::"), ("KEY", PARAMETER)]
        script = "echo $A $B $C $KEY; printf %s $PASSWORD | sha256sum"
        environment = [{"name": "B", "value": "definition"}]
        task = definition(script, secrets, [FILE], environment=environment)
        done = self.run_with(task, "--secrets", mapping)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("file definition u of-a-command", done.stdout)
        self.assertIn(hashlib.sha256(PLANTED.encode()).hexdigest(), done.stdout)
        self.assertNotIn(PLANTED, done.stdout + done.stderr)

    def test_what_is_missing_is_named_and_a_file_to_fill_is_shown(self):
        task = definition("echo never", [("KEY", PARAMETER), ("P", f"{DB}:password::")])
        done = self.run_with(task, "--secrets", self.mapping('"/prod/kee" = "v"'))
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertNotIn("never", done.stdout)
        for words in (
            "ResourceInitializationError: unable to pull secrets or registry auth: app.KEY",
            "did you mean `/prod/kee`?",
            "app.P",
            f'\n"{PARAMETER}" = ""\n',
        ):
            self.assertIn(words, done.stderr)

    def test_the_template_is_a_file_that_can_be_filled(self):
        task = definition("echo $KEY", [("KEY", PARAMETER)])
        template = self.run_with(task, "--secrets-template")
        self.assertEqual(template.returncode, 0, template.stderr)
        unfilled = self.run_with(task, "--secrets", self.mapping(template.stdout))
        self.assertEqual(unfilled.returncode, 125, unfilled.stderr)
        self.assertIn("it is empty: fill it in", unfilled.stderr)
        filled = template.stdout.replace('""', '"filled"')
        done = self.run_with(task, "--secrets", self.mapping(filled))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("filled", done.stdout)

    def test_a_file_that_others_can_read_is_told_of(self):
        mapping = self.mapping('"k" = "v"')
        for mode, told in ((0o600, False), (0o644, True)):
            os.chmod(mapping, mode)
            done = self.run_with(definition("echo done"), "--secrets", mapping)
            self.assertEqual(done.returncode, 0, done.stderr)
            warning = f"warning: others can read {mapping}: `chmod 600 {mapping}`"
            self.assertEqual(done.stderr.count(warning), int(told), done.stderr)

    def test_a_file_with_a_mistake_is_refused_by_its_place(self):
        task = definition("echo never")
        mapping = self.mapping(f'k = {{ vaule = "{PLANTED}" }}')
        done = self.run_with(task, "--secrets", mapping)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("line 1, column 7: unknown key `vaule`: did you mean `value`?", done.stderr)
        self.assertNotIn(PLANTED, done.stderr)


class Traced(Server):
    """With a mapping file, and with a log of all that can be logged."""

    def start(self):
        path = self.folder / "secrets.toml"
        path.write_text(f'"{PARAMETER}" = "{PLANTED}"\n')
        self.flags = ["--secrets", str(path)]
        super().start()

    def variables(self):
        return {**super().variables(), "RUST_LOG": "trace"}


class OnAServer(Case):
    @classmethod
    def setUpClass(cls):
        cls.server = Traced("native")
        cls.addClassCleanup(cls.server.close)
        import_image(cls("leaks"), cls.server)

    def leaks(self):
        """Files of the data directory and of the log that hold the value."""
        found = []
        for folder, _, names in os.walk(self.server.data_dir):
            for name in names:
                path = os.path.join(folder, name)
                try:
                    with open(path, "rb") as file:
                        content = file.read()
                except OSError:
                    continue
                if PLANTED.encode() in content:
                    found.append(path)
        if PLANTED in self.server.stderr():
            found.append("the log")
        return found

    def test_the_value_is_nowhere_but_in_the_container(self):
        script = "printf %s $KEY | sha256sum; exit 5"
        task = definition(script, [("KEY", PARAMETER)])
        registered = self.ecs.register_task_definition(**task)["taskDefinition"]
        arn = self.start(registered["taskDefinitionArn"])
        stopped = self.until_status(arn, "STOPPED")
        self.assertEqual(stopped["containers"][0]["exitCode"], 5, stopped)
        self.assertNotIn(PLANTED, str(stopped) + str(registered))
        shown = self.server.run("ps", "--all").stdout + self.server.run("why", arn).stdout
        self.assertNotIn(PLANTED, shown)
        # The container's own folder goes a moment after the task.
        until(lambda: not self.leaks(), "no copy of the value", show=self.leaks)

    def test_the_flag_of_run_is_for_an_engine_of_its_own(self):
        task = json.dumps(definition("echo never"))
        flags = ("--secrets", str(self.server.folder / "secrets.toml"))
        done = self.server.run("run", "-", *flags, stdin=task)
        self.assertEqual(done.returncode, 125, done.stderr)
        self.assertIn("longshore up --secrets", done.stderr)
