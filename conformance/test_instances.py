"""Container instances: those of `[[instance]]`, and hosts that register through the API."""

import json
import subprocess
import unittest

from harness import AWS, KEY, REGION, Case, Server, environment, until

# Two in each of three zones; the capacity provider does not exist.
SIX = """
[[instance]]
name = "a"
count = 2
cpu = 2048
memory = 4096
zone = "us-east-1a"
gpus = 2
capacity-provider = "later"
driver = "scripted"

[[instance]]
name = "b"
count = 2
cpu = 1024
memory = 2048
zone = "us-east-1b"
driver = "scripted"
attributes = { stack = "prod", bare = "" }

[[instance]]
name = "c"
count = 2
cpu = 1024
memory = 2048
zone = "us-east-1c"
driver = "scripted"
network-interfaces = 1
"""


def attributes(instance):
    return {one["name"]: one.get("value") for one in instance["attributes"]}


def name(instance):
    return {one["key"]: one["value"] for one in instance["tags"]}["longshore:name"]


def resources(instance, which="remainingResources"):
    """Names and values, sets sorted by number."""
    found = {}
    for one in instance[which]:
        value = one["integerValue"] if one["type"] == "INTEGER" else sorted(one["stringSetValue"])
        found[one["name"]] = value
    return found


class Fleet:
    """What tests that look at instances share."""

    def instances(self, **more):
        """All of them by name, each described."""
        pages = self.ecs.get_paginator("list_container_instances").paginate(
            PaginationConfig={"PageSize": 4}, **more
        )
        arns = [arn for page in pages for arn in page["containerInstanceArns"]]
        answer = self.ecs.describe_container_instances(
            containerInstances=arns, include=["TAGS", "CONTAINER_INSTANCE_HEALTH"]
        )
        self.assertEqual(answer["failures"], [])
        return {name(one): one for one in answer["containerInstances"]}

    def named(self, name):
        return self.instances()[name]


