#!/usr/bin/env python3
"""docs/CONSISTENCY.md: every lesson it names is there, and none about isolation is left out."""

import os
import re

from shipped import Check, path, read

check = Check()
named = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", read("docs", "CONSISTENCY.md")))
lessons = {name.removesuffix(".lab") for name in os.listdir(path("tests", "lab", "scenarios"))}
for name in sorted(named - {"assent-lab"}):
    check.that(name in lessons, f"docs/CONSISTENCY.md: there is no lesson {name}")
for name in ("fractured-read", "write-skew", "partition-before-decision", "slow-network"):
    check.that(name in named, f"docs/CONSISTENCY.md does not name {name}")
check.done()
