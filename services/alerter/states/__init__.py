"""``lakehouse.alert-states``: what alerters and operators say of alerts, merged and published."""
