"""Help as it is read: in paragraphs, whatever the width of the terminal."""

from __future__ import annotations

import importlib

import pytest
import typer

from shared.cli.main import COMMANDS, flow


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_paragraphs_flow(name: str) -> None:
    command = typer.main.get_command(importlib.import_module(COMMANDS[name].module).app)
    flow(command)
    for each in (command, *getattr(command, "commands", {}).values()):
        paragraphs = (each.help or "").split("\n\n")
        assert not [text for text in paragraphs if "\n" in text or text != text.strip()]
