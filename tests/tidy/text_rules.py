"""Rules for every tracked text file: blanks, loose ends, leaks of the place it was made, links."""

import json
import os
import re

FREE_OF_FORM = (".sum", "package-lock.json", ".svg")  # written by tools
WORDS = "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3))


def blanks(source, tree):
    if source.path.endswith(FREE_OF_FORM):
        return
    for number, line in enumerate(source.lines, 1):
        if "\r" in line:
            yield number, "a carriage return; end lines with a line feed alone"
        elif line.rstrip() != line:
            yield number, "blanks at the end of the line; remove them"
        if "\t" in line:
            yield number, "a tab; use spaces"
    if source.text and not source.text.endswith("\n"):
        yield len(source.lines), "no line feed at the end of the file; add one"


def loose_ends(source, tree):
    for number, line in enumerate(source.lines, 1):
        match = re.search(rf"\b({WORDS})\b", line)
        if match:
            yield number, f"{match.group()} in the tree; do it now, or open an issue instead"


LEAKS = (
    (r"(?<![\w.})-])/work\b(?!ing|er|s\b)", "a folder of the machine this was written on"),
    (r"(?<![\w.})-])/tmp/" + "assent" + r"\b", "a folder of the machine this was written on"),
    (r"\.\./" + "shared" + r"\b", "a file outside the repository"),
    (r"https?://[\w.-]*(registry|mirror|artifactory|nexus|pypi|goproxy|proxy)[\w.-]*\.\w+",
     "a package registry's address"),
)


def leaks(source, tree):
    for number, line in enumerate(source.lines, 1):
        for pattern, what in LEAKS:
            match = re.search(pattern, line)
            if match:
                yield number, (f"{match.group()} is {what}; name nothing outside the repository, "
                               "and leave registries to the user's own configuration")


# ---- documents ----------------------------------------------------------------------------------


def prose(source):
    """(number, line) outside fenced code."""
    fenced = False
    for number, line in enumerate(source.lines, 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, re.sub(r"`[^`]*`", "", line)


def anchors(source):
    """GitHub's anchors of the headings."""
    found = set()
    for line in source.lines:
        match = re.match(r"#{1,6}\s+(.*?)\s*#*$", line)
        if match:
            words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", match.group(1)).lower()
            anchor = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
            again = re.compile(re.escape(anchor) + r"(-\d+)?")
            count = sum(1 for other in found if again.fullmatch(other))
            found.add(f"{anchor}-{count}" if count else anchor)
    return found


LINK = re.compile(r"\]\(\s*<?([^)\s>]+)")
HTML_LINK = re.compile(r'(?:src|href)="([^"]+)"')


def links(source, tree):
    if not source.path.endswith(".md"):
        return
    for number, line in prose(source):
        for target in LINK.findall(line) + HTML_LINK.findall(line):
            if re.match(r"[a-z][a-z0-9+.-]*:", target):
                continue
            path, _, anchor = target.partition("#")
            folder = os.path.dirname(source.path)
            full = os.path.normpath(os.path.join(folder, path)) if path else source.path
            if full.startswith("..") or not tree.exists(full):
                yield number, f"{target} leads nowhere; correct the link or add the file"
                continue
            document = tree.source(full)
            if anchor and full.endswith(".md") and document and anchor not in anchors(document):
                yield number, f"{target}: {full} has no such heading; correct the link"


KNOWN_COMMANDS = {
    "git", "cmake", "ctest", "ninja", "sudo", "apt-get", "docker", "curl", "jq", "psql", "createdb",
    "export", "cd", "mkdir", "cat", "echo", "kill", "source", "npm", "node", "python3", "systemctl",
    "for", "while", "do", "done", "if", "then", "fi", "wait", "sleep", "sh", "bash"}


def shell_blocks(source):
    """(line number, command) of each command in the fenced shell code of a document."""
    shell = False
    continued = False
    for number, line in enumerate(source.lines, 1):
        if line.lstrip().startswith("```"):
            shell = line.strip() in ("```sh", "```bash", "```shell", "```console")
            console = line.strip() == "```console"
            continue
        if not shell:
            continue
        text = line.strip()
        if console:
            if not text.startswith("$ "):
                continue
            text = text[2:]
        is_new, continued = not continued, text.endswith("\\")
        if is_new and text and not text.startswith("#"):
            yield number, text


def presets(tree):
    source = tree.source("CMakePresets.json")
    if not source:
        return set()
    kinds = json.loads(source.text)
    return {p["name"] for kind in ("configurePresets", "buildPresets", "testPresets")
            for p in kinds.get(kind, []) if not p.get("hidden")}


def programs(tree):
    names = set()
    for source in tree.sources:
        if source.path.endswith("CMakeLists.txt"):
            names |= set(re.findall(r"(?:assent_program|add_executable)\(\s*(\S+)", source.text))
            names |= set(re.findall(r"OUTPUT_NAME\s+(\S+)", source.text))
    return names


def readme_commands(source, tree):
    if source.path != "README.md":
        return
    for number, command in shell_blocks(source):
        words = [w for w in command.split() if not re.fullmatch(r"\w+=\S*", w)]
        if words[:1] == ["sudo"]:
            words = words[1:]
        if not words:
            continue
        program = words[0].removeprefix("./")
        for preset in re.findall(r"--preset[= ](\w+)", command):
            if preset not in presets(tree):
                yield number, f"no preset {preset} in CMakePresets.json; correct the command"
        if program.startswith("build/"):
            if program.rsplit("/", 1)[1] not in programs(tree):
                yield number, f"{program} is built by no CMakeLists.txt; correct the command"
        elif "/" in program and not program.startswith("/"):
            if not tree.exists(program) or not tree.executable(program):
                yield number, f"{program} is not there or not executable; correct the command"
        elif program not in KNOWN_COMMANDS and program not in programs(tree):
            yield number, f"{program} is unknown; correct it, or add it to KNOWN_COMMANDS"


TEXT_RULES = (blanks, loose_ends, leaks, links, readme_commands)
