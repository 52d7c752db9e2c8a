"""botocore's half of the test in botocore.rs.

Writes one JSON line per case to stdout and reads the answer from stdin; the
last line is the verdict. `botocore_check.py planted` only shows what the
strict check says to an answer with a member that does not exist.
"""

import datetime
import json
import sys

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.serialize

import strict

STRINGS = [
    "plain",
    "",
    'quotes " and \\ backslashes',
    "line\nbreak, tab\t, nul \u0000, separator \u2028",
    "shore \U0001f41a grüße",
    "null",
]
INTEGERS = [0, 1, -1, 2**31 - 1, -(2**31)]
LONGS = [0, 2**53 + 1, 2**63 - 1, -(2**63)]
DOUBLES = [0.0, 0.1, -1.5, 100.0 / 3, 1e21]
MILLIS = [0, 123, 1706000000123, 1706000000000, 4102444799999]
DOCUMENT = {"list": [1, 2.5, None, {"deep": "yes"}], "flag": True}
UNKNOWN_WORD = "A_WORD_OF_A_LATER_MODEL"
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


class Values:
    """Deterministic values for a shape; `turn` chooses among the possible ones."""

    def __init__(self, turn, unknown_words=False, hollow=False):
        self.turn = turn
        self.unknown_words = unknown_words
        self.hollow = hollow

    def pick(self, choices):
        self.turn += 1
        return choices[self.turn % len(choices)]

    def of(self, shape):
        if getattr(shape, "is_document_type", False):
            return DOCUMENT
        return getattr(self, shape.type_name)(shape)

    def structure(self, shape):
        return {name: self.of(member) for name, member in shape.members.items()}

    def list(self, shape):
        return [] if self.hollow else [self.of(shape.member) for _ in range(2)]

    def map(self, shape):
        keys = [] if self.hollow else ["key", 'a "b" \u0001 ü']
        return {key: self.of(shape.value) for key in keys}

    def string(self, shape):
        if shape.enum:
            return UNKNOWN_WORD if self.unknown_words else self.pick(shape.enum)
        return self.pick(STRINGS)

    def boolean(self, _):
        return self.pick([True, False])

    def integer(self, _):
        return self.pick(INTEGERS)

    def long(self, _):
        return self.pick(LONGS)

    def double(self, _):
        return self.pick(DOUBLES)

    def timestamp(self, _):
        return EPOCH + datetime.timedelta(milliseconds=self.pick(MILLIS))


def wire(value):
    """The JSON that a server would send for a value."""
    if isinstance(value, dict):
        return {key: wire(item) for key, item in value.items()}
    if isinstance(value, list):
        return [wire(item) for item in value]
    if isinstance(value, datetime.datetime):
        millis = (value - EPOCH) // datetime.timedelta(milliseconds=1)
        return millis // 1000 if millis % 1000 == 0 else millis / 1000
    return value


def noisy(shape, value):
    """The same value with nulls and members that nobody knows."""
    if getattr(shape, "is_document_type", False):
        return value
    if shape.type_name == "structure":
        members = {name: noisy(shape.members[name], item) for name, item in value.items()}
        absent = {name: None for name in shape.members if name not in value}
        return {"noSuchMember": {"x": [1]}, **members, **absent}
    if shape.type_name == "list":
        return [noisy(shape.member, item) for item in value]
    return value


def same(a, b):
    """Equality that tells true from 1."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return isinstance(a, bool) == isinstance(b, bool) and a == b


def words(shape, seen=None):
    """The length of the longest enumeration inside a shape."""
    seen = set() if seen is None else seen
    if shape.name in seen:
        return 1
    seen.add(shape.name)
    inner = []
    if shape.type_name == "structure":
        inner = shape.members.values()
    elif shape.type_name == "list":
        inner = [shape.member]
    return max([len(getattr(shape, "enum", ()) or ()), 1, *(words(each, seen) for each in inner)])


class Check:
    def __init__(self):
        self.cases = 0
        self.found = []
        self.parser = botocore.parsers.create_parser("json")
        self.serializer = botocore.serialize.create_serializer("json", False)

    def ask(self, operation, kind, body, known_words=True):
        """Sends JSON through our types and returns what they make of it."""
        self.cases += 1
        request = {"operation": operation.name, "kind": kind, "body": body, "known": known_words}
        print(json.dumps(request), flush=True)
        answer = json.loads(sys.stdin.readline())
        if "error" in answer:
            self.found.append(f"{operation.name} {kind}: {answer['error']}")
            return None
        return answer["body"]

    def input(self, operation, values):
        params = values.of(operation.input_shape)
        request = self.serializer.serialize_to_request(params, operation)
        body = request["body"]
        body = body.decode() if isinstance(body, bytes) else body
        back = self.ask(operation, "input", body, not values.unknown_words)
        if back is not None and not same(json.loads(back), json.loads(body)):
            self.found.append(f"{operation.name} input: {body} became {back}")

    def output(self, operation, values):
        shape = operation.output_shape
        params = values.of(shape)
        sent = wire(params)
        back = self.ask(operation, "output", json.dumps(sent), not values.unknown_words)
        if back is None:
            return
        self.found += [f"{operation.name} output: {x}" for x in strict.complaints(shape, json.loads(back))]
        response = {"body": back.encode(), "headers": {}, "status_code": 200}
        parsed = self.parser.parse(response, shape)
        parsed.pop("ResponseMetadata")
        if not same(parsed, params) or not same(json.loads(back), sent):
            self.found.append(f"{operation.name} output: {json.dumps(sent)} became {back}")

    def noise(self, operation):
        for kind, shape in [("input", operation.input_shape), ("output", operation.output_shape)]:
            value = wire(Values(3).of(shape))
            back = self.ask(operation, kind, json.dumps(noisy(shape, value)))
            if back is not None and not same(json.loads(back), value):
                self.found.append(f"{operation.name} {kind}: unknown members came through")
            bare = self.ask(operation, kind, json.dumps(noisy(shape, {})))
            if bare is not None and bare != "{}":
                self.found.append(f"{operation.name} {kind}: null is not absent: {bare}")

    def operation(self, operation):
        for ask, shape in [(self.input, operation.input_shape), (self.output, operation.output_shape)]:
            for turn in range(words(shape)):
                ask(operation, Values(turn))
            ask(operation, Values(0, unknown_words=True))
            ask(operation, Values(0, hollow=True))
        self.noise(operation)


def main():
    loader = botocore.loaders.Loader()
    model = botocore.model.ServiceModel(loader.load_service_model("ecs", "service-2"), "ecs")
    if sys.argv[1:] == ["planted"]:
        shape = model.operation_model("DescribeTasks").output_shape
        answer = wire(Values(0).of(shape))
        answer["tasks"][1]["containers"][0]["surprise"] = 1
        answer["tasks"][0]["createdAt"] = "yesterday"
        print(json.dumps(strict.complaints(shape, answer)))
        return
    check = Check()
    for name in model.operation_names:
        check.operation(model.operation_model(name))
    verdict = {"operations": len(model.operation_names), "cases": check.cases}
    print(json.dumps({"verdict": verdict, "found": check.found}), flush=True)


main()
