"""A disk that takes 500 ms for every fsync: heartbeats go on, the control lcore's longest turn stays short, what must be on disk waits."""
import time

from cluster_lab import ClusterLab
from lab import check

TURN_US_MAX = 5000
ATTEMPTS = 3  # a turn is wall time: on a machine that others load a measurement may be spoilt, not three

for attempt in range(ATTEMPTS):
    with ClusterLab(3, environment={"POLLIS_TEST_FSYNC_DELAY_MS": "500"}) as lab:
        started = time.monotonic()
        check(lab.cli(1, "CLUSTER", "ADDSLOTSRANGE", "0", "5000") == "OK", "ADDSLOTSRANGE")
        waited = time.monotonic() - started
        check(waited > 0.4, f"the reply came after {waited:.2f} s, before the slots were on disk")
        for i, first, last in ((2, 5001, 10000), (3, 10001, 16383)):
            check(lab.cli(i, "CLUSTER", "ADDSLOTSRANGE", str(first), str(last)) == "OK", "ADDSLOTSRANGE")
        for i in (2, 3):
            check(lab.cli(1, "CLUSTER", "MEET", f"10.78.0.{10 + i}", "6379") == "OK", "MEET")
        lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in (1, 2, 3)), "the cluster is ok", 25)
        saves = lab.counters(1)["cluster_saves"]
        check(saves >= 2, f"only {saves} saves")
        check(not any("fail" in flags or "fail?" in flags for _, flags, _, _ in lab.nodes(1).values()), "nobody was suspected")
        longest = max(lab.counters(i)["control_longest_turn_us"] for i in (1, 2, 3))
    if longest < TURN_US_MAX:
        break
check(longest < TURN_US_MAX, f"a turn of the control lcore took {longest} us in each of {ATTEMPTS} runs")
print(f"slow disk: fsync takes 500 ms, ADDSLOTS {waited * 1000:.0f} ms, longest control turn {longest} us")
