"""Replicas on either side: ours of a stock primary and a stock one of ours. kill -9 of each primary, then CLUSTER FAILOVER back."""
import time

from cluster_lab import ClusterLab
from lab import check

KEYS = 200


def replicate(lab, replica, primary):
    lab.wait(lambda: lab.flags(replica, primary), f"{replica} knows {primary}", 10)
    check(lab.cli(replica, "CLUSTER", "REPLICATE", lab.nodes(primary)["{}:{}".format(*lab.address(primary))][0]) == "OK", "REPLICATE")


def is_primary(lab, seen_by, who):
    flags = lab.flags(seen_by, who)
    return "master" in flags and not flags & {"fail", "fail?"}


def read_all(lab, through):
    missing = [n for n in range(KEYS) if not lab.cli(through, "-c", "GET", f"k{n}").endswith(f"v{n}")]
    check(not missing, f"{len(missing)} of {KEYS} keys are lost, the first is k{missing[0] if missing else 0}")


def fail_over(lab, primary, replica, observer):
    """kill -9 the primary; the replica takes over with all keys; the old one comes back as its replica."""
    started = time.monotonic()
    lab.kill(primary)
    lab.wait(lambda: is_primary(lab, observer, replica), f"{replica} takes over from {primary}", 20)
    took = time.monotonic() - started
    lab.wait(lambda: lab.info(observer)["cluster_state"] == "ok", "the cluster is ok", 10)
    read_all(lab, observer)
    lab.start(primary)
    lab.wait(lambda: "slave" in lab.flags(observer, primary), f"{primary} follows", 20)
    lab.wait(lambda: "master_link_status:up" in lab.cli(primary, "INFO", "replication"), f"{primary} is in sync", 20)
    return took


def hand_back(lab, primary, replica, observer):
    # A primary ignores who it does not know as its replica, and a replica refuses while its own link is not up: both take a moment after a restart.
    lab.wait(lambda: "slave" in lab.flags(primary, replica), f"{primary} knows that {replica} is its replica", 10)
    lab.wait(lambda: lab.cli(replica, "CLUSTER", "FAILOVER") == "OK", f"{replica} accepts CLUSTER FAILOVER", 10)
    lab.wait(lambda: is_primary(lab, observer, replica) and "slave" in lab.flags(observer, primary), f"{primary} hands over to {replica}", 10)
    read_all(lab, observer)


with ClusterLab(3, stock=3) as lab:
    lab.create(1, 2, "r1")
    for joining in (3, "r2", "r3"):
        ip, port = lab.address(joining)
        lab.cli(1, "CLUSTER", "MEET", ip, str(port))
    everybody = lab.everybody()
    lab.wait(lambda: all(len(lab.nodes(i)) == 6 for i in everybody), "everybody knows everybody", 20)
    replicate(lab, "r2", 1)  # stock follows ours
    replicate(lab, 3, "r1")  # ours follows stock
    replicate(lab, "r3", 2)
    for follower in (3, "r2", "r3"):
        lab.wait(lambda f=follower: "master_link_status:up" in lab.cli(f, "INFO", "replication"), f"{follower} is in sync", 30)
    for n in range(KEYS):
        check(lab.cli(1, "-c", "SET", f"k{n}", f"v{n}").endswith("OK"), f"SET k{n}")
    time.sleep(2.5)  # offsets have been told
    took = {"ours by stock": fail_over(lab, 1, "r2", 2)}
    hand_back(lab, "r2", 1, 2)
    took["stock by ours"] = fail_over(lab, "r1", 3, 2)
    hand_back(lab, 3, "r1", 2)
    print("failover, node timeout 2 s: " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in took.items()) + f"; {KEYS} keys kept, handed back")
