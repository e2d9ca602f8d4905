"""Where the embedded platform keeps things, and the lock that makes one supervisor its owner.

``.bergline/`` (mode 0700; ``BERGLINE_DATA_DIR`` moves it)::

    format             version of this layout
    lock               held while a supervisor runs
    bergline.env       connection file that services and the command line read (0600)
    secrets.json       generated at the first start (0600)
    supervisor.json    which processes run, and how they are (0600)
    broker/ storage/   data of the broker and of the object store
    spool/             what ingest accepted while the broker did not take it
    exports/           where files with events may be put, to be announced and loaded
    logs/              one bounded log per process
    held/              names of processes that are to stay stopped until they are released
"""

from __future__ import annotations

import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from shared.runtime.errors import ConfigurationError, Refused
from shared.runtime.settings import CONNECTION_FILE, EXPORTS_DIR

FORMAT = "1"
SPOOL = "spool"
"""Made by ingest, maybe before there was a platform."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths under one data directory. ``root`` is absolute."""

    root: Path

    @property
    def format_file(self) -> Path:
        """Version of the layout."""
        return self.root / "format"

    @property
    def lock_file(self) -> Path:
        """Locked while a supervisor runs."""
        return self.root / "lock"

    @property
    def connection_file(self) -> Path:
        """Settings for services and command line."""
        return self.root / CONNECTION_FILE

    @property
    def secrets_file(self) -> Path:
        """Generated secrets."""
        return self.root / "secrets.json"

    @property
    def state_file(self) -> Path:
        """What the supervisor knows of its processes."""
        return self.root / "supervisor.json"

    @property
    def broker(self) -> Path:
        """The broker's data directory."""
        return self.root / "broker"

    @property
    def storage(self) -> Path:
        """The object store's directory."""
        return self.root / "storage"

    @property
    def exports(self) -> Path:
        """Where exports may be read from."""
        return self.root / EXPORTS_DIR

    @property
    def logs(self) -> Path:
        """Directory of logs."""
        return self.root / "logs"

    def log(self, name: str) -> Path:
        """Log of one process."""
        return self.logs / f"{name}.log"

    def held(self, name: str) -> Path:
        """A file that is there while a process is to stay stopped."""
        return self.root / "held" / name

    def release_all(self) -> None:
        """Nothing is held any more."""
        shutil.rmtree(self.root / "held", ignore_errors=True)

    def prepare(self) -> None:
        """Make the directories, readable by their owner only.

        Raises:
            ConfigurationError: the directory holds something else, or another format version.
        """
        found = {path.name for path in self.root.iterdir()} if self.root.exists() else set()
        if not self.format_file.exists() and found - {SPOOL}:
            raise ConfigurationError(
                f"{self.root} is not empty and not a data directory of Bergline",
                "set BERGLINE_DATA_DIR to an empty or new directory",
            )
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.storage, self.logs, self.exports):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not self.format_file.exists():
            self.format_file.write_text(FORMAT + "\n")
        version = self.format_file.read_text().strip()
        if version != FORMAT:
            raise ConfigurationError(
                f"{self.root} has format {version!r}; this version reads format {FORMAT!r}",
                "use the version that wrote it, or set BERGLINE_DATA_DIR to a new directory",
            )

    def lock(self) -> IO[str]:
        """Take the lock; it is held until the returned file is closed or the process ends.

        Raises:
            Refused: another supervisor holds it.
        """
        file = self.lock_file.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            file.close()
            raise Refused(
                f"a platform runs on {self.root} already (supervisor pid {holder})",
                "`bergline status` shows it, `bergline down` ends it",
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        return file

    def remove(self) -> None:
        """Delete the data directory with all data, secrets and logs.

        Raises:
            Refused: it is not a data directory of Bergline, or a supervisor runs on it.
        """
        if not self.format_file.exists():
            raise Refused(f"{self.root} is not a data directory of Bergline", "nothing was deleted")
        with self.lock():
            shutil.rmtree(self.root)


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Replace a file atomically; it is readable by its owner only at every moment.

    Args:
        path: the file.
        text: its new content.
        durable: whether it must survive a power cut.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        os.fchmod(file.fileno(), 0o600)
        file.write(text)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
