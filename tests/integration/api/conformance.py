#!/usr/bin/env python3
"""Thousands of generated requests against a running coordinator, checked against docs/openapi.yaml.

    conformance.py --programs build/release/bin [--examples 200] [--seed 1]

Starts an installation with `assent dev`, lets schemathesis loose on it, and then looks whether it
is what it was: every process alive, every transaction ended, nothing left prepared. Installs
schemathesis with pip in a folder of its own; where no package index can be reached it says so and
ends with 0.
"""
import argparse
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
PINNED = "schemathesis==4.32.5"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
READY_WITHIN_S = 180
SETTLED_WITHIN_S = 60


def schemathesis():
    """The program; None where it cannot be had."""
    folder = CACHE / "assent" / PINNED.replace("==", "-")
    program = folder / "bin" / "schemathesis"
    if program.exists():
        return program
    venv.create(folder, with_pip=True, clear=True)
    command = [folder / "bin" / "pip", "install", "--quiet", "--retries", "1", PINNED]
    if subprocess.run(command, check=False).returncode != 0:
        return None
    return program


def wait_until(what, seconds, holds):
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"conformance: {what} did not happen within {seconds} s")
        time.sleep(0.1)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """What `assent dev` runs."""

    def __init__(self, programs, folder):
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        port = self.url.rsplit(":", 1)[1]
        self.output = open(folder.parent / "dev.log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [programs / "assent", "dev", "--keep", folder, "--port", port],
            stdout=self.output, stderr=subprocess.STDOUT)

    def __enter__(self):
        wait_until("the start of the installation", READY_WITHIN_S, self.is_ready)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        self.output.close()

    def is_ready(self):
        if self.process.poll() is not None:
            self.output.seek(0)
            raise SystemExit("conformance: assent dev ended:\n" + self.output.read())
        try:
            participants = self.get("/v1/participants")["participants"]
        except OSError:
            return False
        return len(participants) == 2 and all(p["state"] == "ready" for p in participants)

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            return json.load(answer)

    def parts(self):
        return json.loads((self.folder / "state.json").read_text())["parts"]

    def pids(self):
        return {name: part["pid"] for name, part in self.parts().items()}

    def resident_kib(self):
        status = pathlib.Path(f"/proc/{self.pids()['coordinator']}/status").read_text()
        resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(resident.split()[1])

    def unfinished(self):
        counts = self.get("/v1/overview")["transactions"]
        return sum(n for state, n in counts.items() if state not in ("committed", "aborted"))

    def end_open_ones(self):
        """Rolls back what the generated clients have begun and left."""
        for state in ("open", "preparing"):
            page = self.get(f"/v1/transactions?state={state}&limit=1000")
            for transaction in page["transactions"]:
                request = urllib.request.Request(
                    f"{self.url}/v1/transactions/{transaction['id']}/rollback", method="POST")
                try:
                    urllib.request.urlopen(request, timeout=30).close()
                except urllib.error.HTTPError:
                    pass  # it has ended meanwhile
        return self.unfinished() == 0

    def prepared(self):
        return sum(p["prepared_count"] for p in self.get("/v1/participants")["participants"])


def run(program, installation, arguments, report):
    environment = dict(os.environ, SCHEMATHESIS_HOOKS="conformance_hooks", PYTHONPATH=str(HERE))
    command = [program, "--config-file", HERE / "schemathesis.toml", "run",
               installation.url + "/v1/openapi.json",
               "--max-examples", str(arguments.examples), "--seed", str(arguments.seed),
               "--report", "json", "--report-json-path", report]
    return subprocess.run(command, env=environment, cwd=report.parent, check=False).returncode


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=int, default=200, help="of each operation, each phase")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()

    program = schemathesis()
    if program is None:
        print("conformance: left out, for no package index can be reached to install", PINNED)
        return 0
    with tempfile.TemporaryDirectory(prefix="assent-conformance-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        with Installation(arguments.programs.resolve(), path / "dev") as installation:
            before = installation.pids(), installation.resident_kib()
            failed = run(program, installation, arguments, path / "report.json")
            wait_until("the end of every transaction", SETTLED_WITHIN_S,
                       installation.end_open_ones)
            wait_until("the end of every branch", SETTLED_WITHIN_S,
                       lambda: installation.prepared() == 0)
            if installation.pids() != before[0]:
                print("conformance: a process has died:", before[0], installation.pids())
                failed = 1
            print(f"conformance: the coordinator holds {installation.resident_kib()} KiB; "
                  f"{before[1]} KiB at the start")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
