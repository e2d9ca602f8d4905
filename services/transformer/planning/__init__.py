"""What is wanted of each target, and what is built next of it. Pure: no clock, no I/O."""
