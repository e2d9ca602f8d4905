"""A pool that gets no workers: it says why, and asks less and less often."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from services.transformer.config import TransformerSettings
from services.transformer.workers import ray_pool
from services.transformer.workers.ray_actors import Actor
from services.transformer.workers.ray_pool import LONGEST_RETRY_S, RayPool, pause_s
from shared.runtime.errors import Unavailable


class Silent:
    """An actor's handle that never answers."""

    @property
    def place(self) -> Any:
        return self

    def remote(self) -> Any:
        return self

    def future(self) -> Future[Any]:
        return Future()


@pytest.mark.asyncio
async def test_a_worker_that_does_not_come_is_told_with_what_to_look_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_pool, "WORKER_START_S", 0.01)
    pool = RayPool(TransformerSettings(transformer_work_dir=tmp_path))
    monkeypatch.setattr(pool._ray, "make", lambda: Actor(Silent()))
    with pytest.raises(Unavailable, match=r"not there .* after it was asked for") as raised:
        await pool._fill()
    assert str(tmp_path / "ray-8084" / "session_latest" / "logs") in raised.value.next_step
    assert pool.size == 0


def test_pauses_double_and_have_a_bound() -> None:
    assert [pause_s(failures) for failures in (1, 2, 3)] == [2.0, 4.0, 8.0]
    assert pause_s(6) == pause_s(10**6) == LONGEST_RETRY_S
