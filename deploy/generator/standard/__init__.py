"""A help desk that sends Standard Webhooks: a sender whose events nobody declared."""
