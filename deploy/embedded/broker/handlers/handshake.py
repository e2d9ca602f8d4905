"""ApiVersions 0–3, SaslHandshake 0–1, SaslAuthenticate 0–1: what comes before everything else."""

import re
from collections.abc import Mapping

from ..broker import Broker
from ..errors import ErrorCode
from ..request import Api, Request
from ..sasl import MECHANISM
from ..wire import Writer

_SOFTWARE = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?")
FLEXIBLE_FROM = 3


def api_versions(request: Request, offered: Mapping[int, Api], newest: int) -> Writer:
    """The offered APIs. The header of this answer is never flexible (KIP-511).

    A version that is too high is answered in the body of version 0, so that every client can
    read it, and the connection stays usable.
    """
    version = request.version
    error = ErrorCode.NONE
    ranges = [(key, api.oldest, api.newest) for key, api in sorted(offered.items())]
    if version > newest:
        error, version = ErrorCode.UNSUPPORTED_VERSION, 0
        ranges = [(request.api_key, 0, newest)]
    elif version >= FLEXIBLE_FROM:
        software = (request.body.compact_string(), request.body.compact_string())
        request.body.skip_tagged_fields()
        if not all(map(_SOFTWARE.fullmatch, software)):
            error, ranges = ErrorCode.INVALID_REQUEST, []
    writer = Writer()
    writer.int16(error)
    flexible = version >= FLEXIBLE_FROM

    def entry(each: tuple[int, int, int]) -> None:
        for number in each:
            writer.int16(number)
        if flexible:
            writer.unsigned_varint(0)

    if flexible:
        writer.unsigned_varint(len(ranges) + 1)
        for each in ranges:
            entry(each)
    else:
        writer.array(ranges, entry)
    writer.throttle_time(version >= 1)
    if flexible:
        writer.unsigned_varint(0)
    return writer


async def sasl_handshake(broker: Broker, request: Request) -> Writer:
    """Choose a mechanism."""
    mechanism = request.body.string()
    writer = Writer()
    if not broker.settings.sasl_users:
        writer.int16(ErrorCode.ILLEGAL_SASL_STATE)
    elif request.sasl.handshake(mechanism, request.version):
        writer.int16(ErrorCode.NONE)
    else:
        writer.int16(ErrorCode.UNSUPPORTED_SASL_MECHANISM)
    writer.array([MECHANISM] if broker.settings.sasl_users else [], writer.string)
    return writer


async def sasl_authenticate(_broker: Broker, request: Request) -> Writer:
    """Check user and password; the connection is closed after a refusal."""
    token = bytes(request.body.data())
    error, message = ErrorCode.NONE, None
    if not request.sasl.mechanism_chosen or request.sasl.authenticated:
        error, message = ErrorCode.ILLEGAL_SASL_STATE, "SaslHandshake has to come first, once."
    elif not request.sasl.authenticate(token):
        error = ErrorCode.SASL_AUTHENTICATION_FAILED
        message = "Authentication failed: Invalid username or password"
    writer = Writer()
    writer.int16(error)
    writer.string(message)
    writer.data(b"")
    if request.version >= 1:
        writer.int64(0)  # session lifetime: unlimited
    return writer
