"""Eventual consistency on demand: reads that lag behind writes."""

from harness import Case, until

HEADER = "x-longshore-consistency-delay"


class Consistency(Case):
    config = 'consistency-delay = "50s"'

    def asking(self, delay):
        """A client whose requests ask for a delay of their own."""
        client = self.server.client()
        client.meta.events.register(
            "before-sign.ecs", lambda request, **_: request.headers.add_header(HEADER, delay)
        )
        return client

    def shown(self, client, arn):
        """How many tasks, and why not."""
        answer = client.describe_tasks(tasks=[arn])
        return len(answer["tasks"]), [one["reason"] for one in answer["failures"]]

    def test_a_read_lags_as_configured_and_as_the_request_asks(self):
        strong = self.asking("0s")
        self.register("lag", "run 1h")
        # What it stands on is written, not read: a write always sees the newest state.
        arn = self.start("lag")
        self.assertEqual(self.shown(self.ecs, arn), (0, ["MISSING"]))
        self.assertEqual(self.shown(strong, arn), (1, []))
        self.assertNotIn(arn, self.tasks_of())
        self.assertIn(arn, strong.list_tasks()["taskArns"])
        short = self.asking("200ms")
        until(lambda: self.shown(short, arn) == (1, []), "the task is seen in the end")
        self.assertEqual(self.shown(self.ecs, arn), (0, ["MISSING"]))
        self.assertEqual(self.ecs.stop_task(task=arn)["task"]["desiredStatus"], "STOPPED")

    def test_a_delay_that_is_none_is_refused(self):
        for delay, text in (
            ("soon", f"{HEADER} must be a duration like 2s or 500ms, but is 'soon'."),
            ("51s", f"{HEADER} must be at most 50s on this server."),
        ):
            self.refused(
                "InvalidParameterException", self.asking(delay).list_tasks, text=text
            )


class Strong(Case):
    def test_without_a_delay_the_next_read_sees_the_write(self):
        self.register("strong", "run 1h")
        arn = self.start("strong")
        self.assertEqual(self.describe(arn)["taskArn"], arn)
        self.assertIn(arn, self.tasks_of())
