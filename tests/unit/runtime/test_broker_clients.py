"""What a broker that is away is called."""

from __future__ import annotations

import pytest
from aiokafka.errors import KafkaConnectionError, NotLeaderForPartitionError

from shared.runtime.broker_clients import answering
from shared.runtime.errors import Unavailable
from shared.runtime.settings import Settings


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            KafkaConnectionError("Unable to bootstrap from [('h', 1, <AF_INET: 2>)]"),
            "no connection",
        ),
        (TimeoutError(), "nothing in time"),
        (NotLeaderForPartitionError(), "[Error 6] NotLeaderForPartitionError"),
        (ConnectionResetError("reset by peer"), "reset by peer"),
        (OSError(), "OSError()"),
    ],
)
def test_its_silence_is_told_in_words(raised: Exception, told: str) -> None:
    with pytest.raises(Unavailable) as found, answering(Settings(brokers="h:1")):
        raise raised
    assert found.value.what == f"the broker at h:1 does not answer: {told}"
