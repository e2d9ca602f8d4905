"""ingest: answers a vendor's webhook only after the broker has it.

Reads:      HTTP deliveries of Shopify and Stripe (``/webhooks/…``).
Writes:     ``shopify.*`` and ``stripe.*`` topics, the body byte for byte under a CloudEvents
            envelope; ``dlq.ingestion-errors`` for signed deliveries that cannot be used.
Owns:       nothing; it keeps no state, so every process of it is alike.
Scales by:  more processes behind a load balancer.
Guarantees: 2xx means that the broker acknowledged the record with acks=all; everything else asks
            the vendor to try again or says why trying again is useless.
"""
