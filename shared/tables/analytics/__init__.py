"""Analytics: figures by group, one row per group."""
