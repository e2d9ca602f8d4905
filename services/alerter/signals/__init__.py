"""What rules are asked about: sources of signals, from topics, probes and the broker."""
