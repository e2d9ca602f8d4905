"""What Apache Kafka answered to the questions, and what the embedded broker may answer instead."""

import json
from collections.abc import Mapping
from pathlib import Path

from deploy.embedded.broker.limits import LIMITS
from tests.contracts.broker.bare_client import BareClient
from tests.contracts.broker.scenarios import SCENARIOS
from tests.support.broker_process import BrokerProcess

FILE = Path(__file__).with_name("answers.json")

Answers = Mapping[str, Mapping[str, str]]
"""By scenario and question."""


def recorded() -> Answers:
    """Apache Kafka's answers."""
    found: Answers = json.loads(FILE.read_text())
    return found


def expected(scenario: str, *, embedded: bool) -> Mapping[str, str]:
    """The answers to one scenario: Apache Kafka's, for the embedded broker within its limits."""
    answers = dict(recorded().get(scenario, {}))
    if embedded:
        for limit in LIMITS:
            for (about, question), (ours, _) in limit.answers.items():
                if about == scenario:
                    answers[question] = ours
    return answers


def ask(broker: BrokerProcess, scenario: str) -> Mapping[str, str]:
    """A broker's answers to one scenario."""
    answers: dict[str, str] = {}
    with BareClient(broker) as client:
        for question, answer in SCENARIOS[scenario](client):
            assert question not in answers, f"asked twice: {question}"
            answers[question] = answer
    return answers


def record(broker: BrokerProcess) -> None:
    """Replace the recorded answers by those of a broker, which must be Apache Kafka."""
    answers = {scenario: ask(broker, scenario) for scenario in SCENARIOS}
    FILE.write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
