"""ingest: answers a vendor's webhook only after the broker has it.

Reads:      HTTP deliveries of every source (``/webhooks/…``).
Writes:     the sources' topics, each event byte for byte under a CloudEvents envelope;
            ``dlq.ingestion-errors`` for signed deliveries that cannot be used.
Owns:       nothing; it keeps no state, so every process of it is alike.
Scales by:  more processes behind a load balancer.
Guarantees: 2xx means that the broker acknowledged the record with acks=all; everything else asks
            the vendor to try again or says why trying again is useless.
"""
