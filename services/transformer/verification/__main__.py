"""``python -m services.transformer.verification TABLE…``, which ``bergline verify`` asks."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import polars as pl

from services.transformer.verification.verify import Verified, verify
from shared.runtime.errors import BerglineError

if TYPE_CHECKING:
    from services.transformer.building.iceberg_lake import IcebergLake


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the tables named and print one JSON object; 0 whatever was found.

    An error of the platform is printed as ``{"error": …}`` and ends with its exit code.
    """
    parser = argparse.ArgumentParser(prog="python -m services.transformer.verification")
    parser.add_argument("tables", nargs="+")
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", choices=["json"], default="json")
    chosen_arguments = parser.parse_args(arguments)
    try:
        found = _found(chosen_arguments.tables, chosen_arguments.sample, chosen_arguments.seed)
    except BerglineError as error:
        told = {"kind": type(error).__name__, "what": error.what, "next_step": error.next_step}
        print(json.dumps({"error": told}))  # noqa: T201 the process's answer
        return error.exit_code
    print(json.dumps({"tables": [asdict(each) for each in found]}))  # noqa: T201
    return 0


def _found(tables: Sequence[str], number: int, seed: int) -> list[Verified]:
    from services.transformer import tokens
    from services.transformer.building.iceberg_lake import IcebergLake
    from services.transformer.building.tables import Tables
    from services.transformer.config import TransformerSettings

    settings = TransformerSettings.load()
    if settings.transformer_token_key is not None:
        secret = settings.transformer_token_key.get_secret_value().encode()
        tokens.use(tokens.TokenKey(secret))
    tables_of_lake = Tables(settings)
    return [_verified(name, IcebergLake(tables_of_lake), number, seed) for name in tables]


def _verified(name: str, lake: IcebergLake, number: int, seed: int) -> Verified:
    """One table; what cannot be read of it does not keep others from being looked at."""
    from services.transformer.framework.registry import TRANSFORMS

    if name not in TRANSFORMS:
        return Verified(name, skipped="nothing here builds it")
    try:
        return verify(TRANSFORMS[name], lake, number, seed)
    except (BerglineError, OSError, pl.exceptions.PolarsError) as error:
        told = error.what if isinstance(error, BerglineError) else str(error)
        return Verified(name, skipped=f"not readable: {type(error).__name__}: {told}")


if __name__ == "__main__":
    sys.exit(main())
