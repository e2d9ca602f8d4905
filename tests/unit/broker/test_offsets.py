from pathlib import Path

import pytest

from deploy.embedded.broker import offsets as module
from deploy.embedded.broker.errors import ErrorCode
from deploy.embedded.broker.flusher import Flusher
from deploy.embedded.broker.offsets import Committed, OffsetStore

pytestmark = pytest.mark.asyncio


def make_store(path: Path) -> OffsetStore:
    store = OffsetStore(path / "offsets.log", Flusher(0.0))
    store.load()
    return store


def flush(store: OffsetStore, error: OSError | None = None) -> None:
    job = store.begin_flush()
    assert job is not None
    if error is None:
        job()
    store.finish_flush(error)


async def test_a_commit_counts_once_it_is_durable(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    outcome = store.change([("g", "t", 0, Committed(5, "note", 1))])
    assert store.of("g") == {}
    flush(store)
    assert await outcome is ErrorCode.NONE
    assert make_store(tmp_path).of("g") == {("t", 0): Committed(5, "note", 1)}


async def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    outcome = store.change([("g", "t", 0, Committed(5, "", 1))])
    flush(store, OSError(28, "No space left on device"))
    assert await outcome is ErrorCode.KAFKA_STORAGE_ERROR
    assert store.of("g") == {}


async def test_a_torn_tail_is_cut_at_every_byte(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    for number in range(2):
        store.change([("g", "t", 0, Committed(number, "", 1))])
        flush(store)
    path = tmp_path / "offsets.log"
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    for cut in range(first, len(content)):
        path.write_bytes(content[:cut])
        assert make_store(tmp_path).of("g") == {("t", 0): Committed(0, "", 1)}
        assert path.stat().st_size == first


async def test_the_journal_stays_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_COMPACT_FROM_BYTES", 2_000)
    store = make_store(tmp_path)
    for number in range(300):
        store.change([("g", "t", number % 3, Committed(number, "", 1))])
        flush(store)
        assert (tmp_path / "offsets.log").stat().st_size < 3_000
    store.change([("g", "t", 0, None)])
    flush(store)
    assert make_store(tmp_path).of("g") == {
        ("t", 1): Committed(298, "", 1),
        ("t", 2): Committed(299, "", 1),
    }


async def test_forgetting_a_topic_includes_commits_that_are_being_written(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.change([("g", "gone", 0, Committed(1, "", 1)), ("g", "kept", 0, Committed(2, "", 1))])
    store.forget(lambda _, topic: topic == "gone")
    flush(store)
    assert make_store(tmp_path).of("g") == store.of("g") == {("kept", 0): Committed(2, "", 1)}


async def test_a_damaged_journal_says_what_was_cut(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "offsets.log").write_bytes(b"00000000 torn")
    make_store(tmp_path)
    assert "cut 13 bytes" in caplog.text
