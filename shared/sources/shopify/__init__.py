"""Shopify's webhooks of the Admin REST API."""
