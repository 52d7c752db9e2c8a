"""Capacity providers: strategies, tasks that wait for an instance, Spot tasks that are interrupted."""

import json
import unittest
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.credentials

import harness
from harness import KEY, REGION, Case, until

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


def own_path(case, path, body):
    """A signed POST to a path of Longshore's own; status and answer."""
    request = botocore.awsrequest.AWSRequest(
        "POST",
        f"{case.server.url}/_longshore/v1/{path}",
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
    )
    credentials = botocore.credentials.Credentials(*KEY)
    botocore.auth.SigV4Auth(credentials, "ecs", REGION).add_auth(request)
    sent = urllib.request.Request(
        request.url, data=request.data.encode(), headers=dict(request.headers), method="POST"
    )
    try:
        with urllib.request.urlopen(sent, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def item(provider, **more):
    return {"capacityProvider": provider, **more}


class Fargate(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server.ecs.put_cluster_capacity_providers(
            cluster="default",
            capacityProviders=["FARGATE", "FARGATE_SPOT"],
            defaultCapacityProviderStrategy=[item("FARGATE_SPOT", weight=1)],
        )

    def fargate(self, family, script=""):
        return self.register(
            family,
            script,
            networkMode="awsvpc",
            cpu="256",
            memory="512",
            requiresCompatibilities=["FARGATE"],
        )

    def test_base_and_weight_split_a_call(self):
        strategy = [item("FARGATE", base=1, weight=1), item("FARGATE_SPOT", weight=3)]
        tasks = self.run_task(
            self.fargate("split"),
            count=9,
            capacityProviderStrategy=strategy,
            networkConfiguration=NETWORK,
        )
        names = [task["capacityProviderName"] for task in tasks]
        self.assertEqual((names.count("FARGATE"), names.count("FARGATE_SPOT")), (3, 6))
        self.assertEqual({task["launchType"] for task in tasks}, {"FARGATE"})

    def test_the_default_strategy_and_a_launch_type(self):
        definition = self.fargate("default")
        (task,) = self.run_task(definition, networkConfiguration=NETWORK)
        self.assertEqual(task["capacityProviderName"], "FARGATE_SPOT")
        (task,) = self.run_task(definition, launchType="FARGATE", networkConfiguration=NETWORK)
        self.assertNotIn("capacityProviderName", task)
        self.refused(
            "InvalidParameterException",
            self.ecs.run_task,
            taskDefinition=definition,
            launchType="FARGATE",
            capacityProviderStrategy=[item("FARGATE")],
            networkConfiguration=NETWORK,
            text="Specifying both a launch type and capacity provider strategy is not supported.",
        )

    def test_a_spot_task_is_interrupted(self):
        definition = self.fargate("spot", "run 1h")
        arn = self.start(definition, networkConfiguration=NETWORK)
        self.until_status(arn, "RUNNING")
        status, answer = own_path(self, "interrupt", {"task": arn})
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["task"]["desiredStatus"], "STOPPED")
        self.assertEqual(answer["task"]["stopCode"], "SpotInterruption")
        task = self.until_status(arn, "STOPPED")
        self.assertEqual(task["stopCode"], "SpotInterruption")
        self.assertEqual(task["stoppedReason"], "Your Spot Task was interrupted.")

    def test_the_command_line_interrupts_too(self):
        arn = self.start(self.fargate("spot-cli", "run 1h"), networkConfiguration=NETWORK)
        done = self.server.run("interrupt", arn)
        self.assertEqual((done.returncode, done.stdout), (0, f"{arn}\n"), done.stderr)
        self.assertEqual(self.until_status(arn, "STOPPED")["stopCode"], "SpotInterruption")
        done = self.server.run("interrupt", self.start(self.register("no-spot"), launchType="EC2"))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("FARGATE_SPOT", done.stderr)

    def test_only_spot_tasks_are_interrupted(self):
        arn = self.start(
            self.fargate("steady"), launchType="FARGATE", networkConfiguration=NETWORK
        )
        status, answer = own_path(self, "interrupt", {"task": arn})
        self.assertEqual((status, answer["__type"]), (400, "InvalidParameterException"))


class Queue(Case):
    """A provider that grows, and hosts that register."""

    def provider(self, name):
        """One of its own cluster, with managed scaling."""
        self.ecs.create_capacity_provider(
            name=name,
            autoScalingGroupProvider={
                "autoScalingGroupArn": f"group-{name}",
                "managedScaling": {"status": "ENABLED"},
            },
        )
        self.ecs.create_cluster(
            clusterName=name,
            capacityProviders=[name],
            defaultCapacityProviderStrategy=[item(name, weight=1)],
        )

    def add_instance(self, name):
        """With room for two tasks."""
        amounts = {"CPU": 20, "MEMORY": 64}
        total = [
            {"name": kind, "type": "INTEGER", "integerValue": amount}
            for kind, amount in amounts.items()
        ]
        self.ecs.register_container_instance(
            cluster=name,
            totalResources=total,
            tags=[{"key": "longshore:capacity-provider", "value": name}],
        )

    def wish(self, name):
        status, answer = own_path(self, "capacity-providers", {})
        self.assertEqual(status, 200, answer)
        (wish,) = [one for one in answer["capacityProviders"] if one["capacityProvider"] == name]
        return wish

    def test_tasks_wait_and_start_as_instances_come(self):
        self.provider("grows")
        definition = self.register("waits", "run 1h")
        arns = [
            task["taskArn"] for task in self.run_task(definition, cluster="grows", count=3)
        ]

        def statuses():
            tasks = self.ecs.describe_tasks(cluster="grows", tasks=arns)["tasks"]
            return sorted(task["lastStatus"] for task in tasks)

        self.assertEqual(statuses(), ["PROVISIONING"] * 3)
        self.assertEqual(self.wish("grows")["wantedInstances"], 1)
        self.server.kill()
        self.server.start()
        self.add_instance("grows")
        until(lambda: statuses() == ["PROVISIONING", "RUNNING", "RUNNING"], "two tasks run")
        wish = self.wish("grows")
        self.assertEqual((wish["instances"], wish["wantedInstances"]), (1, 2))
        self.add_instance("grows")
        until(lambda: statuses() == ["RUNNING"] * 3, "all run")
        self.assertEqual(self.wish("grows")["reservation"], 100)

    def test_a_stopped_task_makes_room_and_a_waiting_one_can_be_stopped(self):
        self.provider("full")
        self.add_instance("full")
        definition = self.register("fills", "run 1h")
        first = self.run_task(definition, cluster="full", count=2)
        (next_,) = self.run_task(definition, cluster="full")
        (last,) = self.run_task(definition, cluster="full")
        self.assertNotIn("containerInstanceArn", next_)
        stopped = self.ecs.stop_task(cluster="full", task=last["taskArn"])["task"]
        self.assertEqual(stopped["lastStatus"], "STOPPED")
        self.ecs.stop_task(cluster="full", task=first[0]["taskArn"])
        arns = [next_["taskArn"]]

        def runs():
            (task,) = self.ecs.describe_tasks(cluster="full", tasks=arns)["tasks"]
            return task["lastStatus"] == "RUNNING" and "containerInstanceArn" in task

        until(runs, "the next one runs")


class Hook(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.told = cls.server.folder / "told"
        cls.server.terminate()
        script = f"echo $LONGSHORE_CAPACITY_PROVIDER $LONGSHORE_WANTED_INSTANCES >> {cls.told}"
        hook = json.dumps(["sh", "-c", script])
        cls.server.config.write_text(f'driver = "scripted"\n[capacity]\nhook = {hook}\n')
        cls.server.start()

    def test_the_command_is_told_what_is_wanted(self):
        self.ecs.create_capacity_provider(
            name="told",
            autoScalingGroupProvider={
                "autoScalingGroupArn": "told",
                "managedScaling": {"status": "ENABLED", "minimumScalingStepSize": 3},
            },
        )
        self.ecs.create_cluster(clusterName="told", capacityProviders=["told"])
        (task,) = self.run_task(
            self.register("told"), cluster="told", capacityProviderStrategy=[item("told")]
        )
        until(lambda: self.told.exists() and self.told.read_text() == "told 3\n", "the wish")
        self.ecs.stop_task(cluster="told", task=task["taskArn"])
        until(lambda: self.told.read_text() == "told 3\ntold 0\n", "the wish taken back")


if __name__ == "__main__":
    unittest.main()


class Metrics(Case):
    config = "[metrics]\nopen = true\n"

    def metrics(self):
        with urllib.request.urlopen(f"{self.server.url}/metrics", timeout=60) as answer:
            return answer.read().decode().splitlines()

    def test_metrics_count_tasks_and_instances(self):
        self.register("counted")
        self.ecs.run_task(taskDefinition="counted", count=2)
        running = 'longshore_tasks{cluster="default",status="RUNNING"} 2'
        until(lambda: running in self.metrics(), running, self.metrics)
        self.assertIn('longshore_container_instances{cluster="default",status="ACTIVE"} 1', self.metrics())

    def test_metrics_tell_what_a_provider_wants(self):
        self.ecs.create_capacity_provider(
            name="growing",
            autoScalingGroupProvider={
                "autoScalingGroupArn": "growing",
                "managedScaling": {"status": "ENABLED"},
            },
        )
        self.ecs.put_cluster_capacity_providers(
            cluster="default",
            capacityProviders=["growing"],
            defaultCapacityProviderStrategy=[],
        )
        self.register("waiting")
        self.ecs.run_task(taskDefinition="waiting", capacityProviderStrategy=[item("growing")])
        labels = '{cluster="default",capacity_provider="growing"}'
        seen = self.metrics()
        self.assertIn(f"longshore_capacity_provider_waiting_tasks{labels} 1", seen)
        self.assertIn(f"longshore_capacity_provider_reservation_percent{labels} 200", seen)

    def test_only_an_open_server_answers_without_a_signature(self):
        closed = harness.Server()
        self.addCleanup(closed.close)
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(f"{closed.url}/metrics", timeout=60)
        caught.exception.close()
        self.assertEqual(caught.exception.code, 400, "MissingAuthenticationTokenException")
