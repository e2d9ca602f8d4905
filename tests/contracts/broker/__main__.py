"""``make broker-conformance``: the contract suite on the embedded broker and on Apache Kafka.

Prints every difference between the two as a table. Exit code 1 for a failed test, and so for a
difference that ``deploy/embedded/broker/limits.py`` does not declare and for one declared there
that no longer exists; 0 with a message where Apache Kafka cannot be had.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from rich.console import Console
from rich.table import Table

from deploy.embedded.broker.limits import KAFKA_VERSION, LIMITS
from tests.contracts.broker import answers
from tests.support.apache_kafka.jars import Absent, jars, java
from tests.support.broker import CHOICE
from tests.support.real_kafka import RealKafka

ROOT = Path(__file__).parents[3]


@dataclass
class Run:
    """The suite on one broker: outcome by test, answer by scenario and question."""

    outcomes: dict[str, str] = field(default_factory=dict)
    answers: dict[tuple[str, str], str] = field(default_factory=dict)

    def summary(self) -> str:
        counted = Counter(self.outcomes.values())
        return ", ".join(f"{counted[word]} {word}" for word in ("passed", "failed", "skipped"))


def run(broker: str, directory: Path) -> Run:
    """Run the suite; ``broker`` as in ``BERGLINE_TEST_BROKER``, its output on standard error."""
    report = directory / f"{broker or 'embedded'}.xml"
    command = [sys.executable, "-m", "pytest", "tests/contracts/broker", "-q", "-r", "fE"]
    subprocess.run(
        [*command, "-p", "no:cacheprovider", f"--junit-xml={report}", "-o", "junit_family=xunit1"],
        cwd=ROOT,
        env={**os.environ, CHOICE: broker},
        stdout=sys.stderr,
        check=False,
    )
    return read(report)


def read(report: Path) -> Run:
    """A JUnit report of the suite."""
    found = Run()
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 we wrote it ourselves
        name = f"{case.attrib['classname'].rpartition('.')[2]}::{case.attrib['name']}"
        kinds = {child.tag for child in case}
        outcome = "failed" if kinds & {"failure", "error"} else "passed"
        found.outcomes[name] = "skipped" if "skipped" in kinds else outcome
        scenario = case.attrib["name"].partition("[")[2].rstrip("]")
        for one in case.iter("property"):
            found.answers[scenario, one.attrib["name"]] = one.attrib["value"]
    return found


def differences(embedded: Run, kafka: Run) -> Sequence[tuple[str, str, str, str]]:
    """Test or question, both answers, and the limit that declares the difference."""
    declared: Mapping[tuple[str, str], str] = {
        key: limit.subject for limit in LIMITS for key in limit.answers
    }
    rows = [
        (name, outcome, kafka.outcomes.get(name, "missing"), "")
        for name, outcome in embedded.outcomes.items()
        if kafka.outcomes.get(name) not in (outcome, "skipped")
    ]
    for key, answer in embedded.answers.items():
        other = kafka.answers.get(key, "not asked")
        if answer != other:
            rows.append((": ".join(key), answer, other, declared.get(key, "")))
    return rows


def show(rows: Sequence[tuple[str, str, str, str]], console: Console) -> None:
    """The table."""
    table = Table(
        "test", "embedded", f"Apache Kafka {KAFKA_VERSION}", "declared as", show_lines=True
    )
    for row in rows:
        table.add_row(*(cell or "[red]not declared[/]" for cell in row))
    console.print(table)


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="make broker-conformance", description=__doc__)
    parser.add_argument(
        "--record", action="store_true", help="write what Apache Kafka answers to answers.json"
    )
    options = parser.parse_args()
    try:
        java(), jars()
    except Absent as reason:
        print(f"skipped: {reason}")
        return 0
    with tempfile.TemporaryDirectory(prefix="bergline-conformance-") as name:
        directory = Path(name)
        if options.record:
            return _record(directory)
        embedded, kafka = run("", directory), run("kafka", directory)
    rows = differences(embedded, kafka)
    show(rows, Console(width=None if sys.stdout.isatty() else 160))
    undeclared = sum(not row[3] for row in rows)
    print(f"embedded: {embedded.summary()}; {len(embedded.answers)} questions answered")
    print(f"kafka:    {kafka.summary()}; {len(kafka.answers)} questions answered")
    print(f"{len(rows)} differences, {undeclared} of them not declared")
    failed = "failed" in {*embedded.outcomes.values(), *kafka.outcomes.values()}
    return 1 if failed or undeclared else 0


def _record(directory: Path) -> int:
    broker = RealKafka(directory)
    broker.start()
    try:
        answers.record(broker)
    finally:
        broker.close()
    print(f"{answers.FILE.relative_to(ROOT)}: {sum(map(len, answers.recorded().values()))} answers")
    return 0


if __name__ == "__main__":
    sys.exit(main())
