"""Which metrics a PromQL expression of a dashboard asks for."""

from __future__ import annotations

import re

from shared.runtime.metrics import METRICS

_METRIC = re.compile(r"\b(?:lakehouse|http|iceberg|maintenance|entity|process)_[a-z0-9_]+|\bup\b")


def names_in(expression: str) -> set[str]:
    """Metrics of an expression; text in quotes and labels in parentheses are none."""
    bare = re.sub(r'"[^"]*"', "", re.sub(r"\bby \([^)]*\)", "", expression))
    bare = re.sub(r"\{[^}]*\}", "", bare)
    return {
        re.sub(r"_(bucket|count|sum)$", "", name) if name not in METRICS else name
        for name in _METRIC.findall(bare)
    }
