"""Who is to be told what of which alerts, now: pure, one stage a file.

The stages, in the order in which an alert passes them::

    silencing     somebody said that it is not to be told
    inhibition    another firing alert explains it
    routing       which receivers
    grouping      what is told together, and how soon, how often
    escalation    nobody took it on: who else
    planning      all of that: the notifications that are due, and when to look again
    configuration alerting.yaml
"""

from __future__ import annotations

from shared.alerting.notifying.notification import Notification as Notification
from shared.alerting.notifying.notification import Reason as Reason
