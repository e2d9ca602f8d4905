"""One table that cannot be compared holds up no other; an absent catalog is nobody's fault."""

from __future__ import annotations

from datetime import date

import pytest

from services.transformer.reconciling import survey
from shared.runtime.errors import BerglineError, ConfigurationError, NotFound, Refused, Unavailable

DAY = date(2026, 11, 26)


def raising(monkeypatch: pytest.MonkeyPatch, error: BerglineError) -> None:
    def looked(*_: object) -> survey.Looked:
        raise error

    monkeypatch.setattr(survey, "_looked", looked)


@pytest.mark.parametrize("kind", [ConfigurationError, NotFound, Refused])
def test_what_is_wrong_with_a_table_is_told_of_it(
    monkeypatch: pytest.MonkeyPatch, kind: type[BerglineError]
) -> None:
    raising(monkeypatch, kind("no token key is in use", "set one"))
    found = survey._looked_if_possible("staging.stg_shopify_orders", None, DAY)
    assert (found.build.mode, found.state) == ("nothing", None)
    assert found.build.reason == "it cannot be compared: no token key is in use"


def test_a_catalog_that_is_away_is_an_error_of_the_whole_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raising(monkeypatch, Unavailable("the catalog does not answer"))
    with pytest.raises(Unavailable):
        survey._looked_if_possible("staging.stg_shopify_orders", None, DAY)
