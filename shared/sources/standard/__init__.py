"""Any sender of Standard Webhooks: signed JSON events into one generic table."""
