"""Signatures, request ids, unknown and unbuilt operations, and the checks themselves."""

import datetime
import unittest.mock

import botocore.auth
import botocore.exceptions
import botocore.model

import harness
import strict
from harness import Case


class Signatures(Case):
    def test_the_root_key_is_known(self):
        self.assertTrue(self.ecs.list_clusters()["clusterArns"])

    def test_an_unknown_key_is_refused(self):
        stranger = self.server.client(key=("AKIAUNKNOWN000000000", "secret"))
        self.refused("UnrecognizedClientException", stranger.list_clusters)

    def test_a_wrong_secret_is_refused(self):
        forger = self.server.client(key=(harness.KEY[0], "wrong"))
        self.refused("InvalidSignatureException", forger.list_clusters)

    def test_a_clock_off_by_an_hour_is_refused(self):
        for hours in (-1, 1):
            moment = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)
            with unittest.mock.patch.object(
                botocore.auth, "get_current_datetime", lambda *_, **__: moment.replace(tzinfo=None)
            ):
                message = "expired" if hours < 0 else "not yet current"
                self.refused("InvalidSignatureException", self.ecs.list_clusters, text=message)

    def test_logs_are_signed_too(self):
        forger = self.server.client("logs", key=(harness.KEY[0], "wrong"))
        self.refused("InvalidSignatureException", forger.describe_log_groups)


class Answers(Case):
    def test_every_answer_has_a_request_id(self):
        good = self.ecs.list_clusters()["ResponseMetadata"]
        bad = self.refused("ClusterNotFoundException", self.ecs.list_tasks, cluster="nowhere")
        ids = {good["RequestId"], bad["ResponseMetadata"]["RequestId"]}
        self.assertEqual(len(ids), 2)
        self.assertTrue(all(len(one) == 36 for one in ids), ids)

    def test_an_operation_that_is_not_built_says_so(self):
        volume = {"name": "v", "managedEBSVolume": {"roleArn": "arn:aws:iam::000000000000:role/r"}}
        unsupported = "UnsupportedFeatureException"
        self.refused(unsupported, self.ecs.create_service, serviceName="s", volumeConfigurations=[volume])
        self.refused(unsupported, self.ecs.update_service, service="s", volumeConfigurations=[volume])

    def test_an_unknown_operation_is_no_operation(self):
        def rename(request, **_):
            request.headers.replace_header("X-Amz-Target", "AmazonEC2ContainerServiceV20141113.Fly")

        client = self.server.client()
        client.meta.events.register("before-sign.ecs", rename)
        self.refused("UnknownOperationException", client.list_clusters)


class Strictness(Case):
    def test_a_planted_member_is_found(self):
        """The check of every answer fails on a member that botocore does not know."""
        client = self.server.client()
        shape = client.meta.service_model.shape_for("ListClustersResponse")
        planted = {"clusterArns": ["arn"], "surprise": 1}
        self.assertEqual(strict.complaints(shape, planted), ["surprise: unknown member"])

        def plant(response_dict, **_):
            response_dict["body"] = b'{"clusterArns": ["arn"], "surprise": 1}'

        client.meta.events.register_first("response-received.ecs", plant)
        with self.assertRaisesRegex(AssertionError, "surprise: unknown member"):
            client.list_clusters()


class WithoutSignatures(Case):
    flags = ("--auth", "none")

    def test_any_key_will_do(self):
        stranger = self.server.client(key=("AKIAUNKNOWN000000000", "secret"))
        self.assertTrue(stranger.list_clusters()["clusterArns"])
