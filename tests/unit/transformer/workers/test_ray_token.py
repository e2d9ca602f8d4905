"""The token of a local Ray: private, and the same for every start of one process."""

import os
from pathlib import Path

import pytest

from services.transformer.workers.local_ray import LocalRay


def test_a_second_start_keeps_the_token_that_ray_has_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "")
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "of another process")
    ray = LocalRay(tmp_path, "tests", 1, 1)
    ray._token()
    token = tmp_path / "token"
    first = token.read_text()
    assert token.stat().st_mode & 0o777 == 0o600
    assert os.environ["RAY_AUTH_TOKEN_PATH"] == str(token)
    ray._token()
    assert token.read_text() == first
    monkeypatch.setenv("RAY_AUTH_TOKEN_PATH", "of another process")
    ray._token()
    assert token.read_text() != first
