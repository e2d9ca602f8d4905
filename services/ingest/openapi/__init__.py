"""The OpenAPI document of what ingest serves."""
