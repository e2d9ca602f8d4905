"""What the services share: contracts, tables, the lake, the runtime, the operator's desk."""
