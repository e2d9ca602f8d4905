"""The local copy of alerts, notifications and operators' words, fsynced before anybody is told."""
