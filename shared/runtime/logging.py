"""Structured logs on standard error: JSON in production, coloured text in a terminal.

Keys: ``event, service, level, timestamp`` and, where they apply, ``trace_id, event_id, topic,
partition, offset, table, snapshot_id``. Never payload values, never secrets.
"""

from __future__ import annotations

import logging
import sys
from typing import Literal

import structlog


def configure(
    service: str,
    level: str = "info",
    log_format: Literal["auto", "json", "text"] = "auto",
) -> None:
    """Route structlog and the standard library's loggers through one renderer.

    Args:
        service: bound to every line.
        level: lowest level printed; libraries are kept at warning unless it is ``debug``.
        log_format: ``auto`` prints text when standard error is a terminal.
    """
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())
    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.dict_tracebacks
        if not text
        else structlog.processors.ExceptionRenderer(),
    ]
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer() if text else structlog.processors.JSONRenderer()
    )
    if text:
        chain = chain[:-1]
    structlog.configure(
        processors=[*chain, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*chain],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if level == "debug" else logging.WARNING)
    logging.getLogger("bergline").setLevel(level.upper())
    structlog.contextvars.bind_contextvars(service=service)


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Logger of one module; ``name`` is its short name, for example ``ingest``."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"bergline.{name}")
    return bound
