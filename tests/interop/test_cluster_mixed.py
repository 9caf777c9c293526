"""Three nodes and three stock redis-servers: one cluster, whoever meets whom; either kind sees the other fail and return."""
from cluster_lab import ClusterLab
from lab import check

with ClusterLab(3, stock=3) as lab:
    ours, stock = [1, 2, 3], ["r1", "r2", "r3"]
    everybody = ours + stock
    # Ours calls stock, stock calls ours; the rest is gossip.
    for caller, called in ((1, "r1"), ("r1", 2), (2, "r2"), ("r2", 3), (3, "r3")):
        ip, port = lab.address(called)
        check(lab.cli(caller, "CLUSTER", "MEET", ip, str(port)) == "OK", f"{caller} meets {called}")
        lab.wait(lambda: "master" in lab.flags(caller, called), f"{caller} knows {called}", 10)
    lab.wait(lambda: all(len(lab.nodes(i)) == 6 and not any("handshake" in flags for _, flags, _, _ in lab.nodes(i).values())
                         for i in everybody), "everybody knows everybody", 20)
    share = 16384 // 6
    for n, who in enumerate(everybody):
        last = 16383 if n == 5 else (n + 1) * share - 1
        check(lab.cli(who, "CLUSTER", "ADDSLOTSRANGE", str(n * share), str(last)) == "OK", f"slots of {who}")
    lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in everybody), "every node is ok", 20)
    # The same epochs met: collisions must have been resolved in one way.
    lab.wait(lambda: len({view[2] for view in lab.nodes(1).values()}) == 6, "six different config epochs", 20)
    lab.wait(lambda: all(lab.nodes(i) == lab.nodes(1) for i in everybody), "all views agree", 20)
    for n in range(60):
        check(lab.cli(everybody[n % 6], "-c", "SET", f"k{n}", f"v{n}").endswith("OK"), f"SET k{n} through {everybody[n % 6]}")
        check(lab.cli(everybody[-1 - n % 6], "-c", "GET", f"k{n}").endswith(f"v{n}"), f"GET k{n}")
    for victim in ("r2", 2):
        others = [i for i in everybody if i != victim]
        lab.kill(victim)
        lab.wait(lambda: all("fail" in lab.flags(i, victim) for i in others), f"all call {victim} failed", 12)
        lab.start(victim)
        lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in everybody), f"ok again after {victim} returned", 20)
    slots = [sorted(line for line in lab.cli(i, "CLUSTER", "SLOTS").splitlines()) for i in everybody]
    check(all(s == slots[0] for s in slots), "CLUSTER SLOTS agrees")
    check("[OK] All 16384 slots covered." in lab.tool("redis-cli", "--cluster", "check", "10.78.0.1:7001"), "--cluster check")
    dropped = {name: sum(lab.counters(i)[name] for i in ours) for name in lab.counters(1) if name.startswith("bus_frames_drop")}
    check(not any(dropped.values()), f"frames of stock nodes were dropped: {dropped}")
    print("mixed cluster: 3 nodes and 3 redis-servers met, agreed, saw each other fail and return")
