"""A data lcore that stands still: below the node timeout nobody notices, beyond it the node must be called failed, and returns."""
import contextlib
import ctypes
import glob
import os
import subprocess
import time

from cluster_lab import ClusterLab
from lab import check

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000
LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]


@contextlib.contextmanager
def data_lcore_stands_still(pid):
    """Stops the one thread, as a debugger would; the control lcore runs on."""
    tids = [int(path.split("/")[4]) for path in glob.glob(f"/proc/{pid}/task/*/comm") if open(path, encoding="utf-8").read().startswith(("rte-worker", "lcore-worker"))]
    check(len(tids) == 1, f"threads of data lcores: {tids}")
    tid = tids[0]
    check(LIBC.ptrace(PTRACE_SEIZE, tid, None, None) == 0 and LIBC.ptrace(PTRACE_INTERRUPT, tid, None, None) == 0,
          f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(tid, WALL)
    try:
        yield
    finally:
        LIBC.ptrace(PTRACE_DETACH, tid, None, None)


def a_lcore_that_stands_still(lab):
    """Stopped by a debugger: below the node timeout (2 s) nobody notices. How long until it is called failed?"""
    lab.create()
    suspected = []
    with data_lcore_stands_still(lab.processes[2].pid):
        until = time.monotonic() + 1.3
        while time.monotonic() < until:
            suspected += [flags for flags in (lab.flags(1, 2), lab.flags(3, 2)) if flags & {"fail", "fail?"}]
    check(not suspected, f"a slow command looked like a dead node: {suspected}")
    check(lab.counters(2)["cluster_data_stopped"] == 0, "the watchdog was patient")
    with data_lcore_stands_still(lab.processes[2].pid):
        started = time.monotonic()
        lab.wait(lambda: "fail" in lab.flags(1, 2) and "fail" in lab.flags(3, 2), "a node whose data plane stands still is called failed", 12)
        failed = time.monotonic() - started
    lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in (1, 2, 3)), "it returns", 12)
    check(lab.counters(2)["cluster_data_stopped"] == 1, "the watchdog counted one stop")
    check("A data lcore has not turned" in lab.log(2), "and said so")
    return failed


def a_command_that_sleeps(lab):
    """DEBUG SLEEP 2 on the lcore that polls the only queue, node timeout 1 s: PONGs stop after a timeout, so nobody suspects it before two."""
    lab.create()
    ip, port = lab.address(2)
    sleeping = subprocess.Popen(["ip", "netns", "exec", lab.name, "redis-cli", "-h", ip, "-p", str(port), "DEBUG", "SLEEP", "2"],
                                stdout=subprocess.PIPE, text=True)
    begun = time.monotonic()
    while time.monotonic() - begun < 1.9:
        for observer in (1, 3):
            flags = lab.flags(observer, 2)
            check(not flags & {"fail", "fail?"} or time.monotonic() - begun > 2, f"{flags} after {time.monotonic() - begun:.2f} s")
    answer = sleeping.communicate(timeout=10)[0].strip()
    check(answer == "OK", f"DEBUG SLEEP answers {answer}")
    check(lab.counters(2)["cluster_data_stopped"] == 1, "PONGs stopped once")
    lab.wait(lambda: all(lab.info(i)["cluster_state"] == "ok" for i in (1, 2, 3)), "all is well", 12)


def main():
    with ClusterLab(3) as lab:
        failed = a_lcore_that_stands_still(lab)
    with ClusterLab(3, options=["--cluster-node-timeout", "1000", "--enable-debug-command", "yes"]) as lab:
        a_command_that_sleeps(lab)
    print(f"stall: 1.3 s of a data lcore passed unnoticed; when it stood still for good the node was failed after {failed:.1f} s (node timeout 2 s); "
          "DEBUG SLEEP 2 at a node timeout of 1 s: PONGs stopped, no suspicion before 2 s")


main()
