#!/usr/bin/env python3
"""What thousands of slow connections cost honest clients.

    overload.py --programs build/release/bin [--slow 5000] [--seconds 20] [--clients 4]

Starts an installation with `assent dev`, measures transfers by honest clients without and with so
many connections that send their header a byte at a time, and prints both and their ratio. An honest
client keeps its connection, and opens another for every tenth transfer, as a load balancer would.
"""
import argparse
import asyncio
import collections
import http.client
import json
import os
import pathlib
import resource
import statistics
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration" / "api"))
from conformance import Installation  # noqa: E402

FRESH_EVERY = 10
TRICKLE_S = 2
NEWLY = {"Content-Type": "application/json"}


def transfer(number):
    """Between accounts of a client's own, so that no two wait for one row."""
    account = number % 100 + 1
    def branch(name, sign):
        sql = f"update account set balance = balance {sign} 1 where id = {account}"
        return {"participant": name, "statements": [{"sql": sql, "expect": {"rows": 1}}]}
    return json.dumps({"branches": [branch("bank_a", "-"), branch("bank_b", "+")]})


class Honest(threading.Thread):
    """Transfers one after the other until told to stop."""

    def __init__(self, port, number):
        super().__init__()
        self.port, self.number = port, number
        self.stopping = threading.Event()
        self.seconds, self.refused = [], []

    def run(self):
        kept = self.connect()
        body = transfer(self.number)
        count = 0
        while not self.stopping.is_set():
            count += 1
            fresh = count % FRESH_EVERY == 0
            began = time.perf_counter()
            connection = self.connect() if fresh else kept
            try:
                connection.request("POST", "/v1/transactions", body, NEWLY)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 201:
                    self.seconds.append(time.perf_counter() - began)
                else:
                    self.refused.append(answer.status)
            except (OSError, http.client.HTTPException) as error:
                self.refused.append(type(error).__name__)
                if not fresh:
                    kept = self.connect()
            if fresh:
                connection.close()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def cpu_share(pid, seconds):
    """How much of one processor the process uses while nobody asks it for anything."""
    before, began = cpu_seconds(pid), time.monotonic()
    time.sleep(seconds)
    return round((cpu_seconds(pid) - before) / (time.monotonic() - began), 3)


def measure(port, clients, seconds):
    honest = [Honest(port, number) for number in range(clients)]
    for each in honest:
        each.start()
    time.sleep(seconds)
    for each in honest:
        each.stopping.set()
    for each in honest:
        each.join()
    times = sorted(second for each in honest for second in each.seconds)
    return {
        "transfers": len(times),
        "p50_ms": round(1000 * statistics.median(times), 2) if times else None,
        "p99_ms": round(1000 * times[int(len(times) * 0.99)], 2) if times else None,
        "refused": collections.Counter(str(why) for each in honest for why in each.refused),
    }


def ratio(with_slow, without):
    """None where no transfer came through: there is nothing to compare."""
    return round(with_slow / without, 2) if with_slow and without else None


class Slow(threading.Thread):
    """So many connections whose headers never end. One that is closed is opened again."""

    def __init__(self, port, connections):
        super().__init__(daemon=True)
        self.port, self.connections = port, connections
        self.opened = 0
        self.open_now = 0
        self.stopping = False

    def run(self):
        asyncio.run(self.all())

    async def all(self):
        await asyncio.gather(*(self.one(i) for i in range(self.connections)))

    async def one(self, number):
        await asyncio.sleep(number / self.connections * 5)
        while not self.stopping:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(TRICKLE_S)
                continue
            self.opened += 1
            self.open_now += 1
            try:
                writer.write(b"GET /v1/version HTTP/1.1\r\nHost: x\r\nA: ")
                while not self.stopping:
                    writer.write(b"x")
                    await writer.drain()
                    await asyncio.sleep(TRICKLE_S)
            except OSError:
                pass
            self.open_now -= 1
            writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    parser.add_argument("--slow", type=int, default=5000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    arguments = parser.parse_args()
    enough = arguments.slow + 1024
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < enough:
        raise SystemExit(f"overload: {enough} file descriptors are needed; ulimit -Hn says {most}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (enough, most))

    with tempfile.TemporaryDirectory(prefix="assent-overload-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        with Installation(arguments.programs.resolve(), path / "dev") as installation:
            port = int(installation.url.rsplit(":", 1)[1])
            measure(port, arguments.clients, 3)  # to warm up
            without = measure(port, arguments.clients, arguments.seconds)
            resident = installation.resident_kib()
            slow = Slow(port, arguments.slow)
            slow.start()
            time.sleep(8)
            idle_share = cpu_share(installation.pids()["coordinator"], 5)
            with_slow = measure(port, arguments.clients, arguments.seconds)
            print(json.dumps({
                "without": without, "with": with_slow,
                "slow_opened": slow.opened, "slow_open_at_the_end": slow.open_now,
                "cpu_share_of_the_slow": idle_share,
                "p99_ratio": ratio(with_slow["p99_ms"], without["p99_ms"]),
                "resident_kib": [resident, installation.resident_kib()],
            }, indent=1))
            slow.stopping = True
            slow.join(timeout=10)
    return 0


if __name__ == "__main__":
    sys.exit(main())
