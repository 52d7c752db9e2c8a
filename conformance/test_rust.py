"""The AWS SDK for Rust, in a package outside the workspace."""

import os
import subprocess

import harness
from harness import Case

PROGRAM = harness.ROOT / "target/sdk-rust/debug/sdk-rust"


class Rust(Case):
    def test_one_way_through_the_api(self):
        self.assertTrue(PROGRAM.is_file(), "not built: `cargo xtask test` builds it")
        variables = harness.environment(
            AWS_ENDPOINT_URL_ECS=self.server.url,
            AWS_REGION=harness.REGION,
            AWS_ACCESS_KEY_ID=harness.KEY[0],
            AWS_SECRET_ACCESS_KEY=harness.KEY[1],
        )
        done = subprocess.run(
            [os.fspath(PROGRAM)],
            capture_output=True,
            text=True,
            env=variables,
            timeout=harness.PATIENCE * 2,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
