"""Settings of alerter."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.alerter.delivery.settings import DeliverySettings
from services.alerter.signals.settings import SignalSettings
from shared.runtime.settings import data_dir


class AlerterSettings(DeliverySettings, SignalSettings):
    """Variables ``BERGLINE_ALERTER_…`` beside the shared ones, those of delivery and of signals."""

    model_config = SettingsConfigDict(env_prefix="BERGLINE_", frozen=True, extra="ignore")

    alerter_port: int = Field(default=8087, ge=1, le=65535, description="HTTP port")
    alerter_time_scale: float = Field(
        default=1.0,
        gt=0,
        le=1000,
        description="all times of rules (intervals, for, windows, durations) times this; for "
        "demonstrations and tests",
    )
    alerter_rules_look_s: float = Field(
        default=3.0,
        gt=0,
        description="how often the files of rules and routes are looked at for changes",
    )
    alerter_unowned_s: float = Field(
        default=10.0,
        gt=0,
        description="after so long without a word of the broker an alerter takes the rules that "
        "it had last for its own, or all of them where it never had any",
    )
    alerter_session_timeout_s: float = Field(
        default=20.0, ge=6, le=300, description="silence after which a worker loses its rules"
    )
    alerter_work_dir: Path = Field(
        default=Path("alerter"),
        description="directory of its journal and of Faust, below the data directory unless "
        "absolute",
    )

    @property
    def own_dir(self) -> Path:
        """Where this worker keeps things; workers of one data directory differ by their ports."""
        return data_dir() / self.alerter_work_dir / f"own-{self.alerter_port}"
