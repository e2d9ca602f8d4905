"""A Faust worker that writes down every record it sees: ``python -m tests.chaos.faust_reader``.

Environment: READER_BOOTSTRAP, READER_TOPIC, READER_FILE (one line per record: its value).
"""

import os
from pathlib import Path

import faust

app = faust.App(
    "chaos-readers",
    broker=f"kafka://{os.environ['READER_BOOTSTRAP']}",
    autodiscover=False,
    broker_session_timeout=10,
    broker_heartbeat_interval=2,
    broker_rebalance_timeout=6,
    broker_commit_interval=0.5,
    stream_wait_empty=False,
    topic_disable_leader=True,
    topic_allow_declare=False,
    consumer_auto_offset_reset="earliest",
    datadir=f"{os.environ['READER_FILE']}.data",
)
records = app.topic(
    os.environ["READER_TOPIC"], value_type=bytes, value_serializer="raw", key_serializer="raw"
)
seen = Path(os.environ["READER_FILE"]).open("ab", buffering=1 << 16)  # noqa: SIM115


@app.agent(records)
async def note(stream: faust.StreamT[bytes]) -> None:
    """Write each value down."""
    async for value in stream:
        seen.write(value + b"\n")


@app.timer(interval=0.25)
async def flush() -> None:
    """Let the test see what was written."""
    seen.flush()


if __name__ == "__main__":
    app.main()
