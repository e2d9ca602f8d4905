"""Record values that may arrive for a landing table: fitting, nearly fitting, alien, hostile.

A value is written from a seed that Hypothesis draws: dense (some twenty members a record) and
cheap, while Hypothesis still finds the smallest list of records that breaks a property.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from shared.tables.spec import Column, TableSpec, Type
from tests.support.hostile_values import HOSTILE

_T = TypeVar("_T")

_ODD_NUMERALS = """
0 -0 1 -1 1.5 5.0 1e3 1E+3 1e-2 12.30 12.305 12.3000 -0.00 0.1000000000000000055 1e400 1e-400
9223372036854775807 9223372036854775808 -9223372036854775808 -9223372036854775809
2147483647 2147483648 -2147483648 -2147483649
9999999999999999.99 -9999999999999999.99 10000000000000000 9999999999999999.999
1234567890123456.78 0.01 0.001 1e15 1e16 1e22 5e-324 1.7976931348623157e308
253402300799 253402300800 -62135596800 -62135596801 1767323045 1767323045000
1.0000000000000000000000000000000000000000 1e0000000000000002 100e-2 5e-2995 5E-2997
340282366920938463463374607431768223801 0.340282366920938463463374607431768211556
"""
NUMERALS = [*_ODD_NUMERALS.split(), "1" * 40, "9" * 400, "7" * 5000, "0." + "0" * 60]
NO_NUMBERS = ["+1", ".5", "5.", " 1", "1 ", "", "1_0", "NaN", "١", "0x10", "1e", "-", "00012.5"]

_ODD_DATES = """
2026-01-02 2024-02-29 2026-02-29 2026-02-30 0001-01-01 9999-12-31 0000-01-01 1969-12-31 20260102
2026-1-2 2026-13-01 2026-W01-5 12026-01-01 1600-01-01 2026-01-32
"""
DATES = _ODD_DATES.split()
_ODD_TIMES = """
03:04:05 00:00:00 23:59:59 12:30:00 01:02:03 24:00:00 23:59:60 03:04 03 030405 3:04:05 03:60:00
"""
TIMES = _ODD_TIMES.split()
FRACTIONS = ["", "", "", "", ".1", ".123456", ".1234567", ".999999999", ".", ",5"]
_ODD_OFFSETS = """
Z Z Z Z +00:00 -05:00 +02:00 +0530 +05 +23:59 -23:59 +24:00 +05:60 -00:00 z +5:00 −05:00
"""
OFFSETS = [*_ODD_OFFSETS.split(), "", " Z", " +05:00", "Z ", "Z\x00"]

_WORDS = """
paid EUR Köln Straße 東京 🙂 gid://shopify/Order/1 [1] {"a":1} null true false TRUE a"b a\\b
"""
_BLANKS = ["", "a\nb\r\n", "\x00", "\ufeffx", " x ", "\x7f\x80\x9f", "\u2028", "é" * 40]
TEXTS = [*_WORDS.split(), *_BLANKS]

_SPACES = ["", "", "", "", " ", "\n", "\r\n", "\t", " \n  "]


class _Writer:
    """Writes JSON text by chance; the same seed writes the same."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def one_of(self, choices: Sequence[_T]) -> _T:
        return self.random.choice(choices)

    def numeral(self) -> str:
        kind = self.random.random()
        if kind < 0.5:
            return self.one_of(NUMERALS)
        if kind < 0.7:
            return str(self.random.randint(-(10**6), 10**13))
        if kind < 0.8:
            return repr(self.random.uniform(-1e6, 1e6))
        return f"{self.random.randint(-(10**7), 10**7) / 100:.2f}"

    def moment(self) -> str:
        if self.random.random() < 0.5:
            return f"20{self.random.randint(10, 40)}-0{self.random.randint(1, 9)}-15T10:20:30Z"
        separator = self.one_of("TTTTTT t_")
        date, time = self.one_of(DATES), self.one_of(TIMES)
        return date + separator + time + self.one_of(FRACTIONS) + self.one_of(OFFSETS)

    def text(self) -> str:
        kind = self.random.random()
        if kind < 0.5:
            return self.one_of(TEXTS)
        if kind < 0.7:
            points = [self.random.randint(0, 0x10FFFF) for _ in range(self.random.randint(0, 5))]
            return "".join(chr(point) for point in points if not 0xD800 <= point < 0xE000)
        return self.one_of([self.numeral(), self.moment(), self.one_of(NO_NUMBERS)])

    def quoted(self, text: str) -> str:
        """A JSON string: escaped as little as allowed, as is usual, or letter by letter."""
        style = self.random.random()
        if style < 0.3:
            return json.dumps(text)
        if style < 0.4 and text.isascii():
            return '"' + "".join(f"\\u{ord(letter):04X}" for letter in text) + '"'
        plain = json.dumps(text, ensure_ascii=False)
        return plain.replace("/", "\\/") if style < 0.6 else plain

    def any_value(self, depth: int = 0) -> str:
        kind = self.random.random()
        if kind < 0.2:
            return "null"
        if kind < 0.3:
            return self.one_of(["true", "false"])
        if kind < 0.5:
            return self.numeral()
        if kind < 0.7 or depth > 3:
            return self.quoted(self.text())
        items = [self.any_value(depth + 1) for _ in range(self.random.randint(0, 3))]
        if kind < 0.85:
            return f"[{f',{self.one_of(_SPACES)}'.join(items)}]"
        return self.object([(self.one_of(["id", "a", "object", "a\nb", ""]), of) for of in items])

    def object(self, members: Sequence[tuple[str, str]]) -> str:
        space = self.one_of(_SPACES)
        inner = f"{space},{space}".join(
            f"{self.quoted(key)}{space}:{space}{value}" for key, value in members
        )
        return f"{{{space}{inner}{space}}}"

    def fitting(self, column: Column) -> str:
        match column.type:
            case Type.STRING:
                return self.quoted(self.text())
            case Type.BOOLEAN:
                return self.one_of(["true", "false"])
            case Type.INT:
                return str(self.random.randint(-(2**31), 2**31 - 1))
            case Type.LONG:
                return str(self.random.randint(-(2**63), 2**63 - 1))
            case Type.DECIMAL_18_2:
                return f'"{self.random.randint(0, 10**8) / 100:.2f}"'
            case Type.DECIMAL_5_4:
                return f'"{self.random.randint(0, 10**4) / 10**4:.4f}"'
            case Type.BINARY:
                return self.one_of(['"/wBh"', '""', '"\\u0061Gk="'])
            case Type.TIMESTAMP:
                return self.one_of(['"2026-01-02T03:04:05-05:00"', "1767323045", "1767323045123"])
            case _:
                return self.any_value()

    def nearly_fitting(self, column: Column) -> str:
        match column.type:
            case Type.STRING:
                return self.one_of([self.numeral(), "true", "false"])
            case Type.BOOLEAN:
                return self.one_of(['"true"', '"false"', '"TRUE"', "0", "1", '"tru\\u0065"', '""'])
            case Type.TIMESTAMP:
                return self.one_of([self.quoted(self.moment()), self.numeral()])
            case Type.JSON:
                return self.any_value()
            case _:
                written = self.one_of([self.numeral(), self.numeral(), self.one_of(NO_NUMBERS)])
                return self.one_of([self.numeral(), self.quoted(written)])

    def value(self, column: Column, oddity: float) -> str:
        if self.random.random() > oddity:
            return self.fitting(column)
        return self.nearly_fitting(column) if self.random.random() < 0.7 else self.any_value()

    def node(self, node: _Node, oddity: float) -> str:
        if not node.children or self.random.random() < oddity / 3:
            return self.value(node.columns[0], oddity) if node.columns else self.any_value()
        keys = self.random.sample(
            sorted(node.children), self.random.randint(0, min(25, len(node.children)))
        )
        members = [(key, self.node(node.children[key], oddity)) for key in keys]
        while self.random.random() < 0.4:
            key = self.one_of([*node.children, "unknown", ""])
            position = self.random.randint(0, len(members))
            members.insert(position, (key, self.any_value()))
        return self.object(members)


