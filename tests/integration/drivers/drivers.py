#!/usr/bin/env python3
"""External transactions by drivers that nobody here wrote: psycopg (Python) and pg (Node.js).

    drivers.py --programs build/release/bin

Starts an installation with `assent dev`, gives an application a role of its own there, and lets it
prepare: by psycopg's two-phase calls, by plain SQL, by the example of docs/API.md, and by pg.
Installs psycopg with pip and pg with npm, each in a folder of its own and in a fixed version; where
a registry cannot be reached it says so and ends with 77, having run what it could.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "api"))
from conformance import CACHE, Installation, wait_until  # noqa: E402

PSYCOPG = "psycopg[binary]==3.3.9"
PG = "pg@8.23.1"
LEFT_OUT = 77
ENDED_WITHIN_S = 60
BANKS = ("bank_a", "bank_b")


def folder_of(pinned):
    return CACHE / "assent" / re.sub(r"[^\w.]+", "-", pinned)


def install_psycopg():
    """A Python that has it; None where it cannot be had."""
    folder = folder_of(PSYCOPG)
    done = folder / "installed"
    if not done.exists():
        venv.create(folder, with_pip=True, clear=True)
        command = [folder / "bin" / "pip", "install", "--quiet", "--retries", "1", PSYCOPG]
        if subprocess.run(command, check=False).returncode != 0:
            return None
        done.touch()
    return folder / "bin" / "python3"


def install_pg():
    """The folder that has it; None where it cannot be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        return None
    folder = folder_of(PG)
    if not (folder / "node_modules" / "pg").exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--fetch-retries", "1",
                   "--prefix", folder, PG]
        if subprocess.run(command, check=False).returncode != 0:
            return None
    return folder


class Bank:
    """The installation, seen by its application."""

    def __init__(self, installation):
        self.installation = installation
        self.url = installation.url
        parts = installation.parts()
        self.admin = {name: parts[name + ".db"]["tcp_conninfo"] for name in BANKS}
        self.databases = {name: re.sub(r"user=\S+", "user=shop_app", conninfo)
                          for name, conninfo in self.admin.items()}
        for name in BANKS:
            self.psql(name, "create role shop_app login")
            self.psql(name, "grant assent_branch to shop_app")
            self.psql(name, "grant all on account to shop_app")

    def psql(self, name, sql):
        command = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", self.admin[name],
                   "-c", sql]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def balance(self, name, account):
        return float(self.psql(name, f"select balance from account where id = {account}"))

    def prepared(self):
        return sum(int(self.psql(name, "select count(*) from pg_prepared_xacts where gid like "
                                       "'assent1:%'")) for name in BANKS)

    def request(self, path, body=None):
        """Status and document."""
        request = urllib.request.Request(self.url + path, json.dumps(body or {}).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refusal:
            return refusal.code, json.load(refusal)

    def begin(self, timeout_ms=60000):
        status, transaction = self.request("/v1/transactions", {
            "mode": "external", "timeout_ms": timeout_ms,
            "branches": [{"participant": name} for name in BANKS]})
        assert status == 201 and transaction["state"] == "open", transaction
        return transaction

    def commit(self, transaction):
        return self.request(f"/v1/transactions/{transaction['id']}/commit")

    def expect_moved(self, account, amount, before):
        for name, sign in zip(BANKS, (-1, 1)):
            assert self.balance(name, account) == before[name] + sign * amount, (name, before)

    def balances(self, account):
        return {name: self.balance(name, account) for name in BANKS}

    def ends(self):
        wait_until("the end of every branch", ENDED_WITHIN_S, lambda: self.prepared() == 0)


def example():
    """The Python of docs/API.md's section External."""
    text = (SOURCE / "docs" / "API.md").read_text(encoding="utf-8")
    section = text.split("\n## External\n", 1)[1].split("\n## ", 1)[0]
    return re.search(r"```python\n(.*?)```", section, re.S).group(1)


def run_program(what, command, bank, **environment):
    facts = {"url": bank.url, "databases": bank.databases}
    print(f"drivers: {what}", flush=True)
    subprocess.run([*map(str, command)], check=True, timeout=300,
                   env=dict(os.environ, BANK=json.dumps(facts), **environment))


def by_psycopg(bank, python):
    before = bank.balances(1)
    program = f"ASSENT = {bank.url!r}\nDATABASES = {bank.databases!r}\n" + example()
    done = subprocess.run([python, "-c", program], check=True, capture_output=True, text=True,
                          timeout=120)
    assert done.stdout.strip() == "committed", done.stdout + done.stderr
    bank.expect_moved(1, 100, before)
    bank.ends()
    print("drivers: the example of docs/API.md committed in both", flush=True)

    for account, calls in ((2, "tpc"), (3, "sql")):
        before = bank.balances(account)
        transaction = bank.begin()
        run = [python, HERE / "application.py", calls, str(account)]
        run_program(f"psycopg, {calls}, bank_a", [*run, "bank_a"], bank,
                    TRANSACTION=json.dumps(transaction))
        status, problem = bank.commit(transaction)
        assert (status, problem["code"]) == (409, "branch-not-prepared"), problem
        assert "bank_b" in problem["detail"] and "bank_a:" not in problem["detail"], problem
        states = {b["participant"]: b["state"] for b in problem["branches"]}
        assert states == {"bank_a": "prepared", "bank_b": "not_prepared"}, states
        run_program(f"psycopg, {calls}, bank_b", [*run, "bank_b"], bank,
                    TRANSACTION=json.dumps(transaction))
        status, outcome = bank.commit(transaction)
        assert status in (200, 202) and outcome["outcome"] == "committed", outcome
        bank.ends()
        bank.expect_moved(account, 5, before)

    before = bank.balances(4)
    transaction = bank.begin()
    run_program("psycopg, before a rollback",
                [python, HERE / "application.py", "tpc", "4", "bank_a"], bank,
                TRANSACTION=json.dumps(transaction))
    status, _ = bank.request(f"/v1/transactions/{transaction['id']}/rollback")
    assert status == 200
    run_program("psycopg, after it", [python, HERE / "application.py", "sql", "4", "bank_b"], bank,
                TRANSACTION=json.dumps(transaction))
    bank.ends()
    assert bank.balances(4) == before


def by_pg(bank, folder):
    before = bank.balances(5)
    transaction = bank.begin()
    run_program("pg (Node.js)", ["node", HERE / "application.mjs", "5"], bank,
                TRANSACTION=json.dumps(transaction), PG=str(folder / "node_modules" / "pg"))
    status, outcome = bank.commit(transaction)
    assert status in (200, 202) and outcome["outcome"] == "committed", outcome
    bank.ends()
    bank.expect_moved(5, 5, before)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    python, pg = install_psycopg(), install_pg()
    if python is None and pg is None:
        print(f"drivers: left out, for neither {PSYCOPG} nor {PG} can be installed here")
        return LEFT_OUT
    with tempfile.TemporaryDirectory(prefix="assent-drivers-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        with Installation(arguments.programs.resolve(), path / "dev") as installation:
            bank = Bank(installation)
            begun = time.monotonic()
            if python is not None:
                by_psycopg(bank, python)
            if pg is not None:
                by_pg(bank, pg)
            print(f"drivers: done in {time.monotonic() - begun:.1f} s")
    for what, found in ((PSYCOPG, python), (PG, pg)):
        if found is None:
            print(f"drivers: {what} was left out, for it cannot be installed here")
    return 0 if python is not None and pg is not None else LEFT_OUT


if __name__ == "__main__":
    sys.exit(main())
