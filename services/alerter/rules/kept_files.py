"""What is read from files, again whenever they change; files that are wrong leave it as it was.

An alerter that took the half of its rules that it could read would keep silent about the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

import structlog

from shared.contracts.errors import ConfigurationError

log = structlog.stdlib.get_logger("bergline.alerter")

T = TypeVar("T")
Texts = Mapping[str, str]


class KeptFiles(Generic[T]):
    """The last good reading. Looking blocks for some milliseconds.

    Args:
        what: named in the log.
        texts: reads the files; a ``ConfigurationError`` or ``OSError`` says that they are wrong.
        read: makes something of their texts; raises ``ConfigurationError``.
        at_first: what is in force until they were right once.
    """

    def __init__(
        self, what: str, texts: Callable[[], Texts], read: Callable[[Texts], T], at_first: T
    ) -> None:
        self._what = what
        self._texts = texts
        self._read = read
        self._seen: Texts | None = None
        self._refused: T | None = None
        self.value = at_first
        self.broken: str | None = None
        """What is wrong, and what to do, for humans; ``None`` while all is right."""

    def look(self) -> bool:
        """Read them if they have changed; whether something else is in force by now."""
        try:
            texts = self._texts()
            # What is wrong may be so because of something else, a secret for example.
            if texts == self._seen and self.broken is None:
                return False
            self._seen = texts
            value = self._read(texts)
            if self._refused is not None and value == self._refused:
                return False
        except ConfigurationError as error:
            self._wrong(str(error))
            return False
        except OSError as error:
            self._wrong(f"{type(error).__name__}: {error}")
            return False
        except Exception as error:  # noqa: BLE001 - whatever a file does, alerts go on
            # Its text may hold a secret.
            self._wrong(f"cannot be read: {type(error).__name__}")
            return False
        if self.broken is not None:
            log.info(f"{self._what} are right again")
        self.broken = self._refused = None
        self.value = value
        return True

    def refused(self, error: ConfigurationError) -> None:
        """What was read is right by itself, and cannot be put in force all the same.

        It is not read as new again while it is the same.
        """
        self._refused = self.value
        self._wrong(str(error))

    def _wrong(self, told: str) -> None:
        if self.broken != told:
            log.error(f"{self._what} are wrong; what was in force before stays", error=told)
        self.broken = told
