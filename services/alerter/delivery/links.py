"""Addresses that lead from a notification to what it is about."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Links:
    """Where people who are told find the alerter and the runbook.

    Attributes:
        alerter: address of the alerter as people reach it; empty: no links to it.
        runbook: address below which the pages of the runbook are; empty: pages are named only.
    """

    alerter: str = ""
    runbook: str = ""

    def runbook_of(self, named: str) -> str:
        """Address of ``<page>#<anchor>``; a URL stays, and so does anything without an address."""
        if not named or "://" in named or not self.runbook:
            return named
        page, sharp, anchor = named.partition("#")
        return f"{self.runbook.rstrip('/')}/{page}.md{sharp}{anchor}"
