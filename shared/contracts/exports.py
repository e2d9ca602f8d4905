"""Files that a vendor drops: one is complete and may be loaded."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from shared.contracts.event import Event

LONGEST_URI = 1024

ExportUri = Annotated[
    str,
    StringConstraints(
        max_length=LONGEST_URI,
        pattern=r"^(file://|s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(/[^/\x00-\x1f]+)+$",
    ),
]
"""``file:///dir/name`` or ``s3://bucket/key``; nothing in it is percent-encoded."""


class ExportReady(Event):
    """A file with a vendor's events is complete; its rows are to be loaded.

    At least once, and announcing a file again is harmless: only rows that the table does not hold
    are inserted.
    """

    type: ClassVar[str] = "lakehouse.export.ready.v1"

    uri: ExportUri = Field(description="where the file is: file:///… or s3://…")
    fingerprint: str = Field(
        max_length=256,
        description="changes with the file: size and modification time, or the object's ETag",
    )
    size_bytes: int = Field(ge=0, description="size of the file")
    noticed: Literal["request", "watch"] = Field(
        description="request: somebody named it; watch: it was found under a watched prefix"
    )
    ready_at: AwareDatetime = Field(description="when it was found to be complete")

    def key(self) -> str:
        """Where the file is: its versions stay in order."""
        return self.uri

    def event_id(self) -> str:
        """Where it is and which version: the same file announced twice has the same id."""
        return f"{self.uri}#{self.fingerprint}"

    def event_time(self) -> AwareDatetime:
        """When it was found to be complete."""
        return self.ready_at
