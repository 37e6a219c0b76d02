"""What the checks of this folder share."""

import os
import sys

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".."))


def path(*names):
    return os.path.join(ROOT, *names)


def read(*names):
    with open(path(*names), encoding="utf-8") as file:
        return file.read()


def yaml():
    try:
        import yaml as library
    except ImportError:
        skip("PyYAML is not installed (the package python3-yaml)")
    return library


def skip(why):
    print("skipped:", why)
    sys.exit(77)


class Check:
    """Collects what is wrong; done() says so and ends."""

    def __init__(self):
        self.wrong = []
        self.looked = 0

    def that(self, holds, what):
        self.looked += 1
        if not holds:
            self.wrong.append(what)
        return holds

    def done(self):
        for what in self.wrong:
            print("wrong:", what)
        if not self.looked:
            print("wrong: nothing was looked at")
        print(f"{self.looked} checks, {len(self.wrong)} wrong")
        sys.exit(1 if self.wrong or not self.looked else 0)
