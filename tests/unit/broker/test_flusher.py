"""Where and when the flusher writes."""

import asyncio
import threading

import pytest

from deploy.embedded.broker.flusher import Flusher, Job

pytestmark = pytest.mark.asyncio


class File:
    """Notes the thread that each job ran in; ``slow`` makes it a slow disk."""

    def __init__(self, *, slow: bool = False, fails: bool = False) -> None:
        self.slow = slow
        self.fails = fails
        self.threads: list[threading.Thread] = []
        self.finished = asyncio.Event()
        self.error: OSError | None = None

    def begin_flush(self) -> Job:
        return self._write

    def _write(self) -> None:
        self.threads.append(threading.current_thread())
        if self.slow:
            threading.Event().wait(0.01)
        if self.fails:
            raise RuntimeError("whatever")

    def finish_flush(self, error: OSError | None) -> None:
        self.error = error
        self.finished.set()


async def written(flusher: Flusher, *files: File) -> None:
    for file in files:
        file.finished.clear()
        flusher.request(file)
    await asyncio.gather(*(file.finished.wait() for file in files))


async def test_a_fast_disk_is_used_from_the_event_loop_and_a_slow_one_from_threads() -> None:
    flusher, file = Flusher(0.0), File(slow=True)
    running = asyncio.create_task(flusher.run())
    await written(flusher, file)
    await written(flusher, file)
    here = threading.current_thread()
    assert [thread is here for thread in file.threads] == [True, False]
    file.slow = False
    async with asyncio.timeout(10):
        while file.threads[-1] is not here:
            await written(flusher, file)
    flusher.close()
    await running


async def test_a_job_that_fails_in_any_way_is_a_storage_failure_of_its_file_only() -> None:
    flusher, good, bad = Flusher(0.0), File(), File(fails=True)
    running = asyncio.create_task(flusher.run())
    await written(flusher, good, bad)
    assert good.error is None
    assert isinstance(bad.error, OSError)
    assert flusher.failures == 1
    flusher.close()
    await running
