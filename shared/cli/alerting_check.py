"""Are the project's rules and receivers what alerter can take?"""

from __future__ import annotations

from typing import Any


def checked() -> dict[str, Any]:
    """How many rules and receivers there are, built-in rules included.

    Raises:
        ConfigurationError: something is wrong in a file of rules, or in ``alerting.yaml``; all of
            it is told, with file, line and column.
    """
    import os

    from shared.alerting.notifying import configuration
    from shared.alerting.reading import BUILT_IN
    from shared.cli.alert_rules import rules
    from shared.runtime.errors import ConfigurationError
    from shared.sources.project import project_dir

    project = project_dir()
    wrong: list[str] = []
    found: dict[str, Any] = {"rules": 0, "own_rules": [], "receivers": []}
    try:
        known = rules()
        found["rules"] = len(known)
        found["own_rules"] = [
            rule.name for rule in known.values() if not rule.place.file.startswith(BUILT_IN)
        ]
    except (ConfigurationError, OSError) as error:
        wrong.append(_said(error))
    try:
        files = {} if project is None else configuration.of_project(project)
        found["receivers"] = list(configuration.read(files, os.environ).receivers)
    except (ConfigurationError, OSError) as error:
        wrong.append(_said(error))
    if wrong:
        raise ConfigurationError(
            "\n".join(wrong), f"correct the files below {project}, then run `bergline check`"
        )
    return found


def in_words(found: dict[str, Any]) -> str:
    """The same as a line."""
    own, receivers = found["own_rules"], found["receivers"]
    mine = f", {len(own)} of them the project's ({', '.join(own)})" if own else ""
    told = f"receivers: {', '.join(receivers)}" if receivers else "no receivers: nobody is told"
    return f"{found['rules']} rules of alerts{mine}; {told}"


def _said(error: Exception) -> str:
    return str(getattr(error, "what", error))
