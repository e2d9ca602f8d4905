"""Who is to be told what of which alerts, now. Pure.

::

    receiver, routing   who can be told, and which alerts go to whom
    seating             in which groups, and who else if nobody takes it on
    silencing           somebody said that an alert is not to be told
    inhibition          another firing alert explains it
    grouping, group     what is told together
    records             what receivers were told
    gathering           all of that put together: what each group has to tell
    planning            which of it is due, and when to look again: the model
    planner             the same by what changed: places of alerts, standing of groups
    composing           the notifications
    configuration       alerting.yaml
"""

from __future__ import annotations

from shared.alerting.notifying.notification import Notification as Notification
from shared.alerting.notifying.notification import Reason as Reason
