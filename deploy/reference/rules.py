"""The table of rules on the runbook's page of alerts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from deploy.reference import markdown
from shared.alerting.in_words import in_words, span
from shared.alerting.reading import built_in, read
from shared.alerting.rule import Rule
from shared.contracts.alerts import Severity
from shared.runtime.metrics import SIGNALS

_PAGE = Path(__file__).resolve().parents[2] / "deploy" / "runbook" / "alerts.md"
_BETWEEN = re.compile(r"(?<=<!-- rules: generated -->\n).*?(?=<!-- rules: end -->)", re.DOTALL)

_SEVERITIES = get_args(Severity)


def runbook() -> str:
    """``deploy/runbook/alerts.md``, with its table of rules as they are now.

    Raises:
        ValueError: it has no place for the table.
    """
    text, count = _BETWEEN.subn(lambda _: f"{_table()}\n", _PAGE.read_text(encoding="utf-8"))
    if count != 1:
        raise ValueError("alerts.md needs one <!-- rules: generated --> … <!-- rules: end -->")
    return text


def _table() -> str:
    rules = read(built_in(), known=SIGNALS).values()
    return markdown.table(
        ("rule", "severity", "team", "holds when", "for"),
        [
            (
                f"[{rule.name}](#{rule.runbook.partition('#')[2]})",
                rule.severity,
                rule.team,
                in_words(rule.condition),
                _for(rule),
            )
            for rule in sorted(rules, key=lambda rule: _SEVERITIES.index(rule.severity))
        ],
    )


def _for(rule: Rule) -> str:
    stays = f", stays {span(rule.keep_firing_for_s)}" if rule.keep_firing_for_s else ""
    return (span(rule.for_s) if rule.for_s else "at once") + stays
