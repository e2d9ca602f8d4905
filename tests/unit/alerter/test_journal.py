"""The journal: what is kept is there after any crash, and what is wrong with it is told."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from services.alerter.journal import writing
from services.alerter.journal.file import JOURNAL, KEPT_DAMAGED
from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import HEADER, Kept, content, line, read
from shared.contracts.alerts import AlertChanged
from shared.runtime.errors import ConfigurationError, Refused
from tests.support.notifications import alert, notification, taken

A, B = alert(table="a"), alert(table="b")
LONG_AFTER = A.changed_at + timedelta(days=2)
pytestmark = pytest.mark.asyncio


def journal(path: Path) -> Path:
    return path / JOURNAL


def aside_files(path: Path) -> list[Path]:
    return list(path.glob("journal.damaged-*"))


def standing(kept: Journal) -> dict[str, int]:
    return {event.labels["table"]: event.transition for event in kept.board.alerts.values()}


def changed(event: AlertChanged, transition: int) -> AlertChanged:
    return event.model_copy(update={"transition": transition})


async def test_what_is_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    assert await first.append([A, B])
    assert await first.append([changed(A, 3)])
    told = taken(notification([A]), 1_700_000_000)
    assert await first.append([told])
    await first.own(["Late", "Down"])
    first.published([1])
    await first.close()

    second = Journal(tmp_path)
    assert standing(second) == {"a": 3, "b": 2}
    assert second.board.notified == {told.key(): told}
    assert second.owned == ("Down", "Late")
    unpublished = [each.event for each in second.state.unpublished if isinstance(each, Kept)]
    assert unpublished == [B, changed(A, 3), told]
    assert second.problems == []
    await second.close()


async def test_nothing_is_known_before_it_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Journal(tmp_path)
    real, seen = os.fsync, []

    def fsync(descriptor: int) -> None:
        seen.append((standing(kept), len(read(journal(tmp_path).read_bytes()).entries)))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    await kept.append([A])
    assert seen == [({}, 1)]
    assert standing(kept) == {"a": 2}
    await kept.close()


async def test_what_comes_together_is_made_durable_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Journal(tmp_path)
    real, count = os.fsync, []

    def fsync(descriptor: int) -> None:
        count.append(descriptor)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    await asyncio.gather(*(kept.append([changed(A, number)]) for number in range(3, 103)))
    assert len(count) <= 2
    assert standing(kept) == {"a": 102}
    await kept.close()


async def test_a_second_alerter_does_not_get_the_directory(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    with pytest.raises(Refused, match="another alerter keeps its journal"):
        Journal(tmp_path)
    await first.close()
    await Journal(tmp_path).close()


async def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be kept"):
        Journal(tmp_path / "file" / "alerter")


@pytest.mark.parametrize("cut", [1, 20, 200])
async def test_a_line_that_a_crash_cut_off_is_left_out_and_told(tmp_path: Path, cut: int) -> None:
    whole = content([Kept(A)])
    journal(tmp_path).write_bytes(whole + line(Kept(B))[:-cut])
    kept = Journal(tmp_path)
    assert standing(kept) == {"a": 2}
    assert "were cut off by a crash" in kept.problems[0]
    await kept.append([B])
    await kept.close()
    again = Journal(tmp_path)
    assert standing(again) == {"a": 2, "b": 2}
    assert again.problems == []
    await again.close()


async def test_damage_costs_the_line_it_is_in_and_the_bytes_are_kept(tmp_path: Path) -> None:
    damaged = bytearray(content([Kept(A), Kept(B), Kept(changed(B, 3))]))
    damaged[len(HEADER) + 30] ^= 1
    for number in range(1, KEPT_DAMAGED + 3):
        journal(tmp_path).write_bytes(damaged)
        kept = Journal(tmp_path)
        assert standing(kept) == {"b": 3}
        assert "1 lines are damaged and are left out (line 2)" in kept.problems[0]
        aside = tmp_path / f"journal.damaged-{number:06d}"
        assert aside.read_bytes() == damaged
        assert str(aside) in kept.problems[0]
        await kept.close()
    assert len(aside_files(tmp_path)) == KEPT_DAMAGED


async def test_damage_that_cannot_be_kept_aside_is_told_and_the_rest_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = bytearray(content([Kept(A), Kept(B)]))
    damaged[len(HEADER) + 30] ^= 1
    journal(tmp_path).write_bytes(damaged)

    def refuses(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", refuses)
    kept = Journal(tmp_path)
    assert standing(kept) == {"b": 2}
    assert "could not be kept: no links here" in kept.problems[0]
    await kept.close()


async def test_a_file_that_is_no_journal_is_kept_aside(tmp_path: Path) -> None:
    journal(tmp_path).write_bytes(b"something else\n" * 3)
    kept = Journal(tmp_path)
    assert standing(kept) == {}
    assert (tmp_path / "journal.damaged-000001").read_bytes().startswith(b"something else")
    await kept.close()


async def test_the_journal_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    newer = b"bergline alerter journal 2\nwhatever it has\n"
    journal(tmp_path).write_bytes(newer)
    with pytest.raises(Refused, match="the form 2"):
        Journal(tmp_path)
    assert journal(tmp_path).read_bytes() == newer


async def test_it_stays_small_however_much_happens(tmp_path: Path) -> None:
    kept = Journal(tmp_path, compact_bytes=20_000)
    for number in range(3, 303):
        await kept.append([changed(A, number), changed(B, number)])
        kept.published(entry.number for entry in list(kept.state.unpublished))
        await kept.idle()
        assert journal(tmp_path).stat().st_size < 22_000
    await kept.close()
    again = Journal(tmp_path)
    assert standing(again) == {"a": 302, "b": 302}
    assert len(again.state.unpublished) == 0
    await again.close()


async def test_a_full_disk_silences_nobody_and_gets_everything_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "RETRY_S", 0.01)
    kept = Journal(tmp_path)
    await kept.append([A])

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", full)
        assert not await kept.append([B])
        assert kept.failing
        assert standing(kept) == {"a": 2, "b": 2}, "it goes on with what it knows"
        assert not await kept.append([changed(A, 3)])
    async with asyncio.timeout(30):
        while kept.failing:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.005)
    assert await kept.append([changed(B, 3)])
    await kept.close()
    again = Journal(tmp_path)
    assert standing(again) == {"a": 3, "b": 3}
    assert len(again.state.unpublished) == 4
    await again.close()


@pytest.mark.parametrize("compact_bytes", [1, 10_000_000])
async def test_a_disk_that_hangs_silences_nobody_and_gets_everything_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compact_bytes: int
) -> None:
    monkeypatch.setattr(writing, "STALLED_S", 0.01)
    kept = Journal(tmp_path, compact_bytes=compact_bytes)
    await kept.append([changed(A, 1)])
    answers = threading.Event()
    sync = os.fsync

    def hangs(descriptor: int) -> None:
        answers.wait()
        sync(descriptor)

    try:
        with monkeypatch.context() as disk:
            disk.setattr(os, "fsync", hangs)
            first = asyncio.ensure_future(kept.append([A]))
            await asyncio.sleep(0)
            second = asyncio.ensure_future(kept.append([B]))
            async with asyncio.timeout(30):
                assert not await first
                assert not await second
                assert kept.failing
                assert not await kept.append([changed(A, 3)]), "nobody waits again"
            assert kept.follow(changed(B, 3))
            assert standing(kept) == {"a": 3, "b": 3}
    finally:
        answers.set()
    await kept.idle()
    assert not kept.failing
    await kept.close()
    again = Journal(tmp_path)
    assert standing(again) == {"a": 3, "b": 3}
    assert len(again.state.unpublished) == 4
    await again.close()


async def test_a_disk_that_is_full_at_the_start_does_not_keep_it_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Journal(tmp_path).close()
    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", lambda _descriptor: (_ for _ in ()).throw(OSError("full")))
        kept = Journal(tmp_path)
        assert kept.failing
    assert await kept.append([A])
    assert not kept.failing
    await kept.close()


async def test_a_topic_does_not_make_it_forget_what_is_not_over(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    await kept.append([A])
    assert not kept.follow_forgotten(A.fingerprint, LONG_AFTER)
    assert kept.follow(changed(alert(table="a", state="resolved"), 3))
    assert kept.follow_forgotten(A.fingerprint, LONG_AFTER)
    assert not kept.follow_forgotten(A.fingerprint, LONG_AFTER)
    await kept.close()
    again = Journal(tmp_path)
    assert standing(again) == {}
    await again.close()


async def test_whoever_waits_may_be_cancelled_and_what_was_begun_is_kept(tmp_path: Path) -> None:
    kept = Journal(tmp_path)
    waiting = asyncio.create_task(kept.append([A]))
    await asyncio.sleep(0)
    waiting.cancel()
    await kept.idle()
    assert standing(kept) == {"a": 2}
    await kept.close()


async def test_once_it_is_closed_it_never_writes_over_what_the_next_one_wrote(
    tmp_path: Path,
) -> None:
    first = Journal(tmp_path)
    await first.close()
    second = Journal(tmp_path)
    await second.append([A])
    assert not await first.append([B])
    await first.idle()
    await second.close()
    third = Journal(tmp_path)
    assert standing(third) == {"a": 2}
    await third.close()


async def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    journal(tmp_path).mkdir()
    with pytest.raises(ConfigurationError, match="cannot be kept: Is a directory"):
        Journal(tmp_path)


async def test_it_tells_when_the_alerter_of_before_was_last_alive(tmp_path: Path) -> None:
    began = time.time()
    first = Journal(tmp_path)
    assert first.last_alive_at == pytest.approx(began, abs=60), "there was none"
    os.utime(tmp_path / "lock", (5.0, 5.0))
    await first.close()
    second = Journal(tmp_path)
    assert second.last_alive_at == 5.0
    second.touch()
    await second.close()
    third = Journal(tmp_path)
    assert third.last_alive_at == pytest.approx(time.time(), abs=60)
    await third.close()
