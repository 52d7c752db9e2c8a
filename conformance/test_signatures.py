"""Our client's signatures, made again by the signer of botocore.

The two know nothing of each other, so a mistake in what is signed, or how, makes them differ.
"""

import hashlib
import shutil
import subprocess
import tempfile
import unittest

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import capture
import harness
import wire

RUN_TASK = "AmazonEC2ContainerServiceV20141113.RunTask"

# A task whose output is kept, as far as the commands of the binary ask for it.
ID = "0123456789abcdef0123456789abcdef"
TASK = {
    "taskArn": f"arn:aws:ecs:us-east-1:000000000000:task/default/{ID}",
    "taskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/demo:1",
    "lastStatus": "STOPPED",
    "desiredStatus": "STOPPED",
    "stoppedAt": 1,
    "containers": [{"name": "app", "lastStatus": "STOPPED", "exitCode": 0}],
}
LOGGED = {
    "logDriver": "awslogs",
    "options": {"awslogs-group": "g", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"},
}
ANSWERS = {
    "ListTasks": {"taskArns": [TASK["taskArn"]]},
    "DescribeTasks": {"tasks": [TASK], "failures": []},
    "DescribeTaskDefinition": {"taskDefinition": {"containerDefinitions": [
        {"name": "app", "image": "example:1", "logConfiguration": LOGGED},
    ]}},
    "GetLogEvents": {"events": [], "nextForwardToken": "f/1"},
}


def answer(request):
    """By operation; what is none of them is asked of our server only."""
    return 200, ANSWERS.get(request.target.rsplit(".", 1)[-1], {"taskArn": TASK["taskArn"]})


def canonical(url, headers, body, key, service="ecs", region=harness.REGION):
    """What botocore signs, and its signature; `headers` are those to sign, with the moment."""
    request = botocore.awsrequest.AWSRequest("POST", url, headers, body)
    request.context["timestamp"] = headers["x-amz-date"]
    signer = botocore.auth.SigV4Auth(botocore.credentials.Credentials(*key), service, region)
    text = signer.canonical_request(request)
    return text, signer.signature(signer.string_to_sign(request, text), request)


class Vectors(unittest.TestCase):
    """The two that the client's own tests use, so that those do not rest on our word."""

    KEY = ("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    BODY = (
        b'{"cluster":"default","taskDefinition":"demo:1","count":1,'
        b'"clientToken":"00000000-0000-4000-8000-000000000000"}'
    )
    HEADERS = {
        "host": "ecs.us-east-1.amazonaws.com",
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": RUN_TASK,
        "x-amz-date": "20260102T030405Z",
    }
    MORE = {
        "content-length": "110",
        "amz-sdk-invocation-id": "11111111-1111-4111-8111-111111111111",
        "amz-sdk-request": "attempt=1; max=3",
        "x-amz-security-token": "TOKEN",
    }

    def check(self, headers, digest, signature):
        text, made = canonical("https://ecs.us-east-1.amazonaws.com/", headers, self.BODY, self.KEY)
        self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), digest)
        self.assertEqual(made, signature)

    def test_the_fewest_headers(self):
        self.check(
            self.HEADERS,
            "24517cdea0545ad444235212b8cf2078bbc903d9f840d3e2ba455dde50fdc668",
            "e5846bdfb988237ab9967c49d6e378d371efe70f13c3028831a6651ca67f8fd7",
        )

    def test_the_headers_of_the_sdk_for_go(self):
        self.check(
            self.HEADERS | self.MORE,
            "2035e8b033a9cb2f9bac13b406fa737029703de3eb660edf7a8b96c40f74029c",
            "ca9cb6132b6a56a07dc4874b2ee1b52e3aea97854e7a027e5d1294ade1342b61",
        )


class Signed(unittest.TestCase):
    """Everything that arrives is signed, for its service, as botocore would."""

    def check(self, server):
        """Signs what the server was sent again; the pairs of target and service."""
        return {self.check_one(server.url, request) for request in server.requests}

    def check_one(self, url, request):
        authorization = request.authorization
        key_id, day, region, service, end = authorization["Credential"].split("/")
        self.assertEqual((key_id, region, end), (harness.KEY[0], harness.REGION, "aws4_request"))
        self.assertEqual(day, request.headers["x-amz-date"][:8])
        held = {"content-type", "host", "x-amz-date", "x-amz-security-token", "x-amz-target"}
        self.assertLessEqual(held & set(request.headers), set(request.signed))
        headers = {name: request.headers[name] for name in request.signed}
        _, signature = canonical(url + request.path, headers, request.body, harness.KEY, service)
        self.assertEqual(authorization["Signature"], signature, request.target)
        return request.target, service

    def sent(self, client, path, **more):
        answers = [capture.THROTTLED, capture.STARTED]
        with capture.Capture(*answers) as server:
            wire.send(client, server.url + path, wire.INPUT, **more)
        self.assertEqual(self.check(server), {(RUN_TASK, "ecs")})
        self.assertEqual(len(server.requests), 2)
        return server.requests

    def test_run_task(self):
        for request in self.sent("longshore", ""):
            self.assertIn("x-amz-security-token", request.signed)
        for request in self.sent("longshore", "", session_token=None):
            self.assertNotIn("x-amz-security-token", request.headers)

    def test_a_path_that_is_encoded_twice(self):
        for request in self.sent("longshore", "/a%20b/~c"):
            self.assertEqual(request.path, "/a%20b/~c/")

    def test_the_sdk_is_held_to_the_same(self):
        self.sent("sdk", "/a%20b/~c")

    def test_a_changed_request_is_found(self):
        (request, _) = self.sent("longshore", "")
        request.body += b" "
        with self.assertRaises(AssertionError):
            self.check_one("http://127.0.0.1", request)

    def test_the_commands_of_the_binary(self):
        folder = tempfile.mkdtemp(prefix="longshore-test-")
        self.addCleanup(shutil.rmtree, folder)
        with capture.Capture(answer) as server:
            variables = harness.environment(
                AWS_REGION=harness.REGION,
                AWS_ACCESS_KEY_ID=harness.KEY[0],
                AWS_SECRET_ACCESS_KEY=harness.KEY[1],
                AWS_SESSION_TOKEN=wire.TOKEN,
            )
            for words in (["ps"], ["logs", ID], ["why", ID]):
                done = subprocess.run(
                    [harness.BINARY, "--data-dir", folder, *words, "--endpoint-url", server.url],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env=variables,
                    timeout=harness.PATIENCE,
                    check=False,
                )
                self.assertEqual(done.returncode, 0, done.stderr)
        wanted = {
            ("AmazonEC2ContainerServiceV20141113.ListTasks", "ecs"),
            ("Logs_20140328.GetLogEvents", "logs"),
            ("/_longshore/v1/why", "ecs"),
        }
        self.assertLessEqual(wanted, self.check(server))
