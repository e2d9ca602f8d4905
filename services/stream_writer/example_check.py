"""``python -m services.stream_writer.example_check``: does each value land in its column?

Reads a JSON array of records, ``{"topic", "value"}`` (base64), from standard input, and prints
what is wrong with each, or null. ``bergline check`` asks it.
"""

from __future__ import annotations

import base64
import json
import sys

from services.stream_writer.parsing.reference import read
from shared.runtime.errors import BerglineError
from shared.tables.spec import TableSpec


def wrong_with(spec: TableSpec, value: bytes) -> str | None:
    """Why a value does not land whole; ``None`` when it does."""
    reading = read(spec.payload_columns, value)
    if reading.reason is not None:
        return f"{reading.reason}: {reading.detail}"
    if reading.drift:
        return f"the values of {', '.join(reading.drift)} do not fit the columns of {spec.name}"
    if not reading.values:
        return f"no column of {spec.name} finds a value in it: are their paths right?"
    return None


def main() -> int:
    """Look at the records that come in, one answer each."""
    try:
        from shared.tables.registry import table_of_topic
    except BerglineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    given = json.load(sys.stdin)
    found = [
        wrong_with(table_of_topic(each["topic"]), base64.b64decode(each["value"])) for each in given
    ]
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
