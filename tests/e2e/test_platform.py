"""The whole embedded platform: what an operator may rely on."""

import contextlib
import ipaddress
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import psutil
import pytest

from deploy.embedded.processes import alive, wait_gone
from deploy.embedded.secrets import load_or_generate
from deploy.embedded.supervisor import STOP_SECONDS
from tests.support import warm_bergline
from tests.support.platform import EmbeddedPlatform, module_platform

__all__ = ["module_platform"]

pytestmark = pytest.mark.e2e


def bergline(embedded: EmbeddedPlatform, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line against this platform."""
    return warm_bergline.bergline(arguments, environment(embedded), seconds=90)


def environment(embedded: EmbeddedPlatform) -> dict[str, str]:
    """What a command is told of the platform."""
    return embedded.variables | {"PATH": "/usr/bin:/bin"}


def test_every_service_answers(module_platform: EmbeddedPlatform) -> None:
    for service in module_platform.replicas:
        with urllib.request.urlopen(f"{module_platform.url(service)}/readyz", timeout=5) as answer:
            assert answer.status == 200


def test_nothing_listens_beyond_loopback(module_platform: EmbeddedPlatform) -> None:
    module_platform.wait_builders()
    beyond = [
        (process, address)
        for process in module_platform.family
        for address in listens_on(process)
        if not is_loopback(address)
    ]
    assert beyond == []


def listens_on(process: psutil.Process) -> list[str]:
    """Addresses; none if it ended meanwhile."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return [
            connection.laddr[0]
            for connection in process.net_connections(kind="inet")
            if connection.status == psutil.CONN_LISTEN
        ]
    return []


def is_loopback(address: str) -> bool:
    """Also as an IPv6 socket tells an IPv4 address: ``::ffff:127.0.0.1`` (RFC 4291, 2.5.5.2)."""
    parsed = ipaddress.ip_address(address)
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return (mapped or parsed).is_loopback


def test_no_secret_is_visible_in_arguments_or_logs(module_platform: EmbeddedPlatform) -> None:
    visible = "".join(path.read_text() for path in module_platform.layout.logs.iterdir())
    for process in module_platform.state.processes:
        if not process.task:
            visible += " ".join(psutil.Process(process.pid).cmdline())
    secrets = load_or_generate(module_platform.layout.secrets_file).values()
    assert not [value for value in secrets if value in visible]


def test_a_second_platform_on_the_same_directory_is_refused(
    module_platform: EmbeddedPlatform,
) -> None:
    for arguments in (["up"], ["up", "--detach"]):
        refused = bergline(module_platform, *arguments)
        assert refused.returncode == 5
        assert f"supervisor pid {module_platform.state.supervisor_pid}" in refused.stderr


def test_a_second_bootstrap_changes_nothing(module_platform: EmbeddedPlatform) -> None:
    again = bergline(module_platform, "bootstrap")
    assert (again.returncode, again.stdout) == (0, "everything is as declared\n")


@pytest.mark.chaos
def test_a_killed_supervisor_leaves_no_process_and_starts_again_and_sigterm_ends_everything(
    module_platform: EmbeddedPlatform,
) -> None:
    children = [each for each in module_platform.state.processes if not each.task]
    module_platform.kill_supervisor()
    assert all(wait_gone(each.pid, each.created) for each in children)
    module_platform.start()
    module_platform.stop()  # asserts that nothing is left


def test_a_taken_port_is_named_and_nothing_is_started(tmp_path: Path) -> None:
    embedded = EmbeddedPlatform(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", embedded.ports.broker_port))
        taken.listen()
        refused = bergline(embedded, "up")
    assert refused.returncode == 2
    assert f"port {embedded.ports.broker_port} (Kafka broker) is held by" in refused.stderr
    assert "BERGLINE_BROKER_PORT" in refused.stderr
    assert not embedded.layout.state_file.exists()


def test_sigterm_in_the_middle_of_the_start_ends_everything(tmp_path: Path) -> None:
    embedded = EmbeddedPlatform(tmp_path)
    try:
        embedded.start(wait=False)
        embedded.wait_running("storage")
        assert embedded.stop() < STOP_SECONDS
    finally:
        embedded.close()


def test_the_command_line_runs_a_platform_from_up_to_down(tmp_path: Path) -> None:
    embedded = EmbeddedPlatform(tmp_path)
    nobody = [f"--replicas={name}=0" for name in embedded.replicas if name != "ingest"]
    try:
        started = subprocess.run(
            [sys.executable, "-m", "shared.cli", "up", "--detach", *nobody, "--output", "json"],
            capture_output=True,
            text=True,
            timeout=90,
            env=environment(embedded),
            cwd=Path(__file__).parents[2],
            check=False,
        )
        assert started.returncode == 0, started.stderr
        assert bergline(embedded, "status").returncode == 0
        before = embedded.process("ingest").pid
        assert bergline(embedded, "restart", "ingest").returncode == 0
        assert embedded.process("ingest").pid != before
        assert "listening" in bergline(embedded, "logs", "ingest").stdout
        kept = bergline(embedded, "down", "--volumes")
        assert kept.returncode == 5
        assert alive(embedded.state.supervisor_pid, embedded.state.supervisor_created)
        assert bergline(embedded, "down", "--volumes", "--yes").returncode == 0
        assert not embedded.layout.root.exists()
        assert bergline(embedded, "status").returncode == 3
    finally:
        bergline(embedded, "down")


def test_ctrl_c_ends_the_foreground_cleanly(tmp_path: Path) -> None:
    embedded = EmbeddedPlatform(tmp_path)
    foreground = subprocess.Popen(
        [sys.executable, "-m", "shared.cli", "up", "--output", "json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=embedded.variables,
        cwd=Path(__file__).parents[2],
    )
    try:
        embedded.wait_running("broker")
        foreground.send_signal(signal.SIGINT)
        out, _ = foreground.communicate(timeout=STOP_SECONDS + 5)
        assert (foreground.returncode, out) == (0, b'{"stopped": true}\n')
    finally:
        foreground.kill()
        foreground.wait()
        embedded.close()
