"""Holds two records of one row against each other, path by path, and knows what is known."""

import fnmatch
import json
import pathlib
import tomllib
from typing import NamedTuple

KNOWN = pathlib.Path(__file__).parent / "known.toml"
# Lists whose order means nothing.
UNORDERED = {
    "attributes", "capacityProviders", "compatibilities", "details", "failures",
    "requiresAttributes", "settings", "statistics", "tags",
}
ABSENT = object()


class Difference(NamedTuple):
    """`kind` is `status`, `content-type`, `exception`, `message`, `absent` (from the right),
    `added` (by the right), `type`, `value` or `length`; `path` is as `tasks.0.cpu`."""

    row: str
    kind: str
    path: str
    left: object
    right: object


class Known(NamedTuple):
    """A difference that is meant: patterns as of a shell for row, kind and path, and why."""

    row: str
    kind: str
    path: str
    reason: str

    def names(self, row):
        return fnmatch.fnmatchcase(row, self.row)

    def covers(self, difference):
        pairs = zip((self.row, self.kind, self.path), difference)
        return all(fnmatch.fnmatchcase(part, pattern) for pattern, part in pairs)


def known(path=KNOWN):
    """The entries of known.toml. Raises ValueError for one without a reason."""
    entries = tomllib.loads(path.read_text()).get("known", [])
    for entry in entries:
        if not entry.get("reason") or set(entry) - set(Known._fields):
            raise ValueError(f"{path.name}: {entry}")
    return [Known(e["row"], e.get("kind", "*"), e.get("path", "*"), e["reason"]) for e in entries]


def differences(left, right):
    """Every difference between two records of one row."""
    name = left["name"]
    found = [
        Difference(name, kind, "", left[member], right[member])
        for kind, member in (("status", "status"), ("content-type", "content_type"))
        if left[member] != right[member]
    ]
    left_error, right_error = error(left), error(right)
    for kind, one, other in zip(("exception", "message"), left_error, right_error):
        if one != other:
            found.append(Difference(name, kind, "", one, other))
    # An answer and an error have nothing in common that could be told apart.
    if (left["status"] == 200) == (right["status"] == 200):
        pairs = members(rest(left["body"]), rest(right["body"]), "", "")
        found += [Difference(name, *pair) for pair in pairs]
    return found


def error(record):
    """Exception and message of a refusal; empty for an answer."""
    body = record["body"]
    if record["status"] == 200 or not isinstance(body, dict):
        return "", ""
    text = body.get("message", body.get("Message", ""))
    return str(body.get("__type", "")).rsplit("#", 1)[-1], text


def rest(body):
    """The body without what `error` tells."""
    if not isinstance(body, dict):
        return body
    return {name: value for name, value in body.items() if name not in ("__type", "message", "Message")}


def members(left, right, path, member):
    """Yields kind, path and both values of each difference below `path`."""
    if type(left) is not type(right):
        yield "type", path, left, right
    elif isinstance(left, dict):
        for name in sorted(set(left) | set(right)):
            yield from member_of(left.get(name, ABSENT), right.get(name, ABSENT), f"{path}.{name}".lstrip("."), name)
    elif isinstance(left, list):
        if len(left) != len(right):
            yield "length", path, left, right
        for index, pair in enumerate(zip(ordered(left, member), ordered(right, member))):
            yield from members(*pair, f"{path}.{index}".lstrip("."), member)
    elif left != right:
        yield "value", path, left, right


def member_of(left, right, path, name):
    if right is ABSENT:
        yield "absent", path, left, None
    elif left is ABSENT:
        yield "added", path, None, right
    else:
        yield from members(left, right, path, name)


def ordered(items, member):
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True)) if member in UNORDERED else items
