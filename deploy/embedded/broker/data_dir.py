"""The data directory: one broker at a time, one known format.

format.json           format version, cluster id
lock                  flock of the running broker, with its process id
topics.json           topics, their incarnation, partition count and settings
producer-ids          the first producer id that was never handed out
groups/offsets.log    journal of committed offsets
topics/<name>/<incarnation>/<partition>/   segments, indexes, producers.json, log-start
"""

import base64
import fcntl
import json
import os
import threading
import uuid
from pathlib import Path

from .errors import BrokerError
from .files import make_directory, write_atomically

FORMAT = 1
_PRODUCER_ID_BLOCK = 1000


class DataDir:
    """An opened, locked data directory; raises BrokerError when it cannot be had."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            make_directory(path)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT, 0o640)
        except OSError as error:
            raise BrokerError(
                f"the data directory {path} cannot be used: {error}. "
                "Name a writable directory with --data-dir."
            ) from error
        try:
            self._take_lock()
            self.cluster_id = self._open_format()
        except BrokerError:
            os.close(self._lock)
            raise
        self._ids = threading.Lock()
        self._next_id = self._reserved_until = self._read_producer_ids()

    def next_producer_id(self) -> int:
        """An id never handed out before, across restarts too. Blocks; raises OSError."""
        with self._ids:
            if self._next_id >= self._reserved_until:
                limit = self._reserved_until + _PRODUCER_ID_BLOCK
                write_atomically(self.path / "producer-ids", str(limit).encode())
                self._reserved_until = limit
            self._next_id += 1
            return self._next_id - 1

    def close(self) -> None:
        """Let the next broker in."""
        os.close(self._lock)

    def _take_lock(self) -> None:
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = os.pread(self._lock, 20, 0).decode(errors="replace").strip() or "unknown"
            raise BrokerError(
                f"the data directory {self.path} is in use by the broker with process id {owner}. "
                "Stop that one, or give this one another --data-dir."
            ) from error
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _open_format(self) -> str:
        path = self.path / "format.json"
        if not path.exists():
            if (self.path / "topics.json").exists():
                raise BrokerError(f"{path} is missing: this is not a directory of this broker.")
            cluster_id = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            content = {"format": FORMAT, "cluster_id": cluster_id}
            write_atomically(path, json.dumps(content).encode())
            return cluster_id
        content = json.loads(path.read_bytes())
        if content["format"] != FORMAT:
            raise BrokerError(
                f"{self.path} has data format {content['format']}, this broker reads {FORMAT}. "
                "Use the broker version that wrote it, or an empty --data-dir."
            )
        return str(content["cluster_id"])

    def _read_producer_ids(self) -> int:
        path = self.path / "producer-ids"
        return int(path.read_text()) if path.exists() else 0
