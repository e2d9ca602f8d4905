"""What must hold for a source, alone and beside the others, before anything is made of it. Pure."""

from shared.sources.consistency.alone import wrong_alone
from shared.sources.consistency.entities import FILE_TYPES, PAYLOAD_TYPES
from shared.sources.consistency.names import LONGEST_NAME, NAME, RESERVED
from shared.sources.consistency.together import wrong_together
from shared.sources.consistency.wrong import Wrong

__all__ = [
    "FILE_TYPES",
    "LONGEST_NAME",
    "NAME",
    "PAYLOAD_TYPES",
    "RESERVED",
    "Wrong",
    "wrong_alone",
    "wrong_together",
]
