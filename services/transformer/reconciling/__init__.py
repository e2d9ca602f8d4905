"""The slow check beside events: every target is compared with the heads of what it reads."""
