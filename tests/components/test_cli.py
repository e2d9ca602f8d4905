"""The command line as programs see it: exit codes, JSON on standard output, messages on error."""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from shared.cli.main import COMMANDS, EPILOG
from shared.runtime import errors
from tests.support import warm_bergline

ROOT = Path(__file__).parents[2]


def bergline(
    *arguments: str, data_dir: Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BERGLINE_")}
    environment = {**clean, "BERGLINE_DATA_DIR": str(data_dir), **variables}
    return warm_bergline.bergline(arguments, environment)


@pytest.fixture
def nowhere(tmp_path: Path) -> Path:
    """A data directory that does not exist."""
    return tmp_path / "data"


def test_help_lists_every_command_and_the_exit_codes(nowhere: Path) -> None:
    shown = bergline("--help", data_dir=nowhere, COLUMNS="200")
    assert shown.returncode == 0
    for name, entry in COMMANDS.items():
        assert name in shown.stdout
        assert entry.help in shown.stdout
    assert "Exit codes" in shown.stdout


def test_every_kind_of_error_has_its_documented_exit_code() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    codes = {kind.exit_code for kind in kinds if issubclass(kind, errors.BerglineError)}
    assert codes == {1, 2, 3, 4, 5, 6}
    assert all(f"{code} " in EPILOG for code in codes)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_offers_json(name: str) -> None:
    command = typer.main.get_command(importlib.import_module(COMMANDS[name].module).app)
    group = getattr(command, "commands", None)
    for each in (group or {name: command}).values():
        options = [option for parameter in each.params for option in parameter.opts]
        assert "--output" in options, f"{name} {each.name}"


def test_help_of_the_root_imports_no_heavy_library(nowhere: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['bergline', '--help']\n"
        "from shared.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiokafka', 'pyiceberg', 'pyarrow', 'polars', 'duckdb', 'faust', 'aiohttp',\n"
        "         'pydantic', 'psutil'}\n"
        "sys.exit(', '.join(sorted(heavy & sys.modules.keys())) or 0)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert run.returncode == 0, run.stderr


def test_a_command_that_does_not_exist_is_wrong_usage(nowhere: Path) -> None:
    shown = bergline("statsu", data_dir=nowhere)
    assert shown.returncode == 2
    assert "Did you mean 'status'" in shown.stderr


def test_without_a_platform_status_says_what_to_do(nowhere: Path) -> None:
    shown = bergline("status", data_dir=nowhere)
    assert (shown.returncode, shown.stdout) == (3, "")
    assert f"error: no platform runs on {nowhere}" in shown.stderr
    assert "next: start one with `bergline up`" in shown.stderr


def test_an_error_is_one_json_object_on_standard_output(nowhere: Path) -> None:
    shown = bergline("status", "--output", "json", data_dir=nowhere)
    body = json.loads(shown.stdout)
    assert (shown.returncode, body["exit_code"], body["error"]["kind"]) == (3, 3, "Unavailable")


def test_down_without_a_platform_is_done(nowhere: Path) -> None:
    shown = bergline("down", "-o", "json", data_dir=nowhere)
    assert shown.returncode == 0
    assert json.loads(shown.stdout) == {"stopped": False, "deleted": None}


def test_deleting_needs_a_confirmation(nowhere: Path) -> None:
    refused = bergline("down", "--volumes", data_dir=nowhere)
    assert refused.returncode == 5
    assert "--yes" in refused.stderr


def test_a_directory_with_other_things_is_never_deleted(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    assert bergline("down", "--volumes", "--yes", data_dir=tmp_path).returncode == 5
    assert bergline("up", data_dir=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_logs_of_what_never_ran_name_what_did(nowhere: Path) -> None:
    shown = bergline("logs", "ingest", data_dir=nowhere)
    assert shown.returncode == 4
    assert "has the platform ever run?" in shown.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["up", "--replicas", "ingest"], "--replicas 'ingest'"),
        (["up", "--replicas", "sparrow=2"], "there is no service 'sparrow'"),
        (["up", "--replicas", "ingest=99"], "--replicas ingest=99"),
    ],
)
def test_wrong_replicas_are_wrong_usage(nowhere: Path, arguments: list[str], told: str) -> None:
    for detach in ([], ["--detach"]):
        refused = bergline(*arguments, *detach, data_dir=nowhere)
        assert refused.returncode == 2
        assert told in refused.stderr


def test_a_wrong_setting_names_its_variable(nowhere: Path) -> None:
    refused = bergline("up", data_dir=nowhere, BERGLINE_S3_PORT="http")
    assert refused.returncode == 2
    assert "BERGLINE_S3_PORT" in refused.stderr


def test_a_broker_that_does_not_answer_is_worth_another_try(nowhere: Path) -> None:
    nobody = {"BERGLINE_BROKERS": "127.0.0.1:1", "BERGLINE_CATALOG_URI": "http://127.0.0.1:1"}
    shown = bergline("bootstrap", data_dir=nowhere, **nobody)
    assert shown.returncode == 3
    assert "the broker at 127.0.0.1:1 does not answer" in shown.stderr
    assert "Traceback" not in shown.stderr
    asked = bergline("alerts", "silence", "--list", data_dir=nowhere, **nobody)
    assert asked.returncode == 3
    assert asked.stderr.splitlines()[0] == (
        "error: the broker at 127.0.0.1:1 does not answer: no connection"
    ), "and nothing of a library above it"
    debugged = bergline("--debug", "alerts", "silence", "--list", data_dir=nowhere, **nobody)
    assert "Unable connect" in debugged.stderr


def test_an_unexpected_error_is_short_unless_debug_is_asked_for(nowhere: Path) -> None:
    nowhere.write_text("a file where a directory should be")
    short = bergline("status", data_dir=nowhere)
    assert short.returncode == 1
    assert "unexpected NotADirectoryError" in short.stderr
    assert "--debug" in short.stderr
    assert "Traceback" not in short.stderr
    assert "Traceback" in bergline("--debug", "status", data_dir=nowhere).stderr


def test_output_to_a_pipe_has_no_colour_and_is_not_cut(nowhere: Path) -> None:
    long = nowhere / ("x" * 120)
    shown = bergline("status", data_dir=long)
    assert "\x1b[" not in shown.stderr
    assert str(long) in shown.stderr
