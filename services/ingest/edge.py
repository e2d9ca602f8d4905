"""The outermost layer of aiohttp's way: times requests, turns refusals into problem documents."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from services.ingest import problem
from services.ingest.handlers import peer_of, raw_path
from services.ingest.limits.heads import HeadLimits
from services.ingest.problem import Refused, internal_error
from services.ingest.refusals import Refusals
from services.ingest.samples import NOBODY, Seen
from services.ingest.telemetry import METHODS, Telemetry
from shared.contracts.identity import uuid7
from shared.runtime import logging
from shared.sources.attributes import attribute

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Served = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

log = logging.logger("ingest")


class Edge:
    """What every request passes that aiohttp serves.

    Args:
        telemetry: where answers are counted.
        refusals: makes answers of refusals.
        heads: bounds of what comes before a body.
        sources: whose each path is, for those that are a source's.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        refusals: Refusals,
        heads: HeadLimits,
        sources: Mapping[str, str],
    ) -> None:
        self._telemetry = telemetry
        self._refusals = refusals
        self._heads = heads
        self._sources = sources

    def middleware(self) -> Callable[..., Awaitable[web.StreamResponse]]:
        """Times every request and turns every refusal into a problem document."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            started = time.perf_counter()
            response: web.StreamResponse
            route = _route(request)
            try:
                self._heads.check(request.raw_headers)
                response = await handler(request)
            except Refused as refused:
                response = self._refuse(request, refused, route)
            except web.HTTPException as error:
                response = self._refuse(request, _of_framework(error), route)
            except Exception:
                occurrence = uuid7()
                log.exception("unhandled exception", path=route, occurrence=occurrence)
                response = self._refuse(request, internal_error(occurrence), route)
            seconds = time.perf_counter() - started
            self._telemetry.answered(route, request.method, response.status, seconds)
            return response

        return middleware

    def before(self, served: Served) -> Served:
        """What aiohttp would answer itself, before any middleware."""

        async def serve(request: web.BaseRequest) -> web.StreamResponse:
            expected = request.headers.get("Expect", "100-continue")
            if expected.lower() == "100-continue":
                return await served(request)
            refused = Refused(problem.EXPECTATION_FAILED, "what Expect names is not known")
            response = self._refuse(request, refused, "unmatched")
            self._telemetry.answered("unmatched", request.method, response.status, 0.0)
            return response

        return serve

    def _refuse(self, request: web.BaseRequest, refused: Refused, route: str) -> web.Response:
        source = self._sources.get(route, NOBODY)
        method = request.method if request.method in METHODS else ""
        seen = Seen(source, route, method, request.headers, None, peer_of(request))
        return self._refusals.answer(refused, raw_path(request), seen).response()


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "unmatched"


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
