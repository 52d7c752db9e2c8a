"""`cargo xtask parity`, with servers of our own in the place of AWS.

One stands behind a proxy that plants a difference. It also answers what STS and EC2 answer, with
an account number that may then be found in no trace.
"""

import contextlib
import http.client
import http.server
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import harness
from harness import Server
from parity import __main__ as command
from parity import compare, matrix, normal, report, runner, trace

ACCOUNT = "210987654321"
CALLER = f"arn:aws:sts::{ACCOUNT}:assumed-role/Administrator/alice"
# The key of the test servers, as the person who asks has it.
KEY = {
    "AWS_ACCESS_KEY_ID": harness.KEY[0], "AWS_SECRET_ACCESS_KEY": harness.KEY[1],
    "AWS_REGION": harness.REGION, "AWS_DEFAULT_REGION": harness.REGION,
    "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
# What two other services of AWS answer, as far as it is read.
ELSEWHERE = {
    "GetCallerIdentity": f"""<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>{CALLER}</Arn>
        <UserId>AROA0123456789EXAMPLE:alice</UserId><Account>{ACCOUNT}</Account>
        </GetCallerIdentityResult></GetCallerIdentityResponse>""",
    "DescribeVpcs": "<R><vpcSet><item><vpcId>vpc-01234567</vpcId></item></vpcSet></R>",
    "DescribeSubnets": "<R><subnetSet><item><subnetId>subnet-0aaaabbbbccccdddd</subnetId></item></subnetSet></R>",
    "DescribeSecurityGroups": """<R><securityGroupInfo><item><groupId>sg-0aaaabbbbccccdddd</groupId></item>
        </securityGroupInfo></R>""",
}


class Proxy(http.server.ThreadingHTTPServer):
    """Passes requests on to a server.

    `plant(operation, status, answer)` changes what is answered; what `instead(operation, request)`
    gives is answered without asking the server.
    """

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Handler)
        self.server_url = urlsplit(server.url)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.reset()
        threading.Thread(target=self.serve_forever, args=(harness.PAUSE,), daemon=True).start()

    def reset(self):
        """Plants nothing, and has seen nothing."""
        self.plant = lambda operation, status, answer: (status, answer)
        self.instead = lambda operation, request: None
        self.operations = []

    def handle_error(self, *_):
        """A caller that has gone away is no error of a test."""

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        target = self.headers["X-Amz-Target"]
        if not target:
            action = parse_qs(body.decode())["Action"][0]
            return self.answer(200, "text/xml", ELSEWHERE[action].encode())
        operation = target.rsplit(".", 1)[1]
        self.server.operations.append(operation)
        status, answer = self.server.instead(operation, body) or self.passed_on(operation, body)
        self.answer(status, "application/x-amz-json-1.1", json.dumps(answer).encode())

    def passed_on(self, operation, body):
        there = http.client.HTTPConnection(self.server.server_url.netloc, timeout=harness.PATIENCE)
        # With the Host header that was signed.
        there.request("POST", "/", body, dict(self.headers))
        response = there.getresponse()
        answer = json.loads(response.read())
        there.close()
        return self.server.plant(operation, response.status, answer)

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Says nothing."""


def planted(operation, change):
    """A plant in the answers to one operation only."""
    return lambda asked, status, answer: change(status, answer) if asked == operation else (status, answer)


def refusal(**members):
    """Changes what is refused."""
    return lambda status, body: (status, body if status == 200 else changed(body, members))


def answer(**members):
    """Changes what is answered with success."""
    return lambda status, body: (status, changed(body, members) if status == 200 else body)


def task(**members):
    """Changes each task of an answer."""

    def change(status, body):
        tasks = {"tasks": [changed(one, members) for one in body["tasks"]]} if "tasks" in body else {}
        return status, {**body, **tasks}

    return change


def changed(body, members):
    """The body with these members; without those that are None."""
    return {name: value for name, value in {**body, **members}.items() if value is not None}


class Parity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        # Of two VPCs, one for each kind of run.
        theirs = command.VPC.replace("0123456789abcdef0", "0aaaabbbbccccdddd")
        cls.server = Server(config=f'account = "{ACCOUNT}"\n{command.VPC}{theirs}')
        cls.addClassCleanup(cls.server.close)
        cls.proxy = Proxy(cls.server)
        cls.addClassCleanup(cls.proxy.close)
        cls.trace = cls.folder / "plain.jsonl"
        cls.first = cls.parity("--against", cls.proxy.url, "--record", str(cls.trace))
        cls.plain = trace.read(cls.trace)[1]

    def setUp(self):
        self.proxy.reset()

    def tearDown(self):
        self.assertEqual(self.left_behind(), [], "the run leaves nothing")

    def left_behind(self):
        """Whatever of any run still exists."""
        ecs = self.server.ecs
        clusters = [arn for arn in ecs.list_clusters()["clusterArns"] if runner.PREFIX in arn]
        definitions = [
            arn for status in ("ACTIVE", "INACTIVE")
            for page in ecs.get_paginator("list_task_definitions").paginate(status=status)
            for arn in page["taskDefinitionArns"]
        ]
        return clusters + definitions

    @classmethod
    def parity(cls, *words, stdin="", **variables):
        """The command in this process; its exit code and what it printed."""
        printed = io.StringIO()
        with (
            mock.patch.dict(os.environ, {**KEY, **variables}),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
        ):
            code = command.main(words)
        return code, printed.getvalue()

    def differences(self, pattern):
        """What these rows over the proxy, as it is now, differ in from those without a plant."""
        rows = matrix.rows(pattern)
        names = {row.name for row in rows}
        plain = [record for record in self.plain if record["name"] in names]
        held = report.Report(plain, command.run(self.target(), command.run_name(), rows))
        self.assertEqual(held.aside, {})
        return held.found

    def aws(self, *words, stdin=""):
        """The command with the proxy in the place of AWS."""
        return self.parity("--aws", *words, stdin=stdin, AWS_ENDPOINT_URL=self.proxy.url)

    def target(self):
        key = command.boto3.session.Session(*harness.KEY).get_credentials()
        return command.of_key("url", self.proxy.url, harness.REGION, key)

    def test_a_server_is_as_itself(self):
        code, said = self.first
        self.assertEqual(code, 0, said)
        self.assertRegex(said, rf"rows compared +{len(matrix.rows())}\n +equal +{len(matrix.rows())}\n")

    def test_each_kind_of_planted_difference_is_found(self):
        # What is planted, and what must be told of which row.
        for operation, change, expected in [
            ("StopTask", refusal(message="Gone."), ("reads.stop-unknown", "message", "")),
            ("StopTask", refusal(__type="ClientException"), ("reads.stop-unknown", "exception", "")),
            ("StopTask", lambda status, answer: (200, answer), ("reads.stop-unknown", "status", "")),
            ("DescribeClusters", answer(failures=None), ("reads.describe-cluster", "absent", "failures")),
            ("DescribeClusters", answer(hint="none"), ("reads.describe-cluster", "added", "hint")),
            ("DescribeClusters", answer(clusters={}), ("reads.describe-cluster", "type", "clusters")),
            ("DescribeClusters", answer(failures=[]), ("reads.describe-cluster", "length", "failures")),
            ("DescribeTasks", task(stopCode="UserInitiated"), ("tasks.stopped", "value", "tasks.0.stopCode")),
            ("DescribeTasks", task(cpu=256), ("tasks.stopped", "type", "tasks.0.cpu")),
            ("DescribeTasks", task(startedAt=None), ("tasks.stopped", "absent", "tasks.0.startedAt")),
        ]:
            with self.subTest(expected):
                self.proxy.plant = planted(operation, change)
                found = self.differences(f"{expected[0].split('.')[0]}.*")
                self.assertIn(expected, [one[:3] for one in found])
                others = {row.name for row in matrix.rows() if row.operation != operation}
                self.assertEqual([one for one in found if one.row in others], [])

    def test_a_difference_ends_the_command_with_1_and_is_printed(self):
        path = self.folder / "planted.jsonl"
        self.proxy.plant = planted("StopTask", refusal(message="Gone."))
        code, said = self.parity("--against", self.proxy.url, "--only", "reads.*", "--record", str(path))
        self.assertEqual(code, 1, said)
        for line in ("reads.stop-unknown", "    url:   Gone.", "    local: The referenced task was not found."):
            self.assertIn(line, said.splitlines())
        again, repeated = self.parity("--replay", str(path), "--only", "reads.*")
        self.assertEqual((again, repeated.count("Gone.")), (1, said.count("Gone.")), "also from its trace")

    def test_a_trace_replays_without_a_difference(self):
        code, said = self.parity("--replay", str(self.trace))
        self.assertEqual(code, 0, said)
        self.assertRegex(said, rf"rows compared +{len(matrix.rows())}\n")

    def test_an_edited_trace_does_not_replay(self):
        path = self.folder / "edited.jsonl"
        text = self.trace.read_text()

        def replay(content):
            path.write_text(content)
            return self.parity("--replay", str(path), "--only", "reads.no-tasks")

        code, said = replay(text.replace("Tasks cannot be empty.", "Tasks must not be empty.", 1))
        self.assertEqual((code, said.count("Tasks must not be empty.")), (1, 1), said)
        self.assertEqual(replay(text.splitlines()[0])[0], 1, "nothing compared is no success")
        for broken in ("", "{}\n", text + "[]\n", text + '{"name": "x"}\n'):
            self.assertEqual(replay(broken)[0], 2)

    def test_a_row_that_has_changed_is_not_compared(self):
        old = [{**record, "request": {}} if record["name"] == "reads.no-tasks" else record for record in self.plain]
        held = report.Report(old, self.plain)
        self.assertEqual((held.found, list(held.aside)), ([], ["reads.no-tasks"]))

    def test_what_is_known_is_no_finding_and_what_is_stale_is_told(self):
        left = [{**record, "status": 500} if record["name"] == "reads.no-tasks" else record for record in self.plain]
        entries = [compare.Known(row, "status", "*", "because") for row in ("reads.no-*", "reads.stop-*", "other.*")]
        held = report.Report(left, self.plain, entries)
        self.assertEqual((held.code, [one.row for one in held.expected]), (0, ["reads.no-tasks"]))
        self.assertEqual([one.row for one in held.stale], ["reads.stop-*"])
        self.assertEqual(report.Report(left, self.plain).code, 1)

    def test_the_known_differences_name_rows_and_have_reasons(self):
        names = [row.name for row in matrix.rows()]
        for entry in compare.known():
            self.assertTrue(any(entry.names(name) for name in names), entry)
        path = self.folder / "known.toml"
        path.write_text('[[known]]\nrow = "*"\n')
        self.assertRaises(ValueError, compare.known, path)

    def test_the_account_is_told_and_nothing_happens_without_consent(self):
        path = self.folder / "refused.jsonl"
        code, said = self.aws("--record", str(path), stdin="no\n")
        self.assertEqual(code, 2, said)
        for text in (ACCOUNT, "cluster longshore-parity-", "at most 4 Fargate tasks", "subnet-0aaaabbbbccccdddd"):
            self.assertIn(text, said)
        self.assertEqual((self.proxy.operations, path.exists()), ([], False))
        code, said = self.aws("--yes", "--account", "111122223333")
        self.assertEqual((code, self.proxy.operations), (2, []), said)

    def test_a_trace_of_an_account_tells_nothing_of_it(self):
        def plant(operation, status, answer):
            if operation == "StopTask" and status == 400:
                answer["message"] = f"User: {CALLER} with AKIA0123456789ABCDEF at ip-10-0-0-1.ec2.internal {ACCOUNT}"
            if operation == "RegisterTaskDefinition" and status == 200:
                answer["taskDefinition"]["registeredBy"] = CALLER
            return status, answer

        self.proxy.plant = plant
        path = self.folder / "aws.jsonl"
        code, said = self.aws("--record", str(path), stdin="yes\n")
        self.assertEqual(code, 1, said)
        text = path.read_text()
        self.assertIn('"message": "User: <principal> with <key> at <host> <account>"', text)
        hidden = (ACCOUNT, "alice", *harness.KEY, "AKIA", "AROA", "0aaaabbbb", "ec2.internal", "127.0.0.1")
        self.assertEqual([word for word in hidden if word in text], [])
        self.assertNotRegex(text, rf"{runner.PREFIX}[0-9a-f]{{8}}|\d{{12}}(?<!111122223333)")

    def test_a_secret_that_is_not_recognised_stops_the_writing(self):
        with self.assertRaises(normal.Leak):
            normal.guard({"name": "x", "body": {"message": "the password is hunter2"}}, ["", None, "hunter2"])

    def test_an_interrupted_run_removes_what_it_made(self):
        made, go_on = threading.Event(), threading.Event()

        def plant(operation, status, answer):
            if operation == "RunTask" and answer.get("tasks"):
                made.set()
                go_on.wait(harness.PATIENCE)
            return status, answer

        self.proxy.plant = plant
        running = subprocess.Popen(
            [sys.executable, "-B", "-m", "parity", "--aws", "--yes", "--only", "tasks.*"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            cwd=harness.ROOT / "conformance", env=harness.environment(**KEY, AWS_ENDPOINT_URL=self.proxy.url),
            # Whoever started the tests in the background has it ignored, and that is inherited.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self.assertTrue(made.wait(harness.PATIENCE))
        self.assertNotEqual(self.left_behind(), [])
        running.send_signal(signal.SIGINT)
        go_on.set()
        said = running.communicate(timeout=harness.PATIENCE)[1]
        self.assertEqual(running.returncode, 130, said)

    def test_what_cannot_be_removed_is_named_and_removed_later(self):
        def instead(operation, request):
            refused = {"__type": "ServerException", "message": "Not now."}
            return (500, refused) if operation == "ListTaskDefinitions" else None

        self.proxy.instead = instead
        code, said = self.parity("--against", self.proxy.url, "--only", "reads.*")
        self.assertEqual(code, 3, said)
        name = said.rsplit(" ", 1)[1].strip()
        self.assertIn(f"task definition {name}-ec2: ListTaskDefinitions: ServerException: Not now.", said)
        self.assertNotEqual(self.left_behind(), [])
        self.proxy.reset()
        code, said = self.parity("--against", self.proxy.url, "--clean", name)
        self.assertEqual(code, 0, said)

    def test_a_throttled_request_is_asked_again_and_a_refused_key_ends_the_run(self):
        throttled = []

        def instead(operation, request):
            if (operation, request) in throttled:
                return None
            throttled.append((operation, request))
            return 400, {"__type": "ThrottlingException", "message": "Rate exceeded"}

        self.proxy.instead = instead
        self.assertEqual(self.differences("reads.*"), [])
        self.assertGreater(len(throttled), 20)
        self.proxy.reset()
        code, said = self.parity("--against", self.proxy.url, AWS_SECRET_ACCESS_KEY="other")
        self.assertEqual(code, 3, said)
        self.assertIn("error: CreateCluster: InvalidSignatureException: ", said)

    def test_a_server_that_is_not_there_is_no_difference(self):
        code, said = self.parity("--against", "http://127.0.0.1:1")
        self.assertEqual(code, 3, said)
        self.assertIn("error: CreateCluster: Could not connect", said)

    def test_without_starting_nothing_is_started(self):
        target = self.target()
        with mock.patch.object(command.runner.Cleanup, "clean", lambda self: self.left):
            one = runner.Run(target, command.run_name(), begins_tasks=False)
            records = one.records(matrix.rows())
        one.cleanup.clean()
        self.assertEqual({r["name"].split(".")[0] for r in records if "skipped" in r}, {"tasks"})
        started = [r["name"] for r in records if r["operation"] == "RunTask" and r.get("status") == 200]
        self.assertEqual(started, [])

    def test_no_row_reaches_beyond_the_run(self):
        for row in matrix.rows():
            text = json.dumps(row.template)
            if row.operation in ("RunTask", "StartTask", "StopTask", "ListTasks", "DescribeTasks"):
                if row.template not in ([""], ["[]"], ['{"cluster": ']) and "no-members" not in row.name:
                    self.assertIn('"cluster', text.replace("\\", ""), row.name)
            if row.operation == "RegisterTaskDefinition" and "family" in row.template:
                self.assertTrue(row.template["family"].startswith("${run}"), row.name)
        costly = [row for row in matrix.rows() if row.operation == "RunTask" and row.cost == "minute"]
        self.assertLessEqual(len(costly), runner.TASKS)
