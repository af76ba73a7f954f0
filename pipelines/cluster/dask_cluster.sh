#!/bin/bash
# A Dask scheduler and so many workers on this machine, and a run on them:
#
#     dask_cluster.sh 4 model.stn photos upright
#
# The two settings keep Dask from looking at itself 50 to 100 times a second, in each process.
# On a cluster, start `dask scheduler` on one machine, `dask worker tcp://HOST:8786 --nthreads 1
# --nworkers 2` on each of the others, and give the scheduler's address to stn-cv anywhere.
set -u
count=$1 model=$2 photos=$3 out=$4
port=${PORT:-8786}
export DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL=1s DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED=False

python -m distributed.cli.dask_scheduler --host 127.0.0.1 --port "$port" --no-dashboard 2> /dev/null &
python -m distributed.cli.dask_worker "tcp://127.0.0.1:$port" --nworkers "$count" --nthreads 1 \
  --no-dashboard --local-directory "$(mktemp -d)" 2> /dev/null &
trap 'kill $(jobs -p); wait' EXIT

stn-cv rectify "$model" "$photos" -o "$out" --manifest "$out.jsonl" --scheduler "tcp://127.0.0.1:$port"
