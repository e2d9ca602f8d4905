"""The strict reading of one record: slow, short, and the truth that the bulk path must equal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from services.stream_writer.parsing.values import Misfit, Plain, plain
from shared.tables.spec import Column

Members = Mapping[str, msgspec.Raw]

_value = msgspec.json.Decoder(msgspec.Raw).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


@dataclass(frozen=True, slots=True)
class Reading:
    """What one record says.

    Attributes:
        values: value of each payload column that is there, by column name.
        drift: names of the columns whose value did not fit, sorted.
        reason: why the record could not be parsed at all (a stable word); ``None`` when it was.
        detail: the same for humans, without any value of the payload.
    """

    values: Mapping[str, Plain] = field(default_factory=dict)
    drift: tuple[str, ...] = ()
    reason: str | None = None
    detail: str = ""


def read(columns: tuple[Column, ...], value: bytes | None) -> Reading:
    """Read one record's value; never raises, whatever the bytes are.

    Of a key that occurs twice the last counts. Numbers keep all their digits.
    """
    if not value:
        return Reading(reason="empty_value", detail="the record has no value")
    try:
        value.decode()
        text = bytes(_value(value))
        if not text.startswith(b"{"):
            return Reading(reason="not_an_object", detail="the root of the value is no JSON object")
        root = _members(text)
    except UnicodeDecodeError as error:
        return Reading(reason="not_utf8", detail=f"byte {error.start} is not UTF-8")
    except msgspec.DecodeError as error:
        return Reading(reason="invalid_json", detail=str(error))
    except RecursionError:
        return Reading(reason="too_deep", detail="the value is nested too deeply")
    values: dict[str, Plain] = {}
    drift: list[str] = []
    objects = _Objects({(): root})
    for column in columns:
        try:
            found = objects.at(column.path[:-1]).get(column.path[-1])
            if found is not None:
                values[column.name] = plain(column, bytes(found))
        except Misfit:
            drift.append(column.name)
    return Reading(values=values, drift=tuple(sorted(drift)))


class _Objects(dict[tuple[str, ...], Members]):
    """Objects of one record by path, each parsed once."""

    def at(self, path: tuple[str, ...]) -> Members:
        """Members of the object at a path; none when it, or what leads to it, is null or missing.

        Raises:
            Misfit: what stands on the path is something other than an object.
        """
        if path not in self:
            text = bytes(self.at(path[:-1]).get(path[-1], b"null"))
            if text == b"null":
                self[path] = {}
            elif text.startswith(b"{"):
                self[path] = _members(text)
            else:
                raise Misfit
        return self[path]
