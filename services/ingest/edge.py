"""The outermost layer: times every request and turns every refusal into a problem document."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from services.ingest import problem
from services.ingest.problem import Refused
from services.ingest.sources.attributes import attribute
from services.ingest.telemetry import Telemetry
from shared.contracts.identity import uuid7
from shared.runtime import logging

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.logger("ingest")


def edge(telemetry: Telemetry, *, access_log: bool) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Middleware that times every request and turns every refusal into a problem document.

    Args:
        telemetry: where answers are counted.
        access_log: print a line for each request: path, status and duration, nothing else.
    """

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
            # The last resort: the sender gets an answer, the log gets the traceback.
            occurrence = uuid7()
            log.exception("unhandled exception", path=request.path, occurrence=occurrence)
            unhandled = Refused(
                problem.INTERNAL_ERROR, "Internal server error", delivery_id=occurrence
            )
            response = _refuse(request, unhandled, telemetry)
        seconds = time.perf_counter() - started
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else "unmatched"
        telemetry.answered(route, request.method, response.status, seconds)
        if access_log:
            log.debug(
                "request",
                method=request.method,
                route=route,
                status=response.status,
                duration_s=round(seconds, 6),
            )
        return response

    return middleware


def _refuse(request: web.Request, refused: Refused, telemetry: Telemetry) -> web.Response:
    kind = refused.problem
    if kind.status in (401, 408, 413, 415, 429, 500) or kind is problem.OVERLOADED:
        telemetry.error(kind.reason, "receiving")
    # A path may hold anything, also what JSON cannot.
    return problem_response(refused, attribute(request.rel_url.raw_path) or "this path")


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


def problem_response(refused: Refused, path: str) -> web.Response:
    """The RFC 9457 answer to a refusal."""
    return web.Response(
        status=refused.problem.status,
        body=problem.document(
            refused.problem, refused.detail, path, refused.delivery_id or uuid7()
        ),
        content_type=problem.CONTENT_TYPE,
        headers=refused.headers,
    )
