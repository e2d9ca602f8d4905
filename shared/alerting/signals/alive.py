"""A sign of life."""

from __future__ import annotations

from collections.abc import Mapping

from shared.alerting.series import Vector, labels

ALIVE = "lakehouse_alerter_alive"


class Alive:
    """1, always (:class:`shared.alerting.series.SignalSource`)."""

    names = frozenset({ALIVE})

    def known(self, now: float) -> bool:  # noqa: ARG002 - as sources are asked
        """Always."""
        return True

    def vectors(self, now: float) -> Mapping[str, Vector]:  # noqa: ARG002 - as sources are asked
        """1."""
        return {ALIVE: {labels(): 1.0}}
