"""Who is in a consumer group and what it asked for: the vocabulary of ``groups.py``."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from .errors import ErrorCode


class GroupState(Enum):
    """States under Kafka's names."""

    EMPTY = "Empty"
    PREPARING = "PreparingRebalance"
    COMPLETING = "CompletingRebalance"
    STABLE = "Stable"


class JoinResult(NamedTuple):
    """The answer to a join; ``members`` (with their metadata) only for the leader."""

    error: ErrorCode
    generation: int = -1
    protocol: str = ""
    leader: str = ""
    member_id: str = ""
    members: tuple[tuple[str, bytes], ...] = ()


class SyncResult(NamedTuple):
    """The answer to a sync."""

    error: ErrorCode
    assignment: bytes = b""


JoinReply = Callable[[JoinResult], None]
SyncReply = Callable[[SyncResult], None]


class JoinRequest(NamedTuple):
    """What a member says when it joins; times in seconds."""

    member_id: str
    client_id: str
    host: str
    session_timeout: float
    rebalance_timeout: float
    protocol_type: str
    protocols: tuple[tuple[str, bytes], ...]
    needs_given_id: bool  # KIP-394: the first answer only gives an id


@dataclass(slots=True)
class Member:
    """One member; ``joined`` and ``synced`` hold replies that wait."""

    member_id: str
    request: JoinRequest
    expires: float
    assignment: bytes = b""
    joined: JoinReply | None = None
    synced: SyncReply | None = None

    @property
    def waits(self) -> bool:
        """Whether an answer is owed: a client that waits for it cannot send heartbeats."""
        return self.joined is not None or self.synced is not None

    def renew(self, now: float) -> None:
        """The member lives: its session starts again."""
        self.expires = now + self.request.session_timeout

    def metadata(self, protocol: str) -> bytes:
        """The member's metadata for a protocol."""
        return dict(self.request.protocols).get(protocol, b"")

    def dismiss(self) -> None:
        """Answer the waiting join and sync of a member that is gone."""
        joined, self.joined = self.joined, None
        synced, self.synced = self.synced, None
        if joined is not None:
            joined(JoinResult(ErrorCode.UNKNOWN_MEMBER_ID, member_id=self.member_id))
        if synced is not None:
            synced(SyncResult(ErrorCode.UNKNOWN_MEMBER_ID))
