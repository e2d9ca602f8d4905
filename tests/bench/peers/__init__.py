"""Open systems that write the same topic into the same catalog, run beside ours.

``bergline bench peers`` (or ``make bench-peers``) needs Java 17 with its compiler, and Maven. Each
folder with a ``pom.xml`` is one class path, fetched once into ``~/.cache/bergline`` and pinned by
checksum. What is not the same work stands in :mod:`tests.bench.peers.side_by_side`.
"""
