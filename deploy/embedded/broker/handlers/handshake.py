"""SaslHandshake, SaslAuthenticate: what comes before everything else."""

from ..broker import Broker
from ..errors import ErrorCode, KafkaError
from ..request import Request, error_fields
from ..sasl import MECHANISM
from ..schema import Fields


async def sasl_handshake(broker: Broker, request: Request) -> Fields:
    """Choose a mechanism."""
    if not broker.settings.sasl_users:
        return {"error_code": ErrorCode.ILLEGAL_SASL_STATE}
    offered = request.sasl.choose(request.body.mechanism)
    error = ErrorCode.NONE if offered else ErrorCode.UNSUPPORTED_SASL_MECHANISM
    return {"error_code": error, "mechanisms": [MECHANISM]}


async def sasl_authenticate(_broker: Broker, request: Request) -> Fields:
    """Check user and password; the connection is closed after a refusal."""
    if not request.sasl.mechanism_chosen or request.sasl.authenticated:
        text = "SaslHandshake has to come first, once."
        return error_fields(KafkaError(ErrorCode.ILLEGAL_SASL_STATE, text))
    if not request.sasl.authenticate(bytes(request.body.token)):
        text = "Authentication failed: Invalid username or password"
        return error_fields(KafkaError(ErrorCode.SASL_AUTHENTICATION_FAILED, text))
    return {}
