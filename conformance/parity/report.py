"""Tells the differences of two runs, and how many rows have which."""

import collections
import json

from .compare import differences

# Letters of one value that are shown.
WIDTH = 300


class Report:
    """Two runs row by row. `known` are entries of known.toml, none unless one side is AWS."""

    def __init__(self, left, right, known=()):
        self.known = list(known)
        self.compared, self.aside = [], {}
        self.found, self.expected = [], []
        self.used = set()
        right = {record["name"]: record for record in right}
        for record in left:
            self.hold(record, right.pop(record["name"], None))
        for name in right:
            self.aside[name] = "not asked on the left"

    def hold(self, left, right):
        if reason := set_aside(left, right):
            self.aside[left["name"]] = reason
            return
        self.compared.append(left["name"])
        for difference in differences(left, right):
            covering = [index for index, one in enumerate(self.known) if one.covers(difference)]
            self.used.update(covering)
            (self.expected if covering else self.found).append(difference)

    @property
    def stale(self):
        """Entries that cover nothing, although a row that they name was compared."""
        unused = [one for index, one in enumerate(self.known) if index not in self.used]
        return [one for one in unused if any(one.names(row) for row in self.compared)]

    @property
    def code(self):
        """The exit code: 0 if all rows that were compared agree as far as is not known, else 1."""
        return 1 if self.found or not self.compared else 0

    def lines(self, left, right):
        """The report as lines of text; `left` and `right` name the two."""
        width = max(len(left), len(right)) + 1
        row = None
        for difference in self.found:
            if difference.row != row:
                row = difference.row
                yield row
            yield f"  {difference.kind} {difference.path}".rstrip()
            yield f"    {left + ':':{width}} {shown(difference.left)}"
            yield f"    {right + ':':{width}} {shown(difference.right)}"
        for name, reason in self.aside.items():
            yield f"not compared: {name}: {reason}"
        for entry in self.stale:
            yield f"known.toml: no longer differs: {entry.row} {entry.kind} {entry.path}"
        yield from self.summary()

    def summary(self):
        differing = {difference.row for difference in self.found}
        expected = {difference.row for difference in self.expected} - differing
        yield ""
        yield f"{'rows compared':28}{len(self.compared):5}"
        yield f"{'  equal':28}{len(self.compared) - len(differing) - len(expected):5}"
        yield f"{'  different as known':28}{len(expected):5}"
        yield f"{'  different':28}{len(differing):5}"
        for kind, times in sorted(collections.Counter(one.kind for one in self.found).items()):
            yield f"{'    ' + kind:28}{times:5}"
        yield f"{'not compared':28}{len(self.aside):5}"


def set_aside(left, right):
    """Why two records say nothing about each other; empty if they do."""
    if right is None:
        return "not asked on the right"
    if left["request"] != right["request"] or left["operation"] != right["operation"]:
        return "the row has changed since the trace was recorded"
    if "skipped" in left:
        return f"left: {left['skipped']}"
    return f"right: {right['skipped']}" if "skipped" in right else ""


def shown(value):
    if value is None:
        return "-"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.encode("unicode_escape").decode() if not text.isprintable() else text
    return text if len(text) <= WIDTH else f"{text[:WIDTH]}… ({len(text)} letters)"
