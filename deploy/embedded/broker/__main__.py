"""``python -m deploy.embedded.broker --data-dir DIR``: one broker until SIGTERM."""

import argparse
import asyncio
import logging
import os
import resource
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from . import housekeeping
from .admin_http import AdminHttp
from .broker import Broker
from .data_dir import DataDir
from .errors import BrokerError
from .server import Server
from .settings import BOUNDS, Settings, users_in, users_of

log = logging.getLogger("broker")

USERS_VARIABLE = "BROKER_SASL_USERS"


def parse(arguments: Sequence[str]) -> Settings:
    """Settings from the command line; exits with a usage text when it is wrong."""
    defaults = Settings(data_dir=Path())
    parser = argparse.ArgumentParser(
        prog="broker",
        description="A durable single-node Kafka-protocol broker, for laptops and tests.",
        epilog=f"SASL users: --sasl-file, or {USERS_VARIABLE}=name:password,…",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="created when missing")
    parser.add_argument("--host", default=defaults.host, help="address to bind (%(default)s)")
    parser.add_argument("--port", type=int, default=defaults.port, help="Kafka (%(default)s)")
    parser.add_argument(
        "--admin-port", type=int, default=defaults.admin_port, help="HTTP (%(default)s)"
    )
    parser.add_argument("--advertised-host", help="what clients are told to connect to")
    parser.add_argument("--advertised-port", type=int, help="what clients are told to connect to")
    parser.add_argument("--sasl-file", type=Path, help="lines name:password, mode 0600")
    bounds = parser.add_argument_group("bounds (bytes, seconds, counts)")
    for name in BOUNDS:
        default = getattr(defaults, name)
        bounds.add_argument(
            f"--{name.replace('_', '-')}",
            type=type(default),
            default=default,
            metavar="N",
            help=str(default),
        )
    values = vars(parser.parse_args(arguments))
    file = values.pop("sasl_file")
    users = users_of(os.environ.get(USERS_VARIABLE, ""), USERS_VARIABLE)
    if file is not None:
        users |= users_in(file)
    return Settings(**values, sasl_users=users)


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT; raises BrokerError, OSError when it cannot start."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    data_dir = DataDir(settings.data_dir)
    broker = Broker(settings, data_dir)
    await broker.start()
    server, admin = Server(broker), AdminHttp(broker)
    await server.start()
    await admin.start()
    tidying = asyncio.create_task(housekeeping.run(broker))
    log.info(
        "ready data_dir=%s host=%s port=%d admin_port=%d topics=%d partitions=%d",
        settings.data_dir,
        settings.host,
        broker.port,
        settings.admin_port,
        len(broker.topics),
        broker.topics.partition_count(),
    )
    asked = asyncio.create_task(stopping.wait())
    parts = [each for each in (broker.flushing, tidying) if each is not None]
    ended, _ = await asyncio.wait([asked, *parts], return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping")
    admin.stop()
    asked.cancel()
    tidying.cancel()
    await server.stop()
    for part in parts:
        if part in ended and (error := part.exception()):
            raise BrokerError(f"a part of the broker failed: {error!r}. Start it again.") from error
    await broker.stop()
    log.info("stopped")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the broker; the exit code."""
    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s"
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        settings = parse(sys.argv[1:] if arguments is None else arguments)
        settings.check()
        with _runner() as runner:
            runner.run(serve(settings))
    except BrokerError as error:
        log.error("%s", error)  # noqa: TRY400 - the text says all
        return 1
    except OSError as error:
        log.error("cannot start: %s. Is the port taken, or the disk full?", error)  # noqa: TRY400
        return 1
    return 0


def _runner() -> asyncio.Runner:
    try:
        import uvloop
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


if __name__ == "__main__":
    sys.exit(main())
