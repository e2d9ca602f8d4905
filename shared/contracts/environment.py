"""One name that keeps two installations on one broker and catalog apart."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = re.compile(r"[a-z][a-z0-9]{0,31}")


@dataclass(frozen=True, slots=True)
class Environment:
    """The prefix of every topic, consumer group and Iceberg namespace (setting ``BERGLINE_ENV``).

    The empty name, the default, prefixes nothing. A name is a lower-case letter followed by up
    to 31 lower-case letters or digits, so that no name can contain a separator and
    ``a`` + ``b.c`` can never equal ``a.b`` + ``c``.

    Raises:
        ValueError: the name is not allowed.
    """

    name: str = ""

    def __post_init__(self) -> None:
        if self.name and not _NAME.fullmatch(self.name):
            raise ValueError(
                f"BERGLINE_ENV {self.name!r} is not allowed: use a lower-case letter followed by "
                "up to 31 lower-case letters or digits, or leave it empty"
            )

    def topic(self, logical: str) -> str:
        """Name of a topic on the broker: ``shopify.orders`` → ``dev.shopify.orders``."""
        return f"{self.name}.{logical}" if self.name else logical

    def logical_topic(self, physical: str) -> str:
        """Inverse of :meth:`topic`.

        Raises:
            ValueError: the topic belongs to another environment.
        """
        if not self.name:
            return physical
        prefix = f"{self.name}."
        if not physical.startswith(prefix):
            raise ValueError(f"topic {physical!r} is not of environment {self.name!r}")
        return physical.removeprefix(prefix)

    def group(self, logical: str) -> str:
        """Name of a consumer group on the broker."""
        return f"{self.name}.{logical}" if self.name else logical

    def namespace(self, logical: str) -> str:
        """Name of an Iceberg namespace: ``raw`` → ``dev_raw`` (one level: all engines read it)."""
        return f"{self.name}_{logical}" if self.name else logical

    def table(self, logical: str) -> tuple[str, str]:
        """Iceberg identifier: ``raw.orders`` in ``dev`` → ``("dev_raw", "orders")``.

        Raises:
            ValueError: the name is not ``namespace.table``.
        """
        namespace, dot, table = logical.partition(".")
        if not dot or not table or "." in table:
            raise ValueError(f"table {logical!r} is not of the form namespace.table")
        return self.namespace(namespace), table
