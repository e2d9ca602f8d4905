"""The broker is killed and stays away while webhooks go on: no sender may notice, nothing is lost.

Two ingest instances with a spool each get half of the webhooks; each is killed again and again
meanwhile, and once more while it replays; stream_writer is killed, so that it remembers nothing.
Afterwards every 2xx is a row, repeats are marked, and what one sender sent about one thing, each
webhook after the answer to the one before, lies in that order.

``broker`` (one that stays away), ``senders``, ``looking`` (what instances tell meanwhile),
``scenario`` (what happens when), ``order_audit`` (the rules beside those of all chaos), ``report``.
"""
