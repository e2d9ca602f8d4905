"""What a build is told to keep of its table's history."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.transformer.dispatching.following import Following
from services.transformer.reconciling.survey import Looked
from shared.contracts.plans import PlannedBuild
from shared.contracts.tables import SourcePosition
from shared.runtime.settings import Settings
from shared.runtime.table_states import TableStates
from tests.unit.runtime.test_open_waves import commit


class Nothing:
    """Takes every call."""

    def __getattr__(self, _: str) -> Any:
        return lambda *_: None


def record(event: Any) -> Any:
    key, value, _ = event.encode()
    return SimpleNamespace(key=key, value=value, offset=0)


@pytest.mark.asyncio
async def test_nothing_is_thinned_before_it_is_known_what_readers_have_recorded() -> None:
    states, nothing = TableStates(Settings()), cast("Any", Nothing())
    following = Following(nothing, nothing, nothing, nothing, states)
    assert following.history("x.orders") == (None, ())
    state: Any = SimpleNamespace(table_uuid="u")
    build = PlannedBuild(target="x.orders", mode="nothing")
    following.looked({"x.orders": Looked(build, None, ticked=False, state=state, behind=0)})

    states._on_record(record(commit("x.orders", 7)))
    assert following.history("x.orders") == (None, ()), "readers may be in what was not read yet"
    read = SourcePosition(uuid="u", snapshot_id=5, sequence_number=5)
    states._on_record(record(commit("x.summary", 3, sources={"x.orders": read})))
    states.reader.caught_up.set()
    assert following.history("x.orders") == (7, (5,))
