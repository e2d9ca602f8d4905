"""Rules that tables share: money, JSON members, versions, refusals. Pure, on polars."""
