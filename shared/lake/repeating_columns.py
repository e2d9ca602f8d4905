"""Which columns of a Parquet file get a dictionary."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

SAMPLE_ROWS = 1000
REPEATED = 8
"""A text column gets a dictionary when so many sampled rows share a value on average."""


def repeating_columns(rows: pa.Table) -> list[str]:
    """The columns that a dictionary makes smaller.

    For others it is built in vain and given up after a megabyte; what is left of it makes the file
    larger, too. Numbers and moments are small enough as they are.
    """
    sample = rows.slice(0, SAMPLE_ROWS)
    return [
        name
        for name, column in zip(sample.schema.names, sample.columns, strict=True)
        if (pa.types.is_large_string(column.type) or pa.types.is_string(column.type))
        and column.null_count < len(column)
        and REPEATED * pc.count_distinct(column).as_py() <= len(column)
    ]
