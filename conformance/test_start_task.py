"""StartTask through boto3: tasks on the container instances that the caller names."""

from harness import Case

ABSENT = "0123456789abcdef0123456789abcdef"


class StartTask(Case):
    config = "[scripted]\ncpu = 1024\nmemory = 512\n"

    def setUp(self):
        self.definition = self.register("named", "run 60s")
        (self.instance,) = self.ecs.list_container_instances()["containerInstanceArns"]

    def start_task(self, *instances, **more):
        return self.ecs.start_task(
            taskDefinition=self.definition, containerInstances=list(instances), **more
        )

    def test_a_task_runs_on_the_instance_named(self):
        answer = self.start_task(self.instance, startedBy="me", group="night")
        self.assertEqual(answer["failures"], [])
        (task,) = answer["tasks"]
        self.assertEqual(task["containerInstanceArn"], self.instance)
        self.assertEqual((task["startedBy"], task["group"]), ("me", "night"))
        running = self.until_status(task["taskArn"], "RUNNING")
        self.assertEqual(running["launchType"], "EC2")
        self.ecs.stop_task(task=task["taskArn"])
        self.until_status(task["taskArn"], "STOPPED")

    def test_each_instance_answers_for_itself(self):
        answer = self.start_task(self.instance.rsplit("/", 1)[1], ABSENT)
        self.assertEqual([task["containerInstanceArn"] for task in answer["tasks"]], [self.instance])
        (failure,) = answer["failures"]
        self.assertEqual(failure["reason"], "MISSING")
        self.assertTrue(failure["arn"].endswith(ABSENT), failure)
        self.ecs.stop_task(task=answer["tasks"][0]["taskArn"])

    def test_a_draining_instance_takes_a_task_that_names_it(self):
        state = self.ecs.update_container_instances_state
        state(containerInstances=[self.instance], status="DRAINING")
        self.addCleanup(state, containerInstances=[self.instance], status="ACTIVE")
        self.refused("InvalidParameterException", self.ecs.run_task, taskDefinition=self.definition,
                     text="No Container Instances were found in your cluster.")
        (task,) = self.start_task(self.instance)["tasks"]
        self.until_status(task["taskArn"], "RUNNING")
        self.ecs.stop_task(task=task["taskArn"])

    def test_what_does_not_fit_is_told_and_starts_nothing(self):
        large = [{"name": "app", "image": "example:1", "memory": 513}]
        answer = self.ecs.start_task(
            taskDefinition=self.register("large", containers=large), containerInstances=[self.instance]
        )
        self.assertEqual(answer["tasks"], [])
        self.assertEqual(answer["failures"], [{"arn": self.instance, "reason": "RESOURCE:MEMORY"}])

    def test_one_to_ten_instances(self):
        self.refused("ClientException", self.start_task, text="Container Instances cannot be empty.")
        self.refused("InvalidParameterException", self.start_task, *[self.instance] * 11)
        answer = self.start_task(*[self.instance] * 10)
        self.assertEqual((len(answer["tasks"]), answer["failures"]), (10, []))
        for task in answer["tasks"]:
            self.ecs.stop_task(task=task["taskArn"])
