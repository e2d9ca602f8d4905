"""Alerting without any clock, broker or disk: from events and probes to what is told to whom.

The way through this package is the way of an alert::

    signals/      events and answers of probes → vectors of named signals
    store         the latest vectors, and samples for as long as some rule looks back
    expression    conditions as data; evaluate finds the label sets for which one holds
    rule, reading rules as data; YAML with file, line and column of what is wrong in it
    lifecycle     inactive → pending → firing → resolved, for one alert at a time
    notifying/    silences, inhibition, grouping, routing, escalation: who is to be told what now
    promql        the same conditions for Prometheus

Everything is pure: time comes as an argument, in seconds since the epoch.
"""
