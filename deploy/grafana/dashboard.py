#!/usr/bin/env python3
"""The source of watchkeeper.json: `python3 deploy/grafana/dashboard.py > deploy/grafana/watchkeeper.json`.

A dashboard is a thousand lines of JSON that nobody reads twice; here each panel is one call that names its queries. The
suite `observe` fails where the two differ, and runs every query against a real Prometheus.
"""

import json
import sys

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
# What the variables choose. Written into each query as they are: Grafana puts the choice in.
SEL = 'fleet=~"$fleet", instance=~"$pod"'

panels = []
_place = {"x": 0, "y": 0, "line": 0}


# Python before 3.12 allows no backslash within an f-string's braces.
ISOLATED, ALL, LED, LED_OR_FOLLOWED, FAILED = (
    'mode="isolated"', 'provider="all"', 'how="led"', 'how=~"led|followed"', 'status!~"2.."')


def metric(name, labels=""):
    """A metric of the chosen fleets and pods."""
    return f"watchkeeper_{name}{{{SEL}{', ' + labels if labels else ''}}}"


def rate(name, labels=""):
    return f"rate({metric(name, labels)}[$__rate_interval])"


def increase(name, labels="", over="$__rate_interval"):
    return f"increase({metric(name, labels)}[{over}])"


def quantiles(name, by="", labels=""):
    """Three quantiles of a histogram, as targets."""
    le = f"le, {by}" if by else "le"
    legend = f"{{{{{by}}}}} " if by else ""
    return [
        (f"histogram_quantile({q}, sum by ({le}) ({rate(name + '_bucket', labels)}))", f"{legend}p{int(q * 100)}")
        for q in (0.5, 0.9, 0.99)
    ]


def row(title):
    """Starts a row; the panels after it stand below."""
    y = _place["y"] + _place["line"]
    panels.append({"id": len(panels) + 1, "type": "row", "title": title, "collapsed": False, "panels": [],
                   "gridPos": {"h": 1, "w": 24, "x": 0, "y": y}})
    _place.update(x=0, y=y + 1, line=0)


def panel(kind, title, description, targets, width, height=8, unit="short", options=None, instant=False, **config):
    """Adds a panel to the right of the last one, or below where there is no room. `targets`: pairs of query and legend."""
    if _place["x"] + width > 24:
        _place.update(x=0, y=_place["y"] + _place["line"], line=0)
    defaults = {"unit": unit, **config.pop("defaults", {})}
    panels.append({
        "id": len(panels) + 1,
        "type": kind,
        "title": title,
        "description": description,
        "datasource": DATASOURCE,
        "gridPos": {"h": height, "w": width, "x": _place["x"], "y": _place["y"]},
        "fieldConfig": {"defaults": defaults, "overrides": config.pop("overrides", [])},
        "options": options or {},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": DATASOURCE,
                "editorMode": "code",
                "expr": expr,
                "legendFormat": legend or "__auto",
                "instant": instant,
                "range": not instant,
                **({"format": "table"} if kind == "table" else {}),
            }
            for at, (expr, legend) in enumerate(targets)
        ],
        **config,
    })
    _place["x"] += width
    _place["line"] = max(_place["line"], height)


def thresholds(*steps):
    """Colours by value: the first pair's limit is None."""
    return {"mode": "absolute", "steps": [{"color": color, "value": value} for value, color in steps]}


def mapped(texts):
    """Words and colours in place of numbers."""
    shown = {str(value): {"text": text, "color": color, "index": value} for value, (text, color) in texts.items()}
    return [{"type": "value", "options": shown}]


