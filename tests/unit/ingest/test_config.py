"""Settings: read from the environment, secrets never shown, blanks never a secret."""

from pathlib import Path

import pytest

from services.ingest.config import IngestSettings
from services.ingest.source_settings import secrets_variable
from shared.runtime.errors import ConfigurationError
from shared.sources.registry import SOURCES


@pytest.fixture(autouse=True)
def _no_connection_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        ("one", ("one",)),
        (" old , new ", ("old", "new")),
        ("", ()),
        (" , ,", ()),
    ],
)
def test_secrets_are_separated_by_commas(
    text: str, secrets: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_SHOPIFY_SECRETS", text)
    assert IngestSettings.load().secrets("shopify") == secrets


def test_secrets_are_not_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_STRIPE_SECRETS", "whsec_hidden")
    settings = IngestSettings.load()
    assert "whsec_hidden" not in repr(settings)
    assert "whsec_hidden" not in settings.model_dump_json()


def test_signatures_are_checked_unless_told_otherwise() -> None:
    assert IngestSettings.load().ingest_skip_signature_validation is False


def test_every_source_has_its_settings() -> None:
    settings = IngestSettings.load()
    for source in SOURCES:
        assert settings.enabled(source)
        assert settings.secrets(source) == ()
        assert secrets_variable(source).removeprefix("BERGLINE_").lower() in (
            IngestSettings.model_fields
        )


def test_a_wrong_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_BODY_LIMIT_BYTES", "lots")
    with pytest.raises(ConfigurationError, match="BERGLINE_INGEST_BODY_LIMIT_BYTES"):
        IngestSettings.load()


def test_read_and_acknowledgement_together_stay_below_the_vendors_five_seconds() -> None:
    settings = IngestSettings.load()
    assert settings.ingest_body_timeout_s + settings.ingest_ack_timeout_s < 5


def test_a_sources_rates_are_those_of_all_unless_it_has_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_RATE_LIMIT_PER_S", "5")
    monkeypatch.setenv("BERGLINE_INGEST_STRIPE_RATE_LIMIT_PER_S", "0")
    monkeypatch.setenv("BERGLINE_INGEST_STRIPE_BYTE_LIMIT_PER_S", "7")
    monkeypatch.setenv("BERGLINE_INGEST_HUBSPOT_RATE_LIMIT_PER_S", "")
    settings = IngestSettings.load()
    assert settings.rates("shopify") == (5, 0)
    assert settings.rates("stripe") == (0, 7)
    assert settings.rates("hubspot") == (5, 0)


def test_events_of_an_array_are_the_vendors_unless_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert IngestSettings.load().shape("hubspot", 100).events == 100
    monkeypatch.setenv("BERGLINE_INGEST_HUBSPOT_EVENTS_LIMIT", "3")
    assert IngestSettings.load().shape("hubspot", 100).events == 3
