"""A durable single-node Kafka-protocol broker in asyncio, for laptops and tests."""
