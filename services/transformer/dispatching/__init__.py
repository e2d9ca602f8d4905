"""From what is wanted to a build in the pool, and what follows from it on topics and metrics."""
