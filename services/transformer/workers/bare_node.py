"""Ray's node with what is needed here and no more, and nobody who waits for its agents.

Ray's head has helpers that nobody here needs: a dashboard server, an autoscaler's monitor, a log
monitor, some 150 MB together. ``ray.init`` has no switch for them, so its own parameters are set
in between.

The node's two agents are given their ports. Of each port that an agent chooses, the node waits
15 s to be told, and ends if a busy machine takes longer to import what the agent imports.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from functools import partial
from typing import Any

LISTEN_PORT = "dashboard_agent_listen_port"
AGENTS_PORTS = ("metrics_agent_port", LISTEN_PORT, "runtime_env_agent_port")


@contextlib.contextmanager
def bare_node() -> Iterator[int]:
    """While this lasts ``ray.init`` starts such a node; the port for ``_metrics_export_port``."""
    import ray._private.node
    import ray._private.parameter
    import ray._private.services

    node: Any = ray._private.node.Node
    parameter: Any = ray._private.parameter
    services: Any = ray._private.services
    parameters, server = parameter.RayParams, node.start_api_server
    start_process = services.start_ray_process
    exporter, *numbers = _free_ports(1 + len(AGENTS_PORTS))
    ports = dict(zip(AGENTS_PORTS, numbers, strict=True))

    def no_server(self: Any, **_: Any) -> None:
        self._webui_url = ""

    def start(command: list[str], process_type: str, *others: Any, **more: Any) -> Any:
        if process_type == "raylet":  # which Ray forgets to tell this one
            command = [*command, f"--dashboard_agent_listen_port={ports[LISTEN_PORT]}"]
        return start_process(command, process_type, *others, **more)

    parameter.RayParams = partial(parameters, no_monitor=True, include_log_monitor=False, **ports)
    node.start_api_server = no_server
    services.start_ray_process = start
    try:
        yield exporter
    finally:
        parameter.RayParams, node.start_api_server = parameters, server
        services.start_ray_process = start_process


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in found:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in found]
