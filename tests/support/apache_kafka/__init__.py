"""Apache Kafka's jars, pinned: what is fetched, and proof that it is that."""
