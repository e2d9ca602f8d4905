"""The declarations: one file for each service, one for what several of them measure."""
