"""The file of a run: JSON lines, normalised, so that it can be sent to anybody.

The first line says what it is; each further one is a record. Requests stand as in the matrix,
with their names not filled in.
"""

import json

FORMAT = "longshore-parity/1"


def write(path, kind, records):
    """Writes the records of one run; `kind` is that of its target."""
    lines = [{"format": FORMAT, "kind": kind}, *records]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def read(path):
    """Kind and records. Raises ValueError, naming the line, for anything else."""
    with open(path, encoding="utf-8") as file:
        lines = [parse(path, number, line) for number, line in enumerate(file, 1)]
    if not lines or lines[0].get("format") != FORMAT:
        raise ValueError(f"{path}: the first line does not say {FORMAT}")
    for number, record in enumerate(lines[1:], 2):
        answered = {"status", "content_type", "body"} <= set(record)
        if not {"name", "operation", "request"} <= set(record) or not (answered or "skipped" in record):
            raise ValueError(f"{path}: line {number} is no record")
    return lines[0].get("kind", ""), lines[1:]


def parse(path, number, line):
    try:
        value = json.loads(line)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ValueError(f"{path}: line {number} is no JSON object")
    return value
