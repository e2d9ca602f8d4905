"""How notifications reach people: queued, paced and repeated per receiver, without any broker.

What is to be told to whom is decided by :mod:`shared.alerting.notifying`; here it is sent::

    notifier       what a receiver is, and how it says that it was not reached
    webhook        POST as Alertmanager's webhooks, signed as Standard Webhooks
    apprise        chat, paging and mail by URLs of the apprise library
    backlog        what waits for one receiver: the newest state of each group, and when it is due
    rate           how often a receiver is told
    sender         the loop of one receiver
    told           what is put on record of it
    delivery       all receivers, as configured at the moment
    alertmanager   or all alerts to Prometheus' Alertmanager instead, which then groups and routes
    log_lines      every alert that fires or resolves, in the log, whatever else works

A notification counts as sent once the receiver took it and ``notified`` has recorded it. A crash
between the two repeats it under the same idempotency key.
"""
