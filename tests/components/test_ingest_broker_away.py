"""A broker that is away, slow or refusing is no concern of the senders: 2xx, and all arrives."""

import asyncio
import base64
import json
import os
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from services.ingest.spool.claim import LOCK, ORPHANED_AFTER_S, is_owned
from services.ingest.spool.keeping import UNNAMED
from services.ingest.spool.spool import Spool
from services.ingest.spool.store import StreamKey
from shared.contracts.topics import DEAD_LETTERS
from tests.support.arrivals import Arrived, Tail, create_topic, create_topics, delete_topic
from tests.support.broker import BrokerProcess, broker, free_port
from tests.support.ingest import Answer, IngestProcess
from tests.support.small_disk import SmallDisk
from tests.support.vendor_signatures import shopify_signature
from tests.support.warm_bergline import bergline

__all__ = ["broker"]

PATH = "/webhooks/shopify/orders"
STRIPE = "/webhooks/stripe/webhook"
pytestmark = pytest.mark.timeout(120)


def body(number: int, key: int | None = None) -> bytes:
    """A delivery; the record key is ``key``, by default its number."""
    return b'{"id":%d,"number":%d}' % (number if key is None else key, number)


def number(value: bytes) -> int:
    return int(json.loads(value)["number"])


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert answer.seconds < 2.2, "the vendor's patience is 5 s; ours is 2"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["title"] == "Failed to publish event"


def assert_accepted(answer: Answer) -> None:
    assert answer.status == 200, answer.body
    assert answer.seconds < 2.2, "the vendor's patience is 5 s; ours is 2"


def spooling(ingest: IngestProcess) -> dict[str, object]:
    """What ``/readyz`` says of the spool; empty when it is not in use."""
    found: dict[str, object] = ingest.get("/readyz").json.get("spooling", {})
    return found


def wait_empty(ingest: IngestProcess) -> None:
    """Wait until the broker has all that was spooled."""
    ingest.wait_until(lambda: not spooling(ingest))


def arrived(bootstrap: str, topic: str = "shopify.orders") -> list[Arrived]:
    """Every record of a topic."""
    with Tail(bootstrap, topic, whole=True) as tail:
        return tail.take(tail.existing)


def everything(bootstrap: str) -> set[bytes]:
    return {record.value for record in arrived(bootstrap)}


def assert_in_order(records: list[Arrived]) -> None:
    """Numbers rise within each key, but for repeats, which have the delivery id of the first."""
    first: dict[int, bytes] = {}
    last: dict[bytes, int] = {}
    for record in sorted(records, key=lambda record: (record.partition, record.offset)):
        found = number(record.value)
        delivery = record.headers["delivery_id"]
        if found in first:
            assert first[found] == delivery, "a repeat keeps its delivery id"
            continue
        first[found] = delivery
        assert found > last.get(record.key, -1), "order within a key"
        last[record.key] = found


