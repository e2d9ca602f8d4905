"""Signals on ``/metrics``: all that are declared, as they are now, and none of what is gone."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from services.alerter.signals.exposition import SignalExposition
from services.alerter.signals.settings import SignalSettings
from services.alerter.signals.signals import Signals
from shared.alerting.series import SignalSource, Vector
from shared.alerting.signals.every import Sources, following
from shared.runtime.metrics import SIGNALS, Instruments
from tests.unit.alerting.signals.histories import NOON, RAW, STAGED, TABLES, TOPIC, built, landed

Sample = tuple[str, frozenset[tuple[str, str]]]


def exposed(*sources: SignalSource) -> dict[Sample, float]:
    instruments = Instruments("alerter")
    instruments.registry.register(SignalExposition(sources, lambda: NOON))
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(instruments.exposition().decode())
        for sample in family.samples
        if family.name in SIGNALS or f"{family.name}_total" in SIGNALS
    }


def followed() -> Sources:
    found = following(TABLES, [TOPIC])
    for topic in {each for source in found.all for each in source.reads}:
        found.caught_up(topic)
    return found


def test_every_declared_signal_is_given_by_one_source_and_no_other(tmp_path: Path) -> None:
    found = Signals(SignalSettings(), lambda _, __: None, tmp_path / "learned.json")
    given = [name for source in found.sources for name in source.names]
    assert sorted(given) == sorted(SIGNALS)


def test_series_have_the_values_and_labels_of_the_sources() -> None:
    found = followed()
    found.event("lakehouse.commits", landed(3, errors=2))
    seen = exposed(*found.all)
    of_table = frozenset({("layer", "raw"), ("table", RAW)})
    assert seen["iceberg_table_row_count", of_table] == 15
    assert seen["lakehouse_rows_bad_total", frozenset({("table", RAW)})] == 2
    assert seen["lakehouse_dead_letters_seen_total", frozenset({("topic", TOPIC)})] == 0


def test_a_dropped_table_has_no_series_any_more() -> None:
    found = followed()
    found.event("lakehouse.commits", landed(3))
    found.event("lakehouse.commits", built(STAGED, 1, 3))
    assert any(("table", STAGED) in labels for _, labels in exposed(*found.all))
    found.gone(STAGED)
    told = {pair for _, labels in exposed(*found.all) for pair in labels}
    assert {("table", STAGED), ("target", STAGED), ("reader", STAGED)}.isdisjoint(told)
    assert ("table", RAW) in told


def test_a_source_that_does_not_know_has_no_series_and_one_that_fails_hides_no_other() -> None:
    class Faulty:
        names = frozenset({"lakehouse_alerter_alive"})

        def known(self, now: float) -> bool:
            return now > 0

        def vectors(self, now: float) -> Mapping[str, Vector]:
            raise OSError(f"no answer at {now}")

    unknown = following(TABLES, [TOPIC])
    assert exposed(*unknown.all) == {}
    assert exposed(Faulty(), *followed().all).keys() == exposed(*followed().all).keys() != set()


def test_what_was_learned_is_kept_and_what_cannot_be_read_is_learned_anew(tmp_path: Path) -> None:
    file = tmp_path / "learned.json"
    file.write_text("{torn")
    found = Signals(SignalSettings(), lambda _, __: None, file)
    silence = found._followed.silence
    for topic in silence.reads:
        silence.caught_up(topic)
    silence.event(landed(1).model_copy(update={"table": "raw.shopify_orders"}))
    found._write()
    again = Signals(SignalSettings(), lambda _, __: None, file)
    assert again._followed.silence.remembered() == silence.remembered() != {}
