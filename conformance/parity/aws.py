"""A user's own account at AWS: who is asked, and where its awsvpc tasks may start."""

from urllib.parse import urlsplit

import boto3
import botocore.exceptions

from .target import Refused, Target


def target(options):
    """The account of the profile, after STS has said which it is. Returns it and its number.

    Raises Refused when there is no key, no region, or another account than `--account`.
    """
    try:
        session = boto3.session.Session(profile_name=options.profile, region_name=options.region)
        if not session.get_credentials():
            raise Refused("there is no key: name a profile with --profile, or set AWS_ACCESS_KEY_ID")
        if not session.region_name:
            raise Refused("there is no region: name one with --region")
        identity = session.client("sts").get_caller_identity()
        account = identity["Account"]
        if options.account and options.account != account:
            raise Refused(f"the key is of account {account}, not of {options.account}")
        subnet, group = network(session, options)
        return made(session, identity, subnet, group), account
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        raise Refused(str(error)) from error


def made(session, identity, subnet, group):
    credentials = session.get_credentials()
    frozen = credentials.get_frozen_credentials()
    # Asked of boto3, because it knows every partition.
    url = session.client("ecs").meta.endpoint_url
    hidden = (
        identity["Account"], identity["Arn"], identity["UserId"], urlsplit(url).netloc,
        frozen.access_key, frozen.secret_key, frozen.token,
    )
    return Target("aws", url, session.region_name, credentials, subnet, group, hidden)


def network(session, options):
    """A subnet and its group: those of the options, else of the default VPC, else none."""
    if options.subnet:
        return options.subnet, options.security_group or ""
    client = session.client("ec2")
    vpcs = client.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    if not vpcs:
        return "", ""
    own = {"Name": "vpc-id", "Values": [vpcs[0]["VpcId"]]}
    subnets = client.describe_subnets(Filters=[own])["Subnets"]
    named = {"Name": "group-name", "Values": ["default"]}
    groups = client.describe_security_groups(Filters=[own, named])["SecurityGroups"]
    if not subnets or not groups:
        return "", ""
    return subnets[0]["SubnetId"], options.security_group or groups[0]["GroupId"]

