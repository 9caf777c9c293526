"""Three stock redis-servers as primaries, a replica of ours each: every primary dies, ours take over with the votes of stock voters."""
from cluster_lab import ClusterLab
from shards import Shards

with ClusterLab(3, stock=3) as lab:
    seconds = Shards(lab, [("r1", 1), ("r2", 2), ("r3", 3)]).story()
    print(f"stock primaries, our replicas: three failovers and hand-backs, nothing acknowledged was lost ({seconds:.0f} s)")