def stat(title, description, expr, unit="short", steps=((None, "green"),), mappings=None, **defaults):
    defaults = {"thresholds": thresholds(*steps), "color": {"mode": "thresholds"}, **defaults}
    if mappings:
        defaults["mappings"] = mappings
    panel("stat", title, description, [(expr, "")], 3, height=4, unit=unit, instant=True, defaults=defaults,
          options={"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "textMode": "value",
                   "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}})


def graph(title, description, targets, unit="short", width=12, stacked=False, bars=False, steps=None, **defaults):
    custom = {"drawStyle": "bars" if bars else "line", "fillOpacity": 60 if bars else 8, "showPoints": "never",
              "lineWidth": 1, "stacking": {"mode": "normal" if stacked else "none", "group": "A"}}
    if steps:
        custom["thresholdsStyle"] = {"mode": "line"}
        defaults["thresholds"] = thresholds(*steps)
    panel("timeseries", title, description, targets, width, unit=unit, defaults={"custom": custom, "min": 0, **defaults},
          options={"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
                   "tooltip": {"mode": "multi", "sort": "desc"}})


def timeline(title, description, expr, legend, texts, width=12):
    panel("state-timeline", title, description, [(expr, legend)], width,
          defaults={"mappings": mapped(texts), "custom": {"fillOpacity": 80, "lineWidth": 0},
                    "color": {"mode": "thresholds"}, "thresholds": thresholds((None, "text"))},
          options={"mergeValues": True, "showValue": "never", "rowHeight": 0.8, "alignValue": "left",
                   "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                   "tooltip": {"mode": "single", "sort": "none"}})


HEALTHY = {0: ("unhealthy", "red"), 1: ("healthy", "green")}
FLEET_HEALTH = f"max by (fleet, check_id, name, provider) ({metric('check_healthy')})"

# --- At a glance -------------------------------------------------------------------------------------------------------
row("At a glance")
stat("Unhealthy checks", "Checks of which every pod says so.",
     f"count({FLEET_HEALTH} == 0) or vector(0)", steps=((None, "green"), (1, "red")))
stat("Checks", "Checks with a result.", f"count({FLEET_HEALTH})")
stat("Pods", "Pods that Prometheus reaches.", f"count({metric('build_info')})")
stat("Isolated pods", "Pods that check for themselves, since their store is away.",
     f"sum({metric('mode', ISOLATED)} > bool 0)", steps=((None, "green"), (1, "orange")))
stat("Store", "Whether any pod reaches it.", f"max({metric('store_up')})",
     mappings=mapped({0: ("down", "red"), 1: ("up", "green")}))
stat("Oldest result", "Age of the oldest result that any pod shows.", f"max({metric('report_age_seconds')})", unit="s")
stat("Probes per check and interval", "1 where the whole fleet asks each check once, over the last hour.",
     f"max(sum by (fleet) (rate({metric('probes_total')}[1h])) * max by (fleet) ({metric('interval_seconds')})"
     f" / max by (fleet) ({metric('checks')} > 0))",
     steps=((None, "green"), (1.5, "orange")), decimals=2)
stat("Spent today", "What the fleet spent on probes today (UTC), as far as prices are known.",
     f"sum(max by (fleet) ({metric('budget_spent_usd', ALL)}))", unit="currencyUSD", decimals=4)

# --- Models ------------------------------------------------------------------------------------------------------------
row("Models")
panel("table", "Health of the fleet",
      "Every check as the fleet sees it now, and the share of the chosen time in which it was healthy.",
      [(FLEET_HEALTH, ""),
       (f"max by (fleet, check_id, name, provider) (avg_over_time({metric('check_healthy')}[$__range]))", "")],
      12, height=9, instant=True,
      defaults={"custom": {"align": "auto", "filterable": True}},
      options={"showHeader": True, "sortBy": [{"displayName": "now", "desc": False}]},
      overrides=[
          {"matcher": {"id": "byName", "options": "now"},
           "properties": [{"id": "mappings", "value": mapped(HEALTHY)},
                          {"id": "custom.cellOptions", "value": {"type": "color-text"}}]},
          {"matcher": {"id": "byName", "options": "availability"},
           "properties": [{"id": "unit", "value": "percentunit"}, {"id": "decimals", "value": 2}]},
      ],
      transformations=[
          {"id": "merge", "options": {}},
          {"id": "organize", "options": {
              "excludeByName": {"Time": True},
              "indexByName": {"name": 0, "provider": 1, "Value #A": 2, "Value #B": 3, "fleet": 4, "check_id": 5},
              "renameByName": {"Value #A": "now", "Value #B": "availability"}}},
      ])
timeline("Health over time", "Red where every pod that is reached says unhealthy.", FLEET_HEALTH, "{{name}}", HEALTHY)
graph("Availability by model", "Share of checks of a name that are healthy.",
      [(f"avg by (name) ({FLEET_HEALTH})", "{{name}}")], unit="percentunit", max=1)
graph("Availability by provider", "Share of a provider's checks that are healthy.",
      [(f"avg by (provider) ({FLEET_HEALTH})", "{{provider}}")], unit="percentunit", max=1)

# --- Probes ------------------------------------------------------------------------------------------------------------
row("Probes")
graph("Latency of probes", "All probes of the chosen pods together, failed ones included.",
      quantiles("probe_duration_seconds"), unit="s")
graph("Outcomes", "Probes a minute, by what came of them.",
      [(f"sum by (provider, outcome) ({rate('probes_total')}) * 60", "{{provider}} {{outcome}}")],
      stacked=True, unit="cpm")
graph("Probes made and saved", "A minute. Saved: results that a pod took over instead of asking for itself.",
      [(f"sum({rate('probes_total')}) * 60", "made"), (f"sum({rate('probes_saved_total')}) * 60", "saved")], unit="cpm")
graph("Asked by cheaper probes", "Checks a minute that were not asked by their own probe, by reason.",
      [(f"sum by (provider, reason) ({rate('probes_spared_total')}) * 60", "{{provider}} {{reason}}")], unit="cpm")

# --- Money -------------------------------------------------------------------------------------------------------------
row("Money")
graph("Cost of probes", "Dollars an hour, as far as prices are known: paid by the chosen pods, and saved by taking over results.",
      [(f"sum({rate('probe_cost_usd_total')}) * 3600", "paid"),
       (f"sum({rate('probe_cost_saved_usd_total')}) * 3600", "saved")], unit="currencyUSD")
graph("Cost by provider", "Dollars an hour.",
      [(f"sum by (provider) ({rate('probe_cost_usd_total')}) * 3600", "{{provider}}")], unit="currencyUSD", stacked=True)
graph("Budget used", "Share of the day's budget (UTC), by the limit's name; `all` is the fleet's.",
      [(f"max by (fleet, provider) ({metric('budget_spent_usd')})"
        f" / max by (fleet, provider) ({metric('budget_limit_usd')} > 0)", "{{fleet}} {{provider}}")],
      unit="percentunit", steps=((None, "green"), (0.9, "orange"), (1, "red")))
graph("Spent today", "Dollars since midnight UTC, as far as prices are known.",
      [(f"max by (fleet, provider) ({metric('budget_spent_usd')})", "{{fleet}} {{provider}}")], unit="currencyUSD")

# --- Fleet -------------------------------------------------------------------------------------------------------------
row("Fleet")
timeline("Who led", "Pods that ended a round under the lease.",
         f"sum by (instance) ({increase('rounds_total', LED)}) > bool 0", "{{instance}}",
         {0: ("followed", "text"), 1: ("led", "blue")})
timeline("Isolated pods", "Pods that check for themselves, since their store is away.",
         f"max by (instance) ({metric('mode', ISOLATED)} > bool 0)", "{{instance}}",
         {0: ("in the fleet", "green"), 1: ("isolated", "orange")})
graph("Rounds", "By how they were made.",
      [(f"sum by (how) ({increase('rounds_total')})", "{{how}}")], bars=True, stacked=True)
graph("Report age", "Age of the oldest result by pod, beside the age from which results are labelled stale.",
      [(f"max by (instance) ({metric('report_age_seconds')})", "{{instance}}"),
       (f"max({metric('fresh_for_seconds')})", "stale from here")], unit="s")
graph("Overdue", "How long the next round has been due, beside what is allowed for.",
      [(f"max by (instance) ({metric('overdue_seconds')})", "{{instance}}"),
       (f"max({metric('overdue_limit_seconds')})", "late from here")], unit="s")
graph("Since the last round that was led", "As far as any pod knows.",
      [(f"min by (fleet) ({metric('round_age_seconds', LED_OR_FOLLOWED)})", "{{fleet}}")], unit="s")
graph("Leases held", "A lease is held while a round is under way.",
      [(f"sum by (instance) ({metric('lease_held')})", "{{instance}}")], stacked=True)
graph("Lost leases and refused reports", "Against the pod's will; refused by their token.",
      [(f"sum by (instance) ({increase('lease_lost_total')})", "{{instance}} lost"),
       (f"sum by (instance) ({increase('publishes_fenced_total')})", "{{instance}} refused")], bars=True)

# --- Store -------------------------------------------------------------------------------------------------------------
row("Store")
timeline("Store by pod", "Whether it answered lately.", f"min by (instance) ({metric('store_up')})", "{{instance}}",
         {0: ("down", "red"), 1: ("up", "green")})
graph("Latency of store operations", "By operation, 99 of 100.",
      [(f"histogram_quantile(0.99, sum by (le, op) ({rate('store_op_duration_seconds_bucket')}))", "{{op}}")], unit="s")
graph("Store operations", "A second, by operation.",
      [(f"sum by (op) ({rate('store_op_duration_seconds_count')})", "{{op}}")], unit="ops", stacked=True)
graph("Store errors", "A minute, by operation and kind.",
      [(f"sum by (op, kind) ({rate('store_errors_total')}) * 60", "{{op}} {{kind}}")], unit="cpm")

# --- HTTP --------------------------------------------------------------------------------------------------------------
row("HTTP")
graph("Latency of answers", "All routes together.", quantiles("http_request_duration_seconds"), unit="s")
graph("Latency by route", "99 of 100.",
      [(f"histogram_quantile(0.99, sum by (le, route) ({rate('http_request_duration_seconds_bucket')}))", "{{route}}")],
      unit="s")
graph("Requests", "A second, by route.",
      [(f"sum by (route) ({rate('http_request_duration_seconds_count')})", "{{route}}")], unit="reqps", stacked=True)
graph("Answers that are no success", "A second, by route and status. 503 of /health says that a model is down.",
      [(f"sum by (route, status) ({rate('http_request_duration_seconds_count', FAILED)})",
        "{{route}} {{status}}")], unit="reqps")

# --- The rest ----------------------------------------------------------------------------------------------------------
row("Versions, configuration, LiteLLM's own pods")
panel("table", "Versions", "How many pods run which version: one, but for a rolling change.",
      [(f"count by (fleet, version) ({metric('build_info')})", "")], 6, instant=True,
      defaults={"custom": {"align": "auto"}}, options={"showHeader": True},
      transformations=[{"id": "organize", "options": {"excludeByName": {"Time": True},
                                                      "renameByName": {"Value": "pods"}}}])
timeline("Configuration", "Whether the last reload was taken.",
         f"min by (instance) ({metric('config_reload_ok')})", "{{instance}}",
         {0: ("refused", "red"), 1: ("in force", "green")}, width=6)
graph("LiteLLM's own pods", "Wire mode: their reports used, their reports replaced, their lock in the way, their lock taken during a round.",
      [(f"sum({increase('wire_reports_adopted_total')})", "used"),
       (f"sum({increase('wire_reports_overtaken_total')})", "replaced"),
       (f"sum({increase('wire_lock_waits_total')})", "waited"),
       (f"sum({increase('wire_lock_losses_total')})", "lost")], bars=True, width=6)
timeline("Serves LiteLLM's own pods", "Wire mode: whether they live off this fleet's reports.",
         f"max by (instance) ({metric('wire_serving')})", "{{instance}}",
         {0: ("no", "text"), 1: ("yes", "green")}, width=6)


def chosen(name, label, query):
    """A variable whose values Prometheus knows."""
    return {
        "name": name, "label": label, "type": "query", "datasource": DATASOURCE,
        "definition": query, "query": {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "refresh": 2, "sort": 1, "regex": "", "hide": 0, "options": [], "skipUrlSync": False,
    }


dashboard = {
    "uid": "watchkeeper",
    "title": "Watchkeeper",
    "description": "Fleets of Watchkeeper: models, probes, money, leases, store.",
    "tags": ["watchkeeper"],
    "schemaVersion": 41,
    "version": 1,
    "editable": True,
    "graphTooltip": 1,
    "refresh": "30s",
    "time": {"from": "now-6h", "to": "now"},
    "timepicker": {},
    "timezone": "",
    "fiscalYearStartMonth": 0,
    "links": [],
    "annotations": {"list": [{
        "builtIn": 1, "datasource": {"type": "grafana", "uid": "-- Grafana --"}, "enable": True, "hide": True,
        "iconColor": "rgba(0, 211, 255, 1)", "name": "Annotations & Alerts", "type": "dashboard"}]},
    "templating": {"list": [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "regex": "",
         "current": {}, "refresh": 1, "hide": 0, "includeAll": False, "multi": False, "options": [],
         "skipUrlSync": False},
        chosen("fleet", "Fleet", "label_values(watchkeeper_build_info, fleet)"),
        chosen("pod", "Pod", 'label_values(watchkeeper_build_info{fleet=~"$fleet"}, instance)'),
    ]},
    "panels": panels,
}

if __name__ == "__main__":
    json.dump(dashboard, sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")
