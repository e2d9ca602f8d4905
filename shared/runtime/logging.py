"""Structured logs on standard error: JSON in production, coloured text in a terminal.

Keys: ``event, service, level, timestamp`` and, where they apply, ``trace_id, event_id, topic,
partition, offset, table, snapshot_id``. Never payload values, never secrets.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import Literal

import structlog


def configure(
    service: str,
    level: str = "info",
    log_format: Literal["auto", "json", "text"] = "auto",
) -> None:
    """Route structlog and the standard library's loggers through one renderer.

    Args:
        service: named in every line, whichever thread writes it.
        level: lowest level printed; libraries are kept at warning unless it is ``debug``.
        log_format: ``auto`` prints text when standard error is a terminal.
    """
    text = log_format == "text" or (log_format == "auto" and sys.stderr.isatty())

    def name_service(_: object, __: str, event: structlog.typing.EventDict) -> Mapping[str, object]:
        event.setdefault("service", service)
        return event

    chain: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_service,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    if not text:
        # Without the local variables of its frames, which by default are shown: a traceback of
        # ingest would hold bodies and secrets.
        frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        chain.append(structlog.processors.ExceptionRenderer(frames))
    renderer: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if text
        else structlog.processors.JSONRenderer()
    )
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


def logger(name: str) -> structlog.stdlib.BoundLogger:
    """Logger of one module; ``name`` is its short name, for example ``ingest``."""
    bound: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(f"bergline.{name}")
    return bound
