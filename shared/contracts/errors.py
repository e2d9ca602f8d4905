"""The root of the error tree, where even pure declarations can raise from.

:mod:`shared.runtime.errors` has the whole tree.
"""

from __future__ import annotations

from typing import ClassVar


class BerglineError(Exception):
    """An error meant for a human.

    Attributes:
        what: what happened, and where (file and line, topic/partition/offset, table, port).
        next_step: what to do about it; may be empty.
        exit_code: exit code of the command line for this kind of error.
        retriable: whether the same call may succeed later.
    """

    exit_code: ClassVar[int] = 1
    retriable: ClassVar[bool] = False

    def __init__(self, what: str, next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}\n{self.next_step}" if self.next_step else self.what


class ConfigurationError(BerglineError):
    """Raised when a setting, a secret or a file is missing or wrong."""

    exit_code = 2
