"""Three primaries of ours, a stock redis-server as replica each: every primary dies, stock takes over with our votes."""
from cluster_lab import ClusterLab
from shards import Shards

with ClusterLab(3, stock=3) as lab:
    seconds = Shards(lab, [(1, "r1"), (2, "r2"), (3, "r3")]).story()
    print(f"our primaries, stock replicas: three failovers and hand-backs, nothing acknowledged was lost ({seconds:.0f} s)")
