"""Start-up failures: one line on standard error that names the cause and the remedy, exit status 1."""
import os
import subprocess

from lab import BUILD, check

POLLIS = f"{BUILD}/app/pollis"
EAL = ["--no-huge", "-m", "256", "--no-pci", "--file-prefix", f"pollis-e{os.getpid()}"]
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
    (EAL + ["-l", "0,77", "--", "--ip", "10.0.0.1/24"], "core"),
    (EAL + ["-l", "0,1", "--nosuch", "--", "--ip", "10.0.0.1/24"], "option before"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--net-impair", "lots"], "net-impair"),
    (EAL + ["-l", "0,1", "--vdev", "net_null0", "--", "--ip", "10.0.0.1/24", "--maxclients", "900000"], "memory"),
]

for argv, expected in CASES:
    done = subprocess.run([POLLIS] + argv, capture_output=True, text=True, timeout=30, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith("pollis: ")]
    check(done.returncode == 1, f"{argv}: exit status {done.returncode}: {done.stderr}")
    check(len(lines) == 1 and expected in lines[0], f"{argv}: expected '{expected}': {done.stderr}")
print(f"start-up errors: {len(CASES)} cases, one line each")
