"""Who sent this: one module for each vendor's signature scheme, pure functions of bytes."""
