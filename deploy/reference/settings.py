"""The page of settings and ``.env.example``, read from the settings classes."""

from __future__ import annotations

import enum
import types
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from deploy.reference import markdown
from shared.runtime.settings import DATA_DIR_VARIABLE, DEFAULT_DATA_DIR
from shared.sources.project import DEFAULT_PROJECT, PROJECT_VARIABLE

SETTINGS: tuple[tuple[str, str], ...] = (
    ("Every process", "shared.runtime.settings:Settings"),
    ("ingest", "services.ingest.config:IngestSettings"),
    ("ingest", "services.ingest.source_settings:SourceSettings"),
    ("stream_writer", "services.stream_writer.config:StreamWriterSettings"),
    ("transformer", "services.transformer.config:TransformerSettings"),
    ("maintainer", "shared.lake.maintenance.settings:MaintenanceSettings"),
    ("maintainer", "services.maintainer.config:MaintainerSettings"),
    ("alerter", "services.alerter.delivery.settings:DeliverySettings"),
    ("alerter", "services.alerter.probes.settings:ProbeSettings"),
    ("alerter", "services.alerter.signals.settings:SignalSettings"),
    ("alerter", "services.alerter.config:AlerterSettings"),
    ("The embedded platform", "deploy.embedded.ports:PortSettings"),
)
"""Who reads them, and the class, named as text: nothing in ``deploy`` imports a service."""

_INTRODUCTION = (
    "Settings are read once, when a process starts: from the environment, then from "
    "`bergline.env` in the data directory, which the embedded platform writes. A wrong value stops "
    "the process with a message that names the variable. Secrets are never printed."
)


@dataclass(frozen=True, slots=True)
class Setting:
    """One environment variable as it is documented."""

    variable: str
    kind: str
    default: str
    description: str
    secret: bool = False


BESIDE: tuple[tuple[str, Setting], ...] = (
    (
        "Every process",
        Setting(DATA_DIR_VARIABLE, "path", str(DEFAULT_DATA_DIR), "the data directory"),
    ),
    (
        "Every process",
        Setting(
            PROJECT_VARIABLE,
            "path",
            str(DEFAULT_PROJECT),
            "your own sources are in `sources` of it; set and empty: there are none",
        ),
    ),
    (
        "The command line",
        Setting("BERGLINE_OUTPUT", "text or json", "text", "what `--output` is when not given"),
    ),
    (
        "The command line",
        Setting("BERGLINE_DEBUG", "text", "", "set to show the trace of an unexpected error"),
    ),
)
"""Variables that no settings class can hold: they tell where its file is, or precede it."""


def resolve(name: str) -> type[BaseSettings]:
    """The settings class of an entry of :data:`SETTINGS`.

    Raises:
        TypeError: the name is not that of a settings class.
    """
    found = resolve_name(name)
    if not (isinstance(found, type) and issubclass(found, BaseSettings)):
        raise TypeError(f"{name} is not a settings class")
    return found


def variable(settings: type[BaseSettings], field: str) -> str:
    """Environment variable of a field."""
    return f"{settings.model_config.get('env_prefix', '')}{field}".upper()


def own_fields(settings: type[BaseSettings]) -> dict[str, FieldInfo]:
    """Fields that the class declares itself."""
    inherited = {
        name for base in settings.__mro__[1:] for name in getattr(base, "__annotations__", ())
    }
    return {name: info for name, info in settings.model_fields.items() if name not in inherited}


def declared(settings: type[BaseSettings]) -> Iterator[Setting]:
    """The settings that the class declares itself.

    Raises:
        ValueError: a field has no description, or a name of its own beside the prefix.
    """
    for name, info in own_fields(settings).items():
        where = f"{settings.__name__}.{name}"
        if not info.description:
            raise ValueError(f"{where} has no description")
        if info.validation_alias is not None:
            raise ValueError(f"{where} has an alias: its variable would not follow the prefix")
        secret = _holds_secret(info.annotation)
        yield Setting(
            variable=variable(settings, name),
            kind=_kind(info.annotation),
            default="" if secret else _default(info),
            description=info.description,
            secret=secret,
        )


def page() -> str:
    """``deploy/reference/settings.md``."""
    sections = []
    for title, settings in documented().items():
        rows = [
            (
                markdown.code(setting.variable),
                setting.kind,
                _shown_default(setting),
                setting.description,
            )
            for setting in settings
        ]
        table = markdown.table(("variable", "type", "default", "meaning"), rows)
        sections.append(f"## {title}\n\n{table}")
    return markdown.page("Settings", "the settings classes", _INTRODUCTION, sections)


def env_example() -> str:
    """``.env.example``: every variable with its default, commented out."""
    lines = [
        "# Generated by `bergline documents` from the settings classes.",
        "# Each line shows a default; secrets have none. Uncomment what differs, then, in a shell:",
        "#   set -a; . ./.env; set +a",
    ]
    for title, settings in documented().items():
        lines += ["", f"# --- {title} ---"]
        for setting in settings:
            lines.append(f"# {setting.description} ({setting.kind})")
            lines.append(f"# {setting.variable}={setting.default}")
    return "\n".join(lines) + "\n"


def documented() -> dict[str, list[Setting]]:
    """Settings by who reads them; a variable of an earlier group is not repeated."""
    found = [(title, setting) for title, setting in BESIDE]
    found += [(title, setting) for title, name in SETTINGS for setting in declared(resolve(name))]
    titles = dict.fromkeys([title for title, _ in SETTINGS] + [title for title, _ in BESIDE])
    groups: dict[str, list[Setting]] = {title: [] for title in titles}
    seen: set[str] = set()
    for title, setting in found:
        if setting.variable not in seen:
            groups[title].append(setting)
            seen.add(setting.variable)
    return groups


def _shown_default(setting: Setting) -> str:
    if setting.secret:
        return "secret, unset"
    return markdown.code(setting.default) or "empty"


def _default(info: FieldInfo) -> str:
    value: Any = info.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, tuple | list | set | frozenset):
        return ",".join(str(item) for item in value)
    return str(value)


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(_holds_secret(part) for part in get_args(annotation))


def _kind(annotation: Any) -> str:
    """A field's type in words.

    Raises:
        ValueError: the type has no word yet.
    """
    words = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        Path: "path",
        SecretStr: "secret",
    }
    if annotation in words:
        return words[annotation]
    origin, parts = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return " or ".join(str(part) for part in parts)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(part) for part in parts if part is not type(None))
    if origin in (tuple, list, set, frozenset):
        return f"list of {_kind(parts[0])}"
    raise ValueError(f"settings of type {annotation} are not documented yet")
