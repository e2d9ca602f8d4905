"""Error codes of the Kafka protocol (https://kafka.apache.org/protocol#protocol_error_codes), and
the exceptions that carry them.

    BrokerError             the process cannot start or go on; the text says what to do
    └── CorruptLog          a closed segment no longer matches its checksums
    KafkaError              one request or one partition is answered with an error code
    MalformedRequest        the frame cannot be understood: the connection is closed
"""

from enum import IntEnum


class ErrorCode(IntEnum):
    """The codes that this broker answers."""

    NONE = 0
    OFFSET_OUT_OF_RANGE = 1
    CORRUPT_MESSAGE = 2
    UNKNOWN_TOPIC_OR_PARTITION = 3
    MESSAGE_TOO_LARGE = 10
    OFFSET_METADATA_TOO_LARGE = 12
    INVALID_TOPIC_EXCEPTION = 17
    INVALID_REQUIRED_ACKS = 21
    ILLEGAL_GENERATION = 22
    INCONSISTENT_GROUP_PROTOCOL = 23
    INVALID_GROUP_ID = 24
    UNKNOWN_MEMBER_ID = 25
    INVALID_SESSION_TIMEOUT = 26
    REBALANCE_IN_PROGRESS = 27
    INVALID_TIMESTAMP = 32
    UNSUPPORTED_SASL_MECHANISM = 33
    ILLEGAL_SASL_STATE = 34
    UNSUPPORTED_VERSION = 35
    TOPIC_ALREADY_EXISTS = 36
    INVALID_PARTITIONS = 37
    INVALID_REPLICATION_FACTOR = 38
    INVALID_REPLICA_ASSIGNMENT = 39
    INVALID_CONFIG = 40
    INVALID_REQUEST = 42
    POLICY_VIOLATION = 44
    OUT_OF_ORDER_SEQUENCE_NUMBER = 45
    INVALID_PRODUCER_EPOCH = 47
    INVALID_TXN_STATE = 48
    KAFKA_STORAGE_ERROR = 56
    SASL_AUTHENTICATION_FAILED = 58
    NON_EMPTY_GROUP = 68
    GROUP_ID_NOT_FOUND = 69
    FETCH_SESSION_ID_NOT_FOUND = 70
    UNKNOWN_LEADER_EPOCH = 75
    UNSUPPORTED_COMPRESSION_TYPE = 76
    MEMBER_ID_REQUIRED = 79
    GROUP_MAX_SIZE_REACHED = 81
    GROUP_SUBSCRIBED_TO_TOPIC = 86
    INVALID_RECORD = 87


class BrokerError(Exception):
    """Raised when the broker cannot start; the message names what and what to do next."""


class CorruptLog(BrokerError):
    """Raised when a closed segment fails its checksums: damage, not a torn tail."""


class MalformedRequest(Exception):
    """Raised when bytes of a request do not follow its schema."""


class KafkaError(Exception):
    """Raised when a request is to be answered with an error code.

    ``within_log`` tells that the partition was reached: the answer then carries its log start.
    """

    def __init__(
        self, code: ErrorCode, message: str | None = None, *, within_log: bool = False
    ) -> None:
        super().__init__(message or code.name)
        self.code = code
        self.message = message
        self.within_log = within_log
