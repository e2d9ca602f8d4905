"""How a derived table is built: declarations, the graph, and the algorithm of incremental builds.

Everything here is pure but for what it asks of a :class:`~.lake.Lake`, and for rows that a
:class:`~.room.Room` has no room for, which wait in files. It knows no catalog, no
topic and no Ray; :mod:`services.transformer.building` brings these together.
"""
