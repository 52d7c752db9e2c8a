"""What aws-sdk-ecs and our client send for the same RunTask, held against each other.

They may differ in `LISTED` only, and in all of it: a difference that goes away leaves the list.
"""

import copy
import json
import re
import unittest
import uuid

import botocore.session

import capture
import wire

# The rows of the sheet on the client's pipeline: our client names itself once, in `user-agent`,
# and signs no name; the SDK repeats its own in a signed header.
LISTED = {
    "user-agent: another value": "B3",
    "x-amz-user-agent: only the SDK sends it": "B3",
    "x-amz-user-agent: only the SDK signs it": "1.8",
}

# Of version 4. The SDK leaves the bits of the variant to chance in its tokens.
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
# What hangs on the moment or on chance, by header: only the form is compared.
FORMS = {
    "amz-sdk-invocation-id": (UUID, "UUID"),
    "authorization": (r"/\d{8}/(.*), SignedHeaders=\S*, Signature=[0-9a-f]{64}", r"/DAY/\1"),
    "x-amz-date": (r"\d{8}T\d{6}Z", "MOMENT"),
}


def formed(headers):
    """Headers with what may differ from call to call taken out."""
    result = dict(headers)
    for name, (pattern, form) in FORMS.items():
        if name in result:
            result[name] = re.sub(pattern, form, result[name])
    return result


def body(request, filled):
    """The body as JSON; the members `filled` by the client itself by their form."""
    value = json.loads(request.body)
    for member in filled:
        value[member] = re.sub(f"^{UUID}$", "UUID", value[member])
    return value


def only(what, sdk, own):
    """A sentence for each name that only one of the two has."""
    yield from (f"{name}: only the SDK {what} it" for name in sdk if name not in own)
    yield from (f"{name}: only our client {what} it" for name in own if name not in sdk)


def differences(sdk, own, filled=()):
    """Everything in which two requests differ, a sentence each."""
    if sdk.method != own.method:
        yield f"method: {sdk.method} and {own.method}"
    if sdk.path != own.path:
        yield f"path: {sdk.path} and {own.path}"
    if body(sdk, filled) != body(own, filled):
        yield f"body: {sdk.body} and {own.body}"
    theirs, ours = formed(sdk.headers), formed(own.headers)
    yield from only("sends", theirs, ours)
    yield from only("signs", sdk.signed, own.signed)
    yield from (f"{name}: another value" for name in theirs if ours.get(name, theirs[name]) != theirs[name])


def unset(shape, values, path=""):
    """The members of a shape, and of those below it, that none of the values has."""
    values = [value for value in values if value is not None]
    if not values:
        return [path]
    if shape.type_name == "list" and shape.member.type_name == "structure":
        return unset(shape.member, [item for value in values for item in value], path)
    if shape.type_name != "structure":
        return []
    found = []
    for name, member in shape.members.items():
        found += unset(member, [value.get(name) for value in values], f"{path}.{name}")
    return found


class Wire(unittest.TestCase):
    def sent(self, value, answers, **more):
        """The requests of the SDK and those of our client, to one server with the same answers."""
        attempts = len(answers)
        with capture.Capture(*answers, *answers) as server:
            wire.send("sdk", f"{server.url}/base", value, **more)
            wire.send("longshore", f"{server.url}/base", value, **more)
        self.assertEqual(len(server.requests), 2 * attempts)
        return server.requests[:attempts], server.requests[attempts:]

    def check(self, value, answers, filled=(), **more):
        """Each attempt of the two differs in what is listed, and in nothing else."""
        sdk, own = self.sent(value, answers, **more)
        for theirs, ours in zip(sdk, own, strict=True):
            self.assertEqual(sorted(differences(theirs, ours, filled)), sorted(LISTED))
        for attempts in (sdk, own):
            ids = {request.headers["amz-sdk-invocation-id"] for request in attempts}
            self.assertEqual(len(ids), 1, "one invocation id for all attempts of a call")
            self.assertEqual(len({request.body for request in attempts}), 1)
        return sdk, own

    def test_every_member_is_in_the_comparison(self):
        shape = botocore.session.get_session().get_service_model("ecs").shape_for("RunTaskRequest")
        self.assertEqual(unset(shape, [wire.INPUT]), [])
        self.assertEqual(len(wire.INPUT), 19)
        self.assertEqual(unset(shape, [{**wire.INPUT, "group": None}]), [".group"])

    def test_a_call_of_three_attempts(self):
        throttled = capture.THROTTLED
        sdk, own = self.check(wire.INPUT, [throttled, throttled, capture.STARTED])
        for attempts in (sdk, own):
            counts = [request.headers["amz-sdk-request"] for request in attempts]
            self.assertEqual(counts, [f"attempt={one}; max=3" for one in (1, 2, 3)])
        self.assertEqual(json.loads(own[0].body), wire.INPUT)
        self.assertEqual(own[0].path, "/base/")

    def test_a_token_that_the_client_makes_and_a_key_without_session(self):
        bare = {"taskDefinition": "demo"}
        answers = [capture.THROTTLED, capture.STARTED]
        sdk, own = self.check(bare, answers, ["clientToken"], session_token=None)
        self.assertNotIn("x-amz-security-token", own[0].headers)
        self.assertEqual(body(own[0], ["clientToken"]), {**bare, "clientToken": "UUID"})
        tokens = [uuid.UUID(json.loads(request.body)["clientToken"]) for request in (sdk[0], own[0])]
        self.assertNotEqual(*tokens)
        self.assertEqual(tokens[1].variant, uuid.RFC_4122)

    def test_a_planted_difference_is_found(self):
        (request,), _ = self.sent(wire.INPUT, [capture.STARTED])

        def planted(change):
            other = copy.deepcopy(request)
            change(other)
            return list(differences(request, other))

        def sign_more(other):
            signed = other.headers["authorization"].replace("SignedHeaders=", "SignedHeaders=a;")
            other.headers["authorization"] = signed

        self.assertEqual(planted(lambda _: None), [])
        self.assertEqual(planted(lambda other: other.headers.update(accept="*/*")),
                         ["accept: only our client sends it"])
        self.assertEqual(planted(lambda other: other.headers.update({"x-amz-date": "today"})),
                         ["x-amz-date: another value"])
        self.assertEqual(planted(lambda other: other.headers.pop("host")), ["host: only the SDK sends it"])
        self.assertEqual(planted(sign_more), ["a: only our client signs it"])
        self.assertEqual(planted(lambda other: setattr(other, "path", "/")), ["path: /base/ and /"])
        self.assertEqual(planted(lambda other: setattr(other, "method", "GET")), ["method: POST and GET"])
        (text,) = planted(lambda other: setattr(other, "body", other.body.replace(b"gp3", b"gp2")))
        self.assertTrue(text.startswith("body: "), text)
