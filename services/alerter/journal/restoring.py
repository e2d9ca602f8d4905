"""Reading a journal at start: what a crash cut off is left out, what is damaged is set aside."""

from __future__ import annotations

from services.alerter.journal.file import JournalFile
from services.alerter.journal.lines import VERSION, read
from services.alerter.journal.state import JournalState, of
from shared.runtime.errors import Refused


def restored(file: JournalFile) -> tuple[JournalState, list[str]]:
    """What a journal says, and what was wrong with it, for humans.

    A damaged journal is kept under another name; what can be read of it counts.

    Raises:
        Refused: a newer version wrote it.
        ConfigurationError: it cannot be read.
    """
    found = read(file.read())
    if found.newer is not None:
        raise Refused(
            f"the journal has the form {found.newer}, this version knows {VERSION}",
            "run the version that wrote it, or give alerter another work directory",
        )
    problems = []
    if found.torn:
        problems.append(f"the last {found.torn} bytes were cut off by a crash, and are left out")
    if found.damaged:
        lines = ", ".join(map(str, found.damaged[:10]))
        try:
            aside = f"all of it is kept as {file.set_aside()}"
        except OSError as error:  # what can be read is needed all the same
            aside = f"a copy of it could not be kept: {error.strerror}"
        problems.append(
            f"{len(found.damaged)} lines are damaged and are left out (line {lines}); "
            f"{aside}; alert-states tells what others know"
        )
    return of(found.entries), problems
