"""What was answered is there: many clients, kill -9 in the middle, restarts, stops."""

import concurrent.futures
import threading

import botocore.exceptions

import harness
from harness import Case, until

CLIENTS = 64


class Load(Case):
    def test_sixty_four_clients_at_once(self):
        definition = self.register("load")
        clients = [self.server.client() for _ in range(CLIENTS)]

        def work(client):
            answers = [client.run_task(taskDefinition=definition) for _ in range(5)]
            return [answer["tasks"][0]["taskArn"] for answer in answers]

        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            arns = [arn for made in pool.map(work, clients) for arn in made]
        self.assertEqual(len(set(arns)), CLIENTS * 5)
        self.assertEqual(set(self.tasks_of(family="load")), set(arns))


class Burst(Case):
    def test_every_acknowledged_task_survives_kill_9(self):
        definition = self.register("burst")
        acknowledged = []
        enough = threading.Event()

        def work(_):
            client = self.server.client()
            while True:
                try:
                    answer = client.run_task(taskDefinition=definition)
                except (botocore.exceptions.HTTPClientError, botocore.exceptions.ConnectionError):
                    return
                acknowledged.append(answer["tasks"][0]["taskArn"])
                if len(acknowledged) >= 100:
                    enough.set()

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            workers = [pool.submit(work, number) for number in range(8)]
            self.assertTrue(enough.wait(harness.PATIENCE))
            self.server.kill()
            for worker in workers:
                worker.result()
        self.server.start()
        listed = set(self.tasks_of(family="burst"))
        self.assertLessEqual(set(acknowledged), listed)
        # At most one call per client was on its way when the server died.
        self.assertLessEqual(len(listed), len(acknowledged) + 8)


class Restarts(Case):
    def test_tasks_and_definitions_are_there_after_a_stop(self):
        arn = self.start(self.register("stay"))
        self.until_status(arn, "RUNNING")
        self.assertEqual(self.server.terminate(), 0)
        self.server.start()
        self.assertEqual(self.describe(arn)["lastStatus"], "RUNNING")
        self.ecs.stop_task(task=arn)
        self.until_status(arn, "STOPPED")

    def test_an_exit_that_nobody_saw_is_reported(self):
        arn = self.start(self.register("unseen", "run 300ms; exit 4"))
        self.until_status(arn, "RUNNING")
        self.server.kill()
        self.server.start()
        task = self.until_status(arn, "STOPPED")
        self.assertEqual(task["containers"][0]["exitCode"], 4)


class OneServer(Case):
    def test_a_second_server_on_the_same_directory_is_refused(self):
        second = self.server.run("up", "--listen", "127.0.0.1:0")
        self.assertNotEqual(second.returncode, 0)
        self.assertIn(str(self.server.process.pid), second.stderr)
        self.assertEqual(second.stdout, "")
        self.assertTrue(self.ecs.list_clusters()["clusterArns"])

    def test_a_taken_port_is_named(self):
        address = self.server.url.removeprefix("http://")
        other = harness.Server.__new__(harness.Server)
        other.__dict__.update(self.server.__dict__, data_dir=self.server.folder / "other")
        refused = other.run("up", "--listen", address)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn(address, refused.stderr)


class Forgetting(Case):
    config = "[retention]\nstopped-tasks = 1\n"

    def test_a_stopped_task_is_forgotten(self):
        arn = self.start(self.register("forget", "exit 0"))

        def look():
            failures = self.ecs.describe_tasks(tasks=[arn])["failures"]
            return [one["reason"] for one in failures] == ["MISSING"]

        until(look, "a forgotten task")
