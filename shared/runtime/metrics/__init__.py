"""The metric catalogue: every metric that any process exposes is declared here, once.

Services take their instruments from :class:`Instruments`; the metrics page, dashboards and what
rules may ask for follow from :data:`METRICS`. A test fails for a name that is used and not
declared, and for one that is declared and not measured.
"""

from shared.runtime.metrics.catalogue import METRICS, SIGNALS
from shared.runtime.metrics.instruments import Instruments, observe_all
from shared.runtime.metrics.metric import Kind, Metric

__all__ = ["METRICS", "SIGNALS", "Instruments", "Kind", "Metric", "observe_all"]
