"""What a row leads to that nobody thought of."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from services.stream_writer.exports.bad_export import BadExport

log = structlog.stdlib.get_logger("bergline.stream_writer")


@contextmanager
def understanding() -> Iterator[None]:
    """What a value leads to that nobody thought of, as the file's fault: others wait behind it.

    The table's thread would else meet it again and again. What is told holds no value.
    """
    try:
        yield
    except (BadExport, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is
        kind = type(error).__name__
        log.error("export not understood", error=kind, at=_places(error))  # noqa: TRY400 - values
        raise BadExport("not_understood", f"a row is not understood ({kind})") from None


def _places(error: Exception) -> list[str]:
    """Where it happened: a traceback without what Python says of values."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(each.filename).name}:{each.lineno} {each.name}" for each in frames]
