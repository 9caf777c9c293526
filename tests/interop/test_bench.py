"""pollis-bench against the node over vhost and virtio_user: the JSON can be read, nothing is wrong, missing or an error.

Needs shared memory between two processes, hence hugepages; where none can be had the test says so and is skipped.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

from lab import BUILD, Hugepages, check, die_with_parent

SKIPPED = 77
NODE_MB, CLIENT_MB = 512, 256
CORES = (0, 1) if (os.cpu_count() or 1) > 1 else (0, 0)


def eal(core, megabytes, vdev):
    return ["--lcores", f"0@{CORES[0]},1@{core}", "--in-memory", "--single-file-segments", "-m", str(megabytes), "--no-pci",
            "--no-telemetry", "--vdev", vdev]


class Node:
    def __init__(self, folder):
        self.log_path = f"{folder}/node.log"
        self.socket = f"{folder}/node.sock"

    def __enter__(self):
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.node = subprocess.Popen(
                [f"{BUILD}/app/pollis"] + eal(CORES[1], NODE_MB, f"net_vhost0,iface={self.socket}") +
                ["--", "--ip", "10.77.0.2/24", "--maxclients", "1000"], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                preexec_fn=die_with_parent)
        deadline = time.monotonic() + 20
        while "Ready to accept" not in self.log():
            check(self.node.poll() is None and time.monotonic() < deadline, f"the node does not start: {self.log()}")
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.node.kill()
        self.node.wait()

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def bench(self, *options, server="10.77.0.2"):
        vdev = f"net_virtio_user0,path={self.socket},mac=02:00:00:00:00:01"
        return subprocess.run(
            [f"{BUILD}/app/bench/pollis-bench"] + eal(CORES[0], CLIENT_MB, vdev) +
            ["--", "--ip", "10.77.0.1/24", "--server", server, "--keys", "20000", *options],
            capture_output=True, text=True, timeout=60, check=False)


def check_run(node, seconds, *options):
    out = node.bench("--json", "--seconds", str(seconds), *options)
    check(out.returncode == 0, f"{options}: status {out.returncode}: {out.stderr[-500:]}")
    run = json.loads(out.stdout)
    for name in ("errors", "wrong", "missing", "misses", "moved"):
        check(run[name] == 0, f"{options}: {name} is {run[name]}: {run['first_error']}")
    check(run["requests"] > 1000 and run["rps"] > 0, f"{options}: {run['requests']} requests")
    check(run["p50_us"] <= run["p99_us"] <= run["p999_us"] <= run["max_us"], f"{options}: quantiles fall: {run}")
    check(run["cycles_per_request"] > 0 and run["packets_per_request"] > 0, f"{options}: no counters of the server: {run}")
    return run


def main():
    with Hugepages(NODE_MB + CLIENT_MB) as there, tempfile.TemporaryDirectory(prefix="pollis-bench-t") as folder:
        if not there:
            print("skipped: hugepages cannot be had")
            sys.exit(SKIPPED)
        with Node(folder) as node:
            run = check_run(node, 2, "--load", "--mix", "1:1")
            check_run(node, 0.5, "--pipeline", "16", "--value-size", "1-3000", "--load", "--mix", "3:1")
            rate = check_run(node, 1, "--rate", "2000", "--connections", "8", "--load")
            check(rate["rps"] < 2100, f"open loop: asked for 2000 a second, got {rate['rps']}")
            refused = node.bench("--quiet", server="10.77.0.2:7000")
            check(refused.returncode == 1 and "refused" in refused.stderr, f"a closed port: {refused.stderr}")
        print(f"pollis-bench: {run['rps']:.0f} requests/s, nothing wrong, missing or refused")


main()
