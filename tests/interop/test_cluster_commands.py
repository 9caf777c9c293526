"""CLUSTER's replies and errors against redis-servers in cluster mode, both in one state: tests/diff says how."""
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

sys.exit(subprocess.run([sys.executable, f"{ROOT}/tests/diff/cluster_commands.py"], check=False, timeout=120).returncode)
