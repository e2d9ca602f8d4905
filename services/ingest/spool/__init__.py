"""The spool: what was accepted while the broker did not take it, on disk until the broker has it.

What it promises:

- **Accepted is kept.** A delivery is answered 2xx when its entry is written *and* fsynced, in a
  file whose directory is fsynced too. A crash at any moment loses no such entry: what a crash tore
  off was never answered, is recognised by its length and checksum, and is cut.
- **Order.** Entries of one source and topic are a *stream*: one order, in which they are sent
  again. While a stream holds entries, new records of that source and topic go behind them.
- **Repeats.** An entry is sent again when its acknowledgement was lost: at most the chunk that was
  under way, or what the producer held when it gave up. It is the same record with the same
  ``delivery_id``, and whatever may have been sent before says so in a header, by which
  stream_writer marks what it has landed already, however long ago.
- **Bounds.** The files of an instance never take more than the quota, those of one source never
  more than its share. Beyond it, and on an error of the disk, nothing is accepted.

One instance owns one directory, by a lock on it. Directories whose owner is gone for a while are
found and replayed by any instance that sees them; order is promised within one directory only.

In which order to read it: ``frames`` (what the bytes mean), ``disk`` (what a file system must do),
``stream`` (segments, cursor), ``quota``, ``claim`` (directories and locks), ``store`` (the streams
of one directory), ``backlog`` (what memory knows of a stream), ``held`` (a directory, opened),
``writing`` (group commit), ``spool`` (what is kept), ``replayer`` (sends again), ``episode`` (what
is told of it). Commands: ``status``, and ``nobodys`` with ``draining`` and ``skipping``.
"""
