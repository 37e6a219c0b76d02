#!/usr/bin/env python3
"""Checks the form of the tree. Each failure names the file and line, the rule and the remedy.

    tidy.py              every rule over every tracked file
    tidy.py --self-test  each rule against planted faults, which it must find
    tidy.py --format     clang-format over every tracked C++ file (must be installed)
"""

import os
import subprocess
import sys

from cpp_rules import CPP_RULES, columns, file_length
from selftest import self_test
from source import CPP_ENDINGS, read_tree, tracked_paths
from text_rules import TEXT_RULES

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# Exceptions: (rule, file) and why. One that is no longer needed is itself a failure.
ALLOWED = {}


def rules_for(source):
    rules = TEXT_RULES
    if source.is_cpp:
        rules += CPP_RULES
    elif source.path.endswith((".py", ".ts", ".tsx")):
        rules += (file_length, columns)
    return rules


def check(tree, allowed):
    """(path, line, rule, message) of each failure."""
    failures = []
    unused = dict(allowed)
    for source in tree.sources:
        for rule in rules_for(source):
            for line, message in rule(source, tree):
                if (rule.__name__, source.path) in allowed:
                    unused.pop((rule.__name__, source.path), None)
                else:
                    failures.append((source.path, line, rule.__name__, message))
    for rule, path in unused:
        failures.append(("tests/tidy/tidy.py", 1, rule, f"{path} needs no exception; remove it"))
    return failures


def check_format():
    paths = [p for p in tracked_paths(ROOT)
             if p.endswith(CPP_ENDINGS) and os.path.isfile(os.path.join(ROOT, p))]
    command = [os.environ.get("CLANG_FORMAT", "clang-format"), "--dry-run", "-Werror"]
    try:
        result = subprocess.run(command + paths, cwd=ROOT)
    except FileNotFoundError:
        print(f"{command[0]} is not installed; scripts/install-deps installs it")
        return 1
    if result.returncode != 0:
        print("Run clang-format -i on these files.")
    return 1 if result.returncode != 0 else 0


def main(arguments):
    if arguments == ["--format"]:
        return check_format()
    if arguments == ["--self-test"]:
        return self_test(check)
    if arguments:
        print(__doc__)
        return 2
    tree = read_tree(ROOT)
    failures = check(tree, ALLOWED)
    for path, line, rule, message in failures:
        print(f"{path}:{line}: [{rule}] {message}")
    print(f"{len(tree.sources)} files, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
