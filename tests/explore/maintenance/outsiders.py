"""Who comes from outside: an operator, another engine, and a reader who comes back later."""

from __future__ import annotations

import random
from collections.abc import Collection

from pyiceberg.manifest import DataFile, ManifestContent
from pyiceberg.table.refs import SnapshotRefType
from pyiceberg.table.snapshots import Operation, Snapshot
from pyiceberg.table.update import RemoveSnapshotRefUpdate

from shared.lake.data_files import write_rows
from shared.lake.landing_files import write_data_file
from shared.lake.reading.changes import changes
from shared.lake.table_state import KEY_BRANCH, SnapshotEntry
from tests.explore.maintenance.account import Intent
from tests.explore.maintenance.world import World
from tests.support import foreign_snapshots
from tests.support.lake import reference


class Outsiders:
    """What others do; each call happens at once, between two requests of whoever is at work."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.add_steps(self)

    # -- an operator --------------------------------------------------------------------------

    def step_roll_back(self, back: int) -> None:
        """``main`` becomes one of its retained versions."""
        versions = [s for s in self._snapshots if not _of_branch(s)]
        if versions:
            chosen = versions[-1 - back % len(versions)]
            self._world.update(reference("main", chosen.snapshot_id, SnapshotRefType.BRANCH))

    def step_tag(self, back: int, kind: int) -> None:
        """A tag, or a branch, on any retained snapshot."""
        snapshots, world = self._snapshots, self._world
        if snapshots:
            chosen = snapshots[-1 - back % len(snapshots)]
            type_ = SnapshotRefType.BRANCH if kind % 2 else SnapshotRefType.TAG
            name = f"{type_.value}-{kind}"
            if world.update(reference(name, chosen.snapshot_id, type_)):
                world.audit.tagged[name] = world.catalog.version

    def step_untag(self, number: int) -> None:
        """A tag or a branch of an operator goes."""
        refs = self._world.catalog.metadata.refs
        names = sorted(name for name in self._world.audit.tagged if name in refs)
        if names:
            name = names[number % len(names)]
            del self._world.audit.tagged[name]
            self._world.update(RemoveSnapshotRefUpdate(ref_name=name))

    # -- another engine -----------------------------------------------------------------------

    def step_foreign(self, kind: int, seed: int) -> None:
        """Another engine appends, deletes, rewrites or merges, without any of our keys."""
        with self._world.outside():
            if self._world.catalog.metadata.current_snapshot_id is None:
                return
            chance = random.Random(seed)
            match kind % 6:
                case 0:
                    self._append(chance)
                case 1:
                    self._delete(chance)
                case 2 | 3:
                    self._rewrite(chance)
                case 4:
                    self._world.audit.next_foreign = Intent(foreign=True)
                    self._commit(operation=Operation.REPLACE, merge=True)
                case 5 if self._world.idle:
                    self._put_back(chance)

    def _append(self, chance: random.Random) -> None:
        ids = self._world.new_rows(chance.randint(1, 3))
        self._world.audit.next_foreign = Intent(frozenset(ids), foreign=True)
        self._commit([(file, None) for file in self._written(ids)])

    def _delete(self, chance: random.Random) -> None:
        """Position deletes of rows of one partition."""
        world = self._world
        places = list(world.places(_entry(self._head)))
        if not places:
            return
        files = world.audit.listed(self._head).files
        like = files[chance.choice(places)[1][0]]
        beside = [e for e in places if _place(files[e[1][0]]) == _place(like)]
        chosen = chance.sample(beside, min(len(beside), chance.randint(1, 3)))
        positions: dict[str, list[int]] = {}
        for _, (path, position) in chosen:
            positions.setdefault(path, []).append(position)
        delete = foreign_snapshots.delete_file(world.table, positions, like)
        removed = frozenset(identity for identity, _ in chosen)
        world.audit.next_foreign = Intent(removed=removed, foreign=True)
        self._commit([(delete, None)])

    def _rewrite(self, chance: random.Random) -> None:
        """Files of one partition become one, as Spark's rewrite_data_files makes it."""
        world, listed = self._world, self._world.audit.listed(self._head)
        if not listed.files:
            return
        like = listed.files[chance.choice(sorted(listed.files))]
        paths = {path for path, each in listed.files.items() if _place(each) == _place(like)}
        ids = [identity for identity, (path, _) in listed.places if path in paths]
        numbers = [
            entry.sequence_number or 0
            for entry in foreign_snapshots.entries(world.table, ManifestContent.DATA)
            if entry.data_file.file_path in paths
        ]
        number = max(numbers) if chance.random() < 0.5 else None
        files = self._written(ids)
        world.audit.next_foreign = Intent(foreign=True)
        self._commit([(file, number) for file in files], dropped=paths, operation=Operation.REPLACE)

    def _put_back(self, chance: random.Random) -> None:
        """A file that nothing names any more takes the place of its partition's present ones."""
        world, listed = self._world, self._world.audit.listed(self._head)
        named, reader = world.audit.named(), world.audit.reader
        found = [
            file
            for path, file in reader.known.items()
            if path in world.store.files and path not in named
        ]
        if not found:
            return
        file = chance.choice(found)
        ids = frozenset(reader.identities(file.file_path))
        dropped = {path for path, each in listed.files.items() if _place(each) == _place(file)}
        going = frozenset(identity for identity, (path, _) in listed.places if path in dropped)
        if ids == going or ids & (listed.rows - going):
            return
        world.audit.next_foreign = Intent(ids - going, going - ids, foreign=True)
        world.reached["put back"] += 1
        self._commit([(file, None)], dropped=dropped)

    def _written(self, ids: list[int]) -> list[DataFile]:
        if not ids:
            return []
        world = self._world
        if world.derived:
            return write_rows(world.table, world.spec, world.rows(ids), target_bytes=1 << 27)
        return [write_data_file(world.table, world.rows(ids), None)]

    def _commit(
        self,
        added: Collection[tuple[DataFile, int | None]] = (),
        dropped: Collection[str] = (),
        operation: Operation = Operation.OVERWRITE,
        merge: bool = False,
    ) -> None:
        foreign_snapshots.snapshot(
            self._world.table, added=list(added), dropped=dropped, operation=operation, merge=merge
        )

    # -- a reader -----------------------------------------------------------------------------

    def step_record(self) -> None:
        """A reader reads the head, and will ask for the changes since."""
        head = self._world.catalog.metadata.current_snapshot_id
        if head is not None:
            self._world.audit.recorded[head] = self._world.clock.now

    def step_catch_up(self) -> None:
        """It asks for the changes since the oldest one that it recorded."""
        audit, kept = self._world.audit, {s.snapshot_id: s for s in self._snapshots}
        for snapshot_id in list(audit.recorded):
            del audit.recorded[snapshot_id]
            if snapshot_id in kept:
                self.compare(kept[snapshot_id], self._head)
                return

    def compare(self, start: Snapshot, end: Snapshot) -> None:
        """The changes between two snapshots are the account's difference."""
        world, name = self._world, self._world.identity
        with world.outside():
            found = changes(world.table, _entry(start), _entry(end), added=[name], removed=[name])
        world.reached["compared"] += 1
        before = world.audit.version(start.snapshot_id).rows
        after = world.audit.version(end.snapshot_id).rows
        came, went = found.added[name].to_list(), found.removed[name].to_list()
        world.audit.check(sorted(came) == sorted(after - before), f"changes say {came} came")
        world.audit.check(sorted(went) == sorted(before - after), f"changes say {went} went")

    @property
    def _snapshots(self) -> list[Snapshot]:
        return self._world.catalog.metadata.snapshots

    @property
    def _head(self) -> Snapshot:
        head = self._world.catalog.metadata.current_snapshot()
        assert head is not None
        return head


def _of_branch(snapshot: Snapshot) -> bool:
    return snapshot.summary is not None and KEY_BRANCH in snapshot.summary.additional_properties


def _entry(snapshot: Snapshot) -> SnapshotEntry:
    return SnapshotEntry.of(snapshot)


def _place(file: DataFile) -> tuple[int, object]:
    return file.spec_id, file.partition
