"""Commands count only with the operator's signature."""

from __future__ import annotations

from shared.contracts.commands import CommandIssued
from shared.runtime.errors import Refused


def require_signed(command: CommandIssued, operator_key: str | None) -> None:
    """Let a command pass that is signed with this key.

    Raises:
        Refused: it is not, or there is no key.
    """
    if operator_key is None:
        raise Refused("no operator key is set, so no command counts", "set BERGLINE_OPERATOR_KEY")
    if not command.verified(operator_key):
        raise Refused("the command is not signed with the operator key")
