"""An installed wheel without a checkout: what somebody has who only installed the platform."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.source_code import ROOT

_COMMAND = """#!{python} -P
import sys

from shared.cli.main import main

sys.exit(main())
"""


@cache
def _built() -> tuple[TemporaryDirectory[str], Path]:
    """The wheel, built once in a process; the directory goes when the process ends."""
    from hatchling.builders.wheel import WheelBuilder

    directory = TemporaryDirectory(prefix="bergline-wheel-")
    [wheel] = WheelBuilder(str(ROOT)).build(directory=directory.name, versions=["standard"])
    return directory, Path(wheel)


def unpack(directory: Path) -> Path:
    """The wheel's files in a directory; what it depends on is where it always is."""
    with zipfile.ZipFile(_built()[1]) as archive:
        archive.extractall(directory)
    return directory


def install(directory: Path) -> Path:
    """An environment with the wheel and its command; the directory of its programs.

    What the wheel depends on is taken from the environment of the tests, but nothing that is
    installed there as a checkout is.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(directory)], check=True)
    home = {"base": str(directory), "platbase": str(directory)}
    site = Path(sysconfig.get_path("purelib", vars=home))
    unpack(site)
    # Of a directory that is named in a file, other such files are not read: no checkout comes in.
    (site / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    programs = directory / "bin"
    command = programs / "bergline"
    command.write_text(_COMMAND.format(python=programs / "python"))
    command.chmod(0o755)
    for program in ("weed",):  # of a dependency
        beside = Path(sys.executable).with_name(program)
        if beside.exists():
            (programs / program).symlink_to(beside)
    return programs


def environment(programs: Path) -> dict[str, str]:
    """Variables of a shell in which that environment is the one that is used."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("BERGLINE_", "PYTHON", "VIRTUAL_ENV"))
    }
    return {**kept, "PATH": os.pathsep.join([str(programs), os.environ["PATH"]])}
