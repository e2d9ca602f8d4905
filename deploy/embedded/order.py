"""In which order children start: each behind those that it waits for."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.embedded.processes import Child


def waves(children: Sequence[Child]) -> list[list[str]]:
    """Names in the order of starting: each wave needs only the waves before it.

    Raises:
        ValueError: a child waits for one that does not exist, or they wait in a circle.
    """
    pending = {child.name: set(child.after) for child in children}
    unknown = set().union(*pending.values()) - pending.keys() if pending else set()
    if unknown:
        raise ValueError(f"nobody is called {', '.join(sorted(unknown))}")
    ordered: list[list[str]] = []
    while pending:
        wave = [name for name, after in pending.items() if not after & pending.keys()]
        if not wave:
            raise ValueError(f"these wait for each other: {', '.join(sorted(pending))}")
        ordered.append(wave)
        for name in wave:
            del pending[name]
    return ordered
