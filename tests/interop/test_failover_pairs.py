"""Shards of every kind in one cluster: ours with a stock replica, stock with ours, ours with ours."""
from cluster_lab import ClusterLab
from shards import Shards

with ClusterLab(4, stock=2) as lab:
    seconds = Shards(lab, [(1, "r1"), ("r2", 2), (3, 4)]).story()
    print(f"shards of every kind: three failovers and hand-backs, nothing acknowledged was lost ({seconds:.0f} s)")
