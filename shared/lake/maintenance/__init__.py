"""Keeps tables small and quick: which files to write anew, which snapshots and files to let go."""
