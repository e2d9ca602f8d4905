"""Files of an attempt that failed for certain: nothing will ever name them."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from pyiceberg.io import FileIO
from pyiceberg.manifest import DataFile

log = structlog.stdlib.get_logger("bergline.maintenance")


def remove_unnamed(io: FileIO, files: Iterable[DataFile]) -> None:
    """Delete them now; what cannot be deleted is left to the orphan sweep.

    Never for an attempt whose outcome is unknown: it may still come to name them.
    """
    for file in files:
        try:
            io.delete(file.file_path)
        except OSError as error:
            log.debug("left to the orphan sweep", path=file.file_path, error=str(error))
