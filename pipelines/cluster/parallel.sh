#!/bin/bash
# A run over a folder in so many processes of this machine, by GNU parallel where it is installed:
#
#     parallel.sh 8 model.stn photos upright
#
# With machines of your own, `parallel --sshlogin a,b,c` does the same over ssh.
set -u
count=$1 model=$2 photos=$3 out=$4
command=(stn-cv rectify "$model" "$photos" -o "$out" --manifest "$out.jsonl" --quiet)

if command -v parallel > /dev/null; then
  seq "$count" | parallel "${command[@]}" --jobs 1 --shard "{}/$count"
else
  seq "$count" | xargs -P "$count" -I{} "${command[@]}" --jobs 1 --shard "{}/$count"
fi
exec "${command[@]}" # does what is missing, joins the manifest, and says by its code how it went
