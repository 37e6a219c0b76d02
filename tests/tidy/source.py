"""The tree under inspection: its files, and C++ with comments and literals blanked out."""

import os
import re
import subprocess
from functools import cached_property

CPP_ENDINGS = (".hpp", ".cpp")
BINARY_ENDINGS = (".png", ".jpg", ".gif", ".ico", ".woff", ".woff2", ".gz", ".bin", ".pdf")


class Source:
    """One file. `path` is relative to the root, with forward slashes."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")

    @property
    def is_header(self):
        return self.path.endswith(".hpp")

    @property
    def is_cpp(self):
        return self.path.endswith(CPP_ENDINGS)

    @cached_property
    def code(self):
        """The text with comments, strings and characters blanked: same length, same lines."""
        return blank(self.text)

    @cached_property
    def includes(self):
        """(line number, "<a>" or '"b"') of each #include."""
        found = []
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*(<[^>]+>|"[^"]+")', line)
            if match:
                found.append((number, match.group(1)))
        return found

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1


class Tree:
    """All files. `exists` knows those that are not read as well, and folders."""

    def __init__(self, sources, exists, executable=lambda path: True):
        self.sources = sources
        self.exists = exists
        self.executable = executable

    def source(self, path):
        return next((s for s in self.sources if s.path == path), None)


def blank(text):
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^ ()\\\t\n]{0,16})\(.*?\)\1"|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Za-z_])'(?:\\.|[^'\\\n])*'", re.S)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)


def tracked_paths(root):
    """What git tracks; without git (a source archive), every file outside build folders."""
    git = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z"], capture_output=True)
    if git.returncode == 0:
        return sorted(p for p in git.stdout.decode().split("\0") if p)
    paths = []
    for folder, folders, files in os.walk(root):
        folders[:] = [f for f in folders if f not in ("build", "node_modules", ".git", ".cache")]
        paths += [os.path.relpath(os.path.join(folder, f), root) for f in files]
    return sorted(paths)


def read_tree(root):
    sources = []
    for path in tracked_paths(root):
        full = os.path.join(root, path)
        if path.endswith(BINARY_ENDINGS) or os.path.islink(full) or not os.path.isfile(full):
            continue
        with open(full, encoding="utf-8", newline="") as file:
            sources.append(Source(path, file.read()))
    return Tree(sources, lambda path: os.path.exists(os.path.join(root, path)),
                lambda path: os.access(os.path.join(root, path), os.X_OK))
