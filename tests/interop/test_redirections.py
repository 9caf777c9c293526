"""MOVED, ASK, TRYAGAIN, CROSSSLOT, CLUSTERDOWN and READONLY as a plain client sees them: word for word what a stock node says in our place."""
import redis

from cluster_lab import ClusterLab
from lab import check
from shards import Shards, Client

TAG = "{t}"
SLOT = 15891  # of TAG; in the last of three shards


def says(shards, who, *words, before=()):
    """The answer or the error's words, of one command on one connection after those in before."""
    ip, port = shards.lab.address(who)
    with redis.Redis(host=ip, port=port, socket_timeout=20, single_connection_client=True) as node:
        for first in before:
            node.execute_command(*first)
        node.connection.send_command(*words)
        try:
            return node.connection.read_response()
        except redis.exceptions.ResponseError as e:
            return str(e)


def migrating(shards, source, target):
    """SLOT on its way from source to target: what both say about a key that is here, one that is not, and one of each."""
    lab = shards.lab
    ids = {who: lab.cli(who, "CLUSTER", "MYID") for who in (source, target)}
    check(lab.cli(target, "CLUSTER", "SETSLOT", str(SLOT), "IMPORTING", ids[source]) == "OK", "IMPORTING")
    check(lab.cli(source, "CLUSTER", "SETSLOT", str(SLOT), "MIGRATING", ids[target]) == "OK", "MIGRATING")
    asking = [("ASKING",)]
    answers = [
        says(shards, source, "GET", f"{TAG}here"), says(shards, source, "GET", f"{TAG}gone"),
        says(shards, source, "MGET", f"{TAG}here", f"{TAG}gone"), says(shards, source, "MGET", f"{TAG}gone", f"{TAG}gone2"),
        says(shards, target, "GET", f"{TAG}here"), says(shards, target, "SET", f"{TAG}new", "1", before=asking),
        says(shards, target, "MGET", f"{TAG}new", f"{TAG}here", before=asking), says(shards, target, "GET", f"{TAG}new", before=asking),
        says(shards, target, "DEL", f"{TAG}new", before=asking)]
    for who in (source, target):
        check(lab.cli(who, "CLUSTER", "SETSLOT", str(SLOT), "STABLE") == "OK", "STABLE")
    return [str(answer).replace(":".join(map(str, lab.address(source))), "source").replace(":".join(map(str, lab.address(target))), "target")
            for answer in answers]


with ClusterLab(4, stock=2) as lab:
    shards = Shards(lab, [(1, "r1"), ("r2", 2), (3, 4)])
    shards.form()
    shards.fill(300)
    client = Client([lab.address(1)])
    check(client.call(f"{TAG}here", "SET", f"{TAG}here", "v"), "SET")
    check(client.moved == 1, "one MOVED leads there")
    owner = "{}:{}".format(*lab.address(3))
    for who in (1, "r1", "r2", 2, 4):
        check(says(shards, who, "GET", f"{TAG}here") == f"MOVED {SLOT} {owner}", f"MOVED from {who}: {says(shards, who, 'GET', TAG + 'here')}")
    shards.step("MOVED, from primaries and replicas of both kinds")

    # Ours gives to stock, stock gives to ours: SLOT is first ours (3), then stock's (r2).
    ours = migrating(shards, 3, "r2")
    check(ours[0] == "b'v'" and ours[1] == f"ASK {SLOT} target" and ours[2].startswith("TRYAGAIN") and ours[3] == f"ASK {SLOT} target"
          and ours[4] == f"MOVED {SLOT} source" and ours[5] == "b'OK'" and ours[6].startswith("TRYAGAIN"), f"migrating: {ours}")
    r2 = lab.cli("r2", "CLUSTER", "MYID")
    check(client.call(f"{TAG}here", "DEL", f"{TAG}here") == 1, "DEL")
    for who in ("r2", 3, 1):
        check(lab.cli(who, "CLUSTER", "SETSLOT", str(SLOT), "NODE", r2) == "OK", f"SETSLOT NODE at {who}")
    check(client.call(f"{TAG}here", "SET", f"{TAG}here", "v"), "SET at the new owner")
    lab.wait(lambda: says(shards, 1, "GET", f"{TAG}here").endswith("{}:{}".format(*lab.address("r2"))), "everybody knows the new owner", 10)
    stock = migrating(shards, "r2", 3)
    check(stock == ours, f"stock says {stock}, we say {ours}")
    shards.step("ASK and TRYAGAIN, ours to stock and stock to ours, in the same words")

    crossed = [says(shards, who, "MGET", "a", "b") for who in (1, "r2")]
    check(crossed[0] == crossed[1] and crossed[0].startswith("CROSSSLOT"), f"CROSSSLOT: {crossed}")
    for primary, replica in shards.pairs:
        key, (value, _) = next(iter(shards.written[shards.pairs.index([primary, replica])].items()))
        check(says(shards, replica, "GET", key).startswith("MOVED"), "a replica redirects")
        check(says(shards, replica, "GET", key, before=[("READONLY",)]) == value.encode(), f"READONLY at {replica}")
        check(says(shards, replica, "SET", key, "x", before=[("READONLY",)]).startswith("MOVED"), f"a write after READONLY at {replica}")
        check(says(shards, replica, "GET", key, before=[("READONLY",), ("READWRITE",)]).startswith("MOVED"), f"READWRITE at {replica}")
    shards.step("CROSSSLOT; READONLY, READWRITE at replicas of both kinds")

    for who in (3, 4):
        lab.kill(who)
    for who in (1, "r2"):
        lab.wait(lambda: lab.info(who)["cluster_state"] == "fail", f"{who} knows that slots are missing", 20)
    down = [says(shards, who, "GET", key) for who, key in ((1, next(iter(shards.written[0]))), ("r2", next(iter(shards.written[1]))))]
    check(down[0] == down[1] and down[0].startswith("CLUSTERDOWN"), f"CLUSTERDOWN: {down}")
    shards.step("CLUSTERDOWN when a shard is gone")
    print(f"redirections: word for word a stock node's ({shards.step.total():.0f} s)")
