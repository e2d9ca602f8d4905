"""What the writers meant and what became of it: one line of JSON for every commit.

A writer writes the line once it knows that its commit has landed, so whoever waits for a later line
of a writer knows all that it committed before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.soak.rows import Identity


@dataclass(frozen=True, slots=True)
class Entry:
    """One commit of a writer, or one that failed.

    Attributes:
        stream: who commits what: table and role.
        table: logical table.
        began, ended: seconds since the epoch.
        sequence: sequence number of the snapshot; 0 for a commit that failed.
        added, removed: identities of rows.
        conflicts, unknowns: attempts that ended so on the way to it.
        plans: how often it was planned; more than 1 when the head had moved on.
        given_up: paths of files of plans that were left.
        error: why it failed.
    """

    stream: str
    table: str
    began: float
    ended: float
    sequence: int = 0
    added: Sequence[Identity] = ()
    removed: Sequence[Identity] = ()
    conflicts: int = 0
    unknowns: int = 0
    plans: int = 1
    given_up: Sequence[str] = ()
    error: str = ""

    @property
    def seconds(self) -> float:
        """From rows at hand to a commit that is known to have landed."""
        return self.ended - self.began


class Ledger:
    """Writes the lines of one stream."""

    def __init__(self, directory: Path, stream: str) -> None:
        self.stream = stream
        self._path = directory / f"{stream}.jsonl"

    def note(self, entry: Entry) -> None:
        """Write a line; it is there for readers when this returns."""
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(entry)) + "\n")

    def failed(self, table: str, began: float, error: Exception) -> None:
        """A commit raised."""
        text = f"{type(error).__name__}: {error}"
        self.note(Entry(self.stream, table, began, time.time(), error=text))


class LedgerReader:
    """Reads the lines of all streams as they come. Keeps them."""

    def __init__(self, directory: Path, streams: Iterable[str]) -> None:
        self.entries: dict[str, list[Entry]] = {stream: [] for stream in streams}
        self._files = {stream: directory / f"{stream}.jsonl" for stream in self.entries}
        self._read = dict.fromkeys(self.entries, 0)

    def look(self) -> None:
        """Read what has come since; a line that is not whole yet waits."""
        for stream, path in self._files.items():
            if not path.exists():
                continue
            with path.open("rb") as file:
                file.seek(self._read[stream])
                content = file.read()
            whole = content[: content.rfind(b"\n") + 1]
            self._read[stream] += len(whole)
            self.entries[stream] += [_entry(json.loads(line)) for line in whole.splitlines()]

    def of(self, table: str) -> list[Entry]:
        """Commits to a table that landed, in the order of the table's history."""
        found = [e for each in self.entries.values() for e in each if e.table == table]
        return sorted((e for e in found if e.sequence), key=lambda e: e.sequence)

    def known_since(self, table: str, streams: Iterable[str], moment: float) -> bool:
        """Whether all that these streams had committed to a table by then is read."""
        return all(
            any(e.sequence and e.table == table and e.began >= moment for e in self.entries[stream])
            for stream in streams
        )

    def given_up(self) -> frozenset[str]:
        """Files that writers left behind, knowingly."""
        every = (entry for each in self.entries.values() for entry in each)
        return frozenset(path for entry in every for path in entry.given_up)


def _entry(values: Mapping[str, Any]) -> Entry:
    added = [(number, version) for number, version in values["added"]]
    removed = [(number, version) for number, version in values["removed"]]
    return Entry(**{**values, "added": added, "removed": removed})
