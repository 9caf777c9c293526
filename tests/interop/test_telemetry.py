"""A node as DPDK's own tools see it: dpdk-telemetry.py reads /pollis/..., scripts/slots the ownership table, scripts/capture packets.

Capturing needs memory that processes share: hugepages and a hugetlbfs, mounted for the test; where they cannot be had that part is named
as skipped. A node that shares none says so in its log, and scripts/capture in its error.
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import time

from lab import ROOT, Hugepages, Lab, check, run

TELEMETRY = "/usr/bin/dpdk-telemetry.py"
HUGE_MB = 800
SLOT_COUNT = 16384


class SharedLab(Lab):
    """On hugepages that a secondary process can map."""

    def __init__(self, huge_dir, *options, **more):
        super().__init__(*options, **more)
        self.huge_dir = huge_dir

    def command(self):
        words = super().command()
        at = words.index("--no-huge")
        return words[:at] + ["--huge-dir", self.huge_dir] + words[at + 1:]


def ask(lab, command):
    out = subprocess.run([TELEMETRY, "-f", lab.name], input=f"{command}\nquit\n", capture_output=True, text=True, check=True, timeout=20).stdout
    answers = [line[line.index("{"):] for line in out.splitlines() if f'"{command.split(",")[0]}"' in line and "{" in line]
    if answers:
        return next(iter(json.loads(answers[-1]).values()))
    found = re.search(r"\{\s*\"" + re.escape(command.split(",")[0]) + r"\".*\}", out, re.S)
    check(found, f"no answer to {command}: {out}")
    return next(iter(json.loads(found.group(0)).values()))


def check_telemetry(lab):
    for _ in range(20):
        lab.cli("SET", "k", "v")
    info = ask(lab, "/pollis/info")
    check(info["port"] == 6379 and info["mode"] == "cluster" and info["data_lcores"] >= 1, info)
    check(0 < info["data_mbufs_in_use"] <= info["data_mbufs"], info)
    lcores = ask(lab, "/pollis/lcores")
    check(len(lcores) == info["data_lcores"] and sum(d["calls"] for d in lcores.values()) >= 20, lcores)
    check(all(d["turns"] > 0 and d["busy_per_mille"] <= 1000 for d in lcores.values()), lcores)
    connections = ask(lab, "/pollis/connections")
    check(sum(d["accepted"] for d in connections.values()) >= 20, connections)
    drops = ask(lab, "/pollis/drops")
    told = {k[len("drop_"):]: v for k, v in lab.dpdk().items() if k.startswith("drop_")}
    check(set(told) <= set(drops), f"INFO names drops that telemetry does not: {set(told) - set(drops)}")
    # A connection to a port where nobody listens is a counted refusal.
    before = drops["no_listener"]
    subprocess.run(["redis-cli", "-h", "10.77.0.2", "-p", "7", "PING"], capture_output=True, check=False, timeout=10)
    check(ask(lab, "/pollis/drops")["no_listener"] > before, "a refused connection is not counted")


def slots(lab):
    return subprocess.run([f"{ROOT}/scripts/slots", "--file-prefix", lab.name], capture_output=True, text=True, check=False, timeout=20)


def check_slots(lab):
    check(f"0 of {SLOT_COUNT} slots" in slots(lab).stdout, slots(lab).stdout + slots(lab).stderr)
    lab.cli("CLUSTER", "ADDSLOTSRANGE", "0", "99", "200", "200")
    # Every second slot: more ranges than one answer holds.
    lab.cli("CLUSTER", "ADDSLOTS", *(str(s) for s in range(1000, 2000, 2)))
    out = slots(lab).stdout
    check(re.search(r"^ +0-99 +local", out, re.M) and re.search(r"^ +200-200 +local", out, re.M), out)
    check(f"601 of {SLOT_COUNT} slots" in out, out[-200:])
    check(slots(lab).returncode == 0, "scripts/slots fails")


def check_capture(lab, folder):
    path = f"{folder}/packets.pcapng"
    capture = subprocess.Popen([f"{ROOT}/scripts/capture", "--file-prefix", lab.name, "--seconds", "3", path],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    time.sleep(1.5)
    for _ in range(5):
        lab.cli("SET", "captured-key", "captured-value")
    out = capture.communicate(timeout=30)[0]
    check(capture.returncode == 0 and "captured to" in out, f"scripts/capture: {out}")
    with open(path, "rb") as f:
        data = f.read()
    check(data[:4] == b"\x0a\x0d\x0d\x0a", "not a pcapng file")
    check(data.count(b"captured-key") >= 5, "received packets are missing")
    check(data.count(b"+OK\r\n") >= 5, "sent packets are missing")
    check(lab.cli("PING") == b"PONG\n", "the node has suffered")


def private_node():
    with Lab("--cluster-enabled", "yes", "--dir", tempfile.gettempdir(), "--cluster-config-file", f"nodes-tel{os.getpid()}.conf") as lab:
        check("packets cannot be captured: EAL shares no memory" in lab.log(), lab.log())
        capture = subprocess.run([f"{ROOT}/scripts/capture", "--file-prefix", "nosuch", "/dev/null"], capture_output=True, text=True,
                                 check=False, timeout=20)
        check(capture.returncode == 1 and "can be attached to" in capture.stderr, capture.stderr)
        check_telemetry(lab)
        check_slots(lab)
    os.unlink(f"{tempfile.gettempdir()}/nodes-tel{os.getpid()}.conf")


def shared_node(folder):
    huge_dir = f"{folder}/huge"
    os.mkdir(huge_dir)
    run("mount", "-t", "hugetlbfs", "none", huge_dir)
    try:
        with SharedLab(huge_dir, memory=512) as lab:
            check("packets can be captured" in lab.log(), lab.log())
            check_capture(lab, folder)
    finally:
        run("umount", huge_dir)


def main():
    if not os.path.exists(TELEMETRY):
        print(f"skipped: {TELEMETRY} is missing")
        sys.exit(77)
    private_node()
    with Hugepages(HUGE_MB) as there, tempfile.TemporaryDirectory(prefix="pollis-telemetry") as folder:
        if there:
            shared_node(folder)
    print("telemetry, slots and " + ("capture work" if there else "no capture: hugepages cannot be had"))


main()
