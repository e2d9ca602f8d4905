"""The vocabulary in which a source is declared: one declaration drives everything about it.

A :class:`SourceSpec` says where a vendor's webhooks come in, how they are signed, what each of them
is about and how it is stored. Routes, topics, landing tables, settings, the OpenAPI and AsyncAPI
documents, the generator and the tests are made of it. It holds plain values and pure functions, so
any process can load it: no web server, broker client or table library is imported here.

A source is one folder with ``source.py`` in it, whose name ``SOURCE`` is the declaration: in
``shared/sources/<name>/`` the ones that come with the platform, in
``$BERGLINE_PROJECT/sources/<name>/`` an installation's own. It takes its words from here.
"""

from shared.sources.spec.delivery import (
    UNKNOWN_TYPE,
    Delivery,
    Fault,
    Headers,
    Malformed,
    Payload,
    Reader,
)
from shared.sources.spec.example import Example, Expected
from shared.sources.spec.landing import Entity, PayloadColumn, RawTable, columns, topics_by_type
from shared.sources.spec.routes import Body, Endpoint, Export
from shared.sources.spec.vendor import SourceSpec

__all__ = [
    "UNKNOWN_TYPE",
    "Body",
    "Delivery",
    "Endpoint",
    "Entity",
    "Example",
    "Expected",
    "Export",
    "Fault",
    "Headers",
    "Malformed",
    "Payload",
    "PayloadColumn",
    "RawTable",
    "Reader",
    "SourceSpec",
    "columns",
    "topics_by_type",
]
