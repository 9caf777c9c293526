"""The stock redis-benchmark, from one connection to a thousand and from no pipelining to 100 deep: no error, no stall."""
import subprocess

from lab import NODE_IP, Lab, check

SHAPES = [(1, 1, 500), (50, 1, 5000), (1000, 1, 10000), (50, 16, 20000), (50, 100, 50000), (1000, 16, 50000)]

with Lab() as lab:
    for clients, pipeline, requests in SHAPES:
        out = subprocess.run(
            ["redis-benchmark", "-h", NODE_IP, "-t", "ping,set,get,incr,mset", "-c", str(clients), "-P", str(pipeline),
             "-n", str(requests), "-q", "--csv"], check=True, capture_output=True, text=True, timeout=60)
        text = out.stdout + out.stderr
        check("rror" not in text, text)
        rows = [line for line in out.stdout.splitlines() if line.startswith('"') and "test" not in line.split(",")[0]]
        check(len(rows) == 6, f"{len(rows)} of 6 tests at -c {clients} -P {pipeline}: {text}")
    check(lab.alive(), "the node ended")
    print(f"redis-benchmark: {len(SHAPES)} shapes, no error")
