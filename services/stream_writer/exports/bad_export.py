"""A file that cannot be loaded as it is, now or later."""

from __future__ import annotations


class BadExport(Exception):
    """Raised for what no repetition cures: the announcement becomes a row with an error.

    Attributes:
        reason: stable word: ``invalid_announcement``, ``not_allowed``, ``not_found``,
            ``not_readable``, ``too_large``, ``not_parquet``, ``missing_columns``,
            ``ambiguous_columns``, ``changed``, ``too_many_bad_rows`` or ``not_understood``.
        detail: the same for humans; holds no value of the file.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Abandoned(Exception):
    """Raised when nobody wants the rows any more: the partition is another worker's now."""
