"""botocore's half of the test in client/endpoints.rs: what its endpoint rules say.

Prints one JSON list of rows: service, region, FIPS, dual-stack, URL.
"""

import itertools
import json
import sys

import botocore.loaders
from botocore.endpoint_provider import EndpointProvider

loader = botocore.loaders.create_loader()
partitions = loader.load_data("partitions")
rows = []
for service in ("ecs", "logs"):
    rules = loader.load_service_model(service, "endpoint-rule-set-1")
    provider = EndpointProvider(rules, partitions)
    for partition in partitions["partitions"]:
        for region, fips, dual_stack in itertools.product(
            partition["regions"], (False, True), (False, True)
        ):
            found = provider.resolve_endpoint(
                Region=region, UseFIPS=fips, UseDualStack=dual_stack
            )
            rows.append([service, region, fips, dual_stack, found.url])
json.dump(rows, sys.stdout)
