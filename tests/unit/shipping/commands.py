#!/usr/bin/env python3
"""The pages name nothing that is not there: commands and options, keys, metrics, files of
the packages and services of compose.yaml.

    commands.py FOLDER    with the programs of a build in that folder
"""

import functools
import glob
import json
import os
import re
import shlex
import subprocess
import sys

from shipped import Check, path, read, yaml

PAGES = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "docker/README.md"] + sorted(
    os.path.relpath(file, path())
    for pattern in ("docs/*.md", "docs/kubernetes/*.md", "docs/monitoring/*.md")
    for file in glob.glob(path(pattern)))
DESCRIBED = ("assent", "assent-coordinator", "assent-participant")
TOLD = ("assent-lab", "assent-bench", "assent-sim")  # by --help alone
COMMON = {"--help", "-h", "--version", "--config", "--describe", "--list-crash-points"}
PREFIXES = {"runuser": "--", "sudo": None, "exec": None}
COMPOSE = {"build": {"--build-arg"}, "run": {"--rm"}, "up": {"-d"}, "down": {"-v"}, "logs": {"-f"},
           "exec": set(), "kill": set(), "start": set(), "restart": set(), "stop": set()}
FOLDER = sys.argv[1] if len(sys.argv) > 1 else path("build", "release", "bin")


def said(program, *arguments):
    ours = {name: value for name, value in os.environ.items() if not name.startswith("ASSENT_")}
    return subprocess.run([os.path.join(FOLDER, program), *arguments], env=ours, text=True,
                          stdout=subprocess.PIPE).stdout


@functools.lru_cache(None)
def described(program):
    return json.loads(said(program, "--describe"))


