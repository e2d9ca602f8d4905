"""Prometheus and Alertmanager beside the platform: configuration, rules, and tests of the rules.

``rules/bergline.rules.yml`` and ``tests/`` follow from the rules of :mod:`shared.alerting` and are
written by ``bergline documents``. The other files are written by hand.
"""
