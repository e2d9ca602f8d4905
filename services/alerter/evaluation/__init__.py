"""From signals to changes of alerts, rule after rule, durable before anyone is told."""
