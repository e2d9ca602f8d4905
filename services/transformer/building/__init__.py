"""One build: what is read, computed and committed. It runs in a worker's process."""
