"""An account at Stripe: customers, payments, subscriptions, and what happens to them."""
