"""Google Analytics 4: exports as Parquet files, which somebody puts where they may be read."""

from __future__ import annotations

from datetime import timedelta

from shared.contracts.column_types import Type
from shared.sources.signing import BearerToken
from shared.sources.spec import Entity, Export, RawTable, SourceSpec, columns

EXPORTS = "ga4.exports"

SOURCE = SourceSpec(
    name="ga4",
    title="Google Analytics 4",
    signature=BearerToken(),
    entities=(
        Entity(
            topic=EXPORTS,
            key="uri of the file",
            description="Files with events of Google Analytics 4 that are complete.",
            table=RawTable(
                "raw.ga4_events",
                "Every event of Google Analytics 4: one row for each that any export held.",
                columns(
                    (Type.STRING, "client_id user_id event_name"),
                    (Type.LONG, "event_timestamp"),
                    (Type.STRING, "event_date"),
                    (Type.JSON, "event_params user_properties traffic_source device geo"),
                    (Type.STRING, "page_location page_title page_referrer"),
                    (Type.LONG, "engagement_time_ms"),
                    (Type.BOOLEAN, "is_conversion"),
                    (Type.STRING, "currency"),
                    (Type.DOUBLE, "value"),
                    (Type.STRING, "session_id"),
                    (Type.INT, "ga_session_number"),
                ),
            ),
            other_types=True,
            expected_every=timedelta(hours=26),
        ),
    ),
    exports=(
        Export(
            path="/ingest/ga4/exports",
            summary="Announce a Parquet file with events of Google Analytics 4.",
            topic=EXPORTS,
            identity=("client_id", "event_timestamp", "event_name"),
            event_time="event_timestamp",
            event_type="event_name",
        ),
    ),
    documentation=("https://support.google.com/analytics/answer/7029846",),
)
