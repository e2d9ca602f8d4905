"""What it costs to bring the tables from raw orders to the sales mart up to date.

``bergline bench build``: the project's transformer beside the same tables made by DuckDB with SQL
written by hand and by dbt with its DuckDB adapter. What is the same work and what is not stands in
:mod:`tests.bench.builds.side_by_side`.
"""
