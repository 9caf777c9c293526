"""Stock cluster clients (redis-cli -c, python3-redis, ioredis) through ASK, MOVED and a failover: no error reaches their caller."""
import logging
import os
import shutil
import subprocess
import tempfile
import threading
import time

from redis.cluster import RedisCluster
from redis.crc import key_slot

from cluster_lab import ClusterLab
from lab import check
from shards import Shards

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ("ioredis@5",)
KEYS = 40


def tag_of(first, last):
    """A hash tag whose slot is in that range."""
    return next(tag for tag in (f"{{t{n}}}" for n in range(1000)) if first <= key_slot(tag.encode()) <= last)


class Python(threading.Thread):
    def __init__(self, address, tag):
        super().__init__(daemon=True)
        self.cluster = RedisCluster(host=address[0], port=address[1], cluster_error_retry_attempts=100, socket_timeout=3, socket_connect_timeout=1)
        self.tag, self.calls, self.error, self.stopping = tag, 0, None, False

    def run(self):
        try:
            while not self.stopping:
                key = f"python:{self.calls % 97}" if self.calls % 4 else f"{self.tag}:{self.calls % KEYS}"
                check(self.cluster.set(key, f"v{self.calls}") is True, f"SET {key}")
                self.cluster.get(key)
                self.calls += 2
        except Exception as e:  # whatever it is, the test has to know of it
            self.error = e

    def stop(self):
        self.stopping = True
        self.join(timeout=30)
        check(not self.is_alive() and self.error is None, f"python3-redis after {self.calls} calls: {self.error!r}")
        return f"{self.calls} calls"


class Node:
    def __init__(self, kind, modules, address, tag):
        self.kind = kind
        self.process = subprocess.Popen(["node", f"{HERE}/clients.js", kind, address[0], str(address[1]), tag], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, "NODE_PATH": f"{modules}/node_modules"})

    def stop(self):
        try:
            out, _ = self.process.communicate(timeout=10)
        except subprocess.TimeoutExpired as e:
            raise AssertionError(f"{self.kind} waits for an answer without end") from e
        finally:
            self.process.kill()
            self.process.wait(timeout=10)
        check(self.process.returncode == 0, f"{self.kind}: {out}")
        return out.strip()


def install(folder):
    """Why the client for Node.js cannot be tried here, or None."""
    if shutil.which("npm") is None:
        return "npm is not installed"
    done = subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *PACKAGES], check=False, timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return None if done.returncode == 0 else "the npm registry cannot be reached"


def asked(lab, who):
    return sum(int(line.split("count=")[1]) for line in lab.cli(who, "INFO", "errorstats").splitlines() if line.startswith("errorstat_ASK:"))


def cli_writes(lab, tag, what):
    """redis-cli -c from every node: a slot on its way, and one of each shard."""
    for key in [f"{tag}:{what}"] + [f"cli:{n}" for n in range(2)]:
        check(lab.cli(4, "-c", "SET", key, what).endswith("OK"), f"redis-cli -c SET {key}, {what}")
        check(lab.cli(1, "-c", "GET", key).endswith(what), f"redis-cli -c GET {key}, {what}")


def move_slot(lab, tag, source, target):
    """The slot of tag from a stock source to us: half of its keys, a while of ASK, the rest, then it is the target's."""
    slot = str(key_slot(tag.encode()))
    ip, port = lab.address(target)
    check(lab.cli(target, "CLUSTER", "SETSLOT", slot, "IMPORTING", lab.cli(source, "CLUSTER", "MYID")) == "OK", "IMPORTING")
    check(lab.cli(source, "CLUSTER", "SETSLOT", slot, "MIGRATING", lab.cli(target, "CLUSTER", "MYID")) == "OK", "MIGRATING")
    for half in (KEYS // 4, 100000):
        keys = lab.cli(source, "CLUSTER", "GETKEYSINSLOT", slot, str(half)).split()
        said = lab.cli(source, "MIGRATE", ip, str(port), "", "0", "5000", "KEYS", *keys)
        check(said in ("OK", "NOKEY"), f"MIGRATE to us: {said}")
        cli_writes(lab, tag, f"asked{half}")
        time.sleep(1)
    for who in (target, source):
        check(lab.cli(who, "CLUSTER", "SETSLOT", slot, "NODE", lab.cli(target, "CLUSTER", "MYID")) == "OK", "NODE")


def fail_over(lab, primary, replica):
    lab.wait(lambda: "master_link_status:up" in lab.cli(replica, "INFO", "replication"), f"{replica} is in sync", 10)
    lab.kill(primary)
    lab.wait(lambda: "master" in lab.flags(1, replica), f"{replica} takes over from {primary}", 20)
    lab.wait(lambda: lab.info(1)["cluster_state"] == "ok", "the cluster is ok", 10)


def run(lab, modules, missing):
    shards = Shards(lab, [(1, "r1"), ("r2", 2), (3, 4)])
    shards.form()
    tag = tag_of(*shards.ranges[1])
    clients = {"python3-redis": Python(lab.address(1), tag)}
    clients["python3-redis"].start()
    if missing is None:
        clients["ioredis"] = Node("ioredis", modules, lab.address(1), tag)
    time.sleep(2)
    move_slot(lab, tag, "r2", 3)
    check(asked(lab, "r2") > 0, "somebody was sent on by ASK")
    shards.step("a slot moved to us, by ASK and MOVED")
    fail_over(lab, "r2", 2)
    time.sleep(2)
    cli_writes(lab, tag, "failed")
    shards.step("a stock primary killed, ours took over")
    calls = ", ".join(f"{name} {client.stop()}" for name, client in clients.items())
    print(f"{calls}, redis-cli -c: no error through ASK, MOVED and a failover" + (f"; ioredis skipped: {missing}" if missing else ""))


logging.disable(logging.ERROR)  # python3-redis tells every redirection
with tempfile.TemporaryDirectory(prefix="pollis-npm") as npm:
    why = install(npm)
    with ClusterLab(4, stock=2) as cluster:
        run(cluster, npm, why)
