#!/usr/bin/env python3
"""docs/CONSISTENCY.md: every lesson it names is there, and every promise, anomaly, row and bullet
names one."""

import os
import re

from shipped import Check, path, read

check = Check()
page = read("docs", "CONSISTENCY.md")
lessons = {name.removesuffix(".lab") for name in os.listdir(path("tests", "lab", "scenarios"))}


def named_in(text):
    return set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", text))


for name in sorted(named_in(page) - {"assent-lab"}):
    check.that(name in lessons, f"docs/CONSISTENCY.md: there is no lesson {name}")
for row in re.findall(r"^\| (?:\*\*.*)$", page, re.M):
    check.that(named_in(row) & lessons, f"docs/CONSISTENCY.md shows nothing of: {row[:60]}")
capped = page.split("## CAP and PACELC")[1].split("\n## ")[0]
bullets = re.findall(r"^- .*?(?=^- |\Z)", capped, re.M | re.S)
check.that(len(bullets) >= 5, "docs/CONSISTENCY.md: CAP and PACELC have lost their points")
for bullet in bullets:
    check.that(named_in(bullet) & lessons, f"docs/CONSISTENCY.md shows nothing of: {bullet[:60]}")
check.done()
