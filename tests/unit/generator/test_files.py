"""Files hold every delivery, byte for byte, and the same seed gives the same files."""

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.generator.delivery import Delivery
from deploy.generator.files import MANIFEST, FileFormat, claim, write
from deploy.generator.happenings import TOPICS
from deploy.generator.plan import plan
from shared.cli.generate import app
from shared.runtime.errors import ConfigurationError, Refused, Unavailable
from tests.support.worker_ports import free_port

DELIVERIES = plan(0, 700, topics=TOPICS)


@pytest.mark.parametrize("file_format", ["jsonl", "json"])
def test_every_delivery_is_in_the_file_of_its_topic(
    tmp_path: Path, file_format: FileFormat
) -> None:
    observed: list[Delivery] = []
    written = write(tmp_path, DELIVERIES, file_format, observe=observed.append)

    assert observed == DELIVERIES
    for topic in {delivery.topic for delivery in DELIVERIES}:
        path = tmp_path / f"{topic}.{file_format}"
        text = path.read_bytes()
        records = (
            [json.loads(line) for line in text.splitlines()]
            if file_format == "jsonl"
            else json.loads(text)
        )
        sent = [delivery for delivery in DELIVERIES if delivery.topic == topic]
        assert [body(record) for record in records] == [delivery.body for delivery in sent]
        assert [record["headers"] for record in records] == [dict(d.headers) for d in sent]
        assert written[path.name] == {
            "records": len(sent),
            "sha256": hashlib.sha256(text).hexdigest(),
        }


def body(record: dict[str, str]) -> bytes:
    if "body" in record:
        return record["body"].encode()
    return base64.b64decode(record["body_base64"])


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()

    with pytest.raises(Refused, match="is not empty"):
        claim(tmp_path)


def generate(*arguments: str) -> dict[str, object]:
    ended = CliRunner().invoke(app, [*arguments, "--output", "json"], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    result: dict[str, object] = json.loads(ended.stdout)
    return result


def test_the_command_writes_the_same_files_for_the_same_seed(tmp_path: Path) -> None:
    options = ("--seed", "0", "--count", "300", "--visitors", "20")
    for name in ("one", "two"):
        generate("files", str(tmp_path / name), *options)

    one, two = (contents(tmp_path / name) for name in ("one", "two"))
    assert one == two
    assert {"ga4.events.parquet", MANIFEST, "shopify.orders.jsonl"} < set(one)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_only_the_sources_asked_for_send(tmp_path: Path) -> None:
    chosen = ("--source", "hubspot", "--source", "mailchimp", "--count", "400")
    result = generate("files", str(tmp_path), *chosen, "--run", "7")

    assert result["run"] == 7
    counts = sources(list(tmp_path.iterdir()))
    assert set(counts) == {"hubspot", "mailchimp", "manifest"}


def sources(paths: Sequence[Path]) -> Counter[str]:
    return Counter(path.name.partition(".")[0] for path in paths)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("files", "DIR", "--updated", "0.9", "--deleted", "0.5"), "exceed 1 together"),
        (("post", "--source", "ga4"), "GA4 posts nothing"),
    ],
)
def test_what_cannot_be_is_refused(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    given = [str(tmp_path) if argument == "DIR" else argument for argument in arguments]
    with pytest.raises(ConfigurationError, match=message):
        CliRunner().invoke(app, given, catch_exceptions=False)


def test_nothing_is_posted_where_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BERGLINE_INGEST_SHOPIFY_SECRETS", "one")
    url = f"http://127.0.0.1:{free_port()}"

    with pytest.raises(Unavailable, match="does not answer at http"):
        CliRunner().invoke(app, ["post", "--url", url, "--count", "5"], catch_exceptions=False)
