#!/bin/bash
# A run over a folder as a SLURM job array:
#
#     sbatch --array=1-64 slurm.sh model.stn photos upright
#
# Each task does one share; when all have ended, however, one more job does what is missing and
# joins the manifest. Outside of SLURM, SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT do as well.
#SBATCH --cpus-per-task=2
#SBATCH --mem=2G
#SBATCH --time=12:00:00
#SBATCH --requeue
set -u
model=$1 photos=$2 out=$3
command=(stn-cv rectify "$model" "$photos" -o "$out" --manifest "$out.jsonl" --quiet)

if [ "${4:-}" = join ]; then
  exec "${command[@]}"
fi
if [ "$SLURM_ARRAY_TASK_ID" = "${SLURM_ARRAY_TASK_MIN:-1}" ] && command -v sbatch > /dev/null; then
  sbatch --dependency="afterany:$SLURM_ARRAY_JOB_ID" "$0" "$model" "$photos" "$out" join
fi
exec "${command[@]}" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs "${SLURM_CPUS_PER_TASK:--1}"
