"""The error tree, and how an error tells what to do next.

BerglineError
├── ConfigurationError    a setting or file is wrong; nothing was started
├── Unavailable           broker, catalog or storage cannot be reached; trying again may help
├── NotFound              a topic, table, service or event does not exist
├── Refused               the state of things forbids the operation
└── CheckFailed           the platform did something, and the result is not as promised
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


class Unavailable(BerglineError):
    """Raised when broker, catalog or storage does not answer in time."""

    exit_code = 3
    retriable = True


class NotFound(BerglineError):
    """Raised when what was named does not exist."""

    exit_code = 4


class Refused(BerglineError):
    """Raised when doing it would lose or duplicate data, or needs a confirmation."""

    exit_code = 5


class CheckFailed(BerglineError):
    """Raised when a verification found something wrong."""

    exit_code = 6
