"""Task definitions: register, describe, list, deregister, delete."""

from harness import ROOT, Case, example


class TaskDefinitions(Case):
    def numbers(self, prefix, **more):
        answer = self.ecs.list_task_definitions(familyPrefix=prefix, **more)
        return [int(arn.rsplit(":", 1)[1]) for arn in answer["taskDefinitionArns"]]

    def test_revisions_count_up(self):
        arns = [self.register("count") for _ in range(3)]
        self.assertTrue(arns[2].endswith(":task-definition/count:3"), arns)
        shown = self.ecs.describe_task_definition(taskDefinition="count")["taskDefinition"]
        self.assertEqual((shown["revision"], shown["status"]), (3, "ACTIVE"))
        self.assertEqual(shown["taskDefinitionArn"], arns[2])
        self.assertEqual(shown["containerDefinitions"][0]["memory"], 16)
        self.assertEqual(self.numbers("count"), [1, 2, 3])
        self.assertEqual(self.numbers("count", sort="DESC"), [3, 2, 1])

    def test_the_newest_active_revision_is_meant(self):
        first, second = self.register("newest"), self.register("newest")
        gone = self.ecs.deregister_task_definition(taskDefinition=second)["taskDefinition"]
        self.assertEqual(gone["status"], "INACTIVE")
        shown = self.ecs.describe_task_definition(taskDefinition="newest")["taskDefinition"]
        self.assertEqual(shown["taskDefinitionArn"], first)
        self.assertEqual(self.numbers("newest", status="INACTIVE"), [2])

    def test_only_inactive_ones_are_deleted(self):
        active, inactive = self.register("delete"), self.register("delete")
        self.ecs.deregister_task_definition(taskDefinition=inactive)
        answer = self.ecs.delete_task_definitions(taskDefinitions=[active, inactive])
        self.assertEqual([one["arn"] for one in answer["failures"]], [active])
        self.assertEqual([one["status"] for one in answer["taskDefinitions"]], ["DELETE_IN_PROGRESS"])

    def test_tags_come_back_when_asked_for(self):
        tags = [{"key": "team", "value": "ops"}]
        arn = self.register("tagged", tags=tags)
        shown = self.ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        self.assertEqual(shown["tags"], tags)
        shown = self.ecs.describe_task_definition(taskDefinition=arn)
        self.assertEqual(shown.get("tags", []), [])

    def test_families_are_listed_in_pages(self):
        for number in range(5):
            self.register(f"family-{number}")
        paginator = self.ecs.get_paginator("list_task_definition_families")
        pages = paginator.paginate(familyPrefix="family-", PaginationConfig={"PageSize": 2})
        families = [family for page in pages for family in page["families"]]
        self.assertEqual(families, [f"family-{number}" for number in range(5)])

    def test_definitions_are_listed_in_pages(self):
        for _ in range(5):
            self.register("paged")
        paginator = self.ecs.get_paginator("list_task_definitions")
        pages = list(paginator.paginate(familyPrefix="paged", PaginationConfig={"PageSize": 2}))
        self.assertEqual([len(page["taskDefinitionArns"]) for page in pages], [2, 2, 1])

    def test_what_is_not_valid_is_refused(self):
        call = self.ecs.register_task_definition
        app = {"name": "app", "image": "example:1", "memory": 16}
        bad = [
            {"family": "", "containerDefinitions": [app]},
            {"family": "has space", "containerDefinitions": [app]},
            {"family": "bad", "containerDefinitions": []},
            {"family": "bad", "containerDefinitions": [app, app]},
            {"family": "bad", "containerDefinitions": [{**app, "name": ""}]},
            {"family": "bad", "containerDefinitions": [{**app, "image": ""}]},
            {"family": "bad", "containerDefinitions": [{"name": "app", "image": "example:1"}]},
            {"family": "bad", "containerDefinitions": [{**app, "essential": False}]},
            {"family": "bad", "containerDefinitions": [{**app, "dependsOn": [
                {"containerName": "nobody", "condition": "START"}]}]},
            {"family": "bad", "containerDefinitions": [app], "requiresCompatibilities": ["FARGATE"]},
        ]
        for definition in bad:
            with self.subTest(definition=definition):
                self.refused("ClientException", call, **definition)
        self.assertEqual(self.numbers("bad"), [])

    def test_the_examples_are_valid(self):
        names = [path.name for path in (ROOT / "examples").glob("*.json")]
        self.assertIn("migrate.json", names)
        for name in names:
            with self.subTest(name):
                self.ecs.register_task_definition(**example(name))

    def test_an_unknown_definition_is_an_error(self):
        call = self.ecs.describe_task_definition
        self.refused("ClientException", call, taskDefinition="never-registered")
        self.register("known")
        self.refused("ClientException", call, taskDefinition="known:7")
