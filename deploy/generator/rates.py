"""How often what happens: shares of all deliveries."""

from __future__ import annotations

from dataclasses import dataclass, fields

from deploy.generator.delivery import Kind
from deploy.generator.people import SHARED_RATIO


@dataclass(frozen=True, slots=True)
class Rates:
    """Shares of all deliveries, between 0 and 1; what is left are new objects.

    Attributes:
        updated: changes of objects, those that overtake an older one among them.
        deleted: deletions, and privacy requests that ask for one.
        redelivered: deliveries that were made before.
        out_of_order: older versions that come after a newer one.
        malformed: deliveries that must be refused.
        shared: of a vendor's new customers, those whom another vendor knows.

    Raises:
        ValueError: one is no share, they exceed 1, or more is overtaken than changes.
    """

    updated: float = 0.2
    deleted: float = 0.02
    redelivered: float = 0.043
    out_of_order: float = 0.013
    malformed: float = 0.02
    shared: float = SHARED_RATIO

    def __post_init__(self) -> None:
        for each in fields(self):
            if not 0 <= getattr(self, each.name) <= 1:
                raise ValueError(f"{each.name} is a share between 0 and 1")
        if self.created < 0:
            raise ValueError(
                "updated, deleted, redelivered, out of order and malformed exceed 1 together"
            )
        if self.out_of_order > self.updated:
            raise ValueError("no more can be out of order than is updated")

    @property
    def created(self) -> float:
        """New objects."""
        others = self.deleted + self.redelivered + self.out_of_order + self.malformed
        return round(1 - self.updated - others, 12)

    def of(self, kind: Kind) -> float:
        """The share of a kind of delivery."""
        return {
            Kind.CREATION: self.created,
            Kind.UPDATE: self.updated,
            Kind.OUT_OF_ORDER: self.out_of_order,
            Kind.DELETION: self.deleted,
            Kind.REDELIVERY: self.redelivered,
            Kind.MALFORMED: self.malformed,
        }[kind]
