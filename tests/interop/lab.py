"""A node on a tap in a network namespace of its own, for the live tests.

    with Lab() as lab:              # namespace, node, tap up
        lab.cli("PING")             # redis-cli inside the namespace
        lab.redis()                 # python3-redis client (this process joins the namespace)

Everything is taken down when the block ends, also after a failure or an interrupt. A namespace that exists already is not touched.
Environment: POLLIS_BUILD (default build/release), POLLIS_SHAPE (data lcores and queues: "one", the default; "three": three lcores behind one
queue; "queues": four lcores, each with its own), POLLIS_LCORES (instead of the shape's, "0@0,1@1").
"""
import ctypes
import os
import signal
import shutil
import socket
import subprocess
import sys
import time

import redis

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(ROOT, os.environ.get("POLLIS_BUILD", "build/release"))
NODE_IP, KERNEL_IP, PORT = "10.77.0.2", "10.77.0.1", 6379
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1


def die_with_parent():
    """Runs in the node's process before exec: a test that is killed takes its node along."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


SHAPES = {"one": (1, []), "three": (3, ["--queues", "1"]), "queues": (4, [])}
SHAPE = os.environ.get("POLLIS_SHAPE", "one")


def shape_lcores(first=0):
    """The argument of --lcores: control, then the shape's data lcores, over the cores in turn."""
    cores = os.cpu_count()
    return os.environ.get("POLLIS_LCORES", ",".join(f"{i}@{(first + i) % cores}" for i in range(SHAPES[SHAPE][0] + 1)))


def shape_options():
    return list(SHAPES[SHAPE][1])


def run(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60, **options)


def check(condition, what):
    """An assertion that survives python -O and says what was expected."""
    if not condition:
        raise AssertionError(what)


class RedisServer:
    """A redis-server on loopback, beside ours: port; the block's value is a client of it. DEBUG is allowed, nothing is saved."""

    def __init__(self, folder, *options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", "--enable-debug-command", "yes",
             *options], stdout=subprocess.PIPE, text=True, preexec_fn=die_with_parent)
        self.client = redis.Redis(port=self.port)

    def __enter__(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                self.client.ping()
                return self.client
            except (redis.ConnectionError, redis.BusyLoadingError):
                code = self.process.poll()
                check(code is None, f"redis-server ended: {self.process.stdout.read()[-1500:] if code is not None else ''}")
                check(time.monotonic() < deadline, "redis-server does not answer")
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()


class Hugepages:
    """As many free megabytes of them as asked for, while the block runs: what is missing is reserved, and given back. False: cannot be had."""

    PAGE_MB = 2
    PATH = "/proc/sys/vm/nr_hugepages"

    def __init__(self, megabytes):
        self.pages = megabytes // self.PAGE_MB
        self.before = None

    @staticmethod
    def free():
        with open("/proc/meminfo", encoding="ascii") as f:
            return next((int(line.split()[1]) for line in f if line.startswith("HugePages_Free:")), 0)

    def write(self, pages):
        try:
            with open(self.PATH, "w", encoding="ascii") as f:
                f.write(str(pages))
        except OSError:
            pass  # a container: what is free is what there is

    def __enter__(self):
        missing = self.pages - self.free()
        if missing > 0:
            with open(self.PATH, encoding="ascii") as f:
                self.before = int(f.read())
            self.write(self.before + missing)
        return self.free() >= self.pages

    def __exit__(self, *_):
        if self.before is not None:
            self.write(self.before)


class Lab:
    def __init__(self, *options, name="pollis-t", memory=1024, prefix_command=()):
        self.name = f"{name}{os.getpid()}"
        self.options = list(options)
        self.memory = memory
        self.prefix_command = list(prefix_command)
        self.node = None
        self.log_path = f"/tmp/{self.name}.log"
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        try:
            signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
            run("ip", "-n", self.name, "link", "set", "lo", "up")
            self.join()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            self.kill()
        finally:
            ctypes.CDLL(None).setns(self.home, CLONE_NEWNET)
            os.close(self.home)
            subprocess.run(["ip", "netns", "del", self.name], check=False, timeout=60)
            shutil.rmtree(f"/var/run/dpdk/{self.name}", ignore_errors=True)
            if os.path.exists(self.log_path):
                os.unlink(self.log_path)

    def join(self):
        """Sockets this process opens from now on are the namespace's."""
        fd = os.open(f"/var/run/netns/{self.name}", os.O_RDONLY)
        check(ctypes.CDLL(None).setns(fd, CLONE_NEWNET) == 0, "setns failed: root is needed")
        os.close(fd)

    def command(self):
        return self.prefix_command + [
            f"{BUILD}/app/pollis", "--lcores", shape_lcores(), "--no-huge", "-m", str(self.memory), "--no-pci",
            "--file-prefix", self.name, "--vdev", "net_tap0,iface=dtap0", "--",
            "--ip", f"{NODE_IP}/24", "--port", str(PORT)] + shape_options() + self.options

    def start(self):
        with open(self.log_path, "w", encoding="utf-8") as log:
            self.node = subprocess.Popen(self.command(), stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                         preexec_fn=die_with_parent)
        deadline = time.monotonic() + 20
        while "Ready to accept" not in self.log():
            check(self.node.poll() is None, f"the node ended at start: {self.log()}")
            check(time.monotonic() < deadline, f"the node is not ready after 20 s: {self.log()}")
            time.sleep(0.02)
        run("ip", "addr", "add", f"{KERNEL_IP}/24", "dev", "dtap0")
        run("ip", "link", "set", "dtap0", "up")
        self.choose_congestion_control()

    @staticmethod
    def choose_congestion_control():
        """The kernel's default may be bbr, whose runs differ. A namespace may choose only what the host allows: reno, always."""
        for name in ("cubic", "reno"):
            try:
                with open("/proc/sys/net/ipv4/tcp_congestion_control", "w", encoding="utf-8") as f:
                    f.write(name)
                return
            except OSError:
                continue
        check(False, "neither cubic nor reno can be chosen in this namespace")

    def kill(self, how=signal.SIGKILL):
        if self.node is not None and self.node.poll() is None:
            self.node.send_signal(how)
            self.node.wait(timeout=15)

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def alive(self):
        return self.node.poll() is None

    def cli(self, *args, timeout=30, **options):
        return subprocess.run(["redis-cli", "-h", NODE_IP, "-p", str(PORT), *args], check=True, timeout=timeout,
                              capture_output=True, **options).stdout

    def redis(self, socket_timeout=20, **options):
        return redis.Redis(host=NODE_IP, port=PORT, socket_timeout=socket_timeout, **options)

    def dpdk(self):
        """INFO's Dpdk section as a dict of numbers."""
        out = {}
        for line in self.cli("INFO", "dpdk").decode().splitlines():
            name, colon, value = line.partition(":")
            if colon and "=" not in value:  # lcore0:busy_share=...
                out[name] = float(value)
        return out
