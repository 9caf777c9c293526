"""Twenty seconds of random commands against redis-server, from a seed of the day's run: tests/diff says what is compared."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SECONDS = 20

seed = int.from_bytes(os.urandom(3), "big")
sys.exit(subprocess.run([f"{ROOT}/scripts/diff", "--seed", str(seed), "--calls", "1000000", "--seconds", str(SECONDS), "--no-progress"],
                        check=False, timeout=120).returncode)
