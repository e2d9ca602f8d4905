"""Settings: read by the documented name, secret where they must be, wrong ones explained."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from deploy.reference.settings import (
    SETTINGS,
    declared,
    documented,
    own_fields,
    resolve,
    variable,
)
from services.transformer.config import TransformerSettings
from shared.runtime.errors import ConfigurationError
from shared.runtime.settings import CONNECTION_FILE, DATA_DIR_VARIABLE, Settings

CLASSES = [resolve(name) for _, name in SETTINGS]
SHARING = [settings for settings in CLASSES if issubclass(settings, Settings)]
EVERY_CLASS = pytest.mark.parametrize("settings", CLASSES, ids=lambda settings: settings.__name__)
EVERY_FIELD = pytest.mark.parametrize(
    ("settings", "field"),
    [
        pytest.param(settings, name, id=variable(settings, name))
        for settings in CLASSES
        for name in own_fields(settings)
    ],
)

SECRET_WORDS = ("password", "secret", "credential", "token", "operator_key")
MARKER = "do-not-show-me-anywhere"


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [name for name in os.environ if name.startswith("BERGLINE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(tmp_path))


def _default(info: FieldInfo) -> Any:
    return info.get_default(call_default_factory=True, validated_data={})


def _another_value(settings: type[BaseSettings], field: str) -> str:
    """A text that the field accepts and that is not its default."""
    info = settings.model_fields[field]
    default = _default(info)
    if isinstance(default, bool):
        return str(not default).lower()
    if isinstance(default, int | float):
        for candidate in (default + 1, default - 1, default / 2):
            try:
                given: dict[str, Any] = {field: candidate}
                return str(getattr(settings(**given), field))
            except ValidationError:
                continue
    if get_origin(info.annotation) is Literal:
        return next(str(word) for word in get_args(info.annotation) if word != default)
    for text in (
        "something quite other",
        "Europe/Berlin",
        "7",
        "https://other.example",
        "/other",
        "raw.shopify_orders=30s",
        "ingest",
    ):
        given = {field: text}
        with suppress(ValidationError):
            if getattr(settings(**given), field) != default:
                return text
    raise AssertionError(f"no value is tried that {field} accepts")


@EVERY_FIELD
def test_the_documented_variable_is_the_one_that_is_read(
    settings: type[BaseSettings], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = getattr(settings(), field)
    monkeypatch.setenv(variable(settings, field), _another_value(settings, field))
    assert getattr(settings(), field) != before


def test_a_secret_that_is_refused_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_TRANSFORMER_TOKEN_KEY", "too-short")
    with pytest.raises(ValidationError) as refused:
        TransformerSettings()
    assert "too-short" not in str(refused.value)


@EVERY_CLASS
def test_values_are_frozen(settings: type[BaseSettings]) -> None:
    loaded = settings()
    for name in settings.model_fields:
        with pytest.raises(ValueError, match="frozen"):
            setattr(loaded, name, getattr(loaded, name))


@EVERY_CLASS
def test_what_is_named_like_a_secret_is_one(settings: type[BaseSettings]) -> None:
    for setting in declared(settings):
        named = any(word in setting.variable.lower() for word in SECRET_WORDS)
        assert setting.secret or not named or setting.kind == "true or false", setting.variable


@EVERY_CLASS
def test_no_secret_is_shown_by_repr_str_or_dump(
    settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [setting.variable for setting in declared(settings) if setting.secret]
    for name in secrets:
        monkeypatch.setenv(name, MARKER)
    loaded = settings()
    held = [
        value
        for value in loaded.model_dump().values()
        if isinstance(value, SecretStr)
        or (isinstance(value, tuple) and any(isinstance(item, SecretStr) for item in value))
    ]
    assert len(held) >= len(secrets)
    for shown in (repr(loaded), str(loaded), loaded.model_dump_json(), repr(loaded.model_dump())):
        assert MARKER not in shown


def test_a_secret_in_a_wrong_place_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_BROKER_TLS", MARKER)
    with pytest.raises(ConfigurationError) as refused:
        Settings.load()
    assert MARKER not in str(refused.value)


@pytest.mark.parametrize("settings", SHARING, ids=lambda settings: settings.__name__)
@pytest.mark.parametrize(
    ("wrong", "value"),
    [("BERGLINE_BROKER_TLS", "perhaps"), ("BERGLINE_LOG_LEVEL", "loud"), ("BERGLINE_ENV", "a.b")],
)
def test_a_wrong_value_is_explained_with_its_variable(
    settings: type[Settings], wrong: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(wrong, value)
    with pytest.raises(ConfigurationError, match=wrong):
        settings.load()


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        pytest.param(settings, name, id=variable(settings, name))
        for settings in SHARING
        for name, info in own_fields(settings).items()
        if isinstance(_default(info), bool | int | float)
    ],
)
def test_a_value_of_the_wrong_type_names_the_variable(
    settings: type[Settings], field: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable(settings, field), "nonsense")
    with pytest.raises(ConfigurationError, match=f"setting {variable(settings, field)}:"):
        settings.load()


def test_the_environment_wins_over_the_data_directorys_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = "BERGLINE_BROKERS=file:1\nBERGLINE_CATALOG_WAREHOUSE=s3://file\n"
    (tmp_path / CONNECTION_FILE).write_text(lines)
    monkeypatch.setenv("BERGLINE_BROKERS", "environment:1")
    loaded = Settings.load()
    assert loaded.brokers == "environment:1"
    assert loaded.catalog_warehouse == "s3://file"


def test_an_empty_secret_is_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_OPERATOR_KEY", "")
    assert Settings.load().operator_key is None


def test_each_variable_is_documented_once() -> None:
    variables = [setting.variable for group in documented().values() for setting in group]
    assert len(variables) == len(set(variables))


def test_an_undescribed_setting_cannot_be_documented() -> None:
    class Silent(BaseSettings):
        port: int = 1

    with pytest.raises(ValueError, match=r"Silent\.port has no description"):
        list(declared(Silent))
