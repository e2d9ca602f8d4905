"""One directory that this instance owns, opened: its streams, and what memory knows of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from services.ingest.spool.backlog import Backlog
from services.ingest.spool.claim import Claim, claim_orphans, claim_own
from services.ingest.spool.frames import NewerFormat
from services.ingest.spool.store import Store, StreamKey
from shared.runtime import logging
from shared.runtime.durable_files import make_directory
from shared.runtime.errors import ConfigurationError

log = logging.logger("ingest")


@dataclass(slots=True)
class Held:
    """A store and the backlog of each of its streams."""

    store: Store
    backlogs: dict[StreamKey, Backlog] = field(default_factory=dict)

    @property
    def outstanding(self) -> int:
        """Entries that the broker does not have."""
        return sum(backlog.outstanding for backlog in self.backlogs.values())


def open_own(root: Path, number: int | None, segment_bytes: int) -> Held:
    """The directory that new entries go to.

    Args:
        root: of all instances; made when it is not there.
        number: the instance's own, if it is told one.
        segment_bytes: see :class:`~services.ingest.spool.stream.Stream`.

    Raises:
        ConfigurationError: it cannot be used.
    """
    try:
        make_directory(root)
        return _open(claim_own(root, number), segment_bytes)
    except NewerFormat as error:
        raise ConfigurationError(
            f"the spool in {root} was written by a later version ({error})",
            "start that version, or let it empty the spool first",
        ) from None
    except OSError as error:
        raise ConfigurationError(
            f"the spool's directory {root} cannot be used: {error.strerror or error}",
            "set BERGLINE_INGEST_SPOOL_DIR to a directory on a local disk that this user may "
            "write, or BERGLINE_INGEST_SPOOL=false to answer 503 while the broker is away",
        ) from None


def open_orphans(root: Path, after_s: float, segment_bytes: int) -> list[Held]:
    """The directories of instances that are gone; those that cannot be read are left alone.

    Args:
        root: of all instances.
        after_s: for how long they must be gone.
        segment_bytes: see :class:`~services.ingest.spool.stream.Stream`.

    Raises:
        OSError: the root cannot be read.
    """
    found = []
    for claim in claim_orphans(root, after_s, _left_alone):
        try:
            found.append(_open(claim, segment_bytes))
        except (OSError, NewerFormat) as error:
            # Its lock was touched, so it is tried again after a while.
            _left_alone(claim.directory, error)
    return found


def _left_alone(directory: Path, error: Exception) -> None:
    log.warning(
        "the spool of an instance that is gone cannot be read",
        directory=str(directory),
        error=str(error),
    )


def _open(claim: Claim, segment_bytes: int) -> Held:
    try:
        store = Store(claim, segment_bytes)
    except BaseException:
        claim.release()
        raise
    for key, stream in store.streams.items():
        for name in stream.damaged:
            log.error(
                "accepted entries of the spool cannot be read; the file is kept",
                file=str(store.directory / key.source / key.topic / name),
            )
        if stream.cut_bytes:
            log.warning(
                "a crash tore off the end of the spool; it was never answered",
                topic=key.topic,
                bytes=stream.cut_bytes,
            )
    return Held(store, {key: Backlog(key, stream) for key, stream in store.streams.items()})
