"""Several nodes on one bridge in a network namespace of their own, stock redis-servers beside them on its kernel side.

    with ClusterLab(6) as lab:          # nodes 1 to 6 at 10.78.0.11 to .16, nobody knows anybody
        lab.create()                    # redis-cli --cluster create
        lab.cli(1, "CLUSTER", "NODES")
    with ClusterLab(3, stock=3):        # and three redis-servers at 10.78.0.1:7001 to 7003, called "r1" to "r3"

Everything is taken down when the block ends, also after a failure or an interrupt. A namespace that exists already is not touched.
"""
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab import BUILD, CLONE_NEWNET, check, die_with_parent, run, shape_lcores, shape_options

NET = "10.78.0"
STOCK_PORT = 7000
SLOTS = 16384


class ClusterLab:
    def __init__(self, count, stock=0, options=(), environment=None):
        self.name = f"pollis-c{os.getpid()}"
        self.count, self.stock = count, stock
        self.options = ["--cluster-node-timeout", "2000", *options]
        self.environment = {**os.environ, **(environment or {})}
        self.processes = {}
        self.folder = tempfile.mkdtemp(prefix=self.name)

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        try:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            run("ip", "-n", self.name, "link", "set", "lo", "up")
            run("ip", "-n", self.name, "link", "add", "br0", "type", "bridge")
            run("ip", "-n", self.name, "addr", "add", f"{NET}.1/24", "dev", "br0")
            run("ip", "-n", self.name, "link", "set", "br0", "up")
            for who in self.everybody():
                self.start(who)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            for who in list(self.processes):
                self.kill(who)
        finally:
            subprocess.run(["ip", "netns", "del", self.name], check=False, timeout=60)
            for i in range(1, self.count + 1):
                shutil.rmtree(f"/var/run/dpdk/{self.name}-{i}", ignore_errors=True)
            shutil.rmtree(self.folder, ignore_errors=True)

    def join(self):
        """Sockets that this process opens from now on are the namespace's."""
        with open(f"/var/run/netns/{self.name}", encoding="utf-8") as f:
            check(ctypes.CDLL(None).setns(f.fileno(), CLONE_NEWNET) == 0, "setns failed: root is needed")

    def everybody(self):
        return list(range(1, self.count + 1)) + [f"r{i}" for i in range(1, self.stock + 1)]

    def address(self, who):
        if isinstance(who, int):
            return f"{NET}.{10 + who}", 6379
        return f"{NET}.1", STOCK_PORT + int(who[1:])

    def path(self, who, file):
        return os.path.join(self.folder, f"{who}.{file}")

    def command(self, who):
        own = ["--dir", self.folder, "--cluster-enabled", "yes", "--cluster-config-file", f"{who}.nodes.conf"] + self.options
        if isinstance(who, str):
            ip, port = self.address(who)
            return ["redis-server", "--port", str(port), "--bind", ip, "--protected-mode", "no", "--save", "",
                    "--dbfilename", f"{who}.rdb", "--repl-diskless-sync-delay", "0"] + own
        return [f"{BUILD}/app/pollis", "--lcores", shape_lcores(who), "--no-huge", "-m", "256", "--no-pci",
                "--file-prefix", f"{self.name}-{who}", "--vdev", f"net_tap0,iface=dtap{who}", "--",
                "--ip", f"{self.address(who)[0]}/24", "--port", "6379", "--maxclients", "64", "--rx-mbufs", "4096"] + shape_options() + own

    def start(self, who):
        with open(self.path(who, "log"), "a", encoding="utf-8") as log:
            before = log.tell()
            self.processes[who] = subprocess.Popen(["ip", "netns", "exec", self.name, *self.command(who)], stdout=log, stderr=log,
                                                   stdin=subprocess.DEVNULL, preexec_fn=die_with_parent, env=self.environment)
        self.wait(lambda: "Ready to accept" in self.log(who)[before:] or self.processes[who].poll() is not None, f"{who} starts", 20)
        check(self.processes[who].poll() is None, f"{who} ended at start: {self.log(who)[before:]}")
        if isinstance(who, int):
            run("ip", "-n", self.name, "link", "set", f"dtap{who}", "master", "br0", "up")

    def kill(self, who, how=signal.SIGKILL):
        if self.processes[who].poll() is None:
            self.processes[who].send_signal(how)
            self.processes[who].wait(timeout=20)

    def log(self, who):
        with open(self.path(who, "log"), encoding="utf-8", errors="replace") as f:
            return f.read()

    def tool(self, *argv, timeout=60):
        return subprocess.run(["ip", "netns", "exec", self.name, *argv], check=False, timeout=timeout, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True).stdout

    def cli(self, who, *args):
        ip, port = self.address(who)
        return self.tool("redis-cli", "-h", ip, "-p", str(port), *args).strip()

    def create(self, *members):
        addresses = ["{}:{}".format(*self.address(who)) for who in members or self.everybody()]
        out = self.tool("redis-cli", "--cluster", "create", *addresses, "--cluster-replicas", "0", "--cluster-yes")
        check("[OK] All 16384 slots covered." in out, f"--cluster create: {out}")
        self.wait(lambda: all(self.info(who)["cluster_state"] == "ok" for who in members or self.everybody()), "every node is ok", 15)

    def info(self, who):
        """CLUSTER INFO as a dict of texts."""
        return dict(line.split(":", 1) for line in self.cli(who, "CLUSTER", "INFO").splitlines() if ":" in line)

    def counters(self, who):
        """INFO cluster as a dict of numbers."""
        return {name: int(value) for name, _, value in (line.partition(":") for line in self.cli(who, "INFO", "cluster").splitlines())
                if value.strip().isdigit()}

    def nodes(self, who):
        """CLUSTER NODES as seen by who: address -> (id, flags without myself, epoch, slots)."""
        out = {}
        for line in self.cli(who, "CLUSTER", "NODES").splitlines():
            words = line.split()
            if len(words) >= 8:
                flags = frozenset(words[2].split(",")) - {"myself"}
                out[words[1].split("@")[0]] = (words[0], flags, words[6], tuple(words[8:]))
        return out

    def flags(self, seen_by, who):
        return self.nodes(seen_by).get("{}:{}".format(*self.address(who)), ("", frozenset(), "", ()))[1]

    @staticmethod
    def wait(condition, what, seconds):
        deadline = time.monotonic() + seconds
        while not condition():
            check(time.monotonic() < deadline, f"not within {seconds} s: {what}")
            time.sleep(0.05)
