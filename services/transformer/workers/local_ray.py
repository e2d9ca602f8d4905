"""A Ray on this machine for one process: small, private, gone with its process.

It listens on loopback only, on ports of its choice. Each session has a token of its own, in a file
of mode 0600, without which no request is answered: other users of the machine are kept out, too.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import structlog

from services.transformer.workers.bare_node import bare_node

log = structlog.stdlib.get_logger("bergline.transformer")

LONGEST_DIRECTORY = 42
"""Characters: sockets lie 62 deeper, and their paths have at most 107 (unix(7))."""
SESSIONS_KEPT = 1
"""Ended sessions whose logs are kept."""
REAPER = Path(__file__).with_name("ray_reaper.py")


class LocalRay:
    """Starts and ends Ray. Every method is called in one thread that lives as long as the process:
    on Linux the kernel kills Ray's processes when the *thread* that started them ends.

    Args:
        directory: absolute; for sessions, logs and the token.
        namespace: of its actors.
        cpus: that Ray counts with.
        object_store_bytes: its shared memory.
    """

    def __init__(self, directory: Path, namespace: str, cpus: int, object_store_bytes: int) -> None:
        self._directory = directory
        self._namespace = namespace
        self._cpus = cpus
        self._object_store_bytes = object_store_bytes
        self._short: Path | None = None
        self._reaper: subprocess.Popen[bytes] | None = None

    @property
    def logs(self) -> Path:
        """Where the processes of the last session keep theirs."""
        return self._directory / "session_latest" / "logs"

    def start(self) -> None:
        """Start it; several seconds.

        Raises:
            Exception: whatever Ray raises.
        """
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._remove_old_sessions()
        self._token()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        # Where Ray knows no clusters it takes 127.0.0.1 as it is told. Elsewhere it replaces it by
        # the address that other machines would use, and listens on every interface.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
        # Ray adds 15 of its own: with ours that is 19, and a busy machine never comes to a build.
        os.environ.setdefault("RAY_worker_niceness", "0")
        # As long as a busy machine may take to import what the node's agents import.
        os.environ.setdefault("RAY_agent_register_timeout_ms", "120000")
        # Its own handler would print a stack trace at every SIGTERM before ours is asked.
        os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")
        import ray

        logging.getLogger("ray").setLevel(logging.ERROR)

        with bare_node() as exporter:
            ray.init(
                # Not "local" nor unset: a cluster named by RAY_ADDRESS is not meant here.
                address="local",
                num_cpus=self._cpus,
                include_dashboard=False,
                object_store_memory=self._object_store_bytes,
                log_to_driver=False,
                configure_logging=False,
                namespace=self._namespace,
                _temp_dir=str(self._temporary()),
                _node_ip_address="127.0.0.1",
                _metrics_export_port=exporter,
            )
        self.remember()

    def remember(self) -> None:
        """Processes that were started since belong to it, too."""
        if not sys.platform.startswith("linux"):
            return
        if self._reaper is None:
            self._reaper = subprocess.Popen(
                [sys.executable, "-I", "-S", str(REAPER), str(os.getpid()), *self._link()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        if self._reaper.stdin is not None and self._reaper.stdout is not None:
            with contextlib.suppress(OSError):
                self._reaper.stdin.write(b"\n")
                self._reaper.stdin.flush()
                self._reaper.stdout.readline()

    def stop(self) -> None:
        """End it with everything that it started; nothing if it was never started."""
        if "ray" in sys.modules:
            with contextlib.suppress(Exception):
                sys.modules["ray"].shutdown()
        reaper, self._reaper = self._reaper, None
        if reaper is not None and reaper.stdin is not None:
            with contextlib.suppress(OSError):
                reaper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                reaper.wait(2.0)
        if self._short is not None:
            shutil.rmtree(self._short, ignore_errors=True)
            self._short = None

    def _link(self) -> list[str]:
        return [] if self._short is None else [str(self._short / "ray")]

    def _temporary(self) -> Path:
        """A directory with a short name: the one given, or a link to it."""
        if len(str(self._directory)) <= LONGEST_DIRECTORY:
            return self._directory
        if self._short is None:
            self._short = Path(tempfile.mkdtemp(prefix="bergline-"))  # mode 0700
            (self._short / "ray").symlink_to(self._directory)
            (self._directory / "link").write_text(str(self._short))
        return self._short / "ray"

    def _remove_old_sessions(self) -> None:
        """Logs of ended sessions but the last; and the short name of one that was killed."""
        sessions = sorted(path for path in self._directory.glob("session_2*") if path.is_dir())
        for session in sessions[: max(0, len(sessions) - SESSIONS_KEPT)]:
            shutil.rmtree(session, ignore_errors=True)
        link = self._directory / "link"
        if link.is_file():
            left = Path(link.read_text().strip())
            if left.name.startswith("bergline-") and (left / "ray").is_symlink():
                shutil.rmtree(left, ignore_errors=True)
            link.unlink()

    def _token(self) -> None:
        path = self._directory / "token"
        # Ray reads it once a process: with another one a second start would be refused by its own.
        if os.environ.get("RAY_AUTH_TOKEN_PATH") == str(path) and path.is_file():
            return
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            os.fchmod(file.fileno(), 0o600)
            file.write(secrets.token_hex(32))
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN_PATH"] = str(path)
