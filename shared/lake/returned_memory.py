"""Give memory back to the system after large builds: allocators keep what was freed.

A worker lives long and builds one table after another; what its largest builds had would add up.
"""

from __future__ import annotations

import ctypes
import gc

import pyarrow as pa


def give_back() -> None:
    """Return what Arrow and the C library keep, as far as they let it go. Takes milliseconds
    in a process that has frozen its imports (:func:`gc.freeze`), a tenth of a second elsewhere."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # of glibc alone
    if trim is not None:
        trim(0)
