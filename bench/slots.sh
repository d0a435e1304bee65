#!/usr/bin/env bash
# What slots bring: two experiments on this machine's CPU, one after the other (--slots 1) and side by
# side (--slots 2), in turns. Prints the pictures trained on a second, of both together, from the first
# start to the last end, validation and checkpoints included: a line a pair, then the median ratio.
# bench/slots.sh [PAIRS [PICTURES-A-CLASS]]; ResNet-18, 64 pixels, batch 32, 2 epochs.
set -euo pipefail
shopt -s inherit_errexit
pairs=${1:-3} pictures=${2:-200}
bin=$(cd "$(dirname "$0")/../build/release/bin" && pwd)
work=$(mktemp -d)
trap 'kill "$coordinator" 2>/dev/null || true; wait; rm -rf "$work"' EXIT
export ASSAY_HOME=$work/home
"$bin/../tests/make_pictures" "$work/pictures" "$pictures"
cat >"$work/slots.json" <<JSON
{
  "name": "slots",
  "data": {"root": "$work/pictures", "classes": [
    {"name": "fake", "dir": "fake", "label": 0}, {"name": "real", "dir": "real", "label": 1}]},
  "augmentations": [{"op": "resize", "size": [64, 64]}, {"op": "random_horizontal_flip", "p": 0.5},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}],
  "evaluation": [{"op": "resize", "size": [64, 64]},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}],
  "model": {"arch": "resnet18", "weights": null},
  "train": {"epochs": 2, "batch_size": 32},
  "resources": {"memory_gib": 1},
  "matrix": {"train.seed": [0, 1]}
}
JSON
"$bin/assay-coordinator" --db "$work/assay.db" --listen 'tcp://127.0.0.1:*' \
    --ready-file "$work/ready" >"$work/coordinator.log" &
coordinator=$!
until [ -s "$work/ready" ]; do sleep 0.05; done
ASSAY_CONNECT=$(cat "$work/ready")
export ASSAY_CONNECT

# run SLOTS: the pictures a second.
run() {
    "$bin/assay" submit "$work/slots.json" >/dev/null
    "$bin/assay-worker" --dir "$work/worker-$1" --backend cpu --slots "$1" --idle-exit 1 --quiet
    sqlite3 "$work/assay.db" "SELECT printf('%.1f', 1000.0 * sum(epochs * 2 * cast(0.8 * $pictures AS INT))
        / (max(finished_ms) - min(started_ms))) FROM
        (SELECT * FROM experiment ORDER BY id DESC LIMIT 2) WHERE state = 'done'"
}

for _ in $(seq "$pairs"); do
    one=$(run 1) two=$(run 2)
    echo "--slots 1: $one images/s; --slots 2: $two images/s; $(echo "scale=2; $two / $one" | bc) x" |
        tee -a "$work/ratios"
done
sed 's/.*; \(.*\) x/\1/' "$work/ratios" | sort -n | awk '{r[NR] = $1} END {print "median " r[int((NR + 1) / 2)] " x"}'
