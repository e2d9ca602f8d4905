"""Is the entity index what it should be? Figures by SQL, checks and verdict pure, one report.

:mod:`.sources` says whose records the index maps, :mod:`.heads` which of these tables there are,
:mod:`.figures` asks them, :mod:`.checks` judges, :mod:`.report` tells.
"""
