"""A broker that is away or slow costs a 503 in time, never a record that was answered 2xx."""

import shutil
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.broker import BrokerProcess, broker, free_port
from tests.support.ingest import (
    Answer,
    IngestProcess,
    Tail,
    create_topic,
    create_topics,
    delete_topic,
    shopify_signature,
)

__all__ = ["broker"]

PATH = "/webhooks/shopify/orders"
pytestmark = pytest.mark.timeout(120)


def body(number: int) -> bytes:
    return b'{"id":%d}' % number


def assert_unavailable(answer: Answer) -> None:
    assert answer.status == 503
    assert answer.seconds < 2.2, "the vendor's patience is 5 s; ours is 2"
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json["title"] == "Failed to publish event"


def test_a_killed_broker_is_503_within_two_seconds_and_recovers(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
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
        assert ingest.stop() == 0


def test_it_starts_without_a_broker_and_serves_once_there_is_one(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    broker.stop()
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        assert ingest.get("/readyz").status == 503
        assert_unavailable(ingest.post(PATH, body(1)))
        broker.start()
        ingest.wait_until(lambda: "bergline bootstrap" in str(ingest.get("/readyz").json))
        assert_unavailable(ingest.post(PATH, body(1)))
        create_topics(broker.bootstrap)
        ingest.wait_ready()
        assert ingest.post(PATH, body(1)).status == 200


def test_a_frozen_broker_is_503_within_two_seconds(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        broker.pause()
        try:
            with ThreadPoolExecutor(8) as threads:
                for answer in threads.map(lambda n: ingest.post(PATH, body(n)), range(8)):
                    assert_unavailable(answer)
        finally:
            broker.resume()
        ingest.wait_ready()
        assert ingest.post(PATH, body(9)).status == 200
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)


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
        assert {answer.status for answer in answers} == {503}
        titles = [answer.json["title"] for answer in answers]
        assert titles.count("Failed to publish event") <= 4
        assert titles.count("Too much in flight") >= 8
        ingest.wait_ready()
        ingest.wait_until(lambda: ingest.post(PATH, body(99)).status == 200)


def test_every_record_answered_2xx_survives_kills_of_the_broker(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    accepted: list[bytes] = []
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        with ThreadPoolExecutor(8) as threads:
            for round_ in range(3):
                jobs = {
                    value: threads.submit(ingest.post, PATH, value)
                    for value in (body(round_ * 1000 + n) for n in range(40))
                }
                broker.kill9()
                broker.start()
                accepted += [value for value, job in jobs.items() if job.result().status == 200]
                ingest.wait_ready()
                last = body(round_ * 1000 + 999)
                assert ingest.post(PATH, last).status == 200
                accepted.append(last)
        assert ingest.stop() == 0
    found = everything(broker.bootstrap)
    assert set(accepted) <= found


def everything(bootstrap: str) -> set[bytes]:
    with Tail(bootstrap, "shopify.orders", whole=True) as tail:
        return {message.value for message in tail.take(tail.existing)}


def test_a_broker_that_lost_everything_gets_a_new_producer(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        for number in range(20):
            assert ingest.post(PATH, body(number)).status == 200
        broker.kill9()
        shutil.rmtree(broker.data_dir)
        broker.start()
        create_topics(broker.bootstrap)
        # The new log knows nothing of the old producer's sequence numbers.
        ingest.wait_until(lambda: ingest.post(PATH, body(100)).status == 200)
        for number in range(101, 121):
            assert ingest.post(PATH, body(number)).status == 200
        ingest.wait_until(lambda: ingest.get("/info").json["in_flight"] == 0)
    assert {body(number) for number in range(100, 121)} <= everything(broker.bootstrap)


def test_after_a_refused_batch_a_new_producer_takes_over(
    tmp_path: Path, broker: BrokerProcess
) -> None:
    # A failed batch leaves a gap in the sequence numbers, which no broker goes on from.
    create_topic(broker.bootstrap, "shopify.orders", {"max.message.bytes": "2000"})
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        assert ingest.post(PATH, body(1)).status == 200
        answer = ingest.post(PATH, b'{"id":1,"note":"%s"}' % (b"x" * 5000))
        assert_unavailable(answer)
        assert "MessageSizeTooLarge" in answer.json["detail"]
        ingest.wait_until(lambda: ingest.post(PATH, body(1)).status == 200)
        assert "the producer failed and is replaced" in ingest.log()
        for _ in range(5):
            assert ingest.post(PATH, body(1)).status == 200
        assert ingest.get("/info").json["in_flight"] == 0
        assert "Traceback" not in ingest.log()
        assert "never retrieved" not in ingest.log()
        assert ingest.stop() == 0


def test_a_topic_that_was_recreated_is_written_again(tmp_path: Path, broker: BrokerProcess) -> None:
    create_topics(broker.bootstrap)
    with IngestProcess(tmp_path, broker.bootstrap) as ingest:
        ingest.wait_ready()
        for number in range(20):
            assert ingest.post(PATH, body(number)).status == 200
        delete_topic(broker.bootstrap, "shopify.orders")
        ingest.wait_until(lambda: "shopify.orders" in str(ingest.get("/readyz").json))
        assert_unavailable(ingest.post(PATH, body(1)))
        assert ingest.post("/webhooks/shopify/products", body(1)).status == 200
        create_topics(broker.bootstrap)
        ingest.wait_until(lambda: ingest.post(PATH, body(100)).status == 200)
    assert body(100) in everything(broker.bootstrap)


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
