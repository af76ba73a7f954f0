"""Time stn_cv beside its peers: one process, same inputs, same threads, turn by turn.

    python tests/benchmarks/speed.py [--threads 1 2] [--only sampling networks limits]

Peers that are not installed are left out (pip install torch scikit-image). Each line gives
medians with half their quartiles' distance, and the peers' times divided by ours. Outputs
are compared before anything is timed. Nothing else should run on the machine meanwhile.
"""

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "2")

import limits
import networks
import numpy as np
import sampling
from harness import Summary
from threadpoolctl import threadpool_limits

PEERS = {"opencv": "cv2", "torch": "torch", "skimage": "skimage", "scipy": "scipy"}


def set_threads(count, peers):
    """Let every library use `count` threads."""
    threadpool_limits(count)
    if "opencv" in peers:
        import cv2

        cv2.setNumThreads(count)
    if "torch" in peers:
        import torch

        torch.set_num_threads(count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    groups = ["sampling", "networks", "limits"]
    parser.add_argument("--only", nargs="+", choices=groups, default=groups)
    arguments = parser.parse_args()
    peers = [name for name, module in PEERS.items() if sampling.has(module)]
    print("peers:", ", ".join(peers), "| NumPy", np.__version__)
    summary = Summary()
    for threads in arguments.threads:
        set_threads(threads, peers)
        print(f"\n== {threads} thread{'s' * (threads > 1)}")
        if "sampling" in arguments.only:
            sampling.run(threads, peers, summary)
        if "networks" in arguments.only:
            networks.run(threads, peers, summary)
    summary.print()
    if "limits" in arguments.only:
        set_threads(1, peers)
        sampling.run_slow_peers(peers, Summary())
        limits.run()


if __name__ == "__main__":
    main()
