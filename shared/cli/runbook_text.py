"""What the runbook says of an alert, where the pages are at hand."""

from __future__ import annotations

import re
from pathlib import Path


def section(runbook: str) -> tuple[Path | None, str]:
    """The page of ``<page>#<anchor>`` and the text of its section, without its heading.

    ``(None, "")`` for an address elsewhere, or where the pages were not installed.
    """
    import deploy

    page, _, anchor = runbook.partition("#")
    path = Path(next(iter(deploy.__path__))) / "runbook" / f"{page}.md"
    if not re.fullmatch(r"[\w-]+", page) or not path.is_file():
        return None, ""
    heading = re.compile(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", re.DOTALL | re.MULTILINE)
    for title, body in heading.findall(path.read_text(encoding="utf-8")):
        if title.strip().lower().replace(" ", "-") == anchor:
            return path, body.strip()
    return path, ""
