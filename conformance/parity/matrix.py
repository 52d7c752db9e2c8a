"""The questions: reads `matrix/*.json` and fills in names of this run.

A file holds `operation`, `base` (a request) and `rows`. A row has a `name`, unique in all
files, and a `note` that says what is asked for. Its `request` is laid over `base`, member by
member, less those it lists in `without`; or it has a raw `body`, a list of texts. It may have

- `operation`, where it is not that of the file, and `content_type`;
- `cost`: `minute` for a row that starts a Fargate task, else `none`;
- `save`: names for values of the answer, by path, that later rows use;
- `until`: a path and a value; the row is asked until the answer has it there.

`${name}` in any text is one of `run`, `account`, `region`, `subnet`, `security_group` or a
saved name. `{"$repeat": [text or list, times]}` stands for a long value.
"""

import fnmatch
import json
import pathlib
import re
from typing import NamedTuple

FOLDER = pathlib.Path(__file__).parent / "matrix"
# In this order: what is registered first is used later; what costs comes last.
FILES = (
    "setup", "definition_and_cluster", "count_and_launch", "network", "overrides", "members",
    "protocol", "reads", "registration", "tasks",
)
NAME = re.compile(r"\$\{(\w+)\}")


class Row(NamedTuple):
    """One question. `template` is what is asked, before names are filled in."""

    name: str
    note: str
    operation: str
    template: object
    is_raw: bool
    content_type: str
    cost: str
    save: dict
    until: list

    @property
    def names(self):
        """The names that must be known before it can be asked."""
        return set(NAME.findall(json.dumps([self.template, self.until])))

    def request(self, values):
        """The body to send, as bytes."""
        filled = expand(self.template, values)
        text = "".join(filled) if self.is_raw else json.dumps(filled, ensure_ascii=False, separators=(",", ":"))
        return text.encode()


def rows(pattern="*"):
    """The rows whose name fits, as of a shell, and those of setup; in the order of asking."""
    found = [row for file in FILES for row in read(FOLDER / f"{file}.json")]
    names = [row.name for row in found]
    assert len(set(names)) == len(names), "two rows have one name"
    return [row for row in found if row.name.startswith("setup.") or fnmatch.fnmatchcase(row.name, pattern)]


def read(path):
    content = json.loads(path.read_text())
    return [make(path.stem, content, row) for row in content["rows"]]


def make(stem, content, row):
    unknown = set(row) - {"name", "note", "operation", "request", "without", "body", "content_type",
                          "cost", "save", "until"}
    assert not unknown, f"{stem}: {row['name']}: {unknown}"
    base = {**content.get("base", {}), **row.get("request", {})}
    for member in row.get("without", []):
        del base[member]
    return Row(
        name=f"{stem}.{row['name']}",
        note=row["note"],
        operation=row.get("operation") or content["operation"],
        template=row.get("body", base),
        is_raw="body" in row,
        content_type=row.get("content_type", ""),
        cost=row.get("cost", "none"),
        save=row.get("save", {}),
        until=row.get("until", []),
    )


def expand(value, values):
    """`value` with names filled in and repetitions written out."""
    if isinstance(value, str):
        return NAME.sub(lambda found: values[found[1]], value)
    if isinstance(value, list):
        return [expand(item, values) for item in value]
    if not isinstance(value, dict):
        return value
    if "$repeat" in value:
        what, times = value["$repeat"]
        return expand(what, values) * times
    return {name: expand(item, values) for name, item in value.items()}


def at(value, path):
    """The value at `tasks.0.taskArn` of an answer, or None."""
    for step in path.split("."):
        try:
            value = value[int(step)] if isinstance(value, list) else value[step]
        except (KeyError, IndexError, ValueError, TypeError):
            return None
    return value
