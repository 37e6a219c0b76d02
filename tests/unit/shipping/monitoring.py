#!/usr/bin/env python3
"""Alert rules and dashboard: valid, of metrics that there are, with a runbook each."""

import json
import re
import shutil
import subprocess

from shipped import Check, path, read, yaml

OTHERS = {"up"}  # Prometheus' own
PARTS = r"_(bucket|sum|count)$"


def metrics():
    """Names in docs/reference/metrics.md, which is checked against running daemons."""
    page = read("docs", "reference", "metrics.md")
    return dict(re.findall(r"^\| `([a-z_]+)` \| (\w+) \|", page, re.M))


def names_in(expression):
    # Label matchers and groupings hold no metrics.
    text = re.sub(r"\{[^}]*\}|\[[^]]*\]|\"[^\"]*\"", "", expression)
    text = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", "", text)
    words = re.findall(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()", text)
    return {word for word in words if word not in ("or", "and", "unless", "bool")}


def check_metrics(check, where, expression, known):
    for name in names_in(expression):
        family = re.sub(PARTS, "", name)
        base = family if known.get(family) == "histogram" else name
        check.that(base in known or name in OTHERS, f"{where}: no daemon exports {name}")


def check_rules(check, known):
    document = yaml().safe_load(read("docs", "monitoring", "alerts.yaml"))
    tests = yaml().safe_load(read("docs", "monitoring", "alerts_test.yaml"))
    tested = {each["alertname"] for test in tests["tests"] for each in test["alert_rule_test"]
              if each["exp_alerts"]}
    headings = {line[4:].strip() for line in read("docs", "OPERATIONS.md").splitlines()
                if line.startswith("### ")}
    for rule in (rule for group in document["groups"] for rule in group["rules"]):
        name = rule["alert"]
        check_metrics(check, name, rule["expr"], known)
        check.that(name in headings, f"docs/OPERATIONS.md has no section {name}")
        check.that(rule["annotations"]["runbook"] == "docs/OPERATIONS.md#" + name.lower(),
                   f"{name}: the runbook is another's")
        check.that(name in tested, f"{name}: alerts_test.yaml never sees it fire")


def check_dashboard(check, known):
    dashboard = json.loads(read("docs", "monitoring", "dashboard.json"))
    ids = [panel["id"] for panel in dashboard["panels"]]
    check.that(len(ids) == len(set(ids)), "panels share an id")
    places = set()
    for panel in dashboard["panels"]:
        check.that(panel["targets"], f"{panel['title']}: shows nothing")
        for target in panel["targets"]:
            check_metrics(check, "dashboard, " + panel["title"], target["expr"], known)
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"])
                 for y in range(at["y"], at["y"] + at["h"])}
        check.that(not cells & places, f"{panel['title']} lies over another panel")
        places |= cells


def run_promtool(check):
    if not shutil.which("promtool"):
        print("left out: promtool is not installed (the package prometheus has it)")
        return
    for command in (("check", "rules", "alerts.yaml"), ("test", "rules", "alerts_test.yaml"),
                    ("check", "config", "--syntax-only", "prometheus.yaml")):
        done = subprocess.run(("promtool",) + command, cwd=path("docs", "monitoring"), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check.that(done.returncode == 0, f"promtool {' '.join(command)}:\n{done.stdout}")


def main():
    check = Check()
    known = metrics()
    check.that(names_in('sum by (a) (rate(x_bucket{b="c"}[1m])) > 1 or vector(0)') == {"x_bucket"},
               "names_in is blind")
    check_dashboard(check, known)
    check_rules(check, known)
    run_promtool(check)
    check.done()


main()
