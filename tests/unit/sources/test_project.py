"""A project's own sources are loaded whole, or none of them and what is wrong told by its line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.stream_writer.exports import file_values
from services.stream_writer.parsing.columns import build
from services.stream_writer.parsing.values import plain
from shared.contracts.column_types import Type
from shared.runtime.errors import ConfigurationError
from shared.sources.consistency import FILE_TYPES, PAYLOAD_TYPES
from shared.sources.project import PACKAGE, PROJECT_VARIABLE, project_dir
from shared.sources.registry import built_in, of_project
from shared.sources.templating import write_source
from shared.tables.raw.landing import raw_table

BUILT_IN = built_in()
TEXTS = {
    Type.BOOLEAN: b"true",
    Type.TIMESTAMP: b'"2026-01-02T03:04:05Z"',
    Type.BINARY: b'"/wBh"',
}
"""A value of each type as JSON; ``1`` is one of the others."""


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


def declaration(project: Path, name: str = "acme") -> Path:
    """The declaration of a new source, to be spoiled."""
    return write_source(project, name, "Acme")[0]


def spoil(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def line_with(path: Path, text: str) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, 1) if text in line)


def refusal(project: Path) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as refused:
        of_project(project, BUILT_IN)
    return refused.value


def test_a_new_source_is_loaded_like_a_built_in_one(project: Path) -> None:
    declaration(project)
    [source] = of_project(project, BUILT_IN)
    assert (source.name, source.title) == ("acme", "Acme")
    assert [entity.topic for entity in source.entities] == ["acme.events"]


def test_a_project_without_sources_has_none(project: Path) -> None:
    assert of_project(project, BUILT_IN) == ()
    project.mkdir()
    assert of_project(project, BUILT_IN) == ()


def test_sources_come_in_the_order_of_their_names(project: Path) -> None:
    for name in ("zeta", "acme"):
        declaration(project, name)
    assert [source.name for source in of_project(project, BUILT_IN)] == ["acme", "zeta"]


def test_a_source_may_have_modules_beside_it(project: Path) -> None:
    path = declaration(project)
    (path.parent / "names.py").write_text('TITLE = "Acme Corporation"\n')
    spoil(path, 'title="Acme",', "title=TITLE,")
    spoil(path, "\nTOPIC =", "\nfrom .names import TITLE\n\nTOPIC =")
    [source] = of_project(project, BUILT_IN)
    assert source.title == "Acme Corporation"


def test_two_projects_do_not_see_each_others_modules(tmp_path: Path) -> None:
    for number in (1, 2):
        project = tmp_path / str(number)
        spoil(declaration(project), 'title="Acme"', f'title="Acme {number}"')
        [source] = of_project(project, BUILT_IN)
        assert source.title == f"Acme {number}"


@pytest.mark.parametrize(
    ("old", "new", "marked", "said"),
    [
        ("SOURCE = SourceSpec(", "SOURCE = SourceSpec((", None, "SyntaxError"),
        ("from shared.sources.signing import", "from shared.sources.seal import", "seal", "seal"),
        ('TOPIC = "acme.events"', "TOPIC = 1 / 0", "1 / 0", "ZeroDivisionError"),
        ("SOURCE = SourceSpec(", "SAUCE = SourceSpec(", None, "there is no SOURCE"),
        ('name="acme"', 'name="other"', 'name="other"', "its directory 'acme'"),
        ('"acme.events"', '"shopify.orders"', '"shopify.orders"', "is not acme.<things>"),
        ('"raw.acme_events"', '"raw.events"', '"raw.events"', "is not raw.acme_<things>"),
        (
            'path="/webhooks/acme/events",\n            summary',
            'path="/hooks",\n            summary',
            'path="/hooks"',
            "cannot be a route",
        ),
        ('"type"), (Type.TIME', '"_type"), (Type.TIME', '"_type"', "no column's name"),
        ('"type"), (Type.TIME', '"type type"), (Type.TIME', '"type type"', "is there twice"),
        ("topics=(TOPIC,),", 'topics=("acme.more",),', '"acme.more"', "no entity's topic"),
        ("as received.", "as received", "as received", "is no sentence"),
        ("topics=(TOPIC,),", "topics=(TOPIC),", "topics=(TOPIC),", "topics of Endpoint is a str"),
        ('("data", "id")', '("data")', 'STRING, ("data")', "path of PayloadColumn is a str"),
        ('("data", "id")', '("data",)', 'PayloadColumn("id"', "stand at the same place"),
        ("Type.JSON", "Type.LONG", "Type.LONG", "stands where id looks into an object"),
        ('(Type.STRING, "type")', '(Type.DATE, "type")', "Type.DATE", "Type.DATE, as which no"),
        ('Type.STRING, ("data"', 'Type.DOUBLE, ("data"', "Type.DOUBLE", "Type.DOUBLE, as which no"),
    ],
)
def test_what_is_wrong_is_told_with_file_and_line(
    project: Path, old: str, new: str, marked: str | None, said: str
) -> None:
    path = declaration(project)
    spoil(path, old, new)
    error = refusal(project)
    assert said in error.what
    assert error.what.startswith(f"{path}:")
    if marked is not None:
        assert error.what.startswith(f"{path}:{line_with(path, marked)}: ")
    assert "bergline check" in error.next_step


def test_what_a_file_can_be_declared_to_hold_is_what_is_read_of_it() -> None:
    assert FILE_TYPES == file_values.TYPES


@pytest.mark.parametrize("type_", sorted(PAYLOAD_TYPES, key=str))
def test_every_other_type_can_be_declared(project: Path, type_: Type) -> None:
    spoil(declaration(project), '"id", Type.STRING', f'"number", Type.{type_.name}')
    spoil(project / "sources/acme/source.py", '("data", "id"))', '("number",))')
    [source] = of_project(project, BUILT_IN)
    assert source.entities[0].table.columns[-1].type is type_
    spec = raw_table(source.entities[0])
    value = plain(spec.columns[-1], TEXTS.get(type_, b"1"))
    assert build(spec.columns[-1], [value], lambda _: None).null_count == 0


def test_an_error_in_a_module_beside_it_is_told_where_it_is(project: Path) -> None:
    path = declaration(project)
    beside = path.parent / "names.py"
    beside.write_text("\n\nTITLE = undefined\n")
    spoil(path, "\nTOPIC =", "\nfrom .names import TITLE\n\nTOPIC =")
    assert refusal(project).what.startswith(f"{beside}:3: NameError")


def test_a_missing_example_is_told(project: Path) -> None:
    path = declaration(project)
    text = path.read_text(encoding="utf-8")
    path.write_text(text[: text.index("    examples=(")] + ")\n", encoding="utf-8")
    assert "no example of a request to /webhooks/acme/events" in refusal(project).what


def test_a_built_in_sources_name_is_taken(project: Path) -> None:
    declaration(project, "stripe")
    assert "there is a source 'stripe' already" in refusal(project).what


def test_a_route_of_another_source_is_taken(project: Path) -> None:
    spoil(declaration(project), "/webhooks/acme/events", "/webhooks/stripe/webhook")
    assert "/webhooks/stripe/webhook is a route of stripe" in refusal(project).what


def test_tables_of_two_sources_may_not_have_one_name(project: Path) -> None:
    """``a_b`` and its ``c``, ``a`` and its ``b_c``: both would be ``raw.a_b_c``."""
    declaration(project, "acme_events")
    spoil(declaration(project, "acme"), "raw.acme_events", "raw.acme_events_events")
    assert "table raw.acme_events_events belongs to acme already" in refusal(project).what


def test_topics_that_kafkas_metrics_write_alike_are_refused(project: Path) -> None:
    path = declaration(project, "acme")
    spoil(path, '"acme.events"', '"acme.a_b"')
    other = declaration(project, "acme_a")
    spoil(other, '"acme_a.events"', '"acme_a.b"')
    assert "one name in Kafka's metrics" in refusal(project).what


def test_one_wrong_source_and_none_is_loaded(project: Path) -> None:
    declaration(project, "acme")
    spoil(declaration(project, "zeta"), "TOPIC =", "TOPIC :")
    refusal(project)
    assert not [name for name in sys.modules if name.startswith(f"{PACKAGE}.sources.zeta")]


def test_it_can_be_loaded_once_it_is_corrected(project: Path) -> None:
    path = declaration(project)
    text = path.read_text(encoding="utf-8")
    spoil(path, 'TOPIC = "acme.events"', "TOPIC = undefined")
    refusal(project)
    path.write_text(text, encoding="utf-8")
    [source] = of_project(project, BUILT_IN)
    assert source.name == "acme"


@pytest.mark.parametrize("name", ["Acme", "a-b", "1st", "a__b"])
def test_a_directory_that_cannot_be_a_source_is_told(project: Path, name: str) -> None:
    (project / "sources" / name).mkdir(parents=True)
    error = refusal(project)
    assert str(project / "sources" / name) in error.what
    assert "rename" in error.next_step


def test_a_directory_without_a_declaration_is_told(project: Path) -> None:
    (project / "sources" / "acme").mkdir(parents=True)
    error = refusal(project)
    assert "there is no source.py" in error.what
    assert "bergline new source acme" in error.next_step


def test_what_tools_leave_behind_is_no_source(project: Path) -> None:
    declaration(project)
    for name in (".git", "__pycache__"):
        (project / "sources" / name).mkdir()
    assert len(of_project(project, BUILT_IN)) == 1


def test_the_projects_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(PROJECT_VARIABLE)
    assert project_dir() == tmp_path / "bergline_project"
    monkeypatch.setenv(PROJECT_VARIABLE, "mine")
    assert project_dir() == tmp_path / "mine"
    monkeypatch.setenv(PROJECT_VARIABLE, "")
    assert project_dir() is None
