"""RunTask, StopTask, DescribeTasks and ListTasks through boto3."""

import botocore.exceptions

from harness import Case, until

NETWORK = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}


class Life(Case):
    def test_a_task_runs_until_it_is_stopped(self):
        definition = self.register("life")
        tasks = self.run_task(definition, count=3)
        arns = [task["taskArn"] for task in tasks]
        self.assertEqual(len(set(arns)), 3)
        for task in tasks:
            self.assertEqual(task["taskDefinitionArn"], definition)
            self.assertEqual((task["lastStatus"], task["desiredStatus"]), ("PENDING", "RUNNING"))
            self.assertEqual([one["name"] for one in task["containers"]], ["app"])
        waiter = self.ecs.get_waiter("tasks_running")
        waiter.wait(tasks=arns, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        stopping = self.ecs.stop_task(task=arns[0], reason="enough")["task"]
        self.assertEqual(stopping["desiredStatus"], "STOPPED")
        waiter = self.ecs.get_waiter("tasks_stopped")
        waiter.wait(tasks=arns[:1], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        stopped = self.describe(arns[0])
        self.assertEqual((stopped["stopCode"], stopped["stoppedReason"]), ("UserInitiated", "enough"))
        moments = [stopped[name] for name in ("createdAt", "startedAt", "stoppingAt", "stoppedAt")]
        self.assertEqual(moments, sorted(moments))
        self.assertEqual(self.describe(arns[1])["lastStatus"], "RUNNING")

    def test_an_exit_code_comes_back(self):
        arn = self.start(self.register("exit", "log hello; run 10ms; exit 3"))
        task = self.until_status(arn, "STOPPED")
        self.assertEqual(task["containers"][0]["exitCode"], 3)
        self.assertEqual(task["stopCode"], "EssentialContainerExited")
        self.assertEqual(task["stoppedReason"], "Essential container in task exited")

    def test_a_task_of_ten_milliseconds_is_not_missed(self):
        arn = self.start(self.register("short", "run 10ms; exit 0"))
        waiter = self.ecs.get_waiter("tasks_stopped")
        waiter.wait(tasks=[arn], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        # As with ECS, whoever waits for RUNNING is told when it is over already.
        with self.assertRaisesRegex(botocore.exceptions.WaiterError, "terminal failure"):
            self.ecs.get_waiter("tasks_running").wait(tasks=[arn])

    def test_an_image_that_cannot_be_had_fails_the_task(self):
        arn = self.start(self.register("image", "pull fail no such image"))
        task = self.until_status(arn, "STOPPED")
        self.assertEqual(task["stopCode"], "TaskFailedToStart")
        self.assertIn("CannotPullContainerError", task["stoppedReason"])
        self.assertNotIn("exitCode", task["containers"][0])

    def test_a_dependant_waits_for_health(self):
        def container(name, script, **more):
            labels = {"longshore.script": script}
            return {"name": name, "image": "example:1", "memory": 16, "dockerLabels": labels, **more}

        check = {"command": ["CMD-SHELL", "true"], "interval": 5}
        database = container("database", "health healthy", healthCheck=check)
        depends = [{"containerName": "database", "condition": "HEALTHY"}]
        migration = container("migration", "run 10ms; exit 0", dependsOn=depends)
        arn = self.start(self.register("migrate", containers=[database, migration]))
        task = self.until_status(arn, "STOPPED")
        codes = {one["name"]: one.get("exitCode") for one in task["containers"]}
        self.assertEqual(codes["migration"], 0, task)

    def test_a_stopped_task_may_be_stopped_again(self):
        arn = self.start(self.register("again", "exit 0"))
        self.until_status(arn, "STOPPED")
        self.assertEqual(self.ecs.stop_task(task=arn)["task"]["lastStatus"], "STOPPED")

    def test_logs_are_read_over_the_api(self):
        options = {"awslogs-group": "/ecs/logs", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "p"}
        app = {
            "name": "app", "image": "example:1", "memory": 16,
            "dockerLabels": {"longshore.script": "log one; run 10ms; log two; exit 0"},
            "logConfiguration": {"logDriver": "awslogs", "options": options},
        }
        arn = self.start(self.register("logs", containers=[app]))
        self.until_status(arn, "STOPPED")
        stream = f"p/app/{arn.rsplit('/', 1)[1]}"
        logs = self.server.logs
        events = logs.get_log_events(logGroupName="/ecs/logs", logStreamName=stream, startFromHead=True)
        self.assertEqual([event["message"] for event in events["events"]], ["one", "two"])
        found = logs.filter_log_events(logGroupName="/ecs/logs", filterPattern="two")["events"]
        self.assertEqual([event["logStreamName"] for event in found], [stream])


class Unknown(Case):
    def test_what_is_not_there_is_missing(self):
        answer = self.ecs.describe_tasks(tasks=["0" * 32])
        self.assertEqual(answer["tasks"], [])
        self.assertEqual([one["reason"] for one in answer["failures"]], ["MISSING"])
        self.refused("InvalidParameterException", self.ecs.stop_task, task="0" * 32,
                     text="The referenced task was not found.")
        self.refused("InvalidParameterException", self.ecs.describe_tasks, tasks=["short"])
        self.refused("InvalidParameterException", self.ecs.describe_tasks, tasks=["0" * 32] * 101)
        self.refused("ClusterNotFoundException", self.ecs.describe_tasks, tasks=["0" * 32], cluster="no")


class WhatAndWhere(Case):
    def test_a_definition_is_named_in_three_ways(self):
        first, second, third = [self.register("named") for _ in range(3)]
        self.ecs.deregister_task_definition(taskDefinition=third)
        for name, arn in [("named", second), ("named:1", first), (first, first)]:
            (task,) = self.run_task(name)
            self.assertEqual(task["taskDefinitionArn"], arn)
        self.refused("InvalidParameterException", self.ecs.run_task, taskDefinition=third,
                     text="TaskDefinition is inactive")

    def test_an_answer_is_visible_at_once(self):
        arn = self.start(self.register("visible"))
        self.assertEqual(self.describe(arn)["taskArn"], arn)
        self.assertIn(arn, self.tasks_of())

    def test_a_definition_must_exist(self):
        call = self.ecs.run_task
        self.refused("ClientException", call, taskDefinition="never", text="TaskDefinition not found.")
        self.register("some")
        self.refused("ClientException", call, taskDefinition="some:9", text="TaskDefinition not found.")
        for text in ("some:*", "some:x"):
            self.refused("InvalidParameterException", call, taskDefinition=text, text="Invalid revision number.")
        self.refused("InvalidParameterException", call, taskDefinition="")
        self.assertEqual(self.tasks_of(family="some"), [])

    def test_a_cluster_is_named_in_two_ways_and_defaults(self):
        cluster = self.ecs.create_cluster(clusterName="else")["cluster"]["clusterArn"]
        fargate = self.fargate("else")
        more = {"launchType": "FARGATE", "networkConfiguration": NETWORK}
        for name in ("else", cluster):
            (task,) = self.run_task(fargate, cluster=name, **more)
            self.assertEqual(task["clusterArn"], cluster)
        (task,) = self.run_task(self.register("default"))
        self.assertTrue(task["clusterArn"].endswith(":cluster/default"))
        self.refused("ClusterNotFoundException", self.ecs.run_task, taskDefinition="default",
                     cluster="nowhere", text="Cluster not found.")

    def fargate(self, family, **more):
        return self.register(family, requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                             cpu="256", memory="512", **more)

    def test_from_one_to_ten_tasks(self):
        definition = self.register("count")
        self.assertEqual(len(self.run_task(definition)), 1)
        self.assertEqual(len(self.run_task(definition, count=10)), 10)
        for count in (0, 11, -1):
            self.refused("InvalidParameterException", self.ecs.run_task, taskDefinition=definition,
                         count=count, text="Tasks count must be between 1 and 10.")
        self.assertEqual(len(self.tasks_of(family="count")), 11)

    def test_launch_types(self):
        ec2 = self.register("ec2")
        (task,) = self.run_task(ec2, launchType="EC2")
        self.assertIn("containerInstanceArn", task)
        self.ecs.create_cluster(clusterName="empty")
        call = self.ecs.run_task
        empty = "No Container Instances were found in your cluster."
        bad = "InvalidParameterException"
        self.refused(bad, call, taskDefinition=ec2, cluster="empty", text=empty)
        self.refused(bad, call, taskDefinition=ec2, launchType="FARGATE",
                     text="Task definition does not support launch_type FARGATE.")
        for launch_type in ("FARGATE_SPOT", "MANAGED_INSTANCES", "ec2"):
            self.refused(bad, call, taskDefinition=ec2, launchType=launch_type)

    def test_fargate_has_no_instance_but_a_version(self):
        definition = self.fargate("fargate")
        more = {"launchType": "FARGATE", "networkConfiguration": NETWORK}
        (task,) = self.run_task(definition, **more)
        self.assertEqual((task["launchType"], task["platformVersion"]), ("FARGATE", "1.4.0"))
        self.assertNotIn("containerInstanceArn", task)
        self.assertNotIn("capacityProviderName", task)
        (task,) = self.run_task(definition, platformVersion="1.3.0", **more)
        self.assertEqual(task["platformVersion"], "1.3.0")
        self.refused("PlatformUnknownException", self.ecs.run_task, taskDefinition=definition,
                     platformVersion="9.9.9", **more)
        self.refused("InvalidParameterException", self.ecs.run_task, taskDefinition=self.register("on-ec2"),
                     platformVersion="1.4.0",
                     text="The platform version must be null when specifying an EC2 launch type.")

    def test_awsvpc_needs_a_network_and_gets_an_address(self):
        definition = self.register("vpc", networkMode="awsvpc")
        tasks = self.run_task(definition, count=2, networkConfiguration=NETWORK)
        arns = [task["taskArn"] for task in tasks]
        addresses = set()
        for arn in arns:
            task = self.until_status(arn, "RUNNING")
            (attachment,) = task["attachments"]
            self.assertEqual(attachment["type"], "ElasticNetworkInterface")
            details = {each["name"]: each["value"] for each in attachment["details"]}
            addresses.add(details["privateIPv4Address"])
        self.assertEqual(len(addresses), 2)
        bad = "InvalidParameterException"
        self.refused(bad, self.ecs.run_task, taskDefinition=definition,
                     text="Network Configuration must be provided when networkMode 'awsvpc' is specified.")
        for mode in ("bridge", "host", "none"):
            self.refused(bad, self.ecs.run_task, taskDefinition=self.register(mode, networkMode=mode),
                         networkConfiguration=NETWORK, text="Network Configuration is not valid for")
        self.refused(bad, self.ecs.run_task, taskDefinition=self.register("unset"),
                     networkConfiguration=NETWORK, text="Network Configuration is not valid for")


class Members(Case):
    def setUp(self):
        self.definition = self.register("members")

    def refuse(self, text="", code="InvalidParameterException", **more):
        before = len(self.tasks_of())
        self.refused(code, self.ecs.run_task, taskDefinition=self.definition, text=text, **more)
        self.assertEqual(len(self.tasks_of()), before)

    def test_group_and_started_by(self):
        (task,) = self.run_task(self.definition)
        self.assertEqual(task["group"], "family:members")
        self.assertNotIn("startedBy", task)
        (task,) = self.run_task(self.definition, group="nightly", startedBy="airflow/run_1-a")
        self.assertEqual((task["group"], task["startedBy"]), ("nightly", "airflow/run_1-a"))
        self.assertEqual(self.tasks_of(startedBy="airflow/run_1-a"), [task["taskArn"]])
        self.assertEqual(self.tasks_of(startedBy="airflow/run_1-a", desiredStatus="RUNNING"), [task["taskArn"]])
        self.refused("InvalidParameterException", self.ecs.list_tasks, startedBy="airflow", family="members",
                     text="cannot specify startedBy with other arguments")

    def test_the_length_and_letters_of_started_by(self):
        self.run_task(self.definition, startedBy="x" * 128)
        self.refuse(startedBy="x" * 129, text="startedBy longer than 128.")
        for text in ("a b", "a.b", "ä"):
            self.refuse(startedBy=text)

    def test_a_reference_id_changes_nothing(self):
        (task,) = self.run_task(self.definition, referenceId="anything")
        self.assertNotIn("referenceId", task)

    def test_overrides_of_several_containers(self):
        containers = [{"name": name, "image": "example:1", "memory": 16} for name in ("a", "b", "c")]
        overrides = {"containerOverrides": [
            {"name": "a", "command": ["x"], "environment": [{"name": "K", "value": "V"}]},
            {"name": "c", "command": ["y"]},
        ]}
        (task,) = self.run_task(self.register("several", containers=containers), overrides=overrides)
        shown = {one["name"]: one for one in task["overrides"]["containerOverrides"]}
        self.assertEqual(set(shown), {"a", "b", "c"})
        self.assertEqual(shown["a"]["command"], ["x"])
        self.assertEqual(shown["a"]["environment"], [{"name": "K", "value": "V"}])
        self.assertNotIn("command", shown["b"])

    def test_an_override_of_nobody_is_refused(self):
        self.refuse(overrides={"containerOverrides": [{"name": "nobody", "command": ["x"]}]},
                    text="Override for container named nobody is not a container in the TaskDefinition.")

    def test_overrides_have_a_length_with_their_syntax(self):
        def overrides(length):
            syntax = len('{"containerOverrides":[{"name":"app","command":[""]}]}')
            return {"containerOverrides": [{"name": "app", "command": ["x" * (length - syntax)]}]}

        self.run_task(self.definition, overrides=overrides(8192))
        self.refuse(overrides=overrides(8193), text="Container Overrides length must be at most 8192")

    def test_the_dead_accelerators_are_taken_and_dropped(self):
        dead = [{"deviceName": "device_1", "deviceType": "eia1.medium"}]
        (task,) = self.run_task(self.definition, overrides={"inferenceAcceleratorOverrides": dead})
        self.assertEqual(task["overrides"]["inferenceAcceleratorOverrides"], [])

    def test_the_exec_agent_lives_with_its_container(self):
        self.refuse("The execute command failed because a valid task role is not being used.",
                    enableExecuteCommand=True)
        (task,) = self.run_task(self.definition, enableExecuteCommand=True,
                                overrides={"taskRoleArn": "exec"})
        self.assertTrue(task["enableExecuteCommand"])

        def agents(task):
            return [(agent["name"], agent["lastStatus"])
                    for one in task["containers"] for agent in one["managedAgents"]]

        self.assertEqual(agents(task), [("ExecuteCommandAgent", "PENDING")])
        running = self.until_status(task["taskArn"], "RUNNING")
        self.assertEqual(agents(running), [("ExecuteCommandAgent", "RUNNING")])
        self.ecs.stop_task(task=task["taskArn"])
        stopped = self.until_status(task["taskArn"], "STOPPED")
        self.assertEqual(agents(stopped), [("ExecuteCommandAgent", "STOPPED")])
        (plain,) = self.run_task(self.definition, enableExecuteCommand=False)
        self.assertFalse(plain["enableExecuteCommand"])
        self.assertNotIn("managedAgents", plain["containers"][0])

    def test_what_excludes_each_other_is_refused_and_starts_nothing(self):
        self.refuse("The specified capacity provider strategy cannot contain a capacity provider that is not "
                    "associated with the cluster.",
                    capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}])
        self.refuse("Specifying both a launch type and capacity provider strategy is not supported.",
                    launchType="EC2", capacityProviderStrategy=[{"capacityProvider": "FARGATE_SPOT"}])


class TaskTags(Case):
    def setUp(self):
        self.definition = self.register("tagged", tags=[{"key": "team", "value": "ops"}, {"key": "tier", "value": "1"}])

    def tags(self, **more):
        (task,) = self.run_task(self.definition, **more)
        return {tag["key"]: tag["value"] for tag in task["tags"]}

    def refuse(self, tags, **more):
        before = len(self.tasks_of())
        client = self.server.client(parameter_validation=False)
        self.refused("InvalidParameterException", client.run_task, taskDefinition=self.definition, tags=tags, **more)
        self.assertEqual(len(self.tasks_of()), before)

    def test_tags_of_the_request_are_on_every_task(self):
        tags = [{"key": "run", "value": "7"}]
        for task in self.run_task(self.definition, tags=tags, count=2):
            self.assertEqual(task["tags"], tags)
            self.assertEqual(self.describe(task["taskArn"], include=["TAGS"])["tags"], tags)
            self.assertEqual(self.ecs.list_tags_for_resource(resourceArn=task["taskArn"])["tags"], tags)
            self.assertEqual(self.describe(task["taskArn"]).get("tags", []), [])

    def test_tags_of_the_definition_are_copied_on_request(self):
        self.assertEqual(self.tags(), {})
        self.assertEqual(self.tags(propagateTags="NONE"), {})
        mine = [{"key": "team", "value": "mine"}]
        self.assertEqual(self.tags(propagateTags="TASK_DEFINITION", tags=mine), {"team": "mine", "tier": "1"})
        (task,) = self.run_task(self.definition, propagateTags="TASK_DEFINITION")
        self.ecs.tag_resource(resourceArn=self.definition, tags=[{"key": "team", "value": "later"}])
        shown = self.ecs.list_tags_for_resource(resourceArn=task["taskArn"])["tags"]
        self.assertIn({"key": "team", "value": "ops"}, shown)
        self.refuse([], propagateTags="SERVICE")

    def test_managed_tags_are_there_on_request(self):
        managed = self.tags(enableECSManagedTags=True)
        self.assertEqual(managed, {"aws:ecs:clusterName": "default"})
        self.assertEqual(self.tags(enableECSManagedTags=False), {})

    def test_fifty_of_ones_own_fit(self):
        fifty = [{"key": f"k{n}", "value": "v"} for n in range(50)]
        self.assertEqual(len(self.tags(tags=fifty, enableECSManagedTags=True)), 51)
        self.refuse(fifty + [{"key": "one-more", "value": "v"}])
        self.refuse(fifty, propagateTags="TASK_DEFINITION")

    def test_lengths_count_characters(self):
        self.assertEqual(self.tags(tags=[{"key": "ü" * 128, "value": "値" * 256}]), {"ü" * 128: "値" * 256})
        self.refuse([{"key": "ü" * 129, "value": ""}])
        self.refuse([{"key": "k", "value": "値" * 257}])
        self.refuse([{"key": "", "value": "v"}])

    def test_letters_case_and_reserved_words(self):
        kept = {"Team": "A", "team": "a", "e é 漢 + - = . _ : / @": "9 漢 + - = . _ : / @"}
        self.assertEqual(self.tags(tags=[{"key": k, "value": v} for k, v in kept.items()]), kept)
        self.assertEqual(self.tags(tags=[{"key": "bare"}]), {"bare": ""})
        for key, value in [("a!", ""), ("a", "b#"), ("aws:x", ""), ("AwS:x", ""), ("a", "aws:x"), ("a", "AWS:x")]:
            self.refuse([{"key": key, "value": value}])
        self.refuse([{"key": "twice", "value": "1"}, {"key": "twice", "value": "2"}])


class Pages(Case):
    def test_pages_of_tasks_add_up(self):
        arns = {task["taskArn"] for task in self.run_task(self.register("pages"), count=7)}
        paginator = self.ecs.get_paginator("list_tasks")
        pages = [page["taskArns"] for page in paginator.paginate(family="pages", PaginationConfig={"PageSize": 3})]
        self.assertEqual([len(page) for page in pages], [3, 3, 1])
        self.assertEqual({arn for page in pages for arn in page}, arns)
        self.refused("InvalidParameterException", self.ecs.list_tasks, maxResults=101)

    def test_filters(self):
        one, two = self.register("filter-one"), self.register("filter-two", "exit 0")
        first, second = self.start(one), self.start(two)
        self.until_status(second, "STOPPED")
        self.assertEqual(self.tasks_of(family="filter-one"), [first])
        self.assertEqual(self.tasks_of(family="filter-two"), [])
        self.assertEqual(self.tasks_of(family="filter-two", desiredStatus="STOPPED"), [second])


class Ledger(Case):
    config = "[scripted]\ncpu = 1024\nmemory = 512\n"

    def free(self):
        (arn,) = self.ecs.list_container_instances()["containerInstanceArns"]
        (one,) = self.ecs.describe_container_instances(containerInstances=[arn])["containerInstances"]
        remaining = {each["name"]: each for each in one["remainingResources"]}
        return arn, remaining["CPU"]["integerValue"], remaining["MEMORY"]["integerValue"]

    def definition(self, family, cpu, memory, **more):
        app = {"name": "app", "image": "example:1", "cpu": cpu, "memory": memory, **more}
        return self.register(family, containers=[app])

    def test_what_does_not_fit_is_a_failure_of_the_instance(self):
        instance, cpu, memory = self.free()
        self.assertEqual((cpu, memory), (1024, 512))
        definition = self.definition("part", 400, 100)
        answer = self.ecs.run_task(taskDefinition=definition, count=4)
        self.assertEqual(len(answer["tasks"]), 2)
        self.assertEqual(answer["failures"], [{"arn": instance, "reason": "RESOURCE:CPU"}])
        self.assertEqual(self.free(), (instance, 224, 312))
        large = self.ecs.run_task(taskDefinition=self.definition("large", 0, 400))
        self.assertEqual((large["tasks"], large["failures"]), ([], [{"arn": instance, "reason": "RESOURCE:MEMORY"}]))
        port = {"portMappings": [{"containerPort": 80, "hostPort": 8099}]}
        ports = self.definition("port", 1, 16, **port)
        (taken,) = self.run_task(ports)
        again = self.ecs.run_task(taskDefinition=ports)
        self.assertEqual(again["failures"], [{"arn": instance, "reason": "RESOURCE:PORTS"}])
        fargate = self.register("fargate", requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                                cpu="256", memory="512")
        answer = self.ecs.run_task(taskDefinition=fargate, launchType="FARGATE", networkConfiguration=NETWORK)
        self.assertEqual(answer["tasks"], [])
        self.assertIn("Capacity is unavailable at this time", answer["failures"][0]["reason"])
        for arn in [taken["taskArn"], *(task["taskArn"] for task in
                                        self.ecs.describe_tasks(tasks=self.tasks_of())["tasks"])]:
            self.ecs.stop_task(task=arn)
        until(lambda: self.free() == (instance, 1024, 512), "the full ledger")
