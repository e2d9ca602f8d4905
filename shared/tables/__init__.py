"""What is stored: every Iceberg table, its columns, field ids, partitioning and properties.

Pure declarations: no Iceberg or Arrow library is imported here, so that every service can read
the registry.
"""
