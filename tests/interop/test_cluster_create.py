"""Six nodes: create, agree, redirect; kill -9 one: the others call it FAIL; it comes back with its nodes.conf."""
import re
import time

from cluster_lab import ClusterLab
from lab import check


def agree(lab, who):
    """NODES, SLOTS and SHARDS tell one story everywhere."""
    views = [lab.nodes(i) for i in who]
    check(all(view == views[0] for view in views), f"CLUSTER NODES differs: {views}")
    for command in ("SLOTS", "SHARDS"):
        answers = [sorted(lab.cli(i, "CLUSTER", command).splitlines()) for i in who]
        answers = [[line for line in answer if not line.isdigit() or len(line) < 6] for answer in answers]
        check(all(answer == answers[0] for answer in answers), f"CLUSTER {command} differs: {answers[:2]}")


with ClusterLab(6) as lab:
    everybody = list(range(1, 7))
    lab.create()
    agree(lab, everybody)
    check(lab.info(1)["cluster_size"] == "6", "six primaries")
    check("[OK] All 16384 slots covered." in lab.tool("redis-cli", "--cluster", "check", "10.78.0.14:6379"), "--cluster check")
    check(lab.tool("redis-cli", "--cluster", "call", "10.78.0.12:6379", "PING").count("PONG") == 6, "--cluster call")
    check("6 masters" in lab.tool("redis-cli", "--cluster", "info", "10.78.0.12:6379"), "--cluster info")
    for n in range(50):
        check(lab.cli(1 + n % 6, "-c", "SET", f"k{n}", f"v{n}").endswith("OK"), f"SET k{n}")
    for n in range(50):
        check(lab.cli(6 - n % 6, "-c", "GET", f"k{n}").endswith(f"v{n}"), f"GET k{n}")
    moved = [lab.cli(i, "GET", "foo") for i in everybody]
    check(sum("MOVED 12182 10.78.0.15:6379" in reply for reply in moved) == 5, f"five of six redirect: {moved}")
    check("redis_mode:cluster" in lab.cli(1, "INFO", "server"), "INFO server")
    check("cluster" in lab.cli(1, "HELLO", "3"), "HELLO")

    # CONFIG SET reaches the control lcore: a node with a shorter timeout is the first to suspect.
    check(lab.cli(2, "CONFIG", "SET", "cluster-node-timeout", "1000") == "OK", "CONFIG SET")
    identity = lab.cli(3, "CLUSTER", "MYID")
    killed = time.monotonic()
    lab.kill(3)
    others = [i for i in everybody if i != 3]
    lab.wait(lambda: any("fail?" in lab.flags(i, 3) for i in others) or "fail" in lab.flags(1, 3), "somebody suspects node 3", 8)
    lab.wait(lambda: all("fail" in lab.flags(i, 3) for i in others), "all others call node 3 failed", 8)
    failed = time.monotonic() - killed
    check(sum("Marking node" in lab.log(i) for i in others) >= 1, "somebody reached the quorum")
    check(all(lab.info(i)["cluster_state"] == "fail" for i in others), "without its slots the cluster is down")
    check("CLUSTERDOWN" in lab.cli(1, "GET", "k1") or "CLUSTERDOWN" in lab.cli(1, "GET", "foo"), "CLUSTERDOWN")
    lab.start(3)
    check(lab.cli(3, "CLUSTER", "MYID") == identity, "it is itself again")
    lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in everybody), "the cluster is ok again", 12)
    agree(lab, everybody)

    # What nodes.conf says cannot be read by a second process, nor can a broken one start.
    check(re.search(r"^vars currentEpoch \d+ lastVoteEpoch \d+$", open(lab.path(1, "nodes.conf"), encoding="utf-8").read(), re.M),
          "nodes.conf ends with its epochs")
    total = {name: sum(lab.counters(i)[name] for i in everybody) for name in ("bus_frames_ok", "bus_end_framing", "bus_end_no_mbuf")}
    check(total["bus_end_framing"] == 0 and total["bus_end_no_mbuf"] == 0, f"no link broke: {total}")
    print(f"cluster create: 6 nodes agree, FAIL everywhere {failed:.1f} s after kill -9 (node timeout 2 s), {total['bus_frames_ok']} frames")
