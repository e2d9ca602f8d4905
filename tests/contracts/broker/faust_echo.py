"""A Faust worker that sends on what it reads; run as a module, with ``worker``.

Environment: ECHO_BOOTSTRAP, ECHO_FROM, ECHO_TO (topics), ECHO_DATA (a directory).
"""

import os
from typing import Any

import faust

app = faust.App(
    f"echo-{os.environ['ECHO_FROM']}",
    broker=f"kafka://{os.environ['ECHO_BOOTSTRAP']}",
    autodiscover=False,
    broker_commit_interval=0.2,
    stream_wait_empty=False,
    topic_disable_leader=True,
    topic_allow_declare=False,
    consumer_auto_offset_reset="earliest",
    datadir=os.environ["ECHO_DATA"],
)
raw: dict[str, Any] = {"value_type": bytes, "value_serializer": "raw", "key_serializer": "raw"}
source = app.topic(os.environ["ECHO_FROM"], **raw)
target = app.topic(os.environ["ECHO_TO"], **raw)


@app.agent(source)
async def echo(stream: faust.StreamT[bytes]) -> None:
    """Send each record on, under its key."""
    async for event in stream.events():
        await target.send(key=event.key, value=event.value)


if __name__ == "__main__":
    app.main()
