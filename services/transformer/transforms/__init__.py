"""The derived tables: a module each, with one pure function and one constant ``TRANSFORM``."""
