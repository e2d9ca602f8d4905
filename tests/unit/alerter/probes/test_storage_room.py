"""Room of the object store, as its metrics or the file system tell it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from services.alerter.probes import storage_room
from services.alerter.probes.http import NotAsItShould
from services.alerter.probes.settings import ProbeSettings
from services.alerter.probes.storage_room import Room, StorageRoom, of_metrics, of_path

MINIO = """
# HELP minio_cluster_capacity_usable_free_bytes Total free usable capacity online
# TYPE minio_cluster_capacity_usable_free_bytes gauge
minio_cluster_capacity_usable_free_bytes{server="127.0.0.1:9000"} 2.5e+10
# TYPE minio_cluster_capacity_usable_total_bytes gauge
minio_cluster_capacity_usable_total_bytes{server="127.0.0.1:9000"} 1e+11
# TYPE minio_cluster_usage_total_bytes gauge
minio_cluster_usage_total_bytes{server="127.0.0.1:9000"} 7
"""
SEAWEEDFS = """
# TYPE SeaweedFS_volumeServer_resource gauge
SeaweedFS_volumeServer_resource{name="/data1",type="all"} 100
SeaweedFS_volumeServer_resource{name="/data1",type="avail"} 35
SeaweedFS_volumeServer_resource{name="/data1",type="free"} 40
SeaweedFS_volumeServer_resource{name="/data1",type="used"} 60
SeaweedFS_volumeServer_resource{name="/data2",type="all"} 50
SeaweedFS_volumeServer_resource{name="/data2",type="free"} 10
"""


def test_both_stores_tell_it_in_their_own_families() -> None:
    assert of_metrics(MINIO) == (2.5e10, 1e11)
    assert of_metrics(SEAWEEDFS) == (50, 150), "all disks together"


def test_metrics_of_something_else_are_no_answer() -> None:
    with pytest.raises(NotAsItShould, match="minio_cluster_capacity_usable_total_bytes"):
        of_metrics("# TYPE up gauge\nup 1\n")


def test_a_path_tells_of_its_file_system(tmp_path: Path) -> None:
    free, total = of_path(tmp_path)
    assert 0 < free <= total
    with pytest.raises(OSError, match="nothing"):
        of_path(tmp_path / "nothing")


def test_where_nobody_is_to_be_asked_it_is_known_that_nothing_is() -> None:
    room = StorageRoom(ProbeSettings(alerter_storage_path=None))
    room.start()
    assert room.known(0)
    assert all(not vector for vector in room.vectors(0).values())
    assert room.vectors(0).keys() == room.names


@pytest.mark.asyncio
async def test_a_file_system_that_hangs_is_not_known_and_keeps_one_thread(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    hangs, looks = threading.Event(), 0

    def hanging(_: Path) -> Room:
        nonlocal looks
        looks += 1
        hangs.wait(30)
        return 1.0, 4.0

    monkeypatch.setattr(storage_room, "of_path", hanging)
    room = StorageRoom(ProbeSettings(alerter_storage_path=tmp_path, alerter_probe_timeout_s=0.05))
    for _ in range(3):
        with pytest.raises(TimeoutError):
            await room._asked()
    assert looks == 1
    hangs.set()
    assert room._looking is not None
    await room._looking
    assert await room._asked() == (1.0, 4.0)
