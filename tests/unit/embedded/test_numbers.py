"""A process that keeps something is told which replica it is."""

from pathlib import Path

from deploy.embedded import platform
from deploy.embedded.layout import Layout
from deploy.embedded.ports import PortSettings
from deploy.embedded.secrets import Secrets
from deploy.embedded.services import replicas_of


def test_each_replica_of_ingest_has_a_spool_of_its_own(tmp_path: Path) -> None:
    replicas = replicas_of({"ingest": 3})
    plan = platform.plan(Layout(tmp_path), PortSettings(), Secrets.generate(), replicas)
    told = {
        child.name: child.environment.get("BERGLINE_INGEST_SPOOL_NUMBER")
        for child in plan
        if child.service
    }
    assert [told[name] for name in ("ingest", "ingest-1", "ingest-2")] == ["0", "1", "2"]
    assert told["stream_writer"] is None