class Declared(Fleet, Case):
    """`auto` and scripted instances only: nothing asks for real containers."""

    driver = "auto"
    config = SIX

    def test_each_is_what_the_configuration_says(self):
        all_ = self.instances()
        self.assertEqual(sorted(all_), ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"])
        for name, one in all_.items():
            self.assertEqual(attributes(one)["ecs.availability-zone"], f"us-east-1{name[0]}")
            self.assertEqual((one["status"], one["agentConnected"]), ("ACTIVE", True))
            self.assertEqual(one["healthStatus"]["overallStatus"], "OK")
            self.assertTrue(one["versionInfo"]["agentVersion"])
            self.assertEqual(one["remainingResources"], one["registeredResources"])
        self.assertEqual(all_["a-1"]["capacityProviderName"], "later")
        self.assertEqual(resources(all_["a-2"])["GPU"], ["GPU-a-2-0", "GPU-a-2-1"])
        self.assertEqual(resources(all_["b-1"])["CPU"], 1024)
        self.assertEqual(attributes(all_["b-1"])["stack"], "prod")
        self.assertIsNone(attributes(all_["b-1"])["bare"])
        (cluster,) = self.ecs.describe_clusters()["clusters"]
        self.assertEqual(cluster["registeredContainerInstancesCount"], 6)

    def test_what_is_left_is_exact_while_tasks_run_and_after(self):
        app = {"name": "app", "image": "example:1", "cpu": 100, "memory": 200,
               "portMappings": [{"containerPort": 80, "hostPort": 8080},
                                {"containerPort": 53, "hostPort": 5353, "protocol": "udp"}]}
        definition = self.register("exact", containers=[app])
        before = self.instances()
        # The port is free once on each instance, so six fit and a seventh does not.
        tasks = self.run_task(definition, count=6)
        answer = self.ecs.run_task(taskDefinition=definition)
        self.assertEqual({one["reason"] for one in answer["failures"]}, {"RESOURCE:PORTS"})
        self.assertEqual(len(answer["failures"]), 6)
        for task in tasks:
            self.until_status(task["taskArn"], "RUNNING")
        for name, one in self.instances().items():
            was, now = resources(before[name]), resources(one)
            self.assertEqual((now["CPU"], now["MEMORY"]), (was["CPU"] - 100, was["MEMORY"] - 200))
            self.assertEqual(now["PORTS"], sorted(was["PORTS"] + ["8080"]))
            self.assertEqual(now["PORTS_UDP"], ["5353"])
            self.assertEqual((one["runningTasksCount"], one["pendingTasksCount"]), (1, 0))
        zones = {task["availabilityZone"] for task in tasks}
        self.assertEqual(zones, {"us-east-1a", "us-east-1b", "us-east-1c"})
        for task in tasks:
            self.ecs.stop_task(task=task["taskArn"])
        for task in tasks:
            self.until_status(task["taskArn"], "STOPPED")
        for name, one in self.instances().items():
            self.assertEqual(one["remainingResources"], before[name]["remainingResources"])

    def test_draining_and_back(self):
        one = self.named("b-1")
        arn = one["containerInstanceArn"]
        change = self.ecs.update_container_instances_state
        answer = change(containerInstances=[arn, "0" * 32], status="DRAINING")
        self.assertEqual(answer["containerInstances"][0]["status"], "DRAINING")
        self.assertEqual([each["reason"] for each in answer["failures"]], ["MISSING"])
        self.assertEqual(self.ecs.list_container_instances(status="DRAINING")["containerInstanceArns"], [arn])
        definition = self.register("draining")
        for _ in range(3):
            tasks = self.run_task(definition, count=10)
            self.assertNotIn(arn, {task["containerInstanceArn"] for task in tasks})
            for task in tasks:
                self.ecs.stop_task(task=task["taskArn"])
            for task in tasks:
                self.until_status(task["taskArn"], "STOPPED")
        change(containerInstances=[arn], status="ACTIVE")
        self.assertEqual(self.ecs.list_container_instances(status="DRAINING")["containerInstanceArns"], [])
        self.refused("InvalidParameterException", change, containerInstances=[arn], status="INACTIVE")

    def test_attributes(self):
        arn = self.named("c-1")["containerInstanceArn"]
        short = arn.rsplit("/", 1)[1]
        one = {"name": "rack", "value": "7", "targetType": "container-instance", "targetId": short}
        answer = self.ecs.put_attributes(attributes=[one])
        self.assertEqual(answer["attributes"], [{"name": "rack", "value": "7", "targetId": arn}])
        lister = self.ecs.get_paginator("list_attributes")
        pages = lister.paginate(targetType="container-instance", attributeName="rack")
        self.assertEqual([a["targetId"] for page in pages for a in page["attributes"]], [arn])
        pages = lister.paginate(targetType="container-instance", PaginationConfig={"PageSize": 10})
        listed = [(a["targetId"], a["name"]) for page in pages for a in page["attributes"]]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertEqual(len({target for target, _ in listed}), 6)
        self.ecs.delete_attributes(attributes=[{"name": "rack", "targetId": arn}])
        self.assertNotIn("rack", attributes(self.named("c-1")))
        self.refused("TargetNotFoundException", self.ecs.put_attributes,
                     attributes=[{**one, "targetId": "0" * 32}])
        many = [{**one, "name": f"a{n}"} for n in range(10)]
        self.ecs.put_attributes(attributes=many)
        self.refused("AttributeLimitExceededException", self.ecs.put_attributes,
                     attributes=[{**one, "name": "b"}])
        self.ecs.delete_attributes(attributes=many)

    def test_expressions_filter(self):
        def found(filter_):
            return sorted(self.instances(filter=filter_))

        self.assertEqual(found("attribute:stack == prod"), ["b-1", "b-2"])
        self.assertEqual(found("attribute:ecs.availability-zone in [us-east-1a, us-east-1c]"),
                         ["a-1", "a-2", "c-1", "c-2"])
        self.refused("InvalidParameterException", self.ecs.list_container_instances,
                     filter="attribute:stack is prod", text="Invalid expression: attribute:stack is prod")

    def test_no_agent_has_a_newer_version(self):
        arn = self.named("a-1")["containerInstanceArn"]
        self.refused("NoUpdateAvailableException", self.ecs.update_container_agent, containerInstance=arn)

    def test_the_command_shows_them(self):
        done = self.server.run("instances")
        self.assertEqual(done.returncode, 0, done.stderr)
        heading, *rows = done.stdout.splitlines()
        self.assertEqual(heading.split()[:4], ["INSTANCE", "NAME", "ZONE", "PROVIDER"])
        self.assertEqual([row.split()[1] for row in rows], ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"])
        self.assertRegex(rows[0], r"us-east-1a +later +ACTIVE +connected +\d+ +\d+ +\d+ of 2048 +\d+ of 4096 MiB")

    def test_the_aws_cli_sees_them(self):
        key = {"AWS_ACCESS_KEY_ID": KEY[0], "AWS_SECRET_ACCESS_KEY": KEY[1]}
        variables = environment(AWS_ENDPOINT_URL_ECS=self.server.url, AWS_DEFAULT_REGION=REGION, **key)
        words = ["ecs", "describe-container-instances", "--output", "json", "--query",
                 "containerInstances[].tags[?key=='longshore:name'].value[]",
                 "--include", "TAGS", "--container-instances", *self.ecs.list_container_instances()["containerInstanceArns"]]
        done = subprocess.run([AWS, *words], capture_output=True, text=True, env=variables, check=True)
        self.assertEqual(sorted(json.loads(done.stdout)), ["a-1", "a-2", "b-1", "b-2", "c-1", "c-2"])


class Hosts(Fleet, Case):
    """Where containers are scripted, a host that registers is one of them."""

    def test_a_host_joins_works_and_goes(self):
        cluster = self.ecs.create_cluster(clusterName="joined")["cluster"]["clusterName"]
        document = json.dumps({"instanceId": "i-0abc", "availabilityZone": "us-east-1d",
                               "instanceType": "t3.micro"})
        total = [{"name": "CPU", "type": "INTEGER", "integerValue": 1024},
                 {"name": "MEMORY", "type": "INTEGER", "integerValue": 1000},
                 {"name": "PORTS", "type": "STRINGSET", "stringSetValue": ["22"]},
                 {"name": "PORTS_UDP", "type": "STRINGSET", "stringSetValue": []}]
        one = self.ecs.register_container_instance(
            cluster=cluster, instanceIdentityDocument=document, totalResources=total,
            versionInfo={"agentVersion": "1.105.1"},
        )["containerInstance"]
        arn = one["containerInstanceArn"]
        self.assertEqual((one["ec2InstanceId"], one["agentConnected"]), ("i-0abc", True))
        again = self.ecs.register_container_instance(
            cluster=cluster, containerInstanceArn=arn, totalResources=total)["containerInstance"]
        self.assertEqual(again["containerInstanceArn"], arn)
        definition = self.register("joined")
        (task,) = self.run_task(definition, cluster=cluster)
        self.assertEqual((task["containerInstanceArn"], task["availabilityZone"]), (arn, "us-east-1d"))
        leave = self.ecs.deregister_container_instance
        self.refused("InvalidParameterException", leave, cluster=cluster, containerInstance=arn,
                     text="Found running tasks on the instance.")
        gone = leave(cluster=cluster, containerInstance=arn, force=True)["containerInstance"]
        self.assertEqual(gone["status"], "INACTIVE")
        answer = self.ecs.describe_tasks(cluster=cluster, tasks=[task["taskArn"]])
        (stopped,) = answer["tasks"]
        self.assertEqual(stopped["lastStatus"], "STOPPED")
        self.assertEqual(stopped["stoppedReason"], "Container instance deregistration forced by user")
        (still,) = self.ecs.describe_container_instances(
            cluster=cluster, containerInstances=[arn])["containerInstances"]
        self.assertEqual(still["status"], "INACTIVE")
        self.refused("InvalidParameterException", self.ecs.run_task, cluster=cluster,
                     taskDefinition=definition, text="No Container Instances were found")
        self.ecs.delete_cluster(cluster=cluster)


class Restarts(unittest.TestCase):
    def test_instances_keep_their_ids_and_those_left_out_go_with_their_tasks(self):
        server = Server("scripted", SIX)
        self.addCleanup(server.close)

        def ids():
            arns = server.ecs.list_container_instances()["containerInstanceArns"]
            found = server.ecs.describe_container_instances(containerInstances=arns, include=["TAGS"])
            return {name(one): one["containerInstanceArn"] for one in found["containerInstances"]}

        before = ids()
        app = {"name": "app", "image": "example:1", "cpu": 600, "memory": 600,
               "portMappings": [{"containerPort": 80, "hostPort": 80}]}
        server.ecs.register_task_definition(family="app", containerDefinitions=[app])
        tasks = server.ecs.run_task(taskDefinition="app", count=6)["tasks"]
        where = {task["taskArn"]: task["containerInstanceArn"] for task in tasks}

        def running():
            found = server.ecs.describe_tasks(tasks=list(where))["tasks"]
            return {task["taskArn"] for task in found if task["lastStatus"] == "RUNNING"}

        until(lambda: running() == set(where), "all run")
        server.kill()
        server.start()
        self.assertEqual(ids(), before)
        self.assertEqual(running(), set(where))
        server.kill()
        text = server.config.read_text()
        server.config.write_text(text.replace('name = "b"\ncount = 2', 'name = "b"\ncount = 1'))
        server.start()
        left = ids()
        self.assertEqual(left, {name: arn for name, arn in before.items() if name != "b-2"})
        for task in server.ecs.describe_tasks(tasks=list(where))["tasks"]:
            if where[task["taskArn"]] == before["b-2"]:
                self.assertEqual(task["lastStatus"], "STOPPED")
                self.assertIn("b-2 was removed from the configuration", task["stoppedReason"])
            else:
                self.assertEqual(task["lastStatus"], "RUNNING")


class Many(Case):
    """10,000 instances on one machine."""

    config = """
[[instance]]
name = "node"
count = 10000
cpu = 1024
memory = 2048
"""

    def test_tasks_run_on_them_and_the_command_pages_through_them(self):
        (cluster,) = self.ecs.describe_clusters()["clusters"]
        self.assertEqual(cluster["registeredContainerInstancesCount"], 10000)
        definition = self.register("many")
        tasks = self.run_task(definition, count=10)
        self.assertGreater(len({task["containerInstanceArn"] for task in tasks}), 5)
        for task in tasks:
            self.until_status(task["taskArn"], "RUNNING")
        done = self.server.run("instances")
        names = [line.split()[1] for line in done.stdout.splitlines()[1:]]
        self.assertEqual(names, [f"node-{n}" for n in range(1, 10001)])

    def test_a_second_start_finds_them_again(self):
        self.server.terminate()
        self.server.start()
        (cluster,) = self.ecs.describe_clusters()["clusters"]
        self.assertEqual(cluster["registeredContainerInstancesCount"], 10000)