@dataclass
class _Node:
    """What is declared at one path of a payload."""

    columns: list[Column] = field(default_factory=list)
    children: dict[str, _Node] = field(default_factory=dict)


def _tree(columns: Sequence[Column]) -> _Node:
    root = _Node()
    for column in columns:
        node = root
        for key in column.path:
            node = node.children.setdefault(key, _Node())
        node.columns.append(column)
    return root


def _payload(spec: TableSpec) -> Callable[[int], bytes]:
    """Writer of payloads: of a quarter every value fits, of a half about one does not."""
    tree = _tree(spec.payload_columns)

    def write(seed: int) -> bytes:
        writer = _Writer(seed)
        return writer.node(tree, writer.one_of([0.0, 0.04, 0.04, 0.5])).encode()

    return write


def _mutated(value: bytes, seed: int) -> bytes:
    """The value with a few bytes removed, replaced or inserted."""
    random = Random(seed)
    for _ in range(random.randint(1, 2)):
        start = random.randint(0, len(value))
        end = min(len(value), start + random.choice([0, 0, 1, 1, 2, 40]))
        inserted = random.choice(
            [b"", b"", b'"', b"\\", b"\n", b",", b"}", b"]", b"{", b"0", b"\xff", b"\\u", b"\x00"]
        )
        value = value[:start] + inserted + value[end:]
    return value


_SEEDS = st.integers(0, 2**63)


def record_values(spec: TableSpec) -> st.SearchStrategy[bytes | None]:
    """Values of records that may arrive for a table."""
    valid = _SEEDS.map(_payload(spec))
    mutated = st.builds(_mutated, valid, _SEEDS)
    return st.one_of(valid, valid, valid, valid, mutated, st.sampled_from(HOSTILE))
