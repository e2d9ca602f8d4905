"""One module per family of APIs: fields of the request's schema in, fields of the answer's out."""
