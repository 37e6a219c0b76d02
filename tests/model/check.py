#!/usr/bin/env python3
"""Checks commit.pml with Spin: safety, progress, and that broken models are refuted.

    check.py [--long]   --long: more faults, and three participants

Needs spin and gcc. Exits with 1 when a property fails, a mutant survives, a search was cut short,
or a step of the model can never be taken.
"""

import os
import re
import subprocess
import sys
import tempfile
import time

MODEL = os.path.join(os.path.dirname(os.path.abspath(__file__)), "commit.pml")
DEPTH = 2_000_000
MEMORY_MB = 3000


def faults(crashes, losses, doubles):
    return [f"-DCRASHES={crashes}", f"-DLOSSES={losses}", f"-DDOUBLES={doubles}"]


# name, definitions, whether for progress
CHECKS = [
    ("a crash, a loss and a double", faults(1, 1, 1), False),
    ("two crashes", faults(2, 0, 0), False),
    ("progress after a double", faults(0, 0, 1), True),
    ("progress after a loss", faults(0, 1, 0), True),
    ("progress after a crash", faults(1, 0, 0), True),
]
LONG = [
    ("progress after two crashes", faults(2, 0, 0), True),
    ("progress after a crash and a loss", faults(1, 1, 0), True),
    ("two crashes, a loss and a double", faults(2, 1, 1), False),
    ("three participants, a crash", ["-DN=3"] + faults(1, 0, 0), False),
]
# Each breaks one sentence. The faults are those that it takes to show.
MUTANTS = [
    ("ANSWERS_BEFORE_DURABLE", faults(0, 0, 0), False),
    ("ABORTS_ALONE", faults(0, 1, 0), False),
    ("DOES_NOT_READ_THE_LOG", faults(1, 0, 0), False),
    ("ANSWERS_UNDECIDED", faults(0, 0, 0), False),
    ("ONE_APPLIED_FOR_ALL", faults(0, 0, 0), False),
    ("LISTS_TOO_EARLY", faults(1, 0, 0), False),
    ("SENDS_ONCE", faults(0, 1, 0), True),
    ("LISTS_NOTHING", faults(1, 0, 0), True),
]


def run(command, folder):
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return result.stdout + result.stderr


def search(definitions, progress, folder):
    """What the verifier prints of its search, and its table of the model's states."""
    wanted = ["-DPROGRESS"] if progress else []
    made = run(["spin", "-a"] + definitions + wanted + [MODEL], folder)
    if "error" in made.lower():
        sys.exit(made)
    options = ["-DNFAIR=5"] if progress else ["-DSAFETY"]
    built = run(["gcc", "-w", "-O2", f"-DMEMLIM={MEMORY_MB}"] + options + ["-o", "pan", "pan.c"],
                folder)
    if built:
        sys.exit(built)
    searched = run(["./pan", f"-m{DEPTH}"] + (["-a", "-f"] if progress else []), folder)
    return searched, run(["./pan", "-d"], folder)


def number(text, pattern):
    found = re.search(pattern, text)
    return int(float(found.group(1))) if found else 0


def complaints(text, progress):
    """Why this search does not prove anything, or what it refutes."""
    found = []
    errors = re.search(r"errors: (\d+)", text)
    if not errors:
        found.append("the verifier said nothing:\n" + text)
    elif errors.group(1) != "0":
        found.append("refuted: " + "; ".join(re.findall(r"pan:\d+: (.*)", text)))
    for cut in ("max search depth too small", "Search not completed", "memory exceeded"):
        if cut in text and not found:
            found.append(cut)
    return found


def steps_never_taken(text, table):
    """The lines of the model that were reached nowhere. (An inline stands in several places, not
    all of which can come to all of it.)"""
    known = set(re.findall(r"state +\d+ -.*commit\.pml:(\d+) =>", table))
    states = {}
    for process in re.split(r"proctype |\ninit", table):
        for state, line in re.findall(r"state +(\d+) -.*commit\.pml:(\d+) =>", process):
            states.setdefault(line, set()).add((process.split()[0], state))
    never = {}
    for process in re.split(r"unreached in (?:proctype )?", text)[1:]:
        for line, state in re.findall(r"commit\.pml:(\d+), state (\d+),", process):
            never.setdefault(line, set()).add((process.split()[0], state))
    return {int(line) for line in known if states[line] <= never.get(line, set())}


def check(name, definitions, progress):
    with tempfile.TemporaryDirectory() as folder:
        begin = time.monotonic()
        text, table = search(definitions, progress, folder)
        found = complaints(text, progress)
        states = number(text, r"(\d+) states, stored")
        depth = number(text, r"depth reached (\d+)")
        memory = number(text, r"([\d.]+)\s+total actual memory")
        print(f"{name}: {'; '.join(found) or 'holds'}; {states} states, depth {depth}, "
              f"{memory} MB, {time.monotonic() - begin:.0f} s", flush=True)
        return found, states, steps_never_taken(text, table)


def main(arguments):
    if arguments not in ([], ["--long"]):
        print(__doc__)
        return 64
    failed = 0
    total = 0
    unreached = None
    for name, definitions, progress in CHECKS + (LONG if arguments else []):
        found, states, never = check(name, definitions, progress)
        failed += 1 if found else 0
        total += states
        if not progress:
            unreached = never if unreached is None else unreached & never
    for line in sorted(unreached):
        with open(MODEL, encoding="utf-8") as model:
            print(f"never reached: {line}: {model.read().splitlines()[line - 1].strip()}")
    for name, definitions, progress in MUTANTS:
        found, _, _ = check(f"mutant {name}", [f"-DMUTANT_{name}"] + definitions, progress)
        if not any(each.startswith("refuted") for each in found):
            print(f"the mutant {name} survives")
            failed += 1
    failed += 1 if unreached else 0
    print(f'{{"states":{total},"mutants":{len(MUTANTS)},"failed":{failed}}}')
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
