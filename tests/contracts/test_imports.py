"""Rules about imports and calls that import-linter cannot state.

Its own contracts (layers, independence of the services, what stays light) stand in
``pyproject.toml``; ``lint-imports`` checks them.
"""

import ast

from tests.support.source_code import calls, imported, modules

TABLE_LIBRARY = "pyiceberg"
VALUES = {("pyiceberg.manifest", "DataFile")}
"""What services may name: values that the lake hands out, with no catalog behind them."""
READERS = {"deploy.demo": "settles its ledger as any foreign reader would, from the catalog"}
"""Who else may hold a table, with the reason; bound by the rules about calls below."""

COMMITTING: dict[str, set[str]] = {
    "commit_table": {"shared/lake/handle.py", "shared/lake/bootstrap.py"},
    "update_table": {"shared/lake/handle.py"},
    "stage_change": {"shared/lake/commit.py"},
    "update_schema": {"shared/lake/bootstrap.py"},
    **{
        name: set()
        for name in (
            "transaction",
            "commit_transaction",
            "update_snapshot",
            "manage_snapshots",
            "update_spec",
            "expire_snapshots",
            "upsert",
            "add_files",
            "dynamic_partition_overwrite",
        )
    },
}
"""Ways to a new table state, PyIceberg's and ours → modules that may call them.

What a handle sends must have been staged, so the caller of ``stage_change`` is who commits.

``append``, ``overwrite`` and ``delete`` cannot be told from a list's or a file system's by name;
where the library is not imported there is nothing to call them on; elsewhere the last rule holds.
"""


DELETING = {
    "shared/lake/handle.py": "manifests of an attempt that lost, metadata files of before",
    "shared/lake/maintenance/in_vain.py": "delete files of a compaction's attempt that lost",
    "shared/lake/sweeping.py": "manifests of snapshots that were thinned away",
    "shared/lake/maintenance/deletion.py": "whatever maintenance has found to be named by nothing",
}
"""Who deletes files from a store, and which. Data files: maintenance alone."""
STORE_CLIENT = "obstore"


def test_only_the_lake_imports_the_table_library() -> None:
    """Whoever holds no table and no catalog cannot write to one."""
    offenders = [
        f"{module.path}:{line}: {package}.{name}"
        for module in modules()
        if not module.inside("shared.lake", *READERS)
        for package, name, line in imported(module)
        if package.split(".")[0] == TABLE_LIBRARY and (package, name) not in VALUES
    ]
    assert not offenders, f"go through shared.lake: {offenders}"


def test_a_table_state_is_committed_in_one_place() -> None:
    made = {name: set[str]() for name in COMMITTING}
    for module in modules():
        for name, call in calls(module):
            if name in COMMITTING and isinstance(call.func, ast.Attribute):
                made[name].add(module.path)
    assert made == COMMITTING


def test_no_table_is_written_through_the_librarys_own_commit() -> None:
    """``table.append(…)`` and its like retry with the old summary, so positions go backwards."""
    offenders = [
        f"{module.path}:{call.lineno}"
        for module in modules()
        if module.inside("shared.lake", *READERS)
        for name, call in calls(module)
        if name in {"append", "overwrite", "delete"}
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
        and call.func.value.id in {"table", "transaction", "txn"}
    ]
    assert not offenders, f"go through shared.lake.commit: {offenders}"


def test_files_of_tables_are_deleted_in_few_places() -> None:
    deleting = {
        module.path
        for module in modules()
        for name, call in calls(module)
        if name == "delete"
        and isinstance(call.func, ast.Attribute)
        and _last_name(call.func.value) in {"io", "_io", STORE_CLIENT}
    }
    assert deleting == DELETING.keys()


def test_only_maintenance_has_a_client_that_deletes_many_objects() -> None:
    offenders = [
        f"{module.path}:{line}"
        for module in modules()
        if not module.inside("shared.lake.maintenance")
        for package, name, line in imported(module)
        if package.split(".")[0] == STORE_CLIENT or name in {STORE_CLIENT, "StoreDeletion"}
    ]
    assert not offenders, f"go through shared.lake.maintenance: {offenders}"


def test_relative_imports_stay_inside_the_broker() -> None:
    """import-linter and readers see whole names; the broker alone is a package to lift out."""
    offenders = [
        f"{module.path}:{node.lineno}"
        for module in modules()
        if not module.inside("deploy.embedded.broker")
        for node in module.nodes()
        if isinstance(node, ast.ImportFrom) and node.level > 0
    ]
    assert not offenders


def _last_name(node: ast.expr) -> str:
    """``io`` of ``io`` and of ``table.io``."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
