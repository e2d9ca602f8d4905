"""The catalogue follows Prometheus' naming rules and survives its own exposition.

Source: Prometheus documentation, "Metric and label naming" and "Instrumentation".
"""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.runtime.metrics import METRICS, Instruments, Metric, observe_all

EVERY_METRIC = pytest.mark.parametrize("metric", METRICS.values(), ids=lambda metric: metric.name)
SERVICES = sorted({producer for metric in METRICS.values() for producer in metric.producers})

BASE_UNITS = {"seconds", "bytes", "ratio"}
SCALED_UNITS = re.compile(r"(_|^)(ms|milliseconds|minutes|hours|kb|mb|kilobytes|percent)(_|$)")
UNBOUNDED = {"id", "event_id", "delivery_id", "trace_id", "snapshot_id", "offset", "path", "url"}
"""Labels that would make one time series for each event."""

KNOWN = re.compile(
    r"iceberg_table_(row|file|snapshot)_count|iceberg_pipeline_[a-z_]+|maintenance_job_[a-z_]+"
    r"|entity_resolution_[a-z_]+"
)
"""Names that dashboards and alert rules out there know, whatever one would call them today."""


@EVERY_METRIC
def test_names_are_snake_case_with_a_prefix_of_their_domain(metric: Metric) -> None:
    prefixed = re.fullmatch(r"(lakehouse|http)(_[a-z0-9]+)+", metric.name)
    assert prefixed or KNOWN.fullmatch(metric.name)
    assert KNOWN.fullmatch(metric.name) or not SCALED_UNITS.search(metric.name), "base units only"


@EVERY_METRIC
def test_counters_and_only_counters_end_in_total(metric: Metric) -> None:
    assert metric.name.endswith("_total") == (metric.kind == "counter")


@EVERY_METRIC
def test_histograms_name_their_unit_and_have_rising_buckets(metric: Metric) -> None:
    if metric.kind == "histogram":
        assert metric.name.rpartition("_")[2] in BASE_UNITS
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert metric.buckets[0] > 0


@EVERY_METRIC
def test_names_do_not_repeat_what_the_exposition_adds(metric: Metric) -> None:
    if not KNOWN.fullmatch(metric.name):
        assert not re.search(r"_(bucket|count|sum|created|info)$", metric.name)
    assert not re.search(r"(counter|gauge|histogram)", metric.name)


@EVERY_METRIC
def test_labels_are_legal_and_bounded(metric: Metric) -> None:
    assert len(set(metric.labels)) == len(metric.labels)
    for label in metric.labels:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", label)
        assert label not in {"le", "quantile", "job", "instance"} | UNBOUNDED


@EVERY_METRIC
def test_help_is_a_sentence(metric: Metric) -> None:
    assert metric.help.endswith(".")
    assert metric.help[0].isupper() or metric.help[0].isdigit()


def test_names_are_declared_once() -> None:
    families = [name.removesuffix("_total") for name in METRICS]
    assert len(families) == len(set(families))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_exposes_exactly_what_it_declares(service: str) -> None:
    instruments = Instruments(service)
    declared = [
        metric for metric in METRICS.values() if service in metric.producers and not metric.signal
    ]
    for metric in declared:
        take = getattr(instruments, metric.kind)
        instrument = take(metric.name)
        if metric.labels:
            instrument.labels(*["a" for _ in metric.labels])
    exposed = {
        family.name: (family.type, {label for sample in family.samples for label in sample.labels})
        for family in text_string_to_metric_families(instruments.exposition().decode())
        if not family.name.startswith("process_") and not family.name.endswith("_created")
    }
    assert exposed == {
        metric.name.removesuffix("_total"): (
            metric.kind,
            {*metric.labels, *(["le"] if metric.kind == "histogram" else [])},
        )
        for metric in declared
    }


def test_a_service_cannot_take_what_another_declares() -> None:
    with pytest.raises(KeyError):
        Instruments("ingest").histogram("lakehouse_commit_duration_seconds")


def test_many_observations_at_once_equal_one_by_one() -> None:
    seconds = [0.0, 0.1, 0.10001, 0.7, 1.0, 299.0, 300.0, 301.0, 1e6]
    expositions = []
    for at_once in (True, False):
        instruments = Instruments("stream_writer")
        child = instruments.histogram("lakehouse_table_freshness_seconds").labels("raw.orders")
        if at_once:
            observe_all(child, lambda bound: sum(s <= bound for s in seconds), sum(seconds))
        else:
            for each in seconds:
                child.observe(each)
        lines = instruments.exposition().decode().splitlines()
        expositions.append([line for line in lines if "freshness" in line])
    assert expositions[0] == expositions[1]
