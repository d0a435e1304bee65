#!/usr/bin/env bash
# What slots bring: experiments one after the other (--slots 1) and K side by side, in turns. Prints the
# pictures trained on a second, of all together, from the first start to the last end, validation and
# checkpoints included: a line a turn, then the median of each K and its ratio to the first.
# bench/slots.sh [TURNS [PICTURES-A-CLASS]]; ResNet-18, 64 pixels, batch 32, 2 epochs, on this machine's CPU.
# SLOTS="1 2" are the Ks, each dividing the number of experiments, their last; BACKEND=cpu; ARCH=resnet18;
# SIDE=64; EPOCHS=2; PRECISION=fp32. On a GPU an epoch is soon over: give it enough of them that training, and
# not starting and checkpoints, takes the time. A turn whose experiments are not all done ends it with an error.
set -euo pipefail
shopt -s inherit_errexit
turns=${1:-3} pictures=${2:-200}
read -ra slots <<<"${SLOTS:-1 2}"
backend=${BACKEND:-cpu} arch=${ARCH:-resnet18} side=${SIDE:-64} epochs=${EPOCHS:-2} precision=${PRECISION:-fp32}
experiments=${slots[-1]}
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
  "augmentations": [{"op": "resize", "size": [$side, $side]}, {"op": "random_horizontal_flip", "p": 0.5},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}],
  "evaluation": [{"op": "resize", "size": [$side, $side]},
    {"op": "normalize", "mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]}],
  "model": {"arch": "$arch", "weights": null},
  "train": {"epochs": $epochs, "batch_size": 32, "precision": "$precision", "checkpoint_every": $epochs},
  "resources": {"memory_gib": 1},
  "matrix": {"train.seed": [$(seq -s, 0 $((experiments - 1)))]}
}
JSON
"$bin/assay-coordinator" --db "$work/assay.db" --listen 'tcp://127.0.0.1:*' \
    --ready-file "$work/ready" >"$work/coordinator.log" &
coordinator=$!
until [ -s "$work/ready" ]; do kill -0 "$coordinator"; sleep 0.05; done
ASSAY_CONNECT=$(cat "$work/ready")
export ASSAY_CONNECT

# run SLOTS: the pictures a second.
run() {
    "$bin/assay" submit "$work/slots.json" >/dev/null
    "$bin/assay-worker" --dir "$work/worker-$1" --backend "$backend" --slots "$1" --idle-exit 1 --quiet
    python3 - "$work/assay.db" "$experiments" "$((pictures * 8 / 10 * 2))" <<'PY'
import sqlite3
import sys
path, experiments, trained = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rows = sqlite3.connect(path).execute("SELECT state, epochs, started_ms, finished_ms FROM experiment "
                                     "ORDER BY id DESC LIMIT ?", (experiments,)).fetchall()
if len(rows) < experiments or any(row[0] != "done" for row in rows):
    sys.exit("slots.sh: not all experiments are done: %s" % [row[0] for row in rows])
seconds = 1e-3 * (max(row[3] for row in rows) - min(row[2] for row in rows))
print("%.1f" % (trained * sum(row[1] for row in rows) / seconds))
PY
}

for _ in $(seq "$turns"); do
    for k in "${slots[@]}"; do
        rate=$(run "$k")
        echo "--slots $k: $rate images/s" | tee -a "$work/rates"
    done
done
for k in "${slots[@]}"; do
    median=$(sed -n "s/--slots $k: \(.*\) images.*/\1/p" "$work/rates" | sort -n |
        awk '{r[NR] = $1} END {print r[int((NR + 1) / 2)]}')
    first=${first:-$median}
    echo "--slots $k: median $median images/s, $(awk "BEGIN {printf \"%.2f\", $median / $first}") x"
done
