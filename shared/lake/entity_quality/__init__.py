"""Is the entity index what it should be? Figures by SQL, checks and verdict pure, one report.

:mod:`.sources` says whose records the index maps, :mod:`.figures` asks the tables, :mod:`.checks`
judges, :mod:`.report` tells.
"""
