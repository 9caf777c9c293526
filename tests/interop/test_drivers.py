"""Each driver that can be had without a NIC: the node starts with its profile and answers a peer.

    net_tap          the kernel, through the tap
    net_af_packet    the kernel, through a veth pair in the namespace
    net_vhost        pollis-bench on net_virtio_user            } over shared hugepages: skipped, and said so,
    net_virtio_user  pollis-bench on net_vhost                  } where there are none
"""
import array
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import time

from lab import BUILD, KERNEL_IP, NODE_IP, PORT, Hugepages, Lab, check, die_with_parent, run

SIOCETHTOOL = 0x8946
ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO = 0x17, 0x1f, 0x24
PAIR_MB = 256
HUGE_MB = 2 * PAIR_MB + 128
CORES = (1, 0) if os.cpu_count() > 1 else (0, 0)


def offload_off(interface, command):
    """What ethtool -K does: a veth pair leaves checksums open and frames long, which no wire would."""
    value = array.array("I", [command, 0])
    request = struct.pack("16sP", interface.encode(), value.buffer_info()[0])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCETHTOOL, request)


class VethLab(Lab):
    """The node has one end of a veth pair by packet socket, the kernel's stack the other."""

    def command(self):
        return [word.replace("net_tap0,iface=dtap0", "net_af_packet0,iface=node0") for word in super().command()]

    def start(self):
        run("ip", "link", "add", "node0", "type", "veth", "peer", "name", "dtap0")
        run("ip", "link", "set", "node0", "up")
        for command in (ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO):
            offload_off("dtap0", command)
        super().start()


def check_log(log, driver, idle):
    check(f"profile of {driver}, tested on: tests/interop" in log and f"; idle-mode {idle}" in log, f"profile of {driver}: {log}")
    check(f"port 0: {driver}, 1 queue" in log, f"one queue of {driver}: {log}")
    check("no profile" not in log, log)


def kernel_side(lab_class, driver):
    with lab_class() as lab:
        check_log(lab.log(), driver, "adaptive")
        check(lab.cli("PING") == b"PONG\n", f"PING over {driver}")
        value = os.urandom(300000)
        client = lab.redis()
        client.set("value", value)
        check(client.get("value") == value, f"300 KB over {driver} are identical")
        check(client.config_get("idle-mode") == {"idle-mode": "adaptive"}, f"{driver} idles adaptively by its profile")
        lab.kill(signal.SIGTERM)
        check(lab.node.returncode == 0, f"clean exit on {driver}: {lab.log()}")


def eal(name, core, vdev):
    return ["--lcores", f"0@0,1@{core}", "-m", str(PAIR_MB), "--in-memory", "--single-file-segments", "--no-pci",
            "--no-telemetry", "--file-prefix", name, "--vdev", vdev]


def shared_memory_pair(driver, node_vdev, bench_vdev, node_first):
    """pollis-bench asks the node a few thousand times and checks every reply."""
    with tempfile.TemporaryDirectory(prefix="pollis-d") as folder:
        path = os.path.join(folder, "vhost.sock")
        node = [f"{BUILD}/app/pollis"] + eal("pollis-dn", CORES[0], node_vdev.format(path)) + [
            "--", "--ip", f"{NODE_IP}/24", "--port", str(PORT), "--maxclients", "100"]
        bench = [f"{BUILD}/app/bench/pollis-bench"] + eal("pollis-db", CORES[1], bench_vdev.format(path)) + [
            "--", "--ip", f"{KERNEL_IP}/24", "--server", f"{NODE_IP}:{PORT}", "--connections", "4", "--keys", "1000", "--load",
            "--mix", "50:50", "--warm-up", "0", "--requests", "5000", "--json", "--quiet"]
        log_path = os.path.join(folder, "log")
        started = []
        try:
            with open(log_path, "w", encoding="utf-8") as log, open(os.path.join(folder, "bench"), "w+", encoding="utf-8") as out:
                for who in ((node, bench) if node_first else (bench, node)):
                    started.append(subprocess.Popen(who, stdin=subprocess.DEVNULL, stdout=log if who is node else out,
                                                    stderr=log if who is node else subprocess.STDOUT, preexec_fn=die_with_parent))
                    wait_for_socket(path, started[-1])
                the_node, the_bench = started if node_first else reversed(started)
                status = the_bench.wait(timeout=60)
                out.seek(0)
                text = out.read()
                check(status == 0, f"pollis-bench against {driver}: {text} {open(log_path, encoding='utf-8').read()}")
                check_log(open(log_path, encoding="utf-8").read(), driver, "busy")
                the_node.send_signal(signal.SIGTERM)
                check(the_node.wait(timeout=15) == 0, f"clean exit on {driver}")
                return json.loads(text[text.index("{"):])
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()


def wait_for_socket(path, process):
    deadline = time.monotonic() + 10
    while not os.path.exists(path):
        check(process.poll() is None and time.monotonic() < deadline, f"{process.args[0]} makes no {path}")
        time.sleep(0.02)


kernel_side(Lab, "net_tap")
kernel_side(VethLab, "net_af_packet")
done = ["net_tap", "net_af_packet"]
with Hugepages(HUGE_MB) as there:
    if there:
        for name, node_end, bench_end, first in (("net_vhost", "net_vhost0,iface={}", "net_virtio_user0,path={}", True),
                                                 ("net_virtio_user", "net_virtio_user0,path={}", "net_vhost0,iface={}", False)):
            shared_memory_pair(name, node_end, bench_end, first)
            done.append(name)
    print(f"drivers: {', '.join(done)} answer{'' if there else '; net_vhost and net_virtio_user skipped: hugepages cannot be had'}")
