"""Landing tables: one row per record as received, append-only. Which there are, the sources say."""
