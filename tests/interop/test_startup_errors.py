"""Start-up failures: one line on standard error that names the cause and the remedy, exit status 1."""
import fcntl
import os
import shutil
import subprocess
import tempfile

from lab import BUILD, Lab, check

POLLIS = f"{BUILD}/app/pollis"
EAL = ["--no-huge", "-m", "256", "--no-pci", "--file-prefix", f"pollis-e{os.getpid()}"]
CLUSTER = ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--cluster-enabled", "yes", "--cluster-config-file"]
FOLDER = tempfile.mkdtemp()
BROKEN, HELD = f"{FOLDER}/broken.conf", f"{FOLDER}/held.conf"
with open(BROKEN, "w", encoding="utf-8") as f:
    f.write("0123456789012345678901234567890123456789 10.0.0.1:6379@16379 myself,master - 0 0")
held = open(HELD, "w", encoding="utf-8")
fcntl.flock(held, fcntl.LOCK_EX)
CASES = [
    (EAL + ["-l", "0,1", "--", "--port", "6379"], "ip is missing"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1"], "prefix"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24", "--nosuch", "1"], "unknown directive 'nosuch'"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24", "--port", "x"], "integer"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24", "--appendonly", "yes"], "appendonly is not there yet"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24", "--tls-port", "7000"], "TLS is not there yet"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24", "--config", "/nonexistent"], "No such file"),
    (EAL + ["-l", "0,1", "--", "--ip", "10.0.0.1/24"], "no port"),
    (EAL + ["-l", "0", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24"], "two lcores"),
    (EAL + CLUSTER + [BROKEN], "broken.conf: the file is cut short"),
    (EAL + CLUSTER + [HELD], "held.conf is used by another node"),
    (EAL + CLUSTER + [f"{FOLDER}/no/nodes.conf"], "No such file"),
    (EAL + ["-l", "0,77", "--", "--ip", "10.0.0.1/24"], "core"),
    (EAL + ["-l", "0,1", "--vdev", "net_nosuch0", "--", "--ip", "10.0.0.1/24"], "does not know the driver"),
    (EAL + ["-l", "0,1", "--vdev", "net_af_packet0,iface=nosuch", "--", "--ip", "10.0.0.1/24"], "interface in --vdev is not there"),
    (EAL + ["-l", "0,1", "--vdev", "net_virtio_user0,path=/nonexistent/s", "--", "--ip", "10.0.0.1/24"], "start the other end first"),
    (EAL + ["-l", "0,1", "--vdev", "net_vhost0,iface=/nonexistent/s", "--", "--ip", "10.0.0.1/24"], "does not start"),
    (EAL + ["-l", "0,1", "-a", "0000:99:00.0", "--", "--ip", "10.0.0.1/24"], "no port"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--profile", "nosuch"], "no profile nosuch.conf"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--profile", "net_tap"], "is for driver net_tap"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--profile-dir", "/nonexistent"], "/nonexistent"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--mtu", "100"], "mtu"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--rx-mbufs", "1000"], "rx-mbufs"),
    (["-l", "0,1", "-m", "4000000", "--no-pci", "--in-memory", "--", "--ip", "10.0.0.1/24"], "scripts/hugepages reserve"),
    (EAL + ["-l", "0,1", "--nosuch", "--", "--ip", "10.0.0.1/24"], "option before"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--net-impair", "lots"], "net-impair"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--maxclients", "900000"], "memory"),
]

# Without root: what needs a capability says which.
NOBODY = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
NOBODY_CASES = [
    (EAL + ["-l", "0,1", "--vdev", "net_tap0,iface=pollis-e0", "--", "--ip", "10.0.0.1/24"], "CAP_NET_ADMIN"),
    (EAL + ["-l", "0,1", "--vdev", "net_af_packet0,iface=lo", "--", "--ip", "10.0.0.1/24"], "CAP_NET_RAW"),
]


def check_case(command, argv, expected):
    done = subprocess.run(command + argv, capture_output=True, text=True, timeout=60, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("pollis: ")]
    check(done.returncode == 1, f"{argv}: exit status {done.returncode}: {done.stderr}")
    check(len(lines) == 1 and expected in lines[0], f"{argv}: expected '{expected}': {done.stderr}")


def check_name_taken():
    """A second node with the same command line, and the same prefix, beside the first."""
    with Lab("--maxclients", "100", memory=256) as lab:
        check_case(lab.command(), [], "another process uses this --file-prefix")
        check(lab.cli("PING") == b"PONG\n", "the first node goes on")


for argv, expected in CASES:
    check_case([POLLIS], argv, expected)
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o755)
    for argv, expected in NOBODY_CASES:
        check_case(NOBODY + [shutil.copy(POLLIS, folder)], argv, expected)
check_name_taken()
shutil.rmtree(FOLDER)
print(f"start-up errors: {len(CASES) + len(NOBODY_CASES) + 1} cases, one line each")
