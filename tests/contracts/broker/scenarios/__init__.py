"""Questions to a broker, in scenarios: each yields question and answer, one after the other.

What Apache Kafka answered is kept in ``answers.json`` beside them. A new question is answered there
by ``make broker-conformance ARGS=--record``.
"""

from collections.abc import Callable, Iterator, Mapping

from tests.contracts.broker.bare_client import BareClient
from tests.contracts.broker.scenarios import configs, fetch, groups, positions, produce, topics

Scenario = Callable[[BareClient], Iterator[tuple[str, str]]]

SCENARIOS: Mapping[str, Scenario] = {
    "batches": produce.batches,
    "topics with rules": produce.topics_with_rules,
    "sequences": produce.sequences,
    "fetch": fetch.bounds,
    "waiting": fetch.waits,
    "offsets by time": positions.times,
    "deleting records": positions.deletion,
    "creating topics": topics.creation,
    "names of topics": topics.names,
    "adding partitions": topics.growth,
    "deleting topics": topics.removal,
    "metadata": topics.metadata,
    "reading settings": configs.reading,
    "changing settings": configs.changing,
    "refused members": groups.refusals,
    "one member": groups.one_member,
    "two members": groups.two_members,
    "session expiry": groups.expiry,
    "committed offsets": groups.offsets,
    "coordinators": groups.coordinators,
}
