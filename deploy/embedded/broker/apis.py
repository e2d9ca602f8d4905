"""The offered APIs, and nothing else: versions, messages, handlers.

Everything that aiokafka, confluent-kafka, franz-go and Kafka's own tools need works with this
set; what is missing is transactions, static members, ACLs, quotas, log directories and whatever
only a cluster has. The messages follow https://kafka.apache.org/protocol.
"""

from collections.abc import Mapping

from .broker import Broker
from .errors import ErrorCode
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
from .schema import Fields

API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE = 18, 17, 36
BEFORE_AUTHENTICATION = frozenset({API_VERSIONS, SASL_HANDSHAKE, SASL_AUTHENTICATE})


async def _api_versions(_broker: Broker, request: Request) -> Fields:
    """All of these. A version that is too high is told so, in version 0, which all can read."""
    if request.is_too_new:
        return {
            "error_code": ErrorCode.UNSUPPORTED_VERSION,
            "api_keys": [_range(request.api)],
        }
    return {"api_keys": [_range(api) for _, api in sorted(APIS.items())]}


def _range(api: Api) -> Fields:
    return {"api_key": api.key, "min_version": api.oldest, "max_version": api.newest}


_DATA = (
    Api(
        0, "Produce", 3, 8, produce.produce,
        """transactional_id:string? acks:int16 timeout_ms:int32
        topics:[name:string partitions:[index:int32 records:bytes?]]""",
        """topics:[name:string partitions:[index:int32 error_code:int16 base_offset:int64=-1
        log_append_time_ms:int64=-1 log_start_offset:int64=-1@5
        record_errors:[batch_index:int32 message:string?]@8 error_message:string?@8]]
        throttle_time_ms:int32""",
        pipelined=True,
    ),
    Api(
        1, "Fetch", 4, 11, fetch.fetch,
        """replica_id:int32 max_wait_ms:int32 min_bytes:int32 max_bytes:int32
        isolation_level:int8 session_id:int32@7 session_epoch:int32=-1@7
        topics:[name:string partitions:[index:int32 current_leader_epoch:int32=-1@9
        fetch_offset:int64 log_start_offset:int64@5 max_bytes:int32]]
        forgotten_topics:[name:string partitions:[int32]]@7 rack_id:string@11""",
        """throttle_time_ms:int32 error_code:int16@7 session_id:int32@7
        topics:[name:string partitions:[index:int32 error_code:int16 high_watermark:int64=-1
        last_stable_offset:int64=-1 log_start_offset:int64=-1@5
        aborted_transactions:[producer_id:int64 first_offset:int64]?
        preferred_read_replica:int32=-1@11 records:bytes]]""",
    ),
    Api(
        2, "ListOffsets", 1, 5, positions.list_offsets,
        """replica_id:int32 isolation_level:int8@2
        topics:[name:string partitions:[index:int32 current_leader_epoch:int32@4
        timestamp:int64]]""",
        """throttle_time_ms:int32@2 topics:[name:string partitions:[index:int32
        error_code:int16 timestamp:int64=-1 offset:int64=-1 leader_epoch:int32=-1@4]]""",
    ),
    Api(
        3, "Metadata", 0, 7, metadata.metadata,
        "topics:[string]? allow_auto_topic_creation:bool@4",
        """throttle_time_ms:int32@3 brokers:[node_id:int32 host:string port:int32
        rack:string?@1] cluster_id:string@2 controller_id:int32@1
        topics:[error_code:int16 name:string is_internal:bool@1 partitions:[error_code:int16
        index:int32 leader_id:int32 leader_epoch:int32@7 replica_nodes:[int32]
        isr_nodes:[int32] offline_replicas:[int32]@5]]""",
    ),
    Api(
        21, "DeleteRecords", 0, 1, positions.delete_records,
        "topics:[name:string partitions:[index:int32 offset:int64]] timeout_ms:int32",
        """throttle_time_ms:int32 topics:[name:string partitions:[index:int32
        low_watermark:int64=-1 error_code:int16]]""",
    ),
    Api(
        22, "InitProducerId", 0, 1, produce.init_producer_id,
        "transactional_id:string? transaction_timeout_ms:int32",
        """throttle_time_ms:int32 error_code:int16 producer_id:int64=-1
        producer_epoch:int16=-1""",
    ),
    Api(
        23, "OffsetForLeaderEpoch", 2, 3, positions.offset_for_leader_epoch,
        """replica_id:int32@3 topics:[name:string partitions:[index:int32
        current_leader_epoch:int32 leader_epoch:int32]]""",
        """throttle_time_ms:int32 topics:[name:string partitions:[error_code:int16
        index:int32 leader_epoch:int32=-1 end_offset:int64=-1]]""",
    ),
)  # fmt: skip

