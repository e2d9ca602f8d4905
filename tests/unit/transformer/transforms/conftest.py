"""A fixed token key: the functions are pure for it."""

from __future__ import annotations

import pytest

from services.transformer import tokens


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_key", tokens.TokenKey(b"a key for tests and nothing else"))
