"""An idle adaptive node with a connection open: under 2 % of a core over 10 s."""
import os
import time

from lab import Lab, check

SECONDS = 10


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


with Lab() as lab:
    r = lab.redis()
    r.set("k", "v", ex=1000)
    time.sleep(1)
    before = cpu_seconds(lab.node.pid)
    time.sleep(SECONDS)
    share = (cpu_seconds(lab.node.pid) - before) / SECONDS
    check(share < 0.02, f"idle node takes {share:.1%} of a core")
    check(r.get("k") == b"v", "still serves")
    print(f"idle: {share:.2%} of a core")
