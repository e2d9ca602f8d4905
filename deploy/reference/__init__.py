"""Everything generated from declarations: schemas, the AsyncAPI document, pages, ``.env.example``.

The files are committed, so that they can be read and reviewed without running anything;
``python -m deploy.reference`` writes them and ``--check`` tells which are stale. This package is
imported by no service.
"""
