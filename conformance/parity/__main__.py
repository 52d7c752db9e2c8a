"""The command: `cargo xtask parity`. Exit code 0: no difference but known ones; 1: others;
2: it could not be asked; 3: something could not be removed."""

import argparse
import secrets
import sys

import boto3

import harness

from . import aws, compare, matrix, runner, trace
from .cleanup import Cleanup
from .normal import Leak
from .report import Report
from .target import Refused, Target

# Where tasks start on a server of our own, which is told of them: it shall refuse others as AWS does.
SUBNET, SECURITY_GROUP = "subnet-0123456789abcdef0", "sg-0123456789abcdef0"
VPC = f"""[[network.vpc]]
id = "vpc-0123456789abcdef0"
subnets = ["{SUBNET}"]
security-groups = ["{SECURITY_GROUP}"]
"""


class LeftBehind(Exception):
    """The run is over and something of it may still exist."""


def main(words=None):
    options = parsed(words)
    try:
        if options.clean:
            return clean(options)
        kind, left = asked(options)
        if options.record:
            trace.write(options.record, kind, left)
            say(f"{options.record}: {len(left)} rows")
        right = local(matrix.rows(options.only), options.begins_tasks)
        report = Report(left, right, compare.known() if kind == "aws" else ())
        for line in report.lines(kind or "trace", "local"):
            print(line)
        return report.code
    except (Refused, Leak, OSError, ValueError) as error:
        say(f"error: {error}")
        return 2
    except LeftBehind as error:
        if error.__context__:
            say(f"error: {error.__context__}")
        say(f"error: {error}")
        return 3
    except KeyboardInterrupt:
        say("interrupted; what the run had made is removed")
        return 130


def parsed(words):
    parser = argparse.ArgumentParser(prog="cargo xtask parity", description=__doc__)
    side = parser.add_mutually_exclusive_group(required=True)
    side.add_argument("--aws", action="store_true", help="ask your own account at AWS")
    side.add_argument("--against", metavar="URL", help="ask any server, with the key of the environment")
    side.add_argument("--replay", metavar="FILE", help="take the answers of a trace")
    parser.add_argument("--record", metavar="FILE", help="write a trace of what was asked")
    parser.add_argument("--profile", help="the profile of ~/.aws whose key is used")
    parser.add_argument("--region", help="the region that is asked")
    parser.add_argument("--account", metavar="NUMBER", help="refuse to work in any other account")
    parser.add_argument("--subnet", metavar="ID", help="where tasks start; default: the default VPC")
    parser.add_argument("--security-group", metavar="ID", help="the group of their interfaces")
    parser.add_argument("--only", metavar="PATTERN", default="*", help="ask these rows, and those of setup")
    parser.add_argument("--no-start", dest="begins_tasks", action="store_false", help="start no task")
    parser.add_argument("--yes", action="store_true", help="do not ask before anything is made")
    parser.add_argument("--clean", metavar="RUN", help="remove what a killed run has left, and do no more")
    options = parser.parse_args(words)
    if options.replay and (options.record or options.clean):
        parser.error("--replay asks nobody, so there is nothing to record or clean")
    if options.clean and not options.clean.startswith(runner.PREFIX):
        parser.error(f"--clean takes the name of a run: {runner.PREFIX}…")
    return options


def asked(options):
    """Kind and records of the side that is compared with the local server."""
    rows = matrix.rows(options.only)
    if options.replay:
        kind, records = trace.read(options.replay)
        names = {row.name for row in rows}
        return kind, [record for record in records if record["name"] in names]
    name = run_name()
    target = reached(options, name)
    return target.kind, run(target, name, rows, options.begins_tasks)


def run_name():
    """A new one, always of the same length: some refusals count letters of the request."""
    return runner.PREFIX + secrets.token_hex(4)


def reached(options, name):
    """The target of `--aws` or `--against`; for AWS the user has agreed."""
    if options.against:
        credentials = boto3.session.Session(profile_name=options.profile).get_credentials()
        if not credentials:
            raise Refused("there is no key: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        return of_key("url", options.against, options.region or harness.REGION, credentials, options)
    target, account = aws.target(options)
    for line in announcement(target, account, name, options):
        say(line)
    if not options.yes and not agreed():
        raise Refused("nothing was asked and nothing was made")
    return target


def agreed():
    print("Go on? Type yes: ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip() == "yes"


def of_key(kind, url, region, credentials, options=None):
    frozen = credentials.get_frozen_credentials()
    subnet = getattr(options, "subnet", None) or SUBNET
    group = getattr(options, "security_group", None) or SECURITY_GROUP
    hidden = (frozen.access_key, frozen.secret_key, frozen.token)
    return Target(kind, url, region, credentials, subnet, group, hidden)


def announcement(target, account, name, options):
    yield f"account {account}, region {target.region}"
    if options.clean:
        yield f"removes cluster {name}, its tasks, and task definitions named {name}-…"
        return
    yield f"makes and removes: cluster {name}; task definitions named {name}-…"
    if options.begins_tasks and target.subnet:
        yield (f"starts at most {runner.TASKS} Fargate tasks of 0.25 vCPU and 0.5 GB that exit at once, "
               f"in {target.subnet}: each is billed as one minute")
    elif options.begins_tasks:
        yield "starts no task: there is no default VPC, and no --subnet was given"
    else:
        yield "starts no task"


def run(target, name, rows, begins_tasks=True):
    """The records of one run. Raises LeftBehind."""
    one = runner.Run(target, name, begins_tasks, progress=progress)
    try:
        return one.records(rows)
    finally:
        if sys.stderr.isatty():
            print(file=sys.stderr)
        # A server of our own is removed whole.
        if one.cleanup.left and target.kind != "local":
            raise LeftBehind(remains(one.cleanup.left, name))


def remains(left, name):
    return "\n  ".join(["could not be removed:", *left, f"once it can be removed: the same command with --clean {name}"])


def clean(options):
    target = reached(options, options.clean)
    cleanup = Cleanup(target, options.clean)
    values = {"run": options.clean}
    for row in matrix.rows():
        if row.names <= set(values):
            cleanup.expect(row.operation, row.request(values))
    if left := cleanup.clean():
        raise LeftBehind(remains(left, options.clean))
    say(f"nothing of {options.clean} is left")
    return 0


def local(rows, begins_tasks):
    """The records of a fresh server of our own."""
    server = harness.Server(config=VPC)
    try:
        key = boto3.session.Session(*harness.KEY).get_credentials()
        return run(of_key("local", server.url, harness.REGION, key), run_name(), rows, begins_tasks)
    finally:
        server.close()


def progress(row):
    if sys.stderr.isatty():
        print(f"\r\x1b[K{row.name}", end="", file=sys.stderr, flush=True)


def say(line):
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
