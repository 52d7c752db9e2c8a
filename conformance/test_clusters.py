"""Clusters, container instances and tags."""

from harness import Case


class Clusters(Case):
    def test_the_default_cluster_exists_from_the_start(self):
        (cluster,) = self.ecs.describe_clusters()["clusters"]
        self.assertEqual((cluster["clusterName"], cluster["status"]), ("default", "ACTIVE"))
        self.assertEqual(cluster["registeredContainerInstancesCount"], 1)

    def test_a_cluster_lives_and_dies(self):
        tags = [{"key": "team", "value": "ops"}]
        made = self.ecs.create_cluster(clusterName="life", tags=tags)["cluster"]
        again = self.ecs.create_cluster(clusterName="life")["cluster"]
        self.assertEqual(made["clusterArn"], again["clusterArn"])
        for name in ("life", made["clusterArn"]):
            answer = self.ecs.describe_clusters(clusters=[name], include=["TAGS"])
            self.assertEqual(answer["clusters"][0]["tags"], tags)
        gone = self.ecs.delete_cluster(cluster="life")["cluster"]
        self.assertEqual(gone["status"], "INACTIVE")
        self.assertNotIn(made["clusterArn"], self.ecs.list_clusters()["clusterArns"])

    def test_settings_and_configuration_change(self):
        self.ecs.create_cluster(clusterName="changing")
        log = {"s3BucketName": "audit", "s3EncryptionEnabled": True}
        configuration = {
            "executeCommandConfiguration": {"logging": "OVERRIDE", "logConfiguration": log},
            "managedStorageConfiguration": {"kmsKeyId": "key"},
        }
        changed = self.ecs.update_cluster(cluster="changing", configuration=configuration)["cluster"]
        self.assertEqual(changed["configuration"], configuration)
        settings = [{"name": "containerInsights", "value": "enhanced"}]
        self.ecs.update_cluster_settings(cluster="changing", settings=settings)
        parts = ["ATTACHMENTS", "CONFIGURATIONS", "SETTINGS", "STATISTICS", "TAGS"]
        (shown,) = self.ecs.describe_clusters(clusters=["changing"], include=parts)["clusters"]
        self.assertEqual((shown["configuration"], shown["settings"]), (configuration, settings))
        self.assertEqual((shown["attachments"], shown["tags"]), ([], []))
        self.assertIn({"name": "pendingFargateTasksCount", "value": "0"}, shown["statistics"])
        self.refused("ClusterNotFoundException", self.ecs.update_cluster, cluster="nowhere")

    def test_an_unknown_cluster_is_a_failure_or_an_error(self):
        answer = self.ecs.describe_clusters(clusters=["nowhere", "default"])
        self.assertEqual(len(answer["clusters"]), 1)
        self.assertEqual([one["reason"] for one in answer["failures"]], ["MISSING"])
        self.refused("ClusterNotFoundException", self.ecs.delete_cluster, cluster="nowhere")

    def test_a_cluster_with_tasks_stays(self):
        self.ecs.create_cluster(clusterName="busy")
        definition = self.register("busy", requiresCompatibilities=["FARGATE"], networkMode="awsvpc",
                                   cpu="256", memory="512")
        network = {"awsvpcConfiguration": {"subnets": ["subnet-1"]}}
        self.run_task(definition, cluster="busy", launchType="FARGATE", networkConfiguration=network)
        self.refused("ClusterContainsTasksException", self.ecs.delete_cluster, cluster="busy")

    def test_bad_names_are_refused(self):
        for name in ("has space", "x" * 256, "ü"):
            self.refused("InvalidParameterException", self.ecs.create_cluster, clusterName=name)

    def test_pages_add_up(self):
        made = {self.ecs.create_cluster(clusterName=f"page-{n}")["cluster"]["clusterArn"] for n in range(5)}
        pages = self.ecs.get_paginator("list_clusters").paginate(PaginationConfig={"PageSize": 2})
        pages = [page["clusterArns"] for page in pages]
        self.assertTrue(all(len(page) <= 2 for page in pages), pages)
        listed = [arn for page in pages for arn in page]
        self.assertEqual(len(listed), len(set(listed)))
        self.assertLessEqual(made, set(listed))
        self.refused("InvalidParameterException", self.ecs.list_clusters, nextToken="nonsense")


