#!/usr/bin/env python3
"""The part "At three in the morning" of docs/BLOCKING.md, followed as it stands there.

    night.py --programs build/release/bin

Brings an installation of `assent dev` into each of the troubles, runs the commands of that step,
and looks whether what the step promises comes about. Of a command only what is another machine's is
replaced: systemctl by `assent dev`, the database's name, ID and PID. A command that no step here
runs is a failure, and so is a step that has gone.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
sys.path.insert(0, str(HERE.parent / "api"))
from conformance import Installation, wait_until  # noqa: E402

WITHIN_S = 60
LONG_MS = 3_600_000


class Guide:
    """The steps, and which of their commands were run."""

    def __init__(self):
        text = (SOURCE / "docs" / "BLOCKING.md").read_text(encoding="utf-8")
        section = text.split("\n## At three in the morning\n", 1)[1].split("\n## ", 1)[0]
        parts = re.split(r"\n(?=\d+\. )", section)[1:]
        self.steps = {int(part.split(".", 1)[0]): part for part in parts}
        self.left = {(number, line.strip()) for number, part in self.steps.items()
                     for block in re.findall(r"```sh\n(.*?)```", part, re.S)
                     for line in block.strip().split("\n")}

    def command(self, step, beginning):
        """The one command of that step that begins so."""
        found = {line for number, line in self.commands() if number == step
                 and line.startswith(beginning)}
        assert len(found) == 1, f"step {step} has {len(found)} commands like {beginning}"
        line = found.pop()
        self.left.discard((step, line))
        return line

    def commands(self):
        return [(number, line.strip()) for number, part in self.steps.items()
                for block in re.findall(r"```sh\n(.*?)```", part, re.S)
                for line in block.strip().split("\n")]


class Night:
    def __init__(self, installation, programs, guide):
        self.installation = installation
        self.programs = programs
        self.guide = guide
        self.conninfo = {name: part["conninfo"] for name, part in installation.parts().items()
                         if name.endswith(".db")}
        self.environment = dict(os.environ, ASSENT_URL=installation.url,
                                ASSENT_DEV=str(installation.folder))
        self.sessions = []

    # ---- what is run

    def run(self, line, database="bank_a", expect=0):
        """A command of the guide, as it stands there."""
        words = shlex.split(line)
        systemctl = {"assent-coordinator": "coordinator", "assent-participant": "bank_b",
                     "postgresql": "bank_b.db"}
        if words[:2] == ["systemctl", "start"]:
            words = ["assent", "dev", "start", systemctl[words[2]]]
        words = [self.conninfo[database + ".db"] if word == "shop" else word for word in words]
        if words[0] == "assent":
            words[0] = str(self.programs / "assent")
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True,
                              timeout=WITHIN_S, check=False)
        assert done.returncode == expect, (line, done.returncode, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def follow(self, step, beginning, database="bank_a", **words):
        line = self.guide.command(step, beginning)
        for word, value in words.items():
            assert word in line, (line, word)
            line = line.replace(word, str(value))
        return self.run(line, database)

    def look(self):
        """Step 1, as in each of the others."""
        return self.run(self.guide.command(1, "assent blocking"))

    def until_it_says(self, pattern):
        last = ""

        def says():
            nonlocal last
            last = self.look()
            return re.search(pattern, last) is not None

        try:
            wait_until(f"the sentence {pattern}", WITHIN_S, says)
        except SystemExit as failure:
            raise AssertionError(f"{failure}; it said:\n{last}") from failure
        return last

    # ---- what happens

    def dev(self, action, part):
        self.run(f"assent dev {action} {part}")

    def sql(self, database, sql):
        return subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d",
             self.conninfo[database + ".db"], "-c", sql],
            check=True, capture_output=True, text=True).stdout.strip()

    def session(self, database, application, sql):
        process = subprocess.Popen(
            ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo[database + ".db"],
             "-c", sql], env=dict(os.environ, PGAPPNAME=application),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.sessions.append(process)
        return process

    def waiting(self, database, application):
        return int(self.sql(database, "select count(*) from pg_stat_activity where "
                            f"application_name = '{application}' and wait_event_type = 'Lock'"))

    def wait_for_row(self, database, application, account):
        before = self.waiting(database, application)
        process = self.session(database, application, "update account set balance = balance + 1 "
                               f"where id = {account}")
        wait_until(f"{application} waits", WITHIN_S,
                   lambda: self.waiting(database, application) > before)
        return process

    def prepared(self):
        return sum(int(self.sql(name.removesuffix(".db"), "select count(*) from pg_prepared_xacts "
                                "where database = current_database()")) for name in self.conninfo)

    def holder(self, database, account):
        """A session of somebody's that holds a row, and its pid."""
        process = self.session(database, "batch-report", "begin; select from account where id = "
                               f"{account} for update; select pg_sleep(3600)")
        asleep = ("select coalesce(min(pid), 0) from pg_stat_activity where application_name = "
                  f"'batch-report' and query like '%id = {account} %' and wait_event = 'PgSleep'")
        wait_until("the row is held", WITHIN_S, lambda: self.sql(database, asleep) != "0")
        return process, int(self.sql(database, asleep))

    def request(self, path, body=None):
        request = urllib.request.Request(self.installation.url + path,
                                         json.dumps(body or {}).encode(),
                                         {"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=WITHIN_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refusal:
            return json.load(refusal)

    def ask(self, path, body=None):
        """The same, and nobody hears the answer: the coordinator may be killed meanwhile."""
        def unheard():
            try:
                self.request(path, body)
            except OSError:
                pass

        threading.Thread(target=unheard, daemon=True).start()

    def hang(self, account):
        """A transfer prepared in bank_a, whose work in bank_b waits behind a session. Its id."""
        process, pid = self.holder("bank_b", account)
        moves = [{"participant": name, "statements": [
            {"sql": f"update account set balance = balance {sign} 1 where id = {account}"}]}
            for name, sign in (("bank_a", "-"), ("bank_b", "+"))]
        before = self.prepared()
        self.ask("/v1/transactions", {"timeout_ms": LONG_MS, "branches": moves})
        wait_until("its branch in bank_a is prepared", WITHIN_S,
                   lambda: self.prepared() == before + 1)
        gid = self.sql("bank_a", "select gid from pg_prepared_xacts order by prepared desc limit 1")
        return gid.split(":")[3], process, pid

    def goes_on(self, *waiting):
        """Those who waited have what they wanted."""
        for process in waiting:
            assert process.wait(timeout=WITHIN_S) == 0

    def is_calm(self):
        self.until_it_says(r"^Nothing is in doubt and no session waits\.\n")
        assert self.prepared() == 0

    def end(self):
        for process in self.sessions:
            if process.poll() is None:
                process.kill()
            process.wait()


def coordinator_away(night):
    _, holder, _ = night.hang(1)
    waiting = [night.wait_for_row("bank_a", "shop-api", 1) for _ in range(2)]
    night.dev("kill", "coordinator")
    night.until_it_says(r"^Coordinator away for .*: 1 transaction in doubt holds 2 sessions in 1 "
                        r"database\. Nothing is lost; it finishes when it returns\.\n")
    night.follow(2, "systemctl start")
    night.goes_on(*waiting)
    holder.kill()
    night.is_calm()


def participant_away(night):
    for part in ("bank_b", "bank_b.db"):
        _, holder, _ = night.hang(2)
        waiting = night.wait_for_row("bank_a", "shop-api", 2)
        night.dev("kill", part)
        night.until_it_says(r"bank_b: not answering: ")
        command = "systemctl start " + ("assent-participant" if part == "bank_b" else "postgresql")
        night.follow(3, command)
        night.goes_on(waiting)
        holder.kill()
        night.until_it_says(r"^(?!.*[Nn]ot answering)")
        night.is_calm()


def coordinator_that_decides_and_tells_nobody(night):
    """In the place of the one that `assent dev` runs, which is killed first."""
    part = night.installation.parts()["coordinator"]
    night.dev("kill", "coordinator")
    folder = night.installation.folder
    log = open(folder / "night.log", "w", encoding="utf-8")
    process = subprocess.Popen(
        [night.programs / "assent-coordinator", "--ledger", folder / "ledger",
         "--listen", night.installation.url.removeprefix("http://"),
         "--admin-listen", f"127.0.0.1:{part['admin_port']}"],
        env={**{name: value for name, value in os.environ.items()
                if not name.startswith("ASSENT_")},
             "ASSENT_CRASH_POINTS": "engine.send.commit=error@1+"}, stdout=log, stderr=log)
    wait_until("the other coordinator", WITHIN_S, night.installation.is_ready)
    return process


def operator_wanted(night):
    for name in ("bank_a", "bank_b"):
        night.sql(name, "create role shop_app login; grant assent_branch to shop_app; "
                        "grant all on account to shop_app")
    other = coordinator_that_decides_and_tells_nobody(night)
    try:
        transaction = night.request("/v1/transactions", {
            "mode": "external", "timeout_ms": LONG_MS,
            "branches": [{"participant": "bank_a"}, {"participant": "bank_b"}]})
        for branch in transaction["branches"]:
            night.sql(branch["participant"], "set role shop_app; begin; update account set "
                      "balance = balance + 1 where id = 3; " + "; ".join(branch["prepare"]))
        night.ask(f"/v1/transactions/{transaction['id']}/commit")
        wait_until("it is decided", WITHIN_S, lambda: night.installation.get(
            f"/v1/transactions/{transaction['id']}")["state"] == "committing")
        night.sql("bank_a", "revoke assent_branch from assent_participant")
    finally:
        other.kill()
        other.wait()
    night.dev("start", "coordinator")
    said = night.until_it_says(r"It needs an operator\.")
    frees = re.search(r"frees it: (An operator: .*)\n", said).group(1)
    right = re.search(r"grant assent_branch to assent_participant", frees)
    assert right, frees
    assert transaction["id"] in night.follow(4, "assent show", ID=transaction["id"])
    night.sql("bank_a", right.group(0))
    night.is_calm()
    assert night.installation.get(f"/v1/transactions/{transaction['id']}")["state"] == "committed"


def foreign(night):
    night.sql("bank_a", "begin; update account set balance = balance where id = 4; "
                        "prepare transaction 'nightly-import'")
    waiting = night.wait_for_row("bank_a", "shop-api", 4)
    said = night.until_it_says(r"1 transaction prepared by other software holds 1 session")
    assert "foreign nightly-import" in said and "Assent never touches it" in said, said
    listed = night.follow(5, "psql")
    assert re.search(r"nightly-import\s*\|\s*postgres\s*\|\s*bank\b", listed), listed
    night.sql("bank_a", "rollback prepared 'nightly-import'")
    night.goes_on(waiting)
    night.is_calm()


def only_sessions(night):
    _, holder, pid = night.hang(5)
    waiting = night.wait_for_row("bank_a", "shop-api", 5)
    said = night.until_it_says(r"Its work at bank_b waits for row id = 5 of public\.account, "
                               rf"behind pid {pid} \(batch-report\)\.")
    assert re.search(rf"session pid {pid} batch-report", said), said
    night.follow(6, "psql", "bank_b", PID=pid)
    assert holder.wait(timeout=WITHIN_S) != 0
    night.goes_on(waiting)
    night.is_calm()


def application_must_live(night):
    _, holder, _ = night.hang(6)
    migration = night.session("bank_a", "migration", "alter table account add column note text")
    wait_until("the migration waits", WITHIN_S, lambda: night.waiting("bank_a", "migration") == 1)
    reader = night.session("bank_a", "report", "select sum(balance) from account")
    wait_until("the reader waits", WITHIN_S, lambda: night.waiting("bank_a", "report") == 1)
    night.dev("kill", "coordinator")
    said = night.until_it_says(r"^Coordinator away for .*holds 2 sessions")
    pid = re.search(r"pid (\d+) migration", said).group(1)
    night.follow(7, "psql", PID=pid)
    assert migration.wait(timeout=WITHIN_S) != 0
    night.goes_on(reader)
    assert night.prepared() == 1  # it waits on, with its locks
    night.dev("start", "coordinator")
    holder.kill()
    night.is_calm()


def decision_wanted(night):
    """What it would do can be seen of any transaction that is not decided."""
    transaction = night.request("/v1/transactions", {"mode": "interactive"})
    told = night.follow(4, "assent resolve", ID=transaction["id"])
    assert transaction["id"] in told, told
    night.request(f"/v1/transactions/{transaction['id']}/rollback")
    night.is_calm()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    programs = parser.parse_args().programs.resolve()
    guide = Guide()
    assert sorted(guide.steps) == list(range(1, 8)), sorted(guide.steps)
    with tempfile.TemporaryDirectory(prefix="assent-night-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        with Installation(programs, path / "dev") as installation:
            night = Night(installation, programs, guide)
            try:
                for step in (coordinator_away, participant_away, operator_wanted, decision_wanted,
                             foreign, only_sessions, application_must_live):
                    begun = time.monotonic()
                    step(night)
                    print(f"night: {step.__name__}, {time.monotonic() - begun:.1f} s", flush=True)
            finally:
                night.end()
    assert not guide.left, f"in the guide, and followed by no step here: {guide.left}"
    print("night: all steps do what they say")
    return 0


if __name__ == "__main__":
    sys.exit(main())
