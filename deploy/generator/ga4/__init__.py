"""A GA4 property: visitors, their sessions, and the export of their events as Parquet files."""
