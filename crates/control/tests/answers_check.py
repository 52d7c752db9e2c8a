"""botocore's half of the test in botocore.rs.

Reads the answers in `letter/accepted/*.json` through botocore's own shapes:
the strict check of the model's tests for what they hold, botocore's parser for
what of it reaches a caller. One JSON line tells what was found. With
`planted`, every answer first gets a member that no shape has, then a member of
another type: the check is worth something only if it finds each of them.
"""

import copy
import json
import pathlib
import sys

import botocore.loaders
import botocore.model
import botocore.parsers

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "model/tests"))

import strict  # noqa: E402

PARSER = botocore.parsers.create_parser("json")


def structures(value, path=""):
    """Every object inside an answer, with its place."""
    if isinstance(value, dict):
        yield path, value
        for name, item in value.items():
            yield from structures(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from structures(item, f"{path}[{index}]")


def unread(answer, parsed, path=""):
    """Members of an answer that botocore's parser has dropped."""
    if isinstance(answer, dict):
        for name, item in answer.items():
            inside = f"{path}.{name}" if path else name
            if name in parsed:
                yield from unread(item, parsed[name], inside)
            else:
                yield f"{inside}: dropped by the parser"
    elif isinstance(answer, list):
        for index, item in enumerate(answer):
            yield from unread(item, parsed[index], f"{path}[{index}]")


def complaints(shape, answer):
    response = {"body": json.dumps(answer).encode(), "headers": {}, "status_code": 200}
    return strict.complaints(shape, answer) + list(unread(answer, PARSER.parse(response, shape)))


def overlooked(shape, answer):
    """Planted mistakes that the check does not find, one at a time."""
    for place, _ in structures(answer):
        if inside_map(shape, place):
            continue
        spoilt = copy.deepcopy(answer)
        dict(structures(spoilt))[place]["surprise"] = 1
        wanted = f"{place}.surprise" if place else "surprise"
        if f"{wanted}: unknown member" not in strict.complaints(shape, spoilt):
            yield wanted
    for place, value in structures(answer):
        for name in value:
            spoilt = copy.deepcopy(answer)
            other = [] if isinstance(value[name], dict) else {"of": "another type"}
            dict(structures(spoilt))[place][name] = other
            if not strict.complaints(shape, spoilt):
                yield f"{place}.{name} of another type"


def inside_map(shape, place):
    """Whether the keys at this place are the caller's own words."""
    for word in place.replace("]", "").replace("[", ".").split("."):
        if word.isdigit():
            shape = shape.member
        elif word:
            shape = shape.members[word]
    return shape.type_name == "map"


def main():
    planted = sys.argv[1:] == ["planted"]
    loader = botocore.loaders.Loader()
    model = botocore.model.ServiceModel(loader.load_service_model("ecs", "service-2"), "ecs")
    answers, found = 0, []
    for file in sorted((HERE / "letter/accepted").glob("*.json")):
        for title, case in json.loads(file.read_text()).items():
            answers += 1
            shape = model.operation_model(case["operation"]).output_shape
            check = overlooked if planted else complaints
            found += [f"{file.name}: {title}: {one}" for one in check(shape, case["answer"])]
    print(json.dumps({"answers": answers, "found": found}))


main()
