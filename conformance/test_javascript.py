"""The AWS SDK for JavaScript, where Node.js is installed."""

import os
import shutil
import subprocess

import harness
from harness import Case

PACKAGES = harness.ROOT / "target/javascript"


class JavaScript(Case):
    def test_one_way_through_the_api(self):
        if not shutil.which("node") or not (PACKAGES / "node_modules/@aws-sdk/client-ecs").is_dir():
            self.skipTest("no Node.js, or no SDK: `cargo xtask test` brings the SDK where there is npm")
        variables = harness.environment(
            AWS_ENDPOINT_URL_ECS=self.server.url,
            AWS_REGION=harness.REGION,
            AWS_ACCESS_KEY_ID=harness.KEY[0],
            AWS_SECRET_ACCESS_KEY=harness.KEY[1],
            LONGSHORE_JAVASCRIPT=str(PACKAGES),
        )
        done = subprocess.run(
            ["node", os.fspath(harness.ROOT / "conformance/javascript.mjs")],
            capture_output=True,
            text=True,
            env=variables,
            timeout=harness.PATIENCE * 2,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
