"""Makes answers comparable and fit to be shown: names, ids, moments and addresses go.

What is left of an id is its kind and its place in the answer, `<id-1>`; of a thing that the
run has saved, its name. Whatever could tell whose account it was is replaced as well.
"""

import json
import re

# Members whose numbers are moments.
MOMENT = re.compile(r"[a-z]At$")
# Members whose text differs with every task or caller.
MASKED = {
    "registeredBy": "<principal>", "runtimeId": "<runtime>", "ipv6Address": "<address>",
    "macAddress": "<mac>", "privateDnsName": "<host>", "publicDnsName": "<host>",
}
# A principal's ARN tells the name of a person. Any partition.
PRINCIPAL = re.compile(
    r"arn:aws[a-z-]*:(?:iam|sts)::\d{12}:(?:root\b|(?:user|assumed-role|federated-user)/[\w+=,.@/-]+)"
)
PARTITION = re.compile(r"arn:aws-[a-z-]+:")
# In this order: an earlier pattern takes what a later one would also match.
PATTERNS = [
    (re.compile(r"(?<=Encoded authorization failure message: )\S+"), "<encoded>"),
    (re.compile(r"\b(?:AKIA|ASIA|AROA|AIDA|ABSK)[A-Z0-9]{12,}\b"), "<key>"),
    (re.compile(r"\bsha256:[0-9a-f]{64}\b"), "<digest>"),
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "<uuid-{}>"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "<id-{}>"),
    (re.compile(r"\bsubnet-[0-9a-z]+\b"), "<subnet-{}>"),
    (re.compile(r"\bsg-[0-9a-z]+\b"), "<security-group-{}>"),
    (re.compile(r"\b(?:vpc|eni|i|vol)-[0-9a-f]{8,17}\b"), "<resource-{}>"),
    (re.compile(r"\bip-\d+-\d+-\d+-\d+[\w.-]*"), "<host>"),
    (re.compile(r"\b(?:[0-9a-f]{2}:){5}[0-9a-f]{2}\b"), "<mac>"),
    (re.compile(r"\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b[\w.-]+\.(?:amazonaws\.com(?:\.cn)?|api\.aws)\b"), "<host>"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT[\d:.]+Z?"), "<time>"),
    (re.compile(r"(?<!\d)\d{12}(?!\d)"), "<account>"),
    (re.compile(r"<region>[a-z]\b"), "<zone>"),
]
IS_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f-]{36}")


class Leak(Exception):
    """A record still holds what no trace may hold."""


class Normal:
    """The names of one run. Ids are numbered anew in each answer."""

    def __init__(self, region):
        self.labels = {region: "<region>"}

    def learn(self, name, value):
        """From now on this value, or the id at the end of its ARN, is written as its name."""
        last = value.rsplit("/", 1)[-1]
        if IS_ID.fullmatch(last):
            self.labels[last] = f"<{name}>"
        elif name in ("run", "subnet", "security_group"):
            self.labels[value] = f"<{name}>"

    def body(self, text):
        """The body of an answer as JSON without names; `{"$text": …}` when it is no JSON."""
        numbers = {}
        try:
            return self.value(json.loads(text), "", numbers)
        except ValueError:
            return {"$text": self.text(text.decode(errors="replace"), numbers)}

    def value(self, value, member, numbers):
        if isinstance(value, dict):
            return {self.text(name, numbers): self.value(item, name, numbers) for name, item in value.items()}
        if isinstance(value, list):
            return [self.value(item, member, numbers) for item in value]
        if isinstance(value, str):
            return MASKED.get(member) or self.text(value, numbers)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return "<time>" if is_number and MOMENT.search(member) else value

    def text(self, text, numbers):
        # The principal first: the account's number in it would no longer be one.
        text = PARTITION.sub("arn:aws:", PRINCIPAL.sub("<principal>", text))
        for value in sorted(self.labels, key=len, reverse=True):
            text = text.replace(value, self.labels[value])
        for pattern, label in PATTERNS:
            text = pattern.sub(lambda found, label=label: number(label, found[0], numbers), text)
        return text


def number(label, value, numbers):
    """The label with the number of this value among those of its kind."""
    if "{}" not in label:
        return label
    seen = numbers.setdefault(label, [])
    if value not in seen:
        seen.append(value)
    return label.format(seen.index(value) + 1)


def guard(record, secrets):
    """Raises Leak when a secret stands in the record all the same."""
    line = json.dumps(record, ensure_ascii=False)
    if any(secret and secret in line for secret in secrets):
        raise Leak(f"the answer to {record.get('name', 'the run')} holds what must not be shown; nothing is written")
