"""What is logged of requests that are no HTTP: that there was one, and nothing of what it held.

aiohttp logs each as an error, with a traceback and the line that it did not understand: whoever
probes the port fills the log, and a request line may hold a secret (``?secret=…``).
"""

from __future__ import annotations

import logging

from aiohttp.http import HttpProcessingError


def http_logger() -> logging.Logger:
    """The logger for aiohttp's server: broken requests at debug level, their kind only."""
    logger = logging.getLogger("bergline.ingest.http")
    if not any(isinstance(each, _KindOnly) for each in logger.filters):
        logger.addFilter(_KindOnly(logger))
    return logger


class _KindOnly(logging.Filter):
    def __init__(self, logger: logging.Logger) -> None:
        super().__init__()
        self._logger = logger

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        record.exc_info = None
        record.msg, record.args = "broken HTTP: %s", (type(error).__name__,)
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return self._logger.isEnabledFor(logging.DEBUG)
