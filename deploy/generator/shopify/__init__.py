"""A shop at Shopify: customers, products and orders, and what happens to them."""
