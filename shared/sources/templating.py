"""A new source of a project, written from a template: it works as it is, with its test."""

from __future__ import annotations

import base64
import hmac
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path
from string import Template

from shared.contracts.errors import ConfigurationError
from shared.sources.consistency import LONGEST_NAME, NAME, RESERVED
from shared.sources.project import DECLARATION

_EVENT_ID = "msg_example"
_TIMESTAMP = "1767323045"
_BODY = ('{"type":"thing.made","timestamp":"2026-01-02T03:04:05Z",', '"data":{"id":"42"}}')
_KEY = b"an invented secret, not secret"


def write_source(project: Path, name: str, title: str) -> list[Path]:
    """Write ``sources/<name>`` of a project, whole or not at all; the files written.

    Raises:
        ConfigurationError: the name or title cannot be one, or the source is there already.
    """
    if not NAME.fullmatch(name) or len(name) > LONGEST_NAME or name in RESERVED:
        raise ConfigurationError(
            f"{name!r} cannot be a source's name",
            f"take up to {LONGEST_NAME} lower-case letters, digits and single underscores, a "
            f"letter first, and none of {', '.join(sorted(RESERVED))}",
        )
    if not title.isprintable() or any(sign in title for sign in '"\\$'):
        raise ConfigurationError(
            f"{title!r} cannot be a source's title", "leave quotes, backslashes and dollars out"
        )
    sources = project / "sources"
    target = sources / name
    if target.exists():
        raise ConfigurationError(
            f"{target} exists already", "take another name, or change what is there"
        )
    made = {
        DECLARATION: _filled("source.py.txt", name, title),
        f"test_{name}.py": _filled("test_source.py.txt", name, title),
    }
    sources.mkdir(parents=True, exist_ok=True)
    # Beside its place, under a name that is not looked at, then put there at once.
    draft = Path(tempfile.mkdtemp(prefix=".new-", dir=sources))
    try:
        for file, text in made.items():
            (draft / file).write_text(text, encoding="utf-8")
        draft.chmod(0o755)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return [target / file for file in made]


def _filled(template: str, name: str, title: str) -> str:
    text = (files("shared.sources") / "templates" / template).read_text(encoding="utf-8")
    signed = f"{_EVENT_ID}.{_TIMESTAMP}.{''.join(_BODY)}".encode()
    digest = hmac.digest(_KEY, signed, "sha256")
    return Template(text).substitute(
        name=name,
        title=title,
        event_id=_EVENT_ID,
        timestamp=_TIMESTAMP,
        body_start=_BODY[0],
        body_end=_BODY[1],
        secret=f"whsec_{base64.b64encode(_KEY).decode()}",
        signature=f"v1,{base64.b64encode(digest).decode()}",
    )
