"""What one sender may take of this process, whatever it sends.

Everything here bounds memory, time or work before anything expensive is done, and has an answer of
its own (:mod:`services.ingest.problem`). In the order in which a request meets them:

- :mod:`~services.ingest.limits.connections`: how many connections there are, and which one goes
  when there are too many;
- :mod:`~services.ingest.limits.heads`: length of the URL, size and number of header fields;
- :mod:`services.ingest.admission`: requests and bytes of bodies at once, in all and of one source;
- :mod:`~services.ingest.limits.bodies`: size, duration and speed of a body;
- :mod:`~services.ingest.limits.rates`: verified requests and bytes per second of one source;
- :mod:`~services.ingest.limits.shapes`: depth of JSON, events of an array, fields of a form.
"""