_GROUPS = (
    Api(
        8, "OffsetCommit", 2, 6, group_offsets.offset_commit,
        """group_id:string generation_id:int32 member_id:string retention_time_ms:int64@2-4
        topics:[name:string partitions:[index:int32 offset:int64 leader_epoch:int32@6
        metadata:string?]]""",
        """throttle_time_ms:int32@3
        topics:[name:string partitions:[index:int32 error_code:int16]]""",
    ),
    Api(
        9, "OffsetFetch", 1, 5, group_offsets.offset_fetch,
        "group_id:string topics:[name:string partitions:[int32]]?",
        """throttle_time_ms:int32@3 topics:[name:string partitions:[index:int32
        offset:int64=-1 leader_epoch:int32=-1@5 metadata:string error_code:int16]]
        error_code:int16@2""",
    ),
    Api(
        10, "FindCoordinator", 0, 2, metadata.find_coordinator,
        "key:string key_type:int8@1",
        """throttle_time_ms:int32@1 error_code:int16 error_message:string?@1 node_id:int32=-1
        host:string port:int32=-1""",
    ),
    Api(
        11, "JoinGroup", 0, 4, membership.join_group,
        """group_id:string session_timeout_ms:int32 rebalance_timeout_ms:int32=-1@1
        member_id:string protocol_type:string protocols:[name:string metadata:bytes]""",
        """throttle_time_ms:int32@2 error_code:int16 generation_id:int32=-1
        protocol_name:string leader:string member_id:string
        members:[member_id:string metadata:bytes]""",
    ),
    Api(
        12, "Heartbeat", 0, 2, membership.heartbeat,
        "group_id:string generation_id:int32 member_id:string",
        "throttle_time_ms:int32@1 error_code:int16",
    ),
    Api(
        13, "LeaveGroup", 0, 2, membership.leave_group,
        "group_id:string member_id:string",
        "throttle_time_ms:int32@1 error_code:int16",
    ),
    Api(
        14, "SyncGroup", 0, 2, membership.sync_group,
        """group_id:string generation_id:int32 member_id:string
        assignments:[member_id:string assignment:bytes]""",
        "throttle_time_ms:int32@1 error_code:int16 assignment:bytes",
    ),
    Api(
        15, "DescribeGroups", 0, 3, group_admin.describe_groups,
        "groups:[string] include_authorized_operations:bool@3",
        """throttle_time_ms:int32@1 groups:[error_code:int16 group_id:string state:string
        protocol_type:string protocol_data:string members:[member_id:string client_id:string
        client_host:string metadata:bytes assignment:bytes]
        authorized_operations:int32=-2147483648@3]""",
    ),
    Api(
        16, "ListGroups", 0, 2, group_admin.list_groups,
        "",
        """throttle_time_ms:int32@1 error_code:int16
        groups:[group_id:string protocol_type:string]""",
    ),
    Api(
        42, "DeleteGroups", 0, 1, group_admin.delete_groups,
        "groups:[string]",
        "throttle_time_ms:int32 results:[group_id:string error_code:int16]",
    ),
    Api(
        47, "OffsetDelete", 0, 0, group_offsets.offset_delete,
        "group_id:string topics:[name:string partitions:[int32]]",
        """error_code:int16 throttle_time_ms:int32
        topics:[name:string partitions:[index:int32 error_code:int16]]""",
    ),
)  # fmt: skip

_HANDSHAKE = (
    Api(
        SASL_HANDSHAKE, "SaslHandshake", 1, 1, handshake.sasl_handshake,
        "mechanism:string",
        "error_code:int16 mechanisms:[string]",
    ),
    Api(
        API_VERSIONS, "ApiVersions", 0, 2, _api_versions,
        "",
        """error_code:int16 api_keys:[api_key:int16 min_version:int16 max_version:int16]
        throttle_time_ms:int32@1""",
    ),
    Api(
        SASL_AUTHENTICATE, "SaslAuthenticate", 0, 1, handshake.sasl_authenticate,
        "token:bytes",
        "error_code:int16 error_message:string? token:bytes session_lifetime_ms:int64@1",
    ),
)  # fmt: skip

_ADMIN = (
    Api(
        19, "CreateTopics", 2, 4, topic_admin.create_topics,
        """topics:[name:string partitions:int32 replication_factor:int16
        assignments:[index:int32 broker_ids:[int32]] configs:[name:string value:string?]]
        timeout_ms:int32 validate_only:bool""",
        """throttle_time_ms:int32 topics:[name:string error_code:int16
        error_message:string?]""",
    ),
    Api(
        20, "DeleteTopics", 1, 3, topic_admin.delete_topics,
        "names:[string] timeout_ms:int32",
        "throttle_time_ms:int32 topics:[name:string error_code:int16]",
    ),
    Api(
        32, "DescribeConfigs", 1, 3, config_admin.describe_configs,
        """resources:[type:int8 name:string keys:[string]?] include_synonyms:bool
        include_documentation:bool@3""",
        """throttle_time_ms:int32 resources:[error_code:int16 error_message:string? type:int8
        name:string configs:[name:string value:string? read_only:bool source:int8
        is_sensitive:bool synonyms:[name:string value:string? source:int8] type:int8@3
        documentation:string?@3]]""",
    ),
    Api(
        33, "AlterConfigs", 0, 1, config_admin.alter_configs,
        """resources:[type:int8 name:string configs:[name:string value:string?]]
        validate_only:bool""",
        """throttle_time_ms:int32 resources:[error_code:int16 error_message:string? type:int8
        name:string]""",
    ),
    Api(
        44, "IncrementalAlterConfigs", 0, 0, config_admin.incremental_alter_configs,
        """resources:[type:int8 name:string configs:[name:string operation:int8
        value:string?]] validate_only:bool""",
        """throttle_time_ms:int32 resources:[error_code:int16 error_message:string? type:int8
        name:string]""",
    ),
    Api(
        37, "CreatePartitions", 0, 1, topic_admin.create_partitions,
        """topics:[name:string count:int32 assignments:[broker_ids:[int32]]?]
        timeout_ms:int32 validate_only:bool""",
        """throttle_time_ms:int32 topics:[name:string error_code:int16
        error_message:string?]""",
    ),
)  # fmt: skip

APIS: Mapping[int, Api] = {api.key: api for api in (*_DATA, *_GROUPS, *_HANDSHAKE, *_ADMIN)}
