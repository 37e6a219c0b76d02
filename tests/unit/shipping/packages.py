#!/usr/bin/env python3
"""scripts/packages: the files the daemons will read, units and maintainer scripts."""

import os
import re
import shutil
import subprocess

from shipped import Check, path, read

HARDENED = ("NoNewPrivileges=yes", "ProtectSystem=strict", "Type=notify", "Restart=on-failure",
            "CapabilityBoundingSet=", "StateDirectoryMode=0700")


def check_unit(check, daemon):
    name = f"assent-{daemon}.service"
    lines = read("scripts", "packages", name).splitlines()
    for line in HARDENED:
        check.that(line in lines, f"{name}: {line} is missing")
    check.that(f"LoadCredential=secret:/etc/assent/{daemon}.secrets" in lines, f"{name}: secrets")
    # After a refusal (the command line, identity, damage) no start helps; after all else it may.
    header = read("protocol", "runtime", "daemon.hpp")
    code = dict(re.findall(r"constexpr int (\w+) = (\d+);", header))
    check.that(f"RestartPreventExitStatus={code['usage']} {code['configuration']}" in lines,
               f"{name}: is started again after a refusal, or not after a failure")
    analyze = shutil.which("systemd-analyze")
    if analyze:
        done = subprocess.run((analyze, "verify", path("scripts", "packages", name)), text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # The programs and manual pages are not installed here.
        faults = [line for line in done.stdout.splitlines() if name in line
                  and "not executable" not in line and "man " not in line]
        check.that(not faults, "\n".join(faults))


def check_manual(check):
    if not shutil.which("man") or not shutil.which("groff"):
        print("left out: man and groff are not installed")
        return
    for name in sorted(os.listdir(path("docs", "man"))):
        done = subprocess.run(("man", "--warnings", "--local-file", "--encoding=utf8",
                               path("docs", "man", name)), text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE)
        check.that(done.returncode == 0 and not done.stderr, f"{name}: {done.stderr}")
        check.that("NAME" in done.stdout and "SEE ALSO" in done.stdout, f"{name} is no manual page")


def main():
    check = Check()
    check_manual(check)
    for daemon in ("coordinator", "participant"):
        check_unit(check, daemon)
    for script in ("postinst", "prerm", "postrm"):
        done = subprocess.run(("sh", "-n", path("scripts", "packages", script + ".in")))
        check.that(done.returncode == 0, f"{script}.in is no shell script")
        text = read("scripts", "packages", script + ".in")
        check.that("set -e" in text, f"{script}.in goes on after errors")
        check.that(" init " not in text, f"{script}.in makes a ledger")
    check.done()


main()
