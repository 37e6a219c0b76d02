#!/usr/bin/env python3
"""Completion: understood by the shells that are here, and bash offers what it should."""

import glob
import shutil
import subprocess

from shipped import Check, path

ASKED = (  # words so far, what must be among the answers, what must not
    (["assent", ""], {"run", "blocking", "dev", "--json"}, {"kill"}),
    (["assent", "ex"], {"exec"}, {"run"}),
    (["assent", "exec", "--"], {"--expect-rows", "--url"}, {"--state"}),
    (["assent", "dev", ""], {"kill", "start", "psql", "--participants"}, {"run"}),
    (["assent-coordinator", "--led"], {"--ledger"}, {"--listen"}),
    (["assent-coordinator", "--log-level", ""], {"debug", "warning"}, {"--ledger"}),
    (["assent-coordinator", "log", ""], {"verify", "dump", "backup"}, {"init"}),
    (["assent-coordinator", "log", "backup", "--t"], {"--to"}, {"--online"}),
    (["assent-participant", "config", ""], {"check", "show", "sample"}, {"serve"}),
    (["assent-participant", "--pool"], {"--pool-lanes", "--pool-sessions"}, set()),
)


def bash_offers(words):
    file = path("docs", "completion", "bash", words[0])
    script = (f"compopt() {{ :; }}; source {file}; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); "
              f"_{words[0].replace('-', '_')}; printf '%s\\n' \"${{COMPREPLY[@]}}\"")
    done = subprocess.run(["bash", "-c", script, "bash"] + words, text=True, stdout=subprocess.PIPE)
    return set(done.stdout.split())


def main():
    check = Check()
    for shell in ("bash", "zsh", "fish"):
        for file in sorted(glob.glob(path("docs", "completion", shell, "*"))):
            if shutil.which(shell):
                done = subprocess.run([shell, "-n", file])
                check.that(done.returncode == 0, f"{file}: {shell} does not understand it")
    for words, wanted, unwanted in ASKED:
        offered = bash_offers(words)
        check.that(wanted <= offered and not unwanted & offered, f"{words}: {sorted(offered)}")
    check.done()


main()
