"""`clientToken`: the same call twice starts nothing twice, whatever happens in between."""

import concurrent.futures
import uuid

from harness import Case


class Tokens(Case):
    def setUp(self):
        self.definition = self.register("tokens")

    def call(self, token, **more):
        return self.run_task(self.definition, clientToken=token, **more)

    def arns(self, token, **more):
        return [task["taskArn"] for task in self.call(token, **more)]

    def test_a_repetition_answers_the_first_tasks(self):
        token = str(uuid.uuid4())
        self.assertEqual(self.arns(token, count=2), self.arns(token, count=2))

    def test_other_parameters_are_a_conflict(self):
        first = self.arns("conflict")
        response = self.refused("ConflictException", self.ecs.run_task, taskDefinition=self.definition,
                                clientToken="conflict", count=2)
        self.assertEqual(response["resourceIds"], first)

    def test_letter_case_and_cluster_tell_tokens_apart(self):
        self.assertNotEqual(self.arns("Case"), self.arns("case"))
        fargate = self.register("elsewhere", requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                                cpu="256", memory="512")
        self.ecs.create_cluster(clusterName="elsewhere")
        more = {"launchType": "FARGATE", "clientToken": "both",
                "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}}
        (here,) = self.run_task(fargate, **more)
        (there,) = self.run_task(fargate, cluster="elsewhere", **more)
        self.assertNotEqual(here["taskArn"], there["taskArn"])

    def test_length_and_letters(self):
        self.arns("!" * 63 + "~")
        for token in ("x" * 65, "", "a b", "a\x7f", "a\n", "ä"):
            self.refused("InvalidParameterException", self.ecs.run_task, taskDefinition=self.definition,
                         clientToken=token)

    def test_duplicates_at_the_same_time_start_one_task(self):
        before = len(self.tasks_of(family="tokens"))
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            calls = [pool.submit(self.arns, "at-once") for _ in range(64)]
            answers = {tuple(call.result()) for call in calls}
        self.assertEqual(len(answers), 1)
        self.assertEqual(len(self.tasks_of(family="tokens")), before + 1)


class AfterACrash(Case):
    def test_a_repetition_after_kill_9_starts_nothing(self):
        definition = self.register("crash")
        more = {"clientToken": "crash", "count": 3, "tags": [{"key": "a", "value": "1"}]}
        before = sorted(task["taskArn"] for task in self.run_task(definition, **more))
        self.server.kill()
        self.server.start()
        after = sorted(task["taskArn"] for task in self.run_task(definition, **more))
        self.assertEqual(before, after)
        self.assertEqual(sorted(self.tasks_of(family="crash")), before)
        response = self.refused("ConflictException", self.ecs.run_task, taskDefinition=definition,
                                **{**more, "count": 1})
        self.assertEqual(sorted(response["resourceIds"]), before)
