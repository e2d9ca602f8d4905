"""A signed command to alerter, and waiting until the board shows what it asked for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.output import progress

if TYPE_CHECKING:
    from shared.contracts.commands import Action, CommandIssued
    from shared.contracts.event import Event
    from shared.runtime.settings import Settings

Wait = Annotated[
    bool, typer.Option("--wait", help="Wait until alerter has taken it; without it, only send.")
]
Timeout = Annotated[float, typer.Option(min=1, help="Longest time to --wait, in seconds.")]
Comment = Annotated[str, typer.Option(help="Why; shown to whoever looks at the alert.")]


async def send(
    settings: Settings,
    commands: Mapping[str, tuple[Action, Mapping[str, str]]],
    *,
    wait_s: float | None,
    shows: Callable[[CommandIssued, Event], bool],
) -> list[CommandIssued]:
    """Send a command to each target, and perhaps wait until alerter has taken all of them.

    Args:
        settings: where the broker is, and the key to sign with.
        commands: action and arguments by target.
        wait_s: longest wait; ``None`` does not wait.
        shows: whether an event of ``lakehouse.alert-states`` is what a command asked for.

    Raises:
        Unavailable: the broker does not answer, no alerter runs that could be waited for, or time
            ran out.
        ConfigurationError: there is no key to sign with.
    """
    from shared.cli.operator import actor
    from shared.contracts.topics import ALERT_STATES
    from shared.runtime.commanding import issue
    from shared.runtime.event_log import ends

    begins = {}
    if wait_s is not None:
        await _refuse_without_alerter(settings)
        # Where to listen is found out first, or a fast answer could come unheard.
        begins = await ends(settings, ALERT_STATES)
    sent = []
    for target, (action, arguments) in commands.items():
        command = await issue(
            settings,
            service="alerter",
            action=action,
            target=target,
            actor=actor(),
            arguments=arguments,
        )
        progress("sent", command=command.command_id, action=action, target=target)
        sent.append(command)
    if wait_s is not None:
        await _wait(settings, begins, sent, wait_s, shows)
    return sent


async def _refuse_without_alerter(settings: Settings) -> None:
    from shared.cli.alert_reading import alerter_runs
    from shared.runtime.errors import Unavailable

    if not await alerter_runs(settings):
        raise Unavailable(
            "no alerter runs, so there is nothing to wait for; nothing was sent",
            "start one (`bergline up`, `bergline status`), or leave --wait out: the one that runs "
            "next takes it, if that is within a week",
        )


async def _wait(
    settings: Settings,
    begins: Mapping[tuple[str, int], int],
    sent: list[CommandIssued],
    seconds: float,
    shows: Callable[[CommandIssued, Event], bool],
) -> None:
    import asyncio

    from shared.runtime.errors import Unavailable
    from shared.runtime.event_log import follow_events

    waiting = {command.command_id: command for command in sent}
    with contextlib.suppress(TimeoutError):
        async with (
            asyncio.timeout(seconds),
            contextlib.aclosing(follow_events(settings, begins)) as events,
        ):
            async for event in events:
                for command in [each for each in waiting.values() if shows(each, event)]:
                    del waiting[command.command_id]
                if not waiting:
                    return
    raise Unavailable(
        f"alerter has not taken it within {seconds:g} s: command {', '.join(waiting)}",
        "it stays on lakehouse.commands: see `bergline logs alerter`, also whether it was ignored, "
        "as with another BERGLINE_OPERATOR_KEY",
    )
