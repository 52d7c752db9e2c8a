"""Asks one target every question, in order, and removes what that made."""

import contextlib
import signal

from . import matrix
from .cleanup import Cleanup
from .normal import Normal, guard
from .target import CONTENT_TYPE

# Fargate tasks that a run may start. After as many nothing that might start one is sent.
TASKS = 4
STARTING = ("RunTask", "StartTask", "CreateService")
PREFIX = "longshore-parity-"


class Run:
    """One pass over the matrix. `begins_tasks` is false for a run that shall cost nothing."""

    def __init__(self, target, run, begins_tasks=True, progress=lambda row: None):
        self.target, self.begins_tasks, self.progress = target, begins_tasks, progress
        self.values = {"run": run, "region": target.region}
        self.normal = Normal(target.region)
        self.normal.learn("run", run)
        for name in ("subnet", "security_group"):
            if value := getattr(target, name):
                self.values[name] = value
                self.normal.learn(name, value)
        self.cleanup = Cleanup(target, run)
        self.started = set()

    def records(self, rows):
        """A record per row, then nothing is left; `cleanup.left` says what is all the same."""
        with interruptible():
            try:
                return [self.record(row) for row in rows]
            finally:
                with uninterrupted():
                    self.cleanup.clean()

    def record(self, row):
        """What was asked and answered, normalised; or why it was not asked."""
        self.progress(row)
        head = {"name": row.name, "operation": row.operation, "request": row.template}
        if reason := self.obstacle(row):
            return {**head, "skipped": reason}
        answer = self.ask(row)
        for name, path in row.save.items():
            if isinstance(value := matrix.at(answer.json, path), str):
                self.learn(name, value)
        body = self.normal.body(answer.body)
        kind = answer.content_type.split(";")[0]
        record = {**head, "status": answer.status, "content_type": kind, "body": body}
        guard(record, self.target.secrets)
        return record

    def obstacle(self, row):
        if row.cost == "minute" and not self.begins_tasks:
            return "it would start a task"
        if row.operation in STARTING and len(self.started) >= TASKS:
            return f"{TASKS} tasks were started"
        unknown = sorted(row.names - set(self.values))
        return f"no {', '.join(unknown)}" if unknown else ""

    def ask(self, row):
        body = row.request(self.values)
        self.cleanup.expect(row.operation, body)
        last = [None]

        def once():
            answer = last[0] = self.target.send(row.operation, body, row.content_type or CONTENT_TYPE)
            if not row.until or answer.status != 200:
                return answer
            path, value = matrix.expand(row.until, self.values)
            return answer if matrix.at(answer.json, path) == value else None

        self.target.until(once)
        if row.operation in STARTING and last[0].status == 200:
            self.started.update(task["taskArn"] for task in last[0].json.get("tasks", []))
        return last[0]

    def learn(self, name, value):
        self.values[name] = value
        self.normal.learn(name, value)
        if value.startswith("arn:"):
            self.values["account"] = value.split(":")[4]


@contextlib.contextmanager
def interruptible():
    """SIGTERM ends the run as Ctrl-C does: with what follows in `finally`."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def uninterrupted():
    """A second Ctrl-C does not end the cleaning: what stays would cost money."""
    names = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(name, signal.SIG_IGN) for name in names]
    try:
        yield
    finally:
        for name, handler in zip(names, before):
            signal.signal(name, handler)
