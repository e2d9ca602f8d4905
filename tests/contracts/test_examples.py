"""Every example is what its contract says, in every way that a subscriber may check it."""

import json
from base64 import b64decode
from pathlib import Path

import jsonschema
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from deploy.reference import schemas
from shared import contracts
from shared.contracts.dead_letters import DeadLetter
from shared.contracts.registry import EVENTS, WIRE_TYPES
from shared.sources.topics import TOPICS

EXAMPLES = Path(contracts.__file__).parent / "examples"
SCHEMAS = Path(contracts.__file__).parent / "schemas"
COMPATIBILITY = Path(__file__).parent / "compatibility"
"""What other versions wrote or will write. These files are added to, never edited."""


def _values(root: Path) -> list[Path]:
    return sorted(path for path in root.glob("*/*.json") if path.parent.name != "records")


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


EVERY_EXAMPLE = pytest.mark.parametrize("path", _values(EXAMPLES), ids=_named)
EVERY_COMPATIBLE = pytest.mark.parametrize("path", _values(COMPATIBILITY), ids=_named)
RECORDS = sorted((EXAMPLES / "records").glob("*.json"))
EVERY_RECORD = pytest.mark.parametrize("path", RECORDS, ids=lambda path: path.stem)
EVERY_RECORD_OF_OURS = pytest.mark.parametrize(
    "path",
    [path for path in RECORDS if TOPICS[json.loads(path.read_bytes())["topic"]].values],
    ids=lambda path: path.stem,
)


def test_every_event_type_has_examples_and_records_of_other_versions() -> None:
    assert {path.parent.name for path in _values(EXAMPLES)} == set(WIRE_TYPES)
    kept = {(path.parent.name, path.stem) for path in _values(COMPATIBILITY)}
    for wire_type in WIRE_TYPES:
        assert {(wire_type, "fewer-fields"), (wire_type, "unknown-fields")} <= kept
    recorded = {json.loads(path.read_bytes())["headers"]["ce_type"] for path in RECORDS}
    assert set(WIRE_TYPES) < recorded, "full records of every type and of vendors"


@EVERY_EXAMPLE
def test_an_example_is_exactly_what_is_written(path: Path) -> None:
    event = WIRE_TYPES[path.parent.name].decode(path.read_bytes())
    assert json.loads(event.encode()[1]) == json.loads(path.read_bytes())


@EVERY_EXAMPLE
def test_an_example_survives_a_round_trip(path: Path) -> None:
    model = WIRE_TYPES[path.parent.name]
    event = model.decode(path.read_bytes())
    assert model.decode(event.encode()[1]) == event


@pytest.mark.parametrize("path", [*_values(EXAMPLES), *_values(COMPATIBILITY)], ids=_named)
def test_an_example_validates_against_the_committed_schema(path: Path) -> None:
    schema = json.loads((SCHEMAS / f"{path.parent.name}.schema.json").read_bytes())
    jsonschema.Draft202012Validator(schema).validate(json.loads(path.read_bytes()))


@EVERY_COMPATIBLE
def test_other_versions_are_read_with_every_field_that_both_know(path: Path) -> None:
    model = WIRE_TYPES[path.parent.name]
    written = json.loads(path.read_bytes())
    event = model.decode(path.read_bytes())
    shared_fields = written.keys() & model.model_fields.keys()
    assert event == model.decode(
        json.dumps({name: written[name] for name in shared_fields}).encode()
    )
    assert shared_fields == event.model_fields_set
    for name in shared_fields:
        if isinstance(written[name], int | str) and isinstance(getattr(event, name), int | str):
            assert getattr(event, name) == written[name]


@EVERY_COMPATIBLE
def test_unknown_fields_are_dropped_when_sent_on(path: Path) -> None:
    model = WIRE_TYPES[path.parent.name]
    read = json.loads(model.decode(path.read_bytes()).encode()[1])
    assert read.keys() == model.model_fields.keys()


@pytest.mark.parametrize("wire_type", sorted(WIRE_TYPES))
def test_committed_schemas_are_draft_2020_12_with_an_id_of_no_host(wire_type: str) -> None:
    schema = json.loads((SCHEMAS / f"{wire_type}.schema.json").read_bytes())
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == schemas.DIALECT
    assert schema["$id"] == f"urn:bergline:{wire_type}"
    assert "additionalProperties" not in schema, "readers must accept unknown fields"


@pytest.mark.parametrize("wire_type", sorted(WIRE_TYPES))
def test_every_field_is_described(wire_type: str) -> None:
    schema = json.loads((SCHEMAS / f"{wire_type}.schema.json").read_bytes())
    for declared in (schema, *schema.get("$defs", {}).values()):
        for field, description in declared["properties"].items():
            assert description.get("description"), field


@EVERY_RECORD_OF_OURS
def test_a_record_of_ours_is_encoded_to_exactly_its_example(path: Path) -> None:
    record = json.loads(path.read_bytes())
    model = WIRE_TYPES[record["headers"]["ce_type"]]
    assert model.__name__ in TOPICS[record["topic"]].values
    key, value, headers = model.decode(record["value"].encode()).encode()
    assert key.decode() == record["key"]
    assert value.decode() == record["value"]
    assert [(name, text.decode()) for name, text in headers] == list(record["headers"].items())


@EVERY_RECORD
def test_a_record_is_a_cloud_event_to_the_official_sdk(path: Path) -> None:
    record = json.loads(path.read_bytes())
    headers = {name: text.encode() for name, text in record["headers"].items()}
    message = KafkaMessage(headers, record["key"].encode(), record["value"].encode())
    event = from_binary(message, JSONFormat())
    assert event.get_id() == record["headers"]["ce_id"]
    assert event.get_type() == record["headers"]["ce_type"]
    assert event.get_subject() == record["key"]
    assert event.get_data() == json.loads(record["value"])


def test_bytes_travel_in_the_standard_base64_alphabet() -> None:
    path = EXAMPLES / DeadLetter.type / "record.json"
    event = DeadLetter.decode(path.read_bytes())
    written = json.loads(path.read_bytes())["value"]
    assert {"+", "/"} <= set(written), "the example must hold what the alphabets differ in"
    assert b64decode(written, validate=True) == event.value


def test_every_event_type_is_found_by_both_names() -> None:
    assert {event.type: name for name, event in EVENTS.items()} == {
        wire: event.__name__ for wire, event in WIRE_TYPES.items()
    }
