"""Maintenance, explored: seeded schedules of faults drive compaction, expiry and every deletion.

Real files: Parquet, manifests and delete files in a store in memory, real handles, the one commit,
and everything in ``shared.lake.maintenance``. Only the catalog's pointer and the clock are this
package's. While one process is at any request to catalog or store, others act; any request may
fail, be lost, come late or be its process's last. An account of its own says which rows, which
progress and which files there must be.
"""
