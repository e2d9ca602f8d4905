"""Rules for tests, as YAML says them, and a source of signals that says what a test wants."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import indent

from shared.alerting.reading import read
from shared.alerting.rule import Rule, Rules
from shared.alerting.series import Vector, labels
from shared.runtime.metrics import SIGNALS

LAG = "lakehouse_consumer_lag_records"
FILES = "iceberg_table_file_count"
UP = "lakehouse_probe_up"

LAGGING = """
alert: Lagging
when: {signal: lakehouse_consumer_lag_records, above: 100}
severity: warning
team: data-engineering
summary: "{group} is {value} behind on {topic}"
description: "it is"
runbook: alerts#consumer-lag
"""
MANY_FILES = """
alert: TooManyFiles
when: {signal: iceberg_table_file_count, above: 10}
for: 1m
severity: info
team: data-engineering
summary: "{table} has {value} files"
description: "it has"
runbook: alerts#compaction
"""
DOWN = """
alert: Unreachable
when: {signal: lakehouse_probe_up, equals: 0}
severity: critical
team: platform
summary: "{target} does not answer"
description: "it does not"
runbook: alerts#catalog-down
"""


def rules_file(*rules: str, interval: str = "30s") -> str:
    """A file with one group of these rules."""
    listed = ["- " + indent(rule.strip(), "  ").strip() for rule in rules]
    return (
        f"groups:\n  - name: test\n    interval: {interval}\n    rules:\n"
        + indent("\n".join(listed), "      ")
        + "\n"
    )


def rules(*texts: str) -> Rules:
    """These rules."""
    return read({"rules/test.yaml": rules_file(*texts)}, known=SIGNALS)


def rule(text: str) -> Rule:
    """One rule."""
    [found] = rules(text).values()
    return found


def lag(records: float, group: str = "stream_writer", topic: str = "stripe.charges") -> Vector:
    """A vector of one series."""
    return {labels(group=group, topic=topic): records}


class Said:
    """A source of the signals that a test sets; one that is ``None`` is not known."""

    def __init__(self, **vectors: Vector | None) -> None:
        self.vector: dict[str, Vector | None] = dict(vectors)
        self.error: Exception | None = None

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.vector)

    def known(self, now: float) -> bool:
        if self.error is not None:
            raise self.error
        return all(each is not None for each in self.vector.values())

    def vectors(self, now: float) -> Mapping[str, Vector]:
        return {name: each for name, each in self.vector.items() if each is not None}
