"""One module per family of APIs: fields are read and written in the protocol guide's order."""