def commands_in(text):
    """(words of one simple command) of every fenced shell block and every code span."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.S):
        for line in block.replace("\\\n", " ").splitlines():
            line = line.split(" #")[0].strip()
            line = re.sub(r"\$\(([^)]*)\)", r"x; \1", line)  # what is run within counts, too
            for part in re.split(r"\s*(?:\|\||\||&&|;)\s*", line):
                yield part
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for span in re.findall(r"`([^`]+)`", prose):
        yield " ".join(span.split())


def words_of(command):
    try:
        words = shlex.split(command, comments=True)
    except ValueError:
        return []
    while words and re.fullmatch(r"[A-Z_]+=.*|\w+=", words[0]):
        words = words[1:]
    if words and words[0] in PREFIXES:
        end = PREFIXES[words[0]]
        words = words[words.index(end) + 1:] if end in words else words[1:]
    return words


def split(words, takes_value):
    """Positional words and options; the values of options are neither."""
    positional, options = [], []
    words = iter(words)
    for word in words:
        if word == "--":
            break
        if re.match(r"--?[a-z]", word):
            name, _, value = word.partition("=")
            options.append(name)
            if not value and takes_value(name):
                next(words, None)
        else:
            positional.append(word)
    return positional, options


def tool_fault(words):
    tree = described("assent")
    options = {name: each for each in tree["options"] for name in each["names"]}
    level, rest = tree, words
    while rest and level["commands"]:
        while rest and rest[0].startswith("--"):
            rest = rest[2 if options.get(rest[0], {}).get("value") and "=" not in rest[0] else 1:]
        found = [each for each in level["commands"] if rest and each["name"] == rest[0]]
        if not found:
            break
        level, rest = found[0], rest[1:]
        options.update({name: each for each in level["options"] for name in each["names"]})
    takes_arguments = any(each["argument"] for each in level["options"])
    positional, given = split(rest, lambda name: options.get(name, {}).get("value"))
    if level is tree and words and not re.match(r"[A-Z…]", (positional or [""])[0] or "…"):
        return f"no command {positional[0]}"
    if level["commands"] and level is not tree and positional and not takes_arguments:
        return f"{level['name']} has no command {positional[0]}"
    unknown = [name for name in given if name not in options and name not in COMMON]
    return f"no option {unknown[0]}" if unknown else None


def daemon_fault(program, words):
    spec = described(program)
    options = {key["option"]: key["type"] for key in spec["keys"]}
    valued = {name for name, kind in options.items() if kind != "boolean"} | {"--config", "--to"}
    positional, given = split(words, lambda name: name in valued)
    for command in spec["commands"]:
        names = command["name"].split()
        if positional[:len(names)] == names:
            options.update({each["name"]: "" for each in command["options"]})
            positional = positional[len(names):]
            break
    if positional and not re.match(r"[A-Z…]|true|false", positional[0]):
        return f"no command {' '.join(positional)}"
    unknown = [name for name in given if name not in options and name not in COMMON]
    return f"no option {unknown[0]}" if unknown else None


@functools.lru_cache(None)
def help_of(program, command):
    return said(program, *([command] if command else []), "--help")


def told_fault(program, words):
    command = words[0] if words and re.fullmatch(r"[a-z][a-z-]+", words[0]) else ""
    if command and not re.search(rf"^  {command}\b", help_of(program, ""), re.M):
        return f"no command {command}"
    if "--explore" in words:  # a mode with a help of its own
        command, words = "--explore", [word for word in words if word != "--explore"]
    known = re.findall(r"--[a-z-]+", help_of(program, command) + help_of(program, ""))
    for name in (word.split("=")[0] for word in words):
        if name.startswith("--") and name not in known:
            return f"no option {name}"
    return None


def compose_fault(words):
    compose = yaml().safe_load(read("docker", "compose.yaml"))
    if not words:
        return None  # as a name
    names = iter(words)
    for word in names:
        if word == "-f":
            file = next(names)
            if not os.path.exists(path(file)):
                return f"no file {file}"
        elif word == "--profile":
            profile = next(names)
            services = compose["services"].values()
            if not any(profile in each.get("profiles", []) for each in services):
                return f"no profile {profile}"
        else:
            break
    rest = [each for each in names]
    if word not in COMPOSE:
        return f"no command {word}"
    options = [each for each in rest if each.startswith("-")]
    services = [each for each in rest if not each.startswith("-")]
    if word == "build" and options:
        services = []
    if services and services[0] not in compose["services"]:
        return f"no service {services[0]}"
    if word in ("run", "exec") and services[1:2] == ["assent"]:
        return tool_fault(services[2:])
    before = rest[:rest.index(services[0])] if services else rest
    unknown = [each for each in before if each.startswith("-") and each not in COMPOSE[word]]
    return f"no option {unknown[0]}" if unknown else None


def fault_of(words):
    program = os.path.basename(words[0]) if words else ""
    if program in DESCRIBED and ("/" not in words[0] or "bin/" in words[0]):
        if program == "assent":
            return tool_fault(words[1:])
        return daemon_fault(program, words[1:])
    if program in TOLD:
        return told_fault(program, words[1:])
    if words[:2] == ["docker", "compose"]:
        return compose_fault(words[2:])
    if words[:1] == ["systemctl"]:
        units = [word for word in words[2:] if word.startswith("assent-")]
        missing = [unit for unit in units
                   if not os.path.exists(path("scripts", "packages", unit + ".service"))]
        return f"no unit {missing[0]}" if missing else None
    if words and words[0].startswith(("scripts/", "tests/")) and words[0].count("*") == 0:
        return None if os.path.exists(path(words[0])) else "no such file"
    return None


def check_commands(check, page, text):
    for command in commands_in(text):
        words = words_of(command)
        if words:
            fault = fault_of(words)
            check.that(not fault, f"{page}: {command}: {fault}")


def check_names(check, page, text):
    reference = read("docs", "reference", "configuration.md")
    keys = set(re.findall(r"^\| `([a-z_.]+)` \|", reference, re.M))
    tables = {key.split(".")[0] for key in keys if "." in key}
    metrics = set(re.findall(r"^\| `([a-z_]+)` \|", read("docs", "reference", "metrics.md"), re.M))
    for span in re.findall(r"`([a-z_.]+)`", text):
        is_file = span.endswith((".md", ".so", ".log", ".json"))
        if span.split(".")[0] in tables and span.count(".") == 1 and not is_file:
            check.that(span in keys, f"{page}: there is no key {span}")
        if re.fullmatch(r"assent_[a-z]+_[a-z_]+", span):
            known = span in metrics or re.sub(r"_(bucket|sum|count)$", "", span) in metrics
            check.that(known, f"{page}: there is no metric {span}")
    for place in re.findall(r"/etc/assent/([a-z]+\.toml)", text):
        there = os.path.exists(path("scripts", "packages", place))
        check.that(there, f"{page}: no package has {place}")


def check_self(check):
    """It sees what is wrong."""
    compose = "docker compose -f docker/compose.yaml "
    right = ("assent --json list", "assent dev kill coordinator", "assent COMMAND --help",
             "assent exec ID orders 'select 1' -- --x", "assent-lab run x --report F",
             "runuser -u x -- assent-coordinator log backup --to F", compose + "up -d",
             "docker compose")
    wrong = ("assent frobnicate", "assent list --stat x", "assent dev kil coordinator",
             "assent-coordinator log verfy", "assent-coordinator --ledgr x", "assent-lab runn x",
             compose + "kill nobody", "docker compose -f docker/compose.yml up -d",
             compose + "--profile demo run --rm story assent x", "scripts/tests",
             "systemctl restart assent-coordinater")
    for command in right + wrong:
        seen = bool(fault_of(words_of(command)))
        check.that(seen == (command in wrong), f"this test does not see through: {command}")


def main():
    check = Check()
    check_self(check)
    for page in PAGES:
        text = read(page)
        check_commands(check, page, text)
        check_names(check, page, text)
    check.done()


main()
