"""Core: the business's own objects, whatever vendor they came from."""
