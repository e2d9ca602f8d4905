"""``/docs``: the OpenAPI document and the problem catalogue as one page without scripts."""

from __future__ import annotations

from html import escape
from typing import Any

from services.ingest.problem import PROBLEMS

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.3rem;"
    "text-align:left;vertical-align:top}code{background:#f3f3f3;padding:0 .2rem}"
    ":target{background:#fff3c4}"
)


def page(document: dict[str, Any]) -> str:
    """The page; the anchors of its problems are what ``type`` of a problem refers to."""
    routes = "".join(
        f"<tr><td><code>{escape(method.upper())} {escape(path)}</code></td>"
        f"<td>{escape(operation['summary'])} {escape(operation.get('description', ''))}</td></tr>"
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    problems = "".join(
        f'<tr id="{escape(kind.slug)}"><td>{kind.status}</td><td>{escape(kind.title)}</td>'
        f"<td>{escape(kind.advice)}.</td></tr>"
        for kind in PROBLEMS.values()
    )
    info = document["info"]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>"
        f'<p>{escape(info["description"])} Machine-readable: <a href="/openapi.json">'
        "/openapi.json</a>.</p>"
        f"<h2>Routes</h2><table><tr><th>Route</th><th>What it does</th></tr>{routes}</table>"
        "<h2>Problems</h2><table><tr><th>Status</th><th>Title</th><th>What to do</th></tr>"
        f"{problems}</table></html>"
    )
