"""What reading took."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ReadStats:
    """Adds up over the calls that it is given to.

    Attributes:
        files: data files opened.
        bytes: that the columns read take in these files, compressed; row groups that were skipped
            are counted, too. Of whole files where manifests do not tell.
        rows: handed out.
    """

    files: int = 0
    bytes: int = 0
    rows: int = 0
