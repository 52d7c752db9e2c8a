"""Compares JSON with a botocore shape, strictly.

botocore's parser drops members it does not know and takes almost any type.
`complaints` does neither, so a server that invents a member, or writes a
number as text, is found out. `watch` does it for every answer of a client.
"""

import json

# JSON type of each shape type. bool is an int in Python, so it is told apart.
TYPES = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "double": (int, float),
    "float": (int, float),
    "timestamp": (int, float),
    "blob": str,
    "structure": dict,
    "map": dict,
    "list": list,
}


def complaints(shape, value, path=""):
    """Every difference between `value` (parsed JSON) and `shape`; empty if none."""
    if getattr(shape, "is_document_type", False):
        return []
    kind = shape.type_name
    wanted = TYPES[kind]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        return [f"{path or '.'}: {json.dumps(value)} is no {kind}"]
    found = []
    if kind == "structure":
        for name, member in value.items():
            inside = f"{path}.{name}" if path else name
            if name in shape.members:
                found += complaints(shape.members[name], member, inside)
            else:
                found.append(f"{inside}: unknown member")
    elif kind == "list":
        for index, item in enumerate(value):
            found += complaints(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        for key, item in value.items():
            found += complaints(shape.value, item, f"{path}[{key!r}]")
    return found


def watch(client):
    """Makes every successful answer of a boto3 or botocore client pass `complaints`."""

    def check(response_dict, event_name, **_):
        if response_dict is None or response_dict["status_code"] != 200:
            return
        operation = client.meta.service_model.operation_model(event_name.rsplit(".", 1)[1])
        found = complaints(operation.output_shape, json.loads(response_dict["body"]))
        if found:
            raise AssertionError(f"{operation.name}: " + "; ".join(found))

    service = client.meta.service_model.service_id.hyphenize()
    client.meta.events.register(f"response-received.{service}", check)
