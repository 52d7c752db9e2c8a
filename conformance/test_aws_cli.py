"""The AWS CLI, set up by `eval "$(longshore env)"` and nothing else."""

import json
import subprocess

import harness
from harness import Case

SET_UP = 'variables=$("$1" --data-dir "$2" env) && eval "$variables" && shift 2 && exec "$@"'


class AwsCli(Case):
    def ended(self, *words):
        """Runs a command of the AWS CLI to its end, whatever its exit code."""
        return subprocess.run(
            ["sh", "-c", SET_UP, "sh", harness.BINARY, str(self.server.data_dir), harness.AWS, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=harness.environment(AWS_PROFILE="nobody", AWS_SESSION_TOKEN="stale"),
            timeout=harness.PATIENCE * 2,
            check=False,
        )

    def aws(self, *words):
        """Runs a command that must succeed and reads its JSON."""
        done = self.ended(*words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    def test_a_wrong_secret_is_refused(self):
        """So everything that is answered here was signed well."""
        variables = harness.environment(
            AWS_ENDPOINT_URL=self.server.url,
            AWS_DEFAULT_REGION=harness.REGION,
            AWS_ACCESS_KEY_ID=harness.KEY[0],
            AWS_SECRET_ACCESS_KEY="wrong",
        )
        done = subprocess.run(
            [harness.AWS, "ecs", "list-tasks"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=variables,
            timeout=harness.PATIENCE * 2,
            check=False,
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("(InvalidSignatureException)", done.stderr)

    def test_the_whole_way_of_a_task(self):
        cluster = self.aws("ecs", "create-cluster", "--cluster-name", "cli")["cluster"]
        self.assertEqual(cluster["status"], "ACTIVE")
        options = {"awslogs-group": "/ecs/cli", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        app = {
            "name": "app", "image": "example:1", "memory": 64,
            "dockerLabels": {"longshore.script": "log hello from the cli"},
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        definition = {"family": "cli", "requiresCompatibilities": ["FARGATE"], "networkMode": "awsvpc",
                      "cpu": "256", "memory": "512", "containerDefinitions": [app],
                      "executionRoleArn": "arn:aws:iam::000000000000:role/execution"}
        made = self.aws("ecs", "register-task-definition", "--cli-input-json", json.dumps(definition))
        self.assertEqual(made["taskDefinition"]["revision"], 1)
        started = self.aws(
            "ecs", "run-task", "--cluster", "cli", "--task-definition", "cli", "--launch-type", "FARGATE",
            "--network-configuration", "awsvpcConfiguration={subnets=[subnet-1]}", "--tags", "key=a,value=1",
        )
        self.assertEqual(started["failures"], [])
        arn = started["tasks"][0]["taskArn"]
        self.until_status(arn, "RUNNING", cluster="cli")
        here = ("--cluster", "cli")
        self.aws("ecs", "wait", "tasks-running", *here, "--tasks", arn)
        self.assertEqual(self.aws("ecs", "list-tasks", *here)["taskArns"], [arn])
        self.aws("ecs", "tag-resource", "--resource-arn", arn, "--tags", "key=b,value=2")
        self.aws("ecs", "stop-task", *here, "--task", arn, "--reason", "enough")
        self.until_status(arn, "STOPPED", cluster="cli")
        self.aws("ecs", "wait", "tasks-stopped", *here, "--tasks", arn)
        (task,) = self.aws("ecs", "describe-tasks", *here, "--tasks", arn, "--include", "TAGS")["tasks"]
        self.assertEqual((task["stopCode"], task["stoppedReason"]), ("UserInitiated", "enough"))
        self.assertEqual(task["tags"], [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
        stream = f"p/app/{arn.rsplit('/', 1)[1]}"
        events = self.aws("logs", "get-log-events", "--log-group-name", "/ecs/cli", "--log-stream-name", stream)
        self.assertEqual([event["message"] for event in events["events"]], ["hello from the cli"])
        events = self.aws("logs", "filter-log-events", "--log-group-name", "/ecs/cli")
        self.assertEqual([event["message"] for event in events["events"]], ["hello from the cli"])

    def test_waiters_for_a_task_of_ten_milliseconds_end_as_the_model_says(self):
        self.register("short", "run 10ms; exit 0")
        (task,) = self.aws("ecs", "run-task", "--task-definition", "short")["tasks"]
        # It runs, or is over already: the waiter ends with either.
        done = self.ended("ecs", "wait", "tasks-running", "--tasks", task["taskArn"])
        if done.returncode:
            self.assert_terminal(done)
        self.aws("ecs", "wait", "tasks-stopped", "--tasks", task["taskArn"])
        self.assert_terminal(self.ended("ecs", "wait", "tasks-running", "--tasks", task["taskArn"]))
        self.assert_terminal(self.ended("ecs", "wait", "tasks-running", "--tasks", "0" * 32))

    def assert_terminal(self, done):
        """A failure that an acceptor names, not one of patience."""
        self.assertEqual(done.returncode, 255, done.stderr)
        self.assertIn("Waiter TasksRunning failed: Waiter encountered a terminal failure state", done.stderr)
