"""A portal at HubSpot: contacts, companies and deals, and what happens to them."""