def test_while_the_broker_is_away_deliveries_are_accepted_and_all_arrives(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        for n in range(10):
            assert_accepted(ingest.post(PATH, body(n, n % 3)))
        broker.kill9()
        for n in range(10, 40):
            assert_accepted(ingest.post(PATH, body(n, n % 3)))
        # A signed delivery that cannot be used is kept, then refused for good, as ever.
        assert ingest.post(PATH, b"not json").status == 400
        ready = ingest.get("/readyz")
        assert ready.status == 200
        assert ready.json["spooling"]["records"] >= 31
        assert ready.json["spooling"]["bytes"] > 0
        assert 0 < ready.json["spooling"]["oldest_s"] < 60
        assert ready.json["spooling"]["since_s"] >= ready.json["spooling"]["oldest_s"] - 0.1
        age = ingest.metric("lakehouse_spool_oldest_age_seconds")
        assert age > 0
        ingest.wait_until(lambda: ingest.metric("lakehouse_spool_oldest_age_seconds") > age + 0.1)
        assert ingest.metric('lakehouse_spool_bytes{source="shopify"}') > 0
        ingest.wait_until(lambda: broker.bootstrap in str(spooling(ingest)["reason"]))
        assert ingest.get("/ready").json["spooling"]
        assert b'lakehouse_spool_records{source="shopify"} 31' in ingest.get("/metrics").body
        broker.start()
        wait_empty(ingest)
        for n in range(40, 50):
            assert_accepted(ingest.post(PATH, body(n, n % 3)))
        records = arrived(broker.bootstrap)
        assert [number(record.value) for record in records if record.key == b"0"] == list(
            range(0, 50, 3)
        ), "nothing failed after it was sent, so nothing is repeated"
        assert {number(record.value) for record in records} == set(range(50))
        assert_in_order(records)
        assert [letter.headers["ce_type"] for letter in arrived(broker.bootstrap, DLQ)] == [
            b"lakehouse.dead-letter.v1"
        ]
        assert b'spool_spooled_total{source="shopify"} 31' in ingest.get("/metrics").body
        assert ingest.metric("lakehouse_spool_oldest_age_seconds") == 0
        assert ingest.metric('lakehouse_spool_records{source="shopify"}') == 0
        assert ingest.metric('lakehouse_spool_bytes{source="shopify"}') == 0
        told: dict[bytes, dict[str, Any]] = {}
        with Tail(broker.bootstrap, "lakehouse.spool", whole=True) as tail:
            while "ended" not in {event["change"] for event in told.values()}:
                [record] = tail.take(1)  # at least once each
                told[record.headers["ce_id"]] = json.loads(record.value)
        began, ended = told.values()
        assert (began["change"], ended["change"]) == ("began", "ended")
        assert ended["records"] == 31
        # The first may have been with the producer already, which had it delivered by itself.
        assert ended["replayed"] in (30, 31)
        assert ended["refused"] == 0
        assert ended["seconds"] > 0, "how old the oldest became"
        assert ended["peak_bytes"] > 0
        assert broker.bootstrap in ended["reason"] or "acknowledge" in ended["reason"]
        assert ended["began_at"] == began["began_at"]
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
        assert "Traceback" not in ingest.log()
        assert ingest.stop() == 0


DLQ = "dlq.ingestion-errors"


def test_without_the_spool_a_killed_broker_is_503_within_two_seconds(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap, BERGLINE_INGEST_SPOOL="false") as ingest:
        ingest.wait_ready()
        assert ingest.post(PATH, body(1)).status == 200
        broker.kill9()
        assert_unavailable(ingest.post(PATH, body(2)))
        ingest.wait_until(lambda: ingest.get("/readyz").status == 503)
        assert broker.bootstrap in ingest.get("/readyz").json["reason"]
        # A dead letter that cannot be kept is no reason to refuse the delivery for good.
        assert_unavailable(ingest.post(PATH, b"not json"))
        broker.start()
        ingest.wait_ready()
        assert ingest.post(PATH, body(3)).status == 200
        assert {body(1), body(3)} <= everything(broker.bootstrap)
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
        assert not (tmp_path / "spool").exists()
        assert ingest.stop() == 0


def test_it_starts_without_a_broker_and_keeps_what_comes(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    broker.stop()
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        assert_accepted(ingest.post(PATH, body(1)))
        broker.start()
        ingest.wait_until(lambda: "bergline bootstrap" in str(spooling(ingest)))
        assert_accepted(ingest.post(PATH, body(2)))
        create_topics(broker.bootstrap)
        wait_empty(ingest)
        assert_accepted(ingest.post(PATH, body(3)))
    assert everything(broker.bootstrap) == {body(1), body(2), body(3)}


def test_a_frozen_broker_costs_a_second_at_most(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        broker.pause()
        try:
            with ThreadPoolExecutor(8) as threads:
                for answer in threads.map(lambda n: ingest.post(PATH, body(n, 1)), range(8)):
                    assert_accepted(answer)
            for n in range(8, 12):
                assert_accepted(ingest.post(PATH, body(n, 1)))
        finally:
            broker.resume()
        wait_empty(ingest)
        assert_accepted(ingest.post(PATH, body(12, 1)))
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    records = arrived(broker.bootstrap)
    assert sorted(number(record.value) for record in records) == list(range(13)), (
        "what was under way is waited for, not sent twice"
    )
    assert [number(record.value) for record in records][8:] == list(range(8, 13))


def test_what_a_broker_holds_up_is_bounded(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap, BERGLINE_INGEST_MAX_IN_FLIGHT="4") as ingest:
        ingest.wait_ready()
        broker.pause()
        try:
            with ThreadPoolExecutor(12) as threads:
                answers = list(threads.map(lambda n: ingest.post(PATH, body(n)), range(12)))
        finally:
            broker.resume()
        refused = [answer for answer in answers if answer.status != 200]
        assert {answer.json["title"] for answer in refused} == {"Too much in flight"}
        assert len(answers) - len(refused) <= 4
        wait_empty(ingest)
        ingest.wait_until(lambda: ingest.post(PATH, body(99)).status == 200)


def test_every_record_answered_2xx_survives_kills_of_the_broker(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        with ThreadPoolExecutor(8) as threads:
            for round_ in range(3):
                jobs = [
                    threads.submit(ingest.post, PATH, body(round_ * 1000 + n)) for n in range(40)
                ]
                broker.kill9()
                broker.start()
                for job in jobs:
                    assert_accepted(job.result())
                wait_empty(ingest)
                assert_accepted(ingest.post(PATH, body(round_ * 1000 + 999)))
        assert ingest.stop() == 0
    wanted = {body(1000 * round_ + n) for round_ in range(3) for n in (*range(40), 999)}
    assert everything(broker.bootstrap) == wanted


def test_every_record_answered_2xx_survives_kills_of_ingest(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    """Killed while it spools and while it replays; all that is known is in the directory."""
    create_topics(broker.bootstrap)
    broker.kill9()
    accepted: list[int] = []
    next_number = 0
    for _ in range(3):
        with IngestProcess(tmp_path, broker.bootstrap) as ingest, ThreadPoolExecutor(8) as threads:
            jobs = {
                n: threads.submit(ingest.post, PATH, body(n))
                for n in range(next_number, next_number + 60)
            }
            next_number += 60
            jobs[next_number - 30].result()
            assert ingest.process is not None
            ingest.process.kill()
            for n, job in jobs.items():
                if job.exception() is None and job.result().status == 200:
                    accepted.append(n)
    assert len(accepted) >= 30
    broker.start()
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        with Tail(broker.bootstrap, "shopify.orders", whole=True) as tail:
            tail.take(1)
        assert ingest.process is not None
        ingest.process.kill()
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        wait_empty(ingest)
        assert ingest.stop() == 0
    records = arrived(broker.bootstrap)
    assert set(accepted) <= {number(record.value) for record in records}
    assert_in_order(records)


def test_what_instances_left_behind_is_taken_over(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    broker.kill9()
    with (
        IngestProcess(tmp_path, broker.bootstrap) as one,
        IngestProcess(tmp_path, broker.bootstrap) as other,
    ):
        assert_accepted(one.post(PATH, body(1)))
        assert_accepted(other.post(PATH, body(2)))
        directories = sorted(path.name for path in (tmp_path / "spool" / "_").iterdir())
        assert directories == ["0000", "0001"], "each has its own"
    broker.start()
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        wait_empty(ingest)
        assert everything(broker.bootstrap) == {body(1)}, "its own; the other may start again soon"
        left = tmp_path / "spool" / "_" / "0001"
        os.utime(left / LOCK, (time.time() - ORPHANED_AFTER_S,) * 2)
        ingest.wait_until(lambda: not list(left.rglob("*.segment")))
        wait_empty(ingest)
        assert everything(broker.bootstrap) == {body(1), body(2)}
        ingest.wait_until(lambda: not is_owned(left))


def test_an_instance_with_a_number_goes_on_in_its_own_directory(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    """However two of them are started again, what each had spooled goes first."""
    create_topics(broker.bootstrap)
    broker.kill9()
    own = [{"BERGLINE_INGEST_SPOOL_NUMBER": str(number)} for number in range(2)]
    with IngestProcess(tmp_path, broker.bootstrap, **own[1]) as other:
        assert_accepted(other.post(PATH, body(1, 7)))
    with (
        IngestProcess(tmp_path, broker.bootstrap, **own[0]),
        IngestProcess(tmp_path, broker.bootstrap, **own[1]) as other,
    ):
        assert_accepted(other.post(PATH, body(2, 7)))
        broker.start()
        wait_empty(other)
    assert [number(record.value) for record in arrived(broker.bootstrap)] == [1, 2]


def desk(directory: Path, bootstrap: str, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and answer of ``bergline spool``."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("BERGLINE_")}
    ended = bergline(
        ("spool", *arguments, "--output", "json"),
        {**environment, "BERGLINE_DATA_DIR": str(directory), "BERGLINE_BROKERS": bootstrap},
    )
    return ended.returncode, json.loads(ended.stdout or "{}")


def test_an_operator_sees_what_is_spooled_and_sends_what_is_nobodys(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    broker.kill9()
    assert desk(tmp_path, broker.bootstrap, "status")[0] == 4, "no instance has run yet"
    with (
        IngestProcess(tmp_path, broker.bootstrap) as retired,
        IngestProcess(tmp_path, broker.bootstrap) as running,
    ):
        for n in range(5):
            assert_accepted(retired.post(PATH, body(n, 1)))
        assert_accepted(running.post(PATH, body(5, 1)))
        assert retired.stop() == 0
        code, found = desk(tmp_path, broker.bootstrap, "status")
        assert (code, found["records"]) == (0, 6)
        gone, owned = found["instances"]
        assert (gone["owned"], owned["owned"]) == (False, True)
        [kept] = gone["streams"]
        assert (kept["source"], kept["topic"], kept["records"]) == ("shopify", "shopify.orders", 5)
        assert kept["bytes"] > 0
        assert kept["oldest_s"] > 0
        code, found = desk(tmp_path, broker.bootstrap, "drain", "--timeout", "1")
        assert (code, found["sent"], found["left"]) == (3, 0, 5)
        assert broker.bootstrap in found["why"]
        broker.start()
        code, found = desk(tmp_path, broker.bootstrap, "drain")
        assert (code, found["sent"], found["left"]) == (0, 5, 0)
        assert found["owned"] == [owned["directory"]]
        wait_empty(running)
        assert desk(tmp_path, broker.bootstrap, "status")[1]["records"] == 0
    records = arrived(broker.bootstrap)
    assert sorted(number(record.value) for record in records) == list(range(6))
    assert_in_order([record for record in records if number(record.value) < 5])


async def left_in_a_spool(directory: Path, values: list[bytes]) -> None:
    """What an instance that is gone had kept, of one key."""
    spool = Spool(directory / "spool" / UNNAMED, max_bytes=2**24, share=1.0)
    spool.start()
    for each in values:
        headers = [("ce_id", b"an event"), ("delivery_id", b"of %d" % number(each))]
        spool.put(StreamKey("shopify", "shopify.orders"), b"1", each, headers, lambda _error: None)
    await spool.close(10)


def test_what_the_broker_refuses_for_ever_is_put_aside_and_those_behind_it_go_on(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topic(broker.bootstrap, "shopify.orders", {"max.message.bytes": "2000"})
    create_topics(broker.bootstrap)
    large = json.dumps({"id": 1, "number": 1, "note": "x" * 3000}).encode()
    asyncio.run(left_in_a_spool(tmp_path, [body(0, 1), large, body(2, 1)]))
    code, found = desk(tmp_path, broker.bootstrap, "drain", "--timeout", "3")
    assert (code, found["left"]) == (3, 3), "all of a batch are refused, whichever is too large"
    code, found = desk(tmp_path, broker.bootstrap, "skip", "shopify.orders")
    assert code == 0
    assert (found["letter_id"], found["sent"], found["left"]) == ("of 1", 1, 1)
    code, found = desk(tmp_path, broker.bootstrap, "drain")
    assert (code, found["sent"], found["left"]) == (0, 1, 0)
    assert [number(record.value) for record in arrived(broker.bootstrap)] == [0, 2]
    [letter] = arrived(broker.bootstrap, DEAD_LETTERS)
    told = json.loads(letter.value)
    assert (told["stage"], told["topic"]) == ("sending", "shopify.orders")
    assert base64.b64decode(told["value"]) == large
    assert told["headers"]["ce_id"] == "an event"
    assert desk(tmp_path, broker.bootstrap, "skip", "shopify.orders")[0] == 4, "nothing is left"


def test_others_cannot_read_the_spool(tmp_path: Path) -> None:
    with IngestProcess(tmp_path, f"127.0.0.1:{free_port()}") as ingest:
        assert_accepted(ingest.post(PATH, body(1)))
        found = [tmp_path / "spool", *(tmp_path / "spool").rglob("*")]
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in found}
        assert any(path.suffix == ".segment" for path in found)
        assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}
        assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}


def test_one_vendor_cannot_fill_the_spool(tmp_path: Path) -> None:
    brokers = f"127.0.0.1:{free_port()}"
    with IngestProcess(tmp_path, brokers, BERGLINE_INGEST_SPOOL_MAX_BYTES=str(64 * 1024)) as ingest:
        large = b'{"id":1,"note":"%s"}' % (b"x" * 5000)
        answers = [ingest.post(PATH, large) for _ in range(8)]
        assert [answer.status for answer in answers] == [200] * 6 + [503] * 2
        refused = answers[-1]
        assert refused.seconds < 2.2
        assert int(refused.headers["Retry-After"]) > 0
        assert refused.json["type"] == "/docs#spool-full"
        assert "shopify, its share" in refused.json["detail"]
        assert ingest.get("/readyz").status == 200
        event = b'{"id":"evt_1","type":"charge.succeeded","data":{"object":{"id":"ch_1"}}}'
        assert ingest.post(STRIPE, event).status == 200
        assert b'spool_refused_total{source="shopify"} 2' in ingest.get("/metrics").body
        spooled = sum(path.stat().st_size for path in (tmp_path / "spool").rglob("*.segment"))
        assert spooled <= 64 * 1024


def test_a_full_spool_is_not_ready(tmp_path: Path) -> None:
    with IngestProcess(
        tmp_path,
        f"127.0.0.1:{free_port()}",
        BERGLINE_INGEST_SPOOL_MAX_BYTES=str(64 * 1024),
        BERGLINE_INGEST_SPOOL_SOURCE_SHARE="1",
    ) as ingest:
        large = b'{"id":1,"note":"%s"}' % (b"x" * 30_000)
        assert [ingest.post(PATH, large).status for _ in range(3)] == [200, 200, 503]
        ready = ingest.get("/readyz")
        assert ready.status == 503
        assert "its limit" in ready.json["reason"]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    small = SmallDisk(tmp_path / "small", 8 * 2**20)
    try:
        small.mount()
    except OSError as refused:
        pytest.skip(f"a disk of its own is needed, but: {refused}")
    try:
        yield small
    finally:
        small.unmount()


def test_a_full_disk_is_503_and_told_and_no_delivery_is_lost(
    tmp_path: Path, broker: BrokerProcess, disk: SmallDisk
) -> None:
    create_topics(broker.bootstrap)
    broker.kill9()
    with IngestProcess(
        tmp_path, broker.bootstrap, BERGLINE_INGEST_SPOOL_DIR=str(disk.path)
    ) as ingest:
        assert_accepted(ingest.post(PATH, body(1)))
        disk.fill(2000)
        refused = ingest.post(PATH, b'{"id":2,"number":2,"note":"%s"}' % (b"x" * 50_000))
        assert refused.status == 503
        assert "No space left on device" in refused.json["detail"]
        assert ingest.get("/readyz").status == 503
        assert "No space left on device" in ingest.get("/readyz").json["reason"]
        disk.free()
        ingest.wait_until(lambda: ingest.post(PATH, body(3)).status == 200)
        broker.start()
        wait_empty(ingest)
        assert "the spool cannot be written" in ingest.log()
        assert "Traceback" not in ingest.log()
    assert everything(broker.bootstrap) == {body(1), body(3)}


def test_a_broker_that_lost_everything_gets_a_new_producer(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        for n in range(20):
            assert ingest.post(PATH, body(n)).status == 200
        broker.kill9()
        shutil.rmtree(broker.data_dir)
        broker.start()
        create_topics(broker.bootstrap)
        # The new log knows nothing of the old producer's sequence numbers.
        for n in range(100, 121):
            assert_accepted(ingest.post(PATH, body(n)))
        wait_empty(ingest)
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
        assert {body(n) for n in range(100, 121)} <= everything(broker.bootstrap)


def test_after_a_refused_batch_a_new_producer_takes_over(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    # A failed batch leaves a gap in the sequence numbers, which no broker goes on from.
    create_topic(broker.bootstrap, "shopify.orders", {"max.message.bytes": "2000"})
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        assert ingest.post(PATH, body(1)).status == 200
        # The broker will never take it, so it is not kept for later either.
        answer = ingest.post(PATH, b'{"id":1,"note":"%s"}' % (b"x" * 5000))
        assert_unavailable(answer)
        assert "MessageSizeTooLarge" in answer.json["detail"]
        assert ingest.post(PATH, body(1)).status == 200
        wait_empty(ingest)
        assert "the producer failed and is replaced" in ingest.log()
        for _ in range(5):
            assert ingest.post(PATH, body(1)).status == 200
        wait_empty(ingest)
        assert ingest.get("/info").json["in_flight"] == 0
        assert "Traceback" not in ingest.log()
        assert "never retrieved" not in ingest.log()
        assert ingest.stop() == 0


def test_a_topic_that_was_recreated_is_written_again(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        for n in range(20):
            assert ingest.post(PATH, body(n)).status == 200
        delete_topic(broker.bootstrap, "shopify.orders")
        ingest.wait_until(lambda: "shopify.orders" in str(ingest.get("/readyz").json))
        assert_accepted(ingest.post(PATH, body(100)))
        assert ingest.post("/webhooks/shopify/products", body(1)).status == 200
        create_topics(broker.bootstrap)
        wait_empty(ingest)
        assert_accepted(ingest.post(PATH, body(101)))
    assert {body(100), body(101)} <= everything(broker.bootstrap)


def test_a_sender_that_does_not_wait_loses_nothing(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        head = "".join(f"{n}: {v}\r\n" for n, v in shopify_signature(body(1)).items())
        request = f"POST {PATH} HTTP/1.1\r\nHost: x\r\n{head}Content-Length: {len(body(1))}\r\n\r\n"
        with Tail(broker.bootstrap, "shopify.orders") as tail:
            broker.pause()
            with socket.create_connection(("127.0.0.1", ingest.port)) as connection:
                connection.sendall(request.encode() + body(1))
                ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 1)
            broker.resume()
            assert [record.value for record in tail.take(1)] == [body(1)]


def test_a_delivery_under_way_at_sigterm_is_answered(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        broker.pause()
        with ThreadPoolExecutor(1) as thread:
            job = thread.submit(ingest.post, PATH, body(1))
            ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 1)
            assert ingest.process is not None
            ingest.process.terminate()
            ingest_refuses(ingest.port)
            broker.resume()
            assert job.result().status == 200
        assert ingest.process.wait(12) == 0
    assert everything(broker.bootstrap) == {body(1)}


def ingest_refuses(port: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline, "still accepting after SIGTERM"
        time.sleep(0.01)


def test_sigterm_without_any_broker_ends_in_time(tmp_path: Path) -> None:
    with IngestProcess(tmp_path, f"127.0.0.1:{free_port()}") as ingest:
        started = time.monotonic()
        assert ingest.stop() == 0
        assert time.monotonic() - started < 10
