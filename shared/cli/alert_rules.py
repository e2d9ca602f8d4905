"""The rules in force by what stands in the files: those built in, and the project's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.alerting.rule import Rule, Rules


def rules() -> Rules:
    """All rules, those of the project in the place of built-in ones of their names.

    Raises:
        RulesInvalid: something is wrong in a file of the project.
    """
    from shared.alerting.reading import built_in, of_project, read
    from shared.runtime.metrics import SIGNALS
    from shared.sources.project import project_dir

    project = project_dir()
    own = {} if project is None else of_project(project)
    return read({**built_in(), **own}, known=SIGNALS)


def rule_named(name: str) -> Rule:
    """One of them.

    Raises:
        RulesInvalid: as :func:`rules`.
        NotFound: there is none of this name.
    """
    from difflib import get_close_matches

    from shared.runtime.errors import NotFound

    found = rules()
    if name in found:
        return found[name]
    folded = {each.casefold(): each for each in found}
    near = get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)
    shown = ", ".join([folded[each] for each in near] or sorted(found))
    raise NotFound(f"there is no rule {name!r}", f"there are: {shown}")


def rule_and_note(name: str) -> tuple[Rule, str]:
    """As :func:`rule_named`; while the project's files are wrong a rule that is built in, and that.

    Raises:
        RulesInvalid: the files are wrong, and the rule is none of those that are built in.
        NotFound: there is none of this name.
    """
    from shared.alerting.reading import RulesInvalid, built_in, read
    from shared.runtime.metrics import SIGNALS

    try:
        return rule_named(name), ""
    except RulesInvalid as wrong:
        ours = read(built_in(), known=SIGNALS)
        if name not in ours:
            raise
        return ours[name], f"{wrong.what}; this is the rule that is built in"


def rule_names(incomplete: str) -> list[str]:
    """What the shell offers for the name of a rule."""
    from shared.contracts.errors import BerglineError

    try:
        return [name for name in rules() if name.startswith(incomplete)]
    except BerglineError:
        return []


def file_of(rule: Rule) -> Path:
    """Where a rule stands on this machine."""
    from shared import alerting
    from shared.sources.project import project_dir

    if rule.place.file.startswith("builtin/"):
        return Path(next(iter(alerting.__path__))) / rule.place.file
    return (project_dir() or Path()) / rule.place.file
