"""Removes what a run has made, also when nobody saw the answer that made it.

What to look for is noted before a request is sent: the cluster by its name, definitions by
their family. Tasks are found in the cluster. Nothing without the run's name is touched.
"""

import json

from .target import Refused

# Revisions that DeleteTaskDefinitions takes, and tasks that DescribeTasks takes.
DEFINITIONS, TASKS = 10, 100


class Cleanup:
    """What one run may have made at one target."""

    def __init__(self, target, run):
        self.target, self.run = target, run
        self.clusters, self.families = [], []
        self.left = []

    def expect(self, operation, body):
        """Notes what this request may make."""
        try:
            request = json.loads(body)
        except ValueError:
            return
        if not isinstance(request, dict):
            return
        if operation == "CreateCluster":
            self.note(self.clusters, request.get("clusterName"))
        if operation == "RegisterTaskDefinition":
            self.note(self.families, request.get("family"))

    def note(self, names, name):
        if isinstance(name, str) and name.startswith(self.run) and name not in names:
            names.append(name)

    def clean(self):
        """Removes everything; returns what is left behind, in words."""
        for cluster in self.clusters:
            self.attempt(f"tasks of cluster {cluster}", self.stop_tasks, cluster)
        for family in self.families:
            self.attempt(f"task definition {family}", self.remove_family, family)
        for cluster in self.clusters:
            self.attempt(f"cluster {cluster}", self.remove_cluster, cluster)
        return self.left

    def attempt(self, what, remove, name):
        try:
            remove(name)
        except Exception as error:  # Whatever it is, the next thing is to be removed too.
            self.left.append(f"{what}: {error}")

    def stop_tasks(self, cluster):
        found = self.tasks(cluster)
        for task in found:
            self.target.call("StopTask", cluster=cluster, task=task, reason="longshore parity is over")
        if found and self.target.until(lambda: self.are_stopped(cluster, found)) is None:
            raise Refused("some tasks do not stop")

    def tasks(self, cluster):
        answer = self.target.send("ListTasks", json.dumps({"cluster": cluster}).encode())
        if answer.exception == "ClusterNotFoundException":
            return []
        if answer.status != 200:
            raise Refused(f"ListTasks: {answer.exception}")
        return answer.json["taskArns"][:TASKS]

    def are_stopped(self, cluster, arns):
        tasks = self.target.call("DescribeTasks", cluster=cluster, tasks=arns)["tasks"]
        return True if all(task["lastStatus"] == "STOPPED" for task in tasks) else None

    def remove_family(self, family):
        for arn in self.revisions(family, "ACTIVE"):
            self.target.call("DeregisterTaskDefinition", taskDefinition=arn)
        inactive = self.revisions(family, "INACTIVE")
        for start in range(0, len(inactive), DEFINITIONS):
            some = inactive[start:start + DEFINITIONS]
            failures = self.target.call("DeleteTaskDefinitions", taskDefinitions=some)["failures"]
            if failures:
                raise Refused(f"DeleteTaskDefinitions: {failures[0].get('reason')}")

    def revisions(self, family, status):
        answer = self.target.call("ListTaskDefinitions", familyPrefix=family, status=status)
        return answer["taskDefinitionArns"]

    def remove_cluster(self, cluster):
        def delete():
            answer = self.target.send("DeleteCluster", json.dumps({"cluster": cluster}).encode())
            is_gone = answer.status == 200 or answer.exception == "ClusterNotFoundException"
            # Stopped tasks count for a while yet.
            is_busy = answer.exception == "ClusterContainsTasksException"
            return None if is_busy else (is_gone, answer)

        is_gone, answer = self.target.until(delete) or (False, None)
        if not is_gone:
            raise Refused(f"DeleteCluster: {answer.exception if answer else 'its tasks do not end'}")
