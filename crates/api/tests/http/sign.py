"""Signs a few requests with botocore for a fixed moment and prints them as JSON."""

import json

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ENDPOINT = "http://127.0.0.1:8327"
MOMENT = "20260105T101500Z"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
LONG_TERM = Credentials("AKIDEXAMPLE", SECRET)
TEMPORARY = Credentials("ASIAEXAMPLE", SECRET, "a/session+token==")
ECS = "AmazonEC2ContainerServiceV20141113."


def signed(credentials, service, region, method, path, target, body):
    headers = {"Content-Type": "application/x-amz-json-1.1", "Host": "127.0.0.1:8327"}
    if target:
        headers["X-Amz-Target"] = target
    request = AWSRequest(method, ENDPOINT + path, headers=headers, data=body.encode())
    # The steps of `add_auth`, without its reading of the clock.
    signer = SigV4Auth(credentials, service, region)
    request.context["timestamp"] = MOMENT
    signer._modify_request_before_signing(request)
    canonical = signer.canonical_request(request)
    text = signer.string_to_sign(request, canonical)
    signer._inject_signature_to_request(request, signer.signature(text, request))
    headers = {name: value for name, value in request.headers.items()}
    return {"method": method, "path": path, "headers": headers, "body": body}


print(json.dumps([
    signed(LONG_TERM, "ecs", "us-east-1", "POST", "/", ECS + "RunTask", "{}"),
    signed(LONG_TERM, "ecs", "local", "POST", "/", ECS + "RunTask", '{"startedBy": "größe"}'),
    signed(TEMPORARY, "ecs", "eu-west-1", "POST", "/", ECS + "RunTask", '{"count": 1}'),
    signed(LONG_TERM, "logs", "eu-west-1", "POST", "/", "Logs_20140328.GetLogEvents", "{}"),
    signed(LONG_TERM, "ecs", "eu-west-1", "GET", "/_longshore/v1/why/a%20b", None, ""),
    signed(LONG_TERM, "ecs", "eu-west-1", "GET", "/metrics", None, ""),
]))