class AccountSettings(Case):
    def test_a_setting_is_put_listed_and_taken_back(self):
        name = "awsvpcTrunking"
        put = self.ecs.put_account_setting(name=name, value="enabled")["setting"]
        self.assertEqual((put["name"], put["value"], put["type"]), (name, "enabled", "user"))
        self.assertEqual(self.ecs.list_account_settings(name=name)["settings"], [put])
        left = self.ecs.delete_account_setting(name=name)["setting"]
        self.assertEqual(left["value"], "disabled")
        self.assertEqual(self.ecs.list_account_settings(name=name)["settings"], [])

    def test_pages_of_what_counts_add_up(self):
        pages = self.ecs.get_paginator("list_account_settings")
        pages = pages.paginate(effectiveSettings=True, PaginationConfig={"PageSize": 3})
        settings = {one["name"]: one["value"] for page in pages for one in page["settings"]}
        self.assertEqual(len(settings), 11)
        self.assertEqual(settings["taskLongArnFormat"], "enabled")

    def test_a_default_decides_for_new_clusters(self):
        self.ecs.put_account_setting_default(name="containerInsights", value="enhanced")
        cluster = self.ecs.create_cluster(clusterName="insights")["cluster"]
        self.assertEqual(cluster["settings"], [{"name": "containerInsights", "value": "enhanced"}])

    def test_long_arns_stay(self):
        put = self.ecs.put_account_setting_default
        text = "You can no longer disable Long Arn settings"
        setting = {"name": "taskLongArnFormat", "value": "disabled"}
        self.refused("InvalidParameterException", put, text=text, **setting)


class Instances(Case):
    config = "[scripted]\ncpu = 2048\nmemory = 1024\n"

    def test_this_machine_is_an_instance_of_the_default_cluster(self):
        (arn,) = self.ecs.list_container_instances()["containerInstanceArns"]
        for name in (arn, arn.rsplit("/", 1)[1]):
            (one,) = self.ecs.describe_container_instances(containerInstances=[name])["containerInstances"]
            self.assertEqual(one["containerInstanceArn"], arn)
        self.assertEqual((one["status"], one["agentConnected"]), ("ACTIVE", True))
        names = {attribute["name"]: attribute.get("value") for attribute in one["attributes"]}
        self.assertEqual(names["ecs.os-type"], "linux")
        registered = {each["name"]: each for each in one["registeredResources"]}
        self.assertEqual(registered["CPU"]["integerValue"], 2048)
        self.assertEqual(registered["MEMORY"]["integerValue"], 1024)
        self.assertIn("22", registered["PORTS"]["stringSetValue"])

    def test_an_unknown_instance_is_a_failure(self):
        answer = self.ecs.describe_container_instances(containerInstances=["0" * 32])
        self.assertEqual([one["reason"] for one in answer["failures"]], ["MISSING"])


class Tags(Case):
    def shown(self, arn):
        return self.ecs.list_tags_for_resource(resourceArn=arn)["tags"]

    def cluster(self, name):
        return self.ecs.create_cluster(clusterName=name)["cluster"]["clusterArn"]

    def test_tags_are_added_replaced_and_removed(self):
        arn = self.cluster("tagged")
        self.ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "B", "value": "2"}])
        self.ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "3"}, {"key": "b"}])
        tags = {tag["key"]: tag["value"] for tag in self.shown(arn)}
        self.assertEqual(tags, {"a": "3", "B": "2", "b": ""})
        self.ecs.untag_resource(resourceArn=arn, tagKeys=["a", "absent"])
        self.assertEqual({tag["key"] for tag in self.shown(arn)}, {"B", "b"})

    def test_a_task_can_be_tagged(self):
        arn = self.start(self.register("tagged-task"))
        self.ecs.tag_resource(resourceArn=arn, tags=[{"key": "team", "value": "ops"}])
        task = self.describe(arn, include=["TAGS"])
        self.assertEqual(task["tags"], [{"key": "team", "value": "ops"}])
        self.assertEqual(self.shown(arn), task["tags"])

    def test_reserved_tags_cannot_be_edited_or_removed(self):
        arn = self.start(self.register("reserved"), enableECSManagedTags=True)
        before = self.shown(arn)
        (key,) = [tag["key"] for tag in before if tag["key"].startswith("aws:")]
        edit = [{"key": key, "value": "mine"}]
        self.refused("InvalidParameterException", self.ecs.tag_resource, resourceArn=arn, tags=edit)
        self.refused("InvalidParameterException", self.ecs.untag_resource, resourceArn=arn, tagKeys=[key])
        self.assertEqual(self.shown(arn), before)

    def test_what_does_not_exist_cannot_be_tagged(self):
        arn = self.cluster("gone").replace("/gone", "/never")
        call = self.ecs.tag_resource
        self.refused("ClusterNotFoundException", call, resourceArn=arn, tags=[{"key": "a", "value": "1"}])
        self.refused("InvalidParameterException", call, resourceArn="nonsense", tags=[{"key": "a"}])
