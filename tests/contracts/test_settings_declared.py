"""Every setting is declared once, documented, and read by something."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pkgutil import resolve_name

import pytest
from pydantic_settings import BaseSettings

from deploy.reference.settings import SETTINGS, documented, own_fields, resolve, variable
from tests.support.source_code import Module, calls, modules, texts

DOCUMENTED = {setting.variable: setting for group in documented().values() for setting in group}

SET_FOR_CHILDREN: dict[str, str] = {}
"""Variables that one of our processes sets for another and no user should, each with its reason."""


def _classes() -> Iterator[type[BaseSettings]]:
    """Every settings class of the product, wherever it is declared."""
    for module in modules():
        for node in module.nodes():
            if isinstance(node, ast.ClassDef):
                bases = {base.id for base in node.bases if isinstance(base, ast.Name)}
                if bases & {"BaseSettings", "Settings"}:
                    found = resolve_name(f"{module.name}:{node.name}")
                    if issubclass(found, BaseSettings):
                        yield found


def test_every_settings_class_is_on_the_page() -> None:
    missing = [
        f"{settings.__module__}.{settings.__name__}: {variable(settings, name)}"
        for settings in _classes()
        for name in own_fields(settings)
        if variable(settings, name) not in DOCUMENTED
    ]
    assert not missing, f"add the class to SETTINGS in deploy/reference/settings.py: {missing}"


def test_a_variable_that_two_classes_read_has_one_default() -> None:
    defaults: dict[str, set[object]] = {}
    for settings in _classes():
        for name, info in own_fields(settings).items():
            if not DOCUMENTED[variable(settings, name)].secret:
                defaults.setdefault(variable(settings, name), set()).add(info.default)
    assert not {name: found for name, found in defaults.items() if len(found) > 1}


def test_every_variable_named_in_the_code_is_documented() -> None:
    unknown = [
        f"{module.path}:{line}: {text}"
        for module in modules()
        for text, line in texts(module)
        if re.fullmatch(r"BERGLINE_[A-Z0-9_]*[A-Z0-9]", text)
        and text not in DOCUMENTED
        and text not in SET_FOR_CHILDREN
    ]
    assert not unknown, f"declare them in a settings class: {unknown}"


def _names_read(module: Module) -> Iterator[str]:
    """Patterns of attribute names that a module reads, ``getattr`` with f-strings included."""
    for node in module.nodes():
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            yield re.escape(node.attr)
    for name, call in calls(module):
        if name == "getattr" and len(call.args) >= 2:
            yield _pattern(call.args[1])


def _pattern(name: ast.expr) -> str:
    if isinstance(name, ast.Constant):
        return re.escape(str(name.value))
    if isinstance(name, ast.JoinedStr) and any(isinstance(p, ast.Constant) for p in name.values):
        return "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"\w+"
            for part in name.values
        )
    return r"(?!)"  # matches nothing: any name could be meant, so none is proven


@cache
def _read() -> re.Pattern[str]:
    """Every name that anything reads."""
    return re.compile("|".join({name for module in modules() for name in _names_read(module)}))


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        pytest.param(settings, field, id=variable(settings, field))
        for settings in map(resolve, [name for _, name in SETTINGS])
        for field in own_fields(settings)
    ],
)
def test_every_declared_setting_is_read(settings: type[BaseSettings], field: str) -> None:
    assert _read().fullmatch(field), (
        f"nothing reads {settings.__name__}.{field}: {variable(settings, field)} would do nothing"
    )
