"""The offered APIs, and nothing else: key, name, versions, handler.

None of the versions is flexible but ApiVersions 3. Everything that aiokafka, confluent-kafka,
franz-go and Kafka's own tools need works with this set; what is missing is transactions, ACLs,
quotas, log directories and whatever only a cluster has.
"""

from collections.abc import Mapping

from .broker import Broker
from .handlers import (
    config_admin,
    fetch,
    group_admin,
    group_offsets,
    handshake,
    membership,
    metadata,
    positions,
    produce,
    topic_admin,
)
from .request import Api, Request
from .wire import Writer

API_VERSIONS = 18
SASL_HANDSHAKE = 17
SASL_AUTHENTICATE = 36
BEFORE_AUTHENTICATION = frozenset({API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE})
_NEWEST_API_VERSIONS = 3


async def _api_versions(_broker: Broker, request: Request) -> Writer:
    return handshake.api_versions(request, APIS, _NEWEST_API_VERSIONS)


APIS: Mapping[int, Api] = {
    0: Api("Produce", 3, 8, produce.produce, pipelined=True),
    1: Api("Fetch", 4, 11, fetch.fetch),
    2: Api("ListOffsets", 1, 5, positions.list_offsets),
    3: Api("Metadata", 0, 7, metadata.metadata),
    8: Api("OffsetCommit", 2, 7, group_offsets.offset_commit),
    9: Api("OffsetFetch", 1, 5, group_offsets.offset_fetch),
    10: Api("FindCoordinator", 0, 2, metadata.find_coordinator),
    11: Api("JoinGroup", 0, 5, membership.join_group),
    12: Api("Heartbeat", 0, 3, membership.heartbeat),
    13: Api("LeaveGroup", 0, 3, membership.leave_group),
    14: Api("SyncGroup", 0, 3, membership.sync_group),
    15: Api("DescribeGroups", 0, 4, group_admin.describe_groups),
    16: Api("ListGroups", 0, 2, group_admin.list_groups),
    SASL_HANDSHAKE: Api("SaslHandshake", 0, 1, handshake.sasl_handshake),
    API_VERSIONS: Api("ApiVersions", 0, _NEWEST_API_VERSIONS, _api_versions),
    19: Api("CreateTopics", 2, 4, topic_admin.create_topics),
    20: Api("DeleteTopics", 1, 3, topic_admin.delete_topics),
    21: Api("DeleteRecords", 0, 1, positions.delete_records),
    22: Api("InitProducerId", 0, 1, produce.init_producer_id),
    23: Api("OffsetForLeaderEpoch", 2, 3, positions.offset_for_leader_epoch),
    32: Api("DescribeConfigs", 1, 3, config_admin.describe_configs),
    33: Api("AlterConfigs", 0, 1, config_admin.alter_configs),
    SASL_AUTHENTICATE: Api("SaslAuthenticate", 0, 1, handshake.sasl_authenticate),
    37: Api("CreatePartitions", 0, 1, topic_admin.create_partitions),
    42: Api("DeleteGroups", 0, 1, group_admin.delete_groups),
    44: Api("IncrementalAlterConfigs", 0, 0, config_admin.incremental_alter_configs),
    47: Api("OffsetDelete", 0, 0, group_offsets.offset_delete),
}
