"""Secrets: generated once, private, never in what others can see."""

import json
import stat
from pathlib import Path

import pytest

from deploy.embedded import platform, storage
from deploy.embedded.connection import refuse_foreign_connection, write_connection
from deploy.embedded.layout import Layout
from deploy.embedded.ports import PortSettings
from deploy.embedded.secrets import Secrets, load_or_generate
from deploy.embedded.services import replicas_of
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import Settings
from shared.sources.registry import SOURCES


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    where = Layout(tmp_path / "data")
    where.prepare()
    return where


def test_generated_once_and_kept(layout: Layout) -> None:
    first = load_or_generate(layout.secrets_file)
    assert load_or_generate(layout.secrets_file) == first
    assert len(set(first.values())) == len(first.values())


def test_two_installations_share_nothing() -> None:
    assert not set(Secrets.generate().values()) & set(Secrets.generate().values())


def test_every_secret_has_at_least_128_bits() -> None:
    assert all(len(value) >= 32 for value in Secrets.generate().values())


def test_files_with_secrets_are_readable_by_their_owner_only(layout: Layout) -> None:
    secrets = load_or_generate(layout.secrets_file)
    write_connection(layout, PortSettings(), secrets)
    storage.prepare(layout.storage, secrets)
    private = [layout.secrets_file, layout.connection_file, storage.keys_file(layout.storage)]
    assert [mode(path) for path in private] == [0o600] * 3
    assert mode(layout.root) == 0o700


def test_a_file_that_others_can_read_is_refused(layout: Layout) -> None:
    load_or_generate(layout.secrets_file)
    layout.secrets_file.chmod(0o644)
    with pytest.raises(ConfigurationError, match="can be read by others"):
        load_or_generate(layout.secrets_file)


def test_a_damaged_file_is_refused_without_printing_it(layout: Layout) -> None:
    secrets = load_or_generate(layout.secrets_file)
    plain = json.loads(layout.secrets_file.read_text())
    del plain["operator_key"]
    layout.secrets_file.write_text(json.dumps(plain))
    with pytest.raises(ConfigurationError) as refused:
        load_or_generate(layout.secrets_file)
    assert not any(value in str(refused.value) for value in secrets.values())


def test_a_file_from_before_tokens_gets_a_key_and_keeps_the_rest(layout: Layout) -> None:
    secrets = load_or_generate(layout.secrets_file)
    plain = json.loads(layout.secrets_file.read_text())
    del plain["token_key"]
    of_sources = plain.pop("webhook_secrets")
    old = {f"{name}_webhook_secret": of_sources[name] for name in ("shopify", "stripe")}
    layout.secrets_file.write_text(json.dumps({**plain, **old, "format": 1}))
    upgraded = load_or_generate(layout.secrets_file)
    kept = {"token_key": secrets.token_key, "webhook_secrets": secrets.webhook_secrets}
    assert upgraded.model_copy(update=kept) == secrets
    assert load_or_generate(layout.secrets_file) == upgraded
    assert mode(layout.secrets_file) == 0o600


def test_a_file_of_two_sources_keeps_their_secrets_and_gets_those_of_the_others(
    layout: Layout,
) -> None:
    secrets = load_or_generate(layout.secrets_file)
    plain = json.loads(layout.secrets_file.read_text())
    of_sources = plain.pop("webhook_secrets")
    two = {f"{name}_webhook_secret": of_sources[name] for name in ("shopify", "stripe")}
    layout.secrets_file.write_text(json.dumps({**plain, **two, "format": 2}))
    upgraded = load_or_generate(layout.secrets_file)
    assert upgraded.webhook_secrets.keys() == SOURCES.keys()
    for name in ("shopify", "stripe"):
        assert upgraded.webhook_secrets[name] == secrets.webhook_secrets[name]
    assert load_or_generate(layout.secrets_file) == upgraded


def test_a_new_source_gets_a_secret_and_one_that_is_gone_keeps_its_own(layout: Layout) -> None:
    load_or_generate(layout.secrets_file)
    plain = json.loads(layout.secrets_file.read_text())
    del plain["webhook_secrets"]["stripe"]
    plain["webhook_secrets"]["gone"] = "kept" * 10
    layout.secrets_file.write_text(json.dumps(plain))
    secrets = load_or_generate(layout.secrets_file)
    assert secrets.webhook_secrets["stripe"].get_secret_value().startswith("whsec_")
    assert secrets.webhook_secrets["gone"].get_secret_value() == "kept" * 10
    assert mode(layout.secrets_file) == 0o600


def test_a_lost_token_key_is_not_replaced(layout: Layout) -> None:
    """Tokens made with another key would belong to nobody."""
    load_or_generate(layout.secrets_file)
    plain = json.loads(layout.secrets_file.read_text())
    del plain["token_key"]
    layout.secrets_file.write_text(json.dumps(plain))
    with pytest.raises(ConfigurationError, match="damaged: 1 fields"):
        load_or_generate(layout.secrets_file)


def test_no_representation_shows_a_secret() -> None:
    secrets = Secrets.generate()
    assert not any(value in f"{secrets!r} {secrets}" for value in secrets.values())


def test_no_argument_list_holds_a_secret(layout: Layout) -> None:
    secrets = load_or_generate(layout.secrets_file)
    replicas = replicas_of({"stream_writer": 2})
    children = platform.plan(layout, PortSettings(), secrets, replicas)
    visible = " ".join(argument for child in children for argument in child.arguments)
    assert not any(value in visible for value in secrets.values())
    assert secrets.s3_access_key not in visible
    assert not any(value in repr(children) for value in secrets.values())


def test_services_find_their_secrets_in_the_connection_file_alone(layout: Layout) -> None:
    secrets = load_or_generate(layout.secrets_file)
    children = platform.plan(layout, PortSettings(), secrets, replicas_of({}))
    services = [child for child in children if child.service]
    assert services
    for child in services:
        assert not set(secrets.values()) & set(child.environment.values())
    write_connection(layout, PortSettings(), secrets)
    settings = Settings(_env_file=layout.connection_file)
    assert settings.operator_key == secrets.operator_key
    assert settings.s3_secret_key == secrets.s3_secret_key


def test_a_variable_that_points_elsewhere_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BERGLINE_BROKERS", "kafka.example:9092")
    with pytest.raises(ConfigurationError, match="BERGLINE_BROKERS"):
        refuse_foreign_connection(PortSettings(), Secrets.generate())


def test_an_operator_may_bring_webhook_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_SHOPIFY_SECRETS", "from-the-vendor")
    refuse_foreign_connection(PortSettings(), Secrets.generate())
