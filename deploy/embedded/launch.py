"""From settings to a running platform: checks first, then the supervisor.

Nothing is started before the data directory is ours and every port is free.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping, Sequence
from typing import Literal

from deploy.embedded import control, platform, ports, secrets, storage
from deploy.embedded.connection import refuse_foreign_connection, write_connection
from deploy.embedded.layout import Layout
from deploy.embedded.services import replicas_of
from deploy.embedded.supervisor import Observer, Supervisor
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import data_dir

PortChoice = Literal["settings", "auto"]


def parse_replicas(options: Sequence[str]) -> dict[str, int]:
    """``["stream_writer=2"]`` → ``{"stream_writer": 2}``.

    Raises:
        ConfigurationError: not of the form ``service=number``.
    """
    wanted: dict[str, int] = {}
    for option in options:
        name, _, count = option.partition("=")
        if not name or not count.isdecimal():
            raise ConfigurationError(
                f"--replicas {option!r}: not of the form SERVICE=NUMBER",
                "for example --replicas stream_writer=2",
            )
        wanted[name] = int(count)
    return wanted


def check_brokers(brokers: str) -> None:
    """Refuse what cannot be bootstrap servers.

    Raises:
        ConfigurationError: not of the form ``HOST:PORT,HOST:PORT``.
    """
    for address in brokers.split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal():
            raise ConfigurationError(
                f"--brokers {brokers!r}: {address!r} is not of the form HOST:PORT",
                "for example --brokers kafka.example:9092",
            )


def layout() -> Layout:
    """The layout of this process' data directory (``BERGLINE_DATA_DIR`` or ``./.bergline``)."""
    return Layout(data_dir().absolute())


def run(
    where: Layout,
    wanted_replicas: Mapping[str, int],
    port_choice: PortChoice = "settings",
    observer: Observer | None = None,
    brokers: str | None = None,
) -> None:
    """Run the platform in this process until SIGTERM or SIGINT; a second SIGINT kills it.

    Args:
        where: its data directory.
        wanted_replicas: number of processes of services.
        port_choice: ports from settings, or any that are free.
        observer: told of every change.
        brokers: bootstrap servers of a Kafka to use instead of the embedded broker.

    Raises:
        ConfigurationError: a port is taken, a setting or the data directory is wrong.
        Refused: another supervisor runs on this data directory.
        Unavailable: something did not become ready.
    """
    replicas = replicas_of(wanted_replicas)
    with_broker = brokers is None
    if brokers is not None:
        check_brokers(brokers)
    where.prepare()
    with where.lock():
        control.end_left_over(where)
        where.release_all()
        private = secrets.load_or_generate(where.secrets_file)
        chosen = ports.pick_free(replicas) if port_choice == "auto" else ports.load()
        ports.claim(ports.needed(chosen, replicas, with_broker=with_broker))
        refuse_foreign_connection(chosen, private, brokers)
        write_connection(where, chosen, private, brokers)
        children = platform.plan(where, chosen, private, replicas, with_broker=with_broker)
        try:
            asyncio.run(_supervise(Supervisor(children, where, observer)))
        finally:
            storage.remove_sockets(chosen)


async def _supervise(supervisor: Supervisor) -> None:
    stop = asyncio.Event()

    def interrupted() -> None:
        if stop.is_set():
            supervisor.kill_all()
        stop.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGINT, interrupted)
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.add_signal_handler(signal.SIGHUP, stop.set)
    await supervisor.run(stop)
