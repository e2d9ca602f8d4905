"""``python -m tests.soak.lander DIRECTORY``: new rows for the landing table, a commit a second."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from shared.lake.commit import Outcome, Thinning
from shared.lake.handle import TableHandle
from tests.soak.committing import Landings
from tests.soak.ledger import Ledger
from tests.soak.owning import Act, own
from tests.soak.pace import Pace
from tests.soak.rows import LANDING

STREAM = "landing-append"
ROWS = 20


def main() -> None:
    """Land rows until told to end."""
    directory, pace = Path(sys.argv[1]), Pace(period_s=1.0)
    pace.obey_signals()

    def acting(handle: TableHandle) -> Act:
        landings = Landings(handle, Ledger(directory, STREAM))

        def act(_: int, thinning: Thinning) -> Outcome:
            return landings.append(ROWS, thinning)

        return act

    asyncio.run(own(directory, pace, LANDING.name, acting))


if __name__ == "__main__":
    main()
