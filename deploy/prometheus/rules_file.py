"""The built-in rules as a file of Prometheus."""

from __future__ import annotations

from shared.alerting.promql import prometheus_rules
from shared.alerting.reading import built_in, read
from shared.runtime.metrics import SIGNALS

HEADER = """\
# Written by `bergline documents` from the rules in shared/alerting/builtin: change those.
#
# They run on a scrape of alerter alone. Two things are alerter's own: a rule whose signals are not
# known is left as it stands, and an event of the platform is judged at once.
"""


def document() -> str:
    """``deploy/prometheus/rules/bergline.rules.yml``."""
    return HEADER + prometheus_rules(read(built_in(), known=SIGNALS))
