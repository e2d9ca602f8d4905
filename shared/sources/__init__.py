"""What comes in, from whom: one declaration for each source, from which everything else follows."""
