"""The error tree, and how an error tells what to do next.

BerglineError
├── ConfigurationError    a setting or file is wrong; nothing was started
├── Unavailable           broker, catalog or storage cannot be reached; trying again may help
├── NotFound              a topic, table, service or event does not exist
├── Refused               the state of things forbids the operation
└── CheckFailed           the platform did something, and the result is not as promised
"""

from __future__ import annotations

from shared.contracts.errors import BerglineError as BerglineError
from shared.contracts.errors import ConfigurationError as ConfigurationError


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
