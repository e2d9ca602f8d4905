"""From receivers as configured to what reaches them, and which of them the chosen path allows."""

from __future__ import annotations

from collections.abc import Iterable

from services.alerter.delivery.apprise import AppriseNotifier
from services.alerter.delivery.notifier import Notifier
from services.alerter.delivery.settings import DeliverySettings
from services.alerter.delivery.signing import WebhookSigner
from services.alerter.delivery.webhook import WebhookNotifier
from shared.alerting.notifying.receiver import Receiver
from shared.runtime.errors import ConfigurationError

_SETTING = "BERGLINE_ALERTER_DELIVERY"


def notifier_of(receiver: Receiver, settings: DeliverySettings) -> Notifier:
    """What reaches a webhook or a service of apprise.

    Raises:
        ConfigurationError: its secret cannot sign.
    """
    if receiver.type == "apprise":
        return AppriseNotifier(receiver.name, receiver.url, settings.links)
    signer = WebhookSigner(receiver.name, receiver.secret) if receiver.secret else None
    return WebhookNotifier(receiver.url, settings.links, signer, settings.alerter_notify_timeout_s)


def check_path(receivers: Iterable[Receiver], settings: DeliverySettings) -> None:
    """Whether these receivers may be configured: one path tells people, never both.

    Raises:
        ConfigurationError: receivers of the other path are there, or none of an Alertmanager.
    """
    managers = [each.name for each in receivers if each.type == "alertmanager"]
    others = [each.name for each in receivers if each.type != "alertmanager"]
    match settings.alerter_delivery:
        case "notifiers" if managers:
            raise ConfigurationError(
                f"receivers {_named(managers)} are Alertmanagers, and {_SETTING} is notifiers: "
                "people would be told by both, each without the silences of the other",
                f"set {_SETTING}=alertmanager, or remove these receivers from alerting.yaml",
            )
        case "alertmanager" if others:
            raise ConfigurationError(
                f"{_SETTING} is alertmanager, which tells people itself, and alerting.yaml has "
                f"the receivers {_named(others)}",
                "move them to alertmanager.yml and remove them from alerting.yaml, or set "
                f"{_SETTING}=notifiers",
            )
        case "alertmanager" if not managers:
            raise ConfigurationError(
                f"{_SETTING} is alertmanager, and alerting.yaml has no receiver of that type",
                'add one, for example {name: alertmanager, type: alertmanager, url: "http://…:9093"}',
            )
        case _:
            pass


def _named(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
