"""Grafana's JSON of a dashboard, made by Grafana's own library (grafana-foundation-sdk).

Only development installs it; the JSON is committed. Nothing here was ever looked at in a Grafana
server: what is checked is that the library builds it, and that every expression yields something on
a Prometheus that scraped a running platform.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deploy.grafana.layout import placed
from deploy.grafana.panel import Dashboard, Panel, Query, Row
from shared.runtime.errors import ConfigurationError

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.models.dashboard import DataSourceRef, ValueMap

DATASOURCE = "prometheus"
"""Type of the data source; which one is chosen on the dashboard, by its variable."""
_OK, _WARN, _ALARM = "green", "yellow", "red"


def document(dashboard: Dashboard) -> str:
    """The file that Grafana reads.

    Raises:
        ConfigurationError: the library is not installed.
    """
    try:
        from grafana_foundation_sdk.cog.encoder import JSONEncoder
    except ImportError:
        raise ConfigurationError(
            "grafana-foundation-sdk is not installed: dashboards cannot be made",
            "pip install 'bergline[dev]', or use the JSON files in deploy/grafana/dashboards",
        ) from None
    built = _built(dashboard)
    return JSONEncoder(sort_keys=True, indent=2, ensure_ascii=False).encode(built) + "\n"


def _built(dashboard: Dashboard) -> Any:
    from grafana_foundation_sdk.builders.dashboard import Dashboard as Builder
    from grafana_foundation_sdk.builders.dashboard import DatasourceVariable
    from grafana_foundation_sdk.builders.dashboard import Row as RowBuilder
    from grafana_foundation_sdk.models.dashboard import GridPos

    built = (
        Builder(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags(list(dashboard.tags))
        .readonly()
        .refresh(dashboard.refresh)
        .time(dashboard.since, "now")
        .timezone("browser")
        .with_variable(DatasourceVariable("datasource").label("Prometheus").type(DATASOURCE))
    )
    for number, each in enumerate(placed(dashboard), start=1):
        if isinstance(each.what, Row):
            heading = RowBuilder(each.what.title).id(number)
            built.with_row(heading.grid_pos(GridPos(h=1, w=24, x=0, y=each.y)))
        else:
            panel = each.what
            built.with_panel(
                _panel(panel)
                .id(number)
                .grid_pos(GridPos(h=panel.height, w=panel.width, x=each.x, y=each.y))
            )
    return built.build()


def _panel(panel: Panel) -> Any:
    """Builder of a panel; those of the kinds have their methods in common, but no base."""
    made = _of_kind(panel)
    made = (
        made.title(panel.title)
        .description(panel.description)
        .unit(panel.unit)
        .datasource(_datasource())
        .thresholds(_thresholds(panel))
        .min(0)
    )
    if panel.quiet:
        made = made.no_value(f"nothing: {panel.quiet}")
    if panel.names:
        made = made.mappings([_names(panel)])
    for number, query in enumerate(panel.queries):
        made = made.with_target(_target(query, chr(ord("A") + number), panel))
    return made


def _of_kind(panel: Panel) -> Any:
    from grafana_foundation_sdk.builders import common, stat, statetimeline, table, timeseries
    from grafana_foundation_sdk.models import common as values
    from grafana_foundation_sdk.models.dashboard import DataTransformerConfig

    match panel.kind:
        case "number":
            return (
                stat.Panel()
                .color_mode(values.BigValueColorMode.BACKGROUND)
                .graph_mode(values.BigValueGraphMode.NONE)
                .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
            )
        case "table":
            hidden = {"excludeByName": {"Time": True}, "renameByName": {"Value": panel.title}}
            return table.Panel().with_transformation(
                DataTransformerConfig(id_val="organize", options=hidden)
            )
        case "states":
            return statetimeline.Panel().show_value(values.VisibilityMode.NEVER).merge_values(True)
        case _:
            made = (
                timeseries.Panel()
                .fill_opacity(30 if panel.kind == "areas" else 0)
                .show_points(values.VisibilityMode.NEVER)
                .tooltip(
                    common.VizTooltipOptions()
                    .mode(values.TooltipDisplayMode.MULTI)
                    .sort(values.SortOrder.DESCENDING)
                )
                .legend(
                    common.VizLegendOptions()
                    .display_mode(values.LegendDisplayMode.LIST)
                    .placement(values.LegendPlacement.BOTTOM)
                    .show_legend(True)
                )
            )
            if panel.kind == "areas":
                stacked = common.StackingConfig().mode(values.StackingMode.NORMAL)
                made = made.stacking(stacked)
            return made


def _target(query: Query, letter: str, panel: Panel) -> Dataquery:
    from grafana_foundation_sdk.builders.prometheus import Dataquery
    from grafana_foundation_sdk.models.prometheus import PromQueryFormat

    made = Dataquery().ref_id(letter).datasource(_datasource()).expr(query.expression)
    if query.legend:
        made = made.legend_format(query.legend)
    match panel.kind:
        case "table":
            return made.instant().format(PromQueryFormat.TABLE)
        case "number":
            return made.instant()
        case _:
            return made.range()


def _datasource() -> DataSourceRef:
    from grafana_foundation_sdk.models.dashboard import DataSourceRef

    return DataSourceRef(type_val=DATASOURCE, uid="${datasource}")


def _thresholds(panel: Panel) -> ThresholdsConfig:
    """Colours from bad to good, or the other way round; the lowest has no value."""
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
    from grafana_foundation_sdk.models.dashboard import Threshold

    if panel.low_is_bad:
        limits = [(panel.alarm, _WARN if panel.warn is not None else _OK), (panel.warn, _OK)]
        lowest = _ALARM if panel.alarm is not None else _WARN
    else:
        limits = [(panel.warn, _WARN), (panel.alarm, _ALARM)]
        lowest = _OK
    steps = [(value, colour) for value, colour in limits if value is not None]
    return ThresholdsConfig().steps(
        [
            Threshold(None, lowest if steps else _OK),
            *(Threshold(value, colour) for value, colour in steps),
        ]
    )


def _names(panel: Panel) -> ValueMap:
    from grafana_foundation_sdk.models.dashboard import ValueMap, ValueMappingResult

    return ValueMap(
        {
            str(value): ValueMappingResult(text=name, index=index)
            for index, (value, name) in enumerate(panel.names)
        }
    )
