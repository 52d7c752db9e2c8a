"""Fault rules: what official tools make of calls and tasks that go wrong on purpose."""

import email.utils
import json
import time

import botocore.exceptions

from harness import Case, until

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


class Rules:
    """Adds and removes rules by the command line; each test begins without any."""

    def tearDown(self):
        self.faults("rm", "--all")

    def faults(self, *words):
        done = self.server.run("faults", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def counts(self):
        """Matched calls and hits of each rule."""
        listed = json.loads(self.faults("ls", "--json"))["faults"]
        return [(one["matched"], one["hits"]) for one in listed]

    def started(self, family):
        return len(self.tasks_of(family=family))

    def lost(self, call):
        """The call must end without an answer that can be read."""
        # botocore takes half a body for a whole one; the harness, which reads it, does not.
        with self.assertRaises((botocore.exceptions.BotoCoreError, json.JSONDecodeError)) as caught:
            call()
        return caught.exception


class Calls(Rules, Case):
    def run_forever(self, family):
        self.register(family, "run 1h")
        return lambda client=None, **more: (client or self.ecs).run_task(taskDefinition=family, **more)

    def test_boto3_retries_through_throttles_and_starts_one_task(self):
        run = self.run_forever("throttled")
        self.faults("add", "throttling", "--operation", "RunTask", "--times", "2")
        answer = run(self.server.client(attempts=5))
        self.assertEqual(answer["ResponseMetadata"]["RetryAttempts"], 2)
        self.assertEqual(self.counts(), [(2, 2)])
        self.assertEqual(self.started("throttled"), 1)

    def test_a_refused_call_has_no_effect_unless_the_rule_says_so(self):
        for number, (fault, code, status) in enumerate(
            (
                ("throttling", "ThrottlingException", 400),
                ("server-error", "ServerException", 500),
                ("html-page", "503", 503),
            )
        ):
            for after in (False, True):
                family = f"refused-{number}-{after}"
                run = self.run_forever(family)
                words = ["--operation", "RunTask", *(["--after-effect"] if after else [])]
                self.faults("add", fault, *words)
                with self.subTest(fault=fault, after=after):
                    with self.assertRaises(botocore.exceptions.ClientError) as caught:
                        run()
                    response = caught.exception.response
                    self.assertEqual(response["Error"]["Code"], code)
                    self.assertEqual(response["ResponseMetadata"]["HTTPStatusCode"], status)
                    self.assertEqual(self.started(family), int(after))
                self.faults("rm", "--all")

    def test_a_cut_before_the_effect_leaves_nothing(self):
        run = self.run_forever("cut-before")
        self.faults("add", "cut", "--operation", "RunTask")
        self.assertIsInstance(self.lost(run), botocore.exceptions.ConnectionClosedError)
        self.assertEqual(self.started("cut-before"), 0)

    def test_after_a_cut_answer_the_same_token_gives_the_same_tasks(self):
        for fault in (["cut", "--after-effect"], ["cut-body"]):
            with self.subTest(fault=fault):
                family = fault[0]
                run = self.run_forever(family)
                self.faults("add", *fault, "--operation", "RunTask", "--times", "1")
                self.lost(lambda run=run, family=family: run(count=2, clientToken=family))
                known = self.tasks_of(family=family)
                self.assertEqual(len(known), 2)
                again = run(count=2, clientToken=family)["tasks"]
                self.assertEqual({task["taskArn"] for task in again}, set(known))
                self.assertEqual(self.started(family), 2)

    def test_boto3_repeats_a_cut_call_with_the_token_of_its_own(self):
        run = self.run_forever("repeated")
        self.faults("add", "cut", "--operation", "RunTask", "--after-effect", "--times", "1")
        (task,) = run(self.server.client(attempts=3))["tasks"]
        self.assertEqual(self.tasks_of(family="repeated"), [task["taskArn"]])

    def test_a_date_is_wrong(self):
        self.faults("add", "wrong-date", "-3600", "--operation", "ListClusters")
        answer = self.ecs.list_clusters()
        date = answer["ResponseMetadata"]["HTTPHeaders"]["date"]
        behind = time.time() - email.utils.parsedate_to_datetime(date).timestamp()
        self.assertAlmostEqual(behind, 3600, delta=60)

    def test_an_answer_is_late(self):
        self.faults("add", "latency", "300ms", "--operation", "ListClusters")
        before = time.monotonic()
        self.ecs.list_clusters()
        self.assertGreaterEqual(time.monotonic() - before, 0.3)

    def test_failures_are_chosen(self):
        run = self.run_forever("not-placed")
        rule = ["failures", "RESOURCE:MEMORY", "--operation", "RunTask", "--times", "1"]
        self.faults("add", *rule, "--count", "2")
        answer = run(count=3)
        self.assertEqual(len(answer["tasks"]), 1)
        self.assertEqual(answer["failures"], [{"reason": "RESOURCE:MEMORY"}] * 2)
        self.assertEqual(run(count=3)["failures"], [])

    def test_the_first_polls_do_not_find_the_task(self):
        (task,) = self.run_forever("missing")()["tasks"]
        arn = task["taskArn"]
        self.faults("add", "failures", "MISSING", "--operation", "DescribeTasks", "--times", "2")
        for _ in range(2):
            answer = self.ecs.describe_tasks(tasks=[arn])
            self.assertEqual(answer["tasks"], [])
            self.assertEqual(answer["failures"], [{"arn": arn, "reason": "MISSING"}])
        self.assertEqual(self.describe(arn)["taskArn"], arn)
        self.assertEqual(self.counts(), [(2, 2)])

    def test_a_rule_is_for_one_caller(self):
        self.faults("add", "throttling", "--caller", "AKIAOTHER")
        self.ecs.list_clusters()
        self.faults("add", "throttling", "--caller", "arn:aws:iam::000000000000:root")
        self.refused("ThrottlingException", self.ecs.list_clusters, text="Rate exceeded")

    def test_the_same_seed_draws_the_same_hits(self):
        def drawn():
            self.faults("rm", "--all")
            self.faults("add", "throttling", "--probability", "0.5", "--seed", "7")
            return [self.is_well() for _ in range(20)]

        first = drawn()
        self.assertEqual(set(first), {True, False})
        self.assertEqual(drawn(), first)

    def is_well(self):
        try:
            self.ecs.list_clusters()
        except botocore.exceptions.ClientError:
            return False
        return True

    def test_a_rule_that_cannot_be_followed_says_what_to_change(self):
        for words, text in (
            (["throttling", "--operation", "Dance"], "There is no operation 'Dance'"),
            (["failures", "MISSING"], "failures need an operation: RunTask or DescribeTasks."),
            (["lost-host", "--operation", "ListTasks"], "needs operation RunTask or StartTask"),
            (["exit-code", "300"], "code must be between 0 and 255, but is 300."),
        ):
            done = self.server.run("faults", "add", *words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(text, done.stderr)
        done = self.server.run("faults", "rm", "4711")
        self.assertIn("There is no fault rule 4711", done.stderr)


class Tasks(Rules, Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        providers = ["FARGATE", "FARGATE_SPOT"]
        cls.server.ecs.put_cluster_capacity_providers(
            cluster="default", capacityProviders=providers, defaultCapacityProviderStrategy=[]
        )

    def fargate(self, family, provider):
        self.register(
            family,
            "run 1h",
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            requiresCompatibilities=["FARGATE"],
        )
        strategy = [{"capacityProvider": provider}]
        return self.start(family, capacityProviderStrategy=strategy, networkConfiguration=NETWORK)

    def exit_code(self, arn):
        return self.until_status(arn, "STOPPED")["containers"][0]["exitCode"]

    def test_tasks_end_with_a_code(self):
        self.register("coded", "run 10ms; exit 0")
        self.faults("add", "exit-code", "3", "--times", "2")
        tasks = [task["taskArn"] for task in self.run_task("coded", count=3)]
        self.assertEqual([self.exit_code(arn) for arn in tasks], [3, 3, 0])
        self.assertEqual(self.counts(), [(2, 2)])

    def test_a_task_that_would_run_on_ends_after_a_time(self):
        self.register("endless", "run 1h")
        self.faults("add", "exit-code", "9", "--after", "50ms")
        self.assertEqual(self.exit_code(self.start("endless")), 9)

    def test_a_container_of_a_name_ends(self):
        app = {"image": "example:1", "memory": 16, "dockerLabels": {"longshore.script": "exit 0"}}
        self.register("pair", containers=[{"name": "a", **app}, {"name": "b", **app}])
        self.faults("add", "exit-code", "5", "--container", "b")
        task = self.until_status(self.start("pair"), "STOPPED")
        codes = {one["name"]: one["exitCode"] for one in task["containers"]}
        self.assertEqual(codes, {"a": 0, "b": 5})

    def test_transitions_are_slow(self):
        self.register("slow", "run 1h")
        self.faults("add", "slow-transitions", "200ms")
        task = self.until_status(self.start("slow"), "RUNNING")
        took = (task["startedAt"] - task["createdAt"]).total_seconds()
        # Network, pull and start.
        self.assertGreaterEqual(took, 0.6)

    def test_a_repeated_call_decides_nothing_anew(self):
        self.register("once", "run 1h")
        first = self.start("once", clientToken="once")
        self.faults("add", "exit-code", "9", "--after", "0s")
        self.assertEqual(self.start("once", clientToken="once"), first)
        self.assertEqual(self.counts(), [(0, 0)])

    def test_spot_tasks_are_interrupted_and_others_not(self):
        self.faults("add", "spot-interruption", "--after", "20ms")
        steady = self.fargate("steady", "FARGATE")
        spot = self.until_status(self.fargate("spot", "FARGATE_SPOT"), "STOPPED")
        self.assertEqual(spot["stopCode"], "SpotInterruption")
        self.assertEqual(spot["stoppedReason"], "Your Spot Task was interrupted.")
        self.assertEqual(self.describe(steady)["desiredStatus"], "RUNNING")
        self.assertEqual(self.counts(), [(1, 1)])

    def test_a_task_on_fargate_loses_its_host_alone(self):
        steady = self.fargate("stays", "FARGATE")
        self.faults("add", "lost-host", "--times", "1")
        lost = self.until_status(self.fargate("goes", "FARGATE"), "STOPPED")
        self.assertEqual(lost["stopCode"], "TerminationNotice")
        self.assertEqual(self.describe(steady)["desiredStatus"], "RUNNING")


class LostHosts(Rules, Case):
    config = "\n".join(
        f'[[instance]]\nname = "{name}"\ndriver = "scripted"\ncpu = 1024\nmemory = 1024\n'
        for name in ("a", "b")
    )

    def test_an_instance_is_lost_with_all_its_tasks(self):
        self.register("lost", "run 1h")
        # Each on an instance of its own, then a second one on that of the first.
        apart = {"placementConstraints": [{"type": "distinctInstance"}]}
        first, other = (task["taskArn"] for task in self.run_task("lost", count=2, **apart))
        until(lambda: self.describe(first)["lastStatus"] == "RUNNING")
        instance = self.describe(first)["containerInstanceArn"]
        self.faults("add", "lost-host", "--after", "20ms", "--times", "1")
        answer = self.ecs.start_task(taskDefinition="lost", containerInstances=[instance])
        for arn in (first, answer["tasks"][0]["taskArn"]):
            task = self.until_status(arn, "STOPPED")
            self.assertEqual(task["stopCode"], "TerminationNotice")
            name = instance.split("/")[-1]
            self.assertEqual(task["stoppedReason"], f"Host EC2 (instance {name}) terminated.")
            self.assertNotIn("exitCode", task["containers"][0])
        self.assertEqual(self.describe(other)["desiredStatus"], "RUNNING")
        (gone,) = self.ecs.describe_container_instances(containerInstances=[instance])[
            "containerInstances"
        ]
        self.assertEqual((gone["status"], gone["agentConnected"]), ("INACTIVE", False))
        self.assertNotEqual(self.describe(self.start("lost"))["containerInstanceArn"], instance)
