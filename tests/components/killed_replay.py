"""``bergline dlq replay`` that is killed once the broker has the record, before it is told of."""

from __future__ import annotations

import os
import signal

from shared.cli.main import main
from shared.runtime import resending


async def die(*_: object) -> None:
    """In the place of the record of a replay."""
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    resending.record = die  # type: ignore[assignment]
    main()
