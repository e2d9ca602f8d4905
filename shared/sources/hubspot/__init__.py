"""HubSpot's webhooks of CRM objects."""
