"""The outermost layer of aiohttp's way: times requests, turns refusals into problem documents."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.ingest import problem
from services.ingest.answer import refusal
from services.ingest.handlers import raw_path
from services.ingest.problem import Refused, internal_error
from services.ingest.telemetry import Telemetry
from shared.contracts.identity import uuid7
from shared.runtime import logging
from shared.sources.attributes import attribute

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.logger("ingest")


def edge(telemetry: Telemetry) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Middleware that times every request and turns every refusal into a problem document."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started = time.perf_counter()
        response: web.StreamResponse
        try:
            response = await handler(request)
        except Refused as refused:
            response = _refuse(request, refused, telemetry)
        except web.HTTPException as error:
            response = _refuse(request, _of_framework(error), telemetry)
        except Exception:
            occurrence = uuid7()
            log.exception("unhandled exception", path=request.path, occurrence=occurrence)
            response = _refuse(request, internal_error(occurrence), telemetry)
        resource = request.match_info.route.resource
        telemetry.answered(
            resource.canonical if resource is not None else "unmatched",
            request.method,
            response.status,
            time.perf_counter() - started,
        )
        return response

    return middleware


def _refuse(request: web.Request, refused: Refused, telemetry: Telemetry) -> web.Response:
    telemetry.refused(refused.problem)
    return refusal(refused, raw_path(request)).response()


def _of_framework(error: web.HTTPException) -> Refused:
    """What aiohttp raised by itself: unknown path, wrong method, and the like."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        return Refused(
            problem.METHOD_NOT_ALLOWED,
            f"Method {attribute(error.method) or '?'} not allowed",
            headers={"Allow": error.headers["Allow"]},
        )
    if error.status == problem.NOT_FOUND.status:
        return Refused(problem.NOT_FOUND, "Nothing is served here")
    return Refused(
        problem.Problem("about", error.status, error.reason, "see RFC 9110"), error.reason
    )
