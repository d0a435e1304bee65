#!/bin/sh
# Training on one GPU against PyTorch's, in one run: train_vs_pytorch.py says what and how.
#   bench/train_vs_pytorch.sh build/release/bin/assay-worker --json OUT.json --table OUT.md
# PYTHON names an interpreter that has torch (with CUDA) and torchvision. --dry runs all of it small, on
# the CPU, and assay's half alone where there is no torch: it shows that the script works, nothing else.
set -eu
here=$(dirname "$0")
program=${1:-$here/../build/release/bin/assay-worker}
[ $# = 0 ] || shift
exec "${PYTHON:-/usr/bin/python3}" "$here/train_vs_pytorch.py" "$program" "$@"
