"""The five services. Each is a process of its own; all that passes between them is topics."""
