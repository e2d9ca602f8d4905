"""A file that was assembled leaves nothing behind in memory, however it ended."""

from __future__ import annotations

import gc
import io
import weakref

import pyarrow as pa
import pytest

from shared.lake.maintenance.assembling import AssembledFile
from shared.lake.maintenance.parquet_footer import pattern

ROWS = pa.table({"number": [1, 2, 3]})


class Refusing(io.BytesIO):
    """A store that takes the beginning of an object alone."""

    def write(self, data: object, /) -> int:
        if self.tell():
            raise OSError("the store does not answer")
        return super().write(data)  # type: ignore[arg-type]


def gone_after(end: str) -> bool:
    """Whether nothing holds a file of some rows after it ended so."""
    file = AssembledFile(io.BytesIO(), pattern(ROWS.schema))
    file.add(ROWS)
    file.add(ROWS)
    getattr(file, end)()
    known = weakref.ref(file)
    del file
    gc.collect()
    return known() is None


@pytest.mark.parametrize("end", ["close", "abandon"])
def test_nothing_holds_a_file_that_ended(end: str) -> None:
    """The library holds what it writes to, where the garbage collector does not see it."""
    assert gone_after(end)


def test_nothing_holds_a_file_that_the_store_did_not_take() -> None:
    file = AssembledFile(Refusing(), pattern(ROWS.schema))
    with pytest.raises(OSError, match="does not answer"):
        file.add(ROWS)
    file.abandon()
    known = weakref.ref(file)
    del file
    gc.collect()
    assert known() is None
