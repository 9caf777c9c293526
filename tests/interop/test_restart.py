"""kill -9 under load, then the same command line at once: it starts, serves, and clients of the old process get RST within 1 s."""
import socket
import subprocess
import time

from lab import NODE_IP, PORT, Lab, check

with Lab() as lab:
    load = subprocess.Popen(["redis-benchmark", "-h", NODE_IP, "-t", "set,get", "-c", "50", "-n", "10000000", "-q"],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    old = socket.create_connection((NODE_IP, PORT), timeout=5)
    old.sendall(b"PING\r\n")
    check(old.recv(100) == b"+PONG\r\n", "PING")
    time.sleep(1)
    lab.kill()
    load.kill()
    load.wait()
    lab.start()
    check(lab.cli("PING") == b"PONG\n", "the new process serves")
    # The kernel retries a lost request with backoff; it is asked anew, and has to hear RST at once.
    started = time.monotonic()
    try:
        old.sendall(b"PING\r\n")
        answer = old.recv(100)
        check(False, f"an unknown connection was answered with {answer!r}")
    except (ConnectionResetError, BrokenPipeError):
        pass
    waited = time.monotonic() - started
    check(waited < 1, f"RST took {waited:.2f} s")
    print(f"restart: RST after {waited * 1000:.0f} ms")
