"""The operator's desk: the ``bergline`` command, one command group a file."""
