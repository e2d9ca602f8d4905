"""Landing tables: one row per record as received, append-only."""
