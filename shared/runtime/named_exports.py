"""Name an export to ingest as an operator does: where it may be read from, with the token."""

from __future__ import annotations

import json
import os
import shutil
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from pydantic import Field, SecretStr

from shared.runtime.errors import BerglineError, ConfigurationError, NotFound, Refused, Unavailable
from shared.runtime.export_places import NotAllowed, Place, Places
from shared.runtime.settings import Settings

ANSWER_SECONDS = 15.0


class ExportSettings(Settings):
    """The shared settings, and what whoever names an export of Google Analytics 4 must know."""

    ingest_port: int = Field(default=8090, description="port of ingest")
    ingest_ga4_secrets: SecretStr = Field(
        default=SecretStr(""), description="tokens of exports, separated by commas"
    )

    @property
    def token(self) -> str:
        """The first active token.

        Raises:
            ConfigurationError: there is none.
        """
        tokens = self.ingest_ga4_secrets.get_secret_value().split(",")
        token = next((each.strip() for each in tokens if each.strip()), None)
        if token is None:
            raise ConfigurationError(
                "no token of exports is known",
                "set BERGLINE_INGEST_GA4_SECRETS as ingest has it",
            )
        return token


@dataclass(frozen=True, slots=True)
class Named:
    """A file that ingest has announced.

    Attributes:
        uri: where it is.
        copied: whether it was copied there.
        event_id, delivery_id: as ingest answered.
    """

    uri: str
    copied: bool
    event_id: str
    delivery_id: str


def name_export(settings: ExportSettings, path: str, file: str) -> Named:
    """Have a file announced; one beside the allowed places is copied beneath the first of them.

    Args:
        settings: where ingest is, and what may be read.
        path: ingest's route.
        file: a path, or a URI.

    Raises:
        NotFound: there is no such file.
        Refused: ingest does not take it.
        Unavailable: ingest or the broker does not answer.
        ConfigurationError: no token is known, or no directory is allowed.
    """
    place, copied = _placed(settings.export_places, file)
    answer = _posted(
        f"http://{settings.bind}:{settings.ingest_port}{path}", settings.token, place.uri
    )
    return Named(place.uri, copied, answer["event_id"], answer["delivery_id"])


def _placed(places: Places, file: str) -> tuple[Place, bool]:
    if "://" in file:
        try:
            return places.place(file), False
        except NotAllowed as error:
            raise Refused(
                f"{file}: {error}", "name a place beneath one of BERGLINE_EXPORT_PREFIXES"
            ) from None
    path = Path(file).absolute()
    if not path.is_file():
        raise NotFound(f"there is no file {path}", "name a Parquet file")
    for spelled in (path, path.resolve()):
        try:
            return places.place(f"file://{spelled}"), False
        except NotAllowed:
            continue
    return _copied(places, path), True


def _copied(places: Places, path: Path) -> Place:
    """The file beneath the first allowed directory, whole or not at all, under a name of its own.

    The same version of a file has the same name, so naming it twice copies it once.
    """
    directory = next((each for each in places.prefixes if each.scheme == "file"), None)
    if directory is None:
        raise ConfigurationError(
            f"{path} is beneath no allowed prefix, and none of these is a directory",
            "put it where BERGLINE_EXPORT_PREFIXES says, then name its URI",
        )
    told = path.stat()
    stem = "".join(sign if sign.isalnum() or sign in "-_" else "_" for sign in path.stem)[:100]
    name = f"{stem.lstrip('_') or 'export'}-{told.st_size}-{told.st_mtime_ns}.parquet"
    target = Path(directory.directory) / name
    try:
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            draft = target.with_name(f".{name}.{os.getpid()}")
            shutil.copy2(path, draft)
            draft.replace(target)
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be copied to {target}: {error.strerror or error}",
            "make room there, or put it beneath one of BERGLINE_EXPORT_PREFIXES yourself",
        ) from error
    return places.place(f"file://{target}")


def _posted(url: str, token: str, uri: str) -> dict[str, str]:
    request = urllib.request.Request(  # noqa: S310 - the address is ours
        url,
        data=json.dumps({"uri": uri}).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:  # noqa: S310
            answer: dict[str, str] = json.loads(response.read())
            return answer
    except urllib.error.HTTPError as error:
        raise _refused(error, uri) from None
    except (OSError, ValueError) as error:
        raise Unavailable(
            f"ingest at {url} does not answer: {error}", "check that it runs: `bergline status`"
        ) from error


def _refused(error: urllib.error.HTTPError, uri: str) -> BerglineError:
    try:
        detail = json.loads(error.read())["detail"]
    except (OSError, ValueError, KeyError, TypeError):
        detail = error.reason
    kind = Unavailable if error.code == 503 else Refused
    return kind(f"ingest answers {error.code} to {uri}: {detail}", "see the log of ingest")
