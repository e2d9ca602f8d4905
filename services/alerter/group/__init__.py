"""Which rules are evaluated here, where several alerters share them."""
