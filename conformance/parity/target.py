"""A server of the ECS API that is asked: signs one request, sends it, waits where it must.

Requests are written by hand and not by boto3, which would refuse or mend what the matrix
asks on purpose: unknown members, nulls, arrays for structures, bodies that are no JSON.
"""

import json
import socket
import time
from typing import NamedTuple

import botocore.auth
import botocore.awsrequest
import botocore.exceptions
import botocore.httpsession
import botocore.utils

PREFIX = "AmazonEC2ContainerServiceV20141113."
CONTENT_TYPE = "application/x-amz-json-1.1"
# Seconds that one request may take.
TIMEOUT = 60
# Header and body leave in two parts; the second would wait for a delayed acknowledgement.
SOCKET_OPTIONS = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)]
# What is answered to a caller who asks too fast; asked again, and not compared.
THROTTLED = ("ThrottlingException", "Throttling", "RequestLimitExceeded")
# What is answered when the key is the fault, so that no later answer would mean anything.
NOT_LET_IN = (
    "ExpiredTokenException", "IncompleteSignatureException", "InvalidClientTokenId",
    "InvalidSignatureException", "MissingAuthenticationTokenException", "UnrecognizedClientException",
)


class Refused(Exception):
    """The target cannot be asked: its key is refused, or it gives no sensible answer."""


class Answer(NamedTuple):
    """What came back: the status, the content type, and the body as it was sent."""

    status: int
    content_type: str
    body: bytes

    @property
    def json(self):
        """The body as JSON, or None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def exception(self):
        """The name of the error without a namespace; empty for a success."""
        body = self.json
        if self.status == 200 or not isinstance(body, dict):
            return ""
        return str(body.get("__type", "")).rsplit("#", 1)[-1]


class Target:
    """One endpoint, one key. `kind` is `aws`, `url` or `local`.

    `subnet` and `security_group` are empty where awsvpc tasks cannot be started. `secrets` are
    the texts that may stand in no trace. Looks every `pause` seconds, gives up after `patience`.
    """

    def __init__(self, kind, url, region, credentials, subnet="", security_group="", secrets=()):
        self.kind, self.url, self.region = kind, url, region
        self.credentials = credentials
        self.subnet, self.security_group = subnet, security_group
        self.secrets = secrets
        self.pause, self.patience = (3.0, 300.0) if kind == "aws" else (0.02, 60.0)
        proxies = botocore.utils.get_environ_proxies(url)
        self.http = botocore.httpsession.URLLib3Session(
            timeout=TIMEOUT, proxies=proxies, socket_options=SOCKET_OPTIONS
        )

    def send(self, operation, body, content_type=CONTENT_TYPE):
        """The answer to one request, asked again while it is throttled. Raises Refused."""

        def ask():
            answer = self.send_once(operation, body, content_type)
            return None if answer.exception in THROTTLED else answer

        answer = self.until(ask)
        if answer is None:
            raise Refused(f"{operation} is throttled")
        if answer.exception in NOT_LET_IN:
            raise Refused(f"{operation}: {answer.exception}: {answer.json.get('message')}")
        return answer

    def send_once(self, operation, body, content_type):
        headers = {"Content-Type": content_type, "X-Amz-Target": PREFIX + operation}
        request = botocore.awsrequest.AWSRequest("POST", self.url, headers, body)
        try:
            frozen = self.credentials.get_frozen_credentials()
            botocore.auth.SigV4Auth(frozen, "ecs", self.region).add_auth(request)
            response = self.http.send(request.prepare())
        except botocore.exceptions.BotoCoreError as error:
            raise Refused(f"{operation}: {error}") from error
        kind = response.headers.get("Content-Type", "")
        return Answer(response.status_code, kind, response.content)

    def call(self, operation, **members):
        """As `send`, for a request that must succeed; its answer as JSON. Raises Refused."""
        answer = self.send(operation, json.dumps(members).encode())
        if answer.status != 200:
            text = (answer.json or {}).get("message", "")
            raise Refused(f"{operation}: {answer.exception or answer.status}: {text}")
        return answer.json

    def until(self, look):
        """Looks until the result is not None; None when patience ends first."""
        deadline = time.monotonic() + self.patience
        while True:
            seen = look()
            if seen is not None or time.monotonic() > deadline:
                return seen
            time.sleep(self.pause)
