"""Mailchimp's audience webhooks, and engagement events in the same manner."""
