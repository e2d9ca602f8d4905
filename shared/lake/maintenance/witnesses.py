"""What a listing must show before anything is deleted by it.

A listing that spells paths otherwise than the metadata, because a mount or a bucket has another
name there, makes everything an orphan. One in which another table's metadata turns up is of a
directory that is not this table's alone, whatever the catalog at hand knows about it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from heapq import nlargest
from itertools import islice
from operator import attrgetter

from pyiceberg.io import FileIO

from shared.lake.maintenance.digests import Digests, digest, place
from shared.lake.maintenance.listing import Listing, StoredObject
from shared.lake.maintenance.reachable import files_of, listed
from shared.lake.table_state import TableState
from shared.runtime.errors import Refused

LOOKED_AT = 50
"""Most unnamed metadata files that are read, newest first: each costs one request."""

MOST = 100_000
"""Most live files of which one must be seen."""

_HEAD_BYTES = 65_536
_UUID = re.compile(rb'"table-uuid"\s*:\s*"([^"]+)"')
_METADATA = re.compile(r"\.metadata\.json(\.gz)?$")


def require_witnesses(listing: Listing, io: FileIO, state: TableState) -> None:
    """Let pass a listing that shows the table as its metadata does, and nothing of another one.

    Seen must be the present metadata file and, if the head has files below the table's location,
    one of them. Of unnamed metadata files the newest :data:`LOOKED_AT` must be this table's: older
    ones of another table are not noticed among as many newer ones of this one.

    Raises:
        Refused: it does not.
        OSError: the store does not answer.
    """
    directory = state.metadata_location.rsplit("/", 1)[0]
    named = {digest(each.metadata_file) for each in state.metadata_log}
    own = digest(state.metadata_location)
    seen = False

    def unnamed() -> Iterator[StoredObject]:
        nonlocal seen
        for each in _all(listing, directory):
            at = digest(each.path)
            seen = seen or at == own
            if at != own and at not in named and _METADATA.search(each.path):
                yield each

    newest = nlargest(LOOKED_AT, unnamed(), key=attrgetter("modified_ms"))
    if not seen:
        raise Refused(
            f"{state.metadata_location} is not to be seen in the listing of {directory}",
            "check that storage and catalog are of one installation",
        )
    live = _live(io, state)
    if len(live) and not any(digest(e.path) in live for e in _all(listing, state.location)):
        raise Refused(
            f"no file that the table names is to be seen in the listing of {state.location}",
            "check that its files are there under their own names (`bergline verify`), and not "
            "behind a link or another mount",
        )
    _refuse_others(io, state, newest)


def _live(io: FileIO, state: TableState) -> Digests:
    """Files of the head below the table's location."""
    found, head = Digests(), state.current_snapshot()
    root = place(state.location).rstrip("/") + "/"
    manifests: Iterable[str] = () if head is None else listed(io, head).manifests
    paths = (each.path for manifest in manifests for each in files_of(io, manifest))
    for path in islice((each for each in paths if place(each).startswith(root)), MOST):
        found.add(digest(path))
    return found


def _refuse_others(io: FileIO, state: TableState, unnamed: Iterable[StoredObject]) -> None:
    for each in unnamed:
        uuid = _uuid_in(io, each.path)
        if uuid not in {"", state.table_uuid.lower()}:
            raise Refused(
                f"{each.path} is metadata of another table (UUID {uuid}), which this catalog does "
                f"not know at {state.location}: what this table does not name may be that one's",
                "if another catalog has it, give one of them a location of its own; if it was "
                "dropped, delete its metadata files and sweep again",
            )


def _uuid_in(io: FileIO, path: str) -> str:
    """Whose metadata a file is; empty where that cannot be told."""
    try:
        with io.new_input(path).open() as stream:
            head = stream.read(_HEAD_BYTES)
        if head[:2] == b"\x1f\x8b":
            head = zlib.decompressobj(wbits=31).decompress(head, _HEAD_BYTES)
    except (FileNotFoundError, zlib.error):
        return ""
    found = _UUID.search(head)
    return found[1].decode(errors="replace").lower() if found else ""


def _all(listing: Listing, location: str) -> Iterator[StoredObject]:
    for page in listing.pages(location):
        yield from page
