"""``python -m deploy.reference [--check]``: write, or check, every generated file."""

from __future__ import annotations

import argparse
import os
import sys

from shared.runtime.errors import BerglineError
from shared.sources.project import PROJECT_VARIABLE


def main() -> int:
    """Exit code: 0, or that of the error."""
    # What is generated is about the platform; whose project lies beside it is no matter.
    os.environ[PROJECT_VARIABLE] = ""
    from deploy.reference.generate import ROOT, check, write

    parser = argparse.ArgumentParser(prog="python -m deploy.reference", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when stale")
    arguments = parser.parse_args()
    try:
        if arguments.check:
            check(ROOT)
        else:
            for path in write(ROOT):
                sys.stdout.write(f"{path.relative_to(ROOT)}\n")
    except BerglineError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
