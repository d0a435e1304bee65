#!/bin/sh
# Training on one GPU against PyTorch's, in one run: train_vs_pytorch.py says what and how.
#   bench/train_vs_pytorch.sh build/release/bin/assay-worker --json OUT.json --table OUT.md
# PYTHON names an interpreter that has torch (with CUDA) and torchvision; without it the first python3 in PATH
# that has torch is taken, or the system's. --dry runs all of it small, on
# the CPU, and assay's half alone where there is no torch: it shows that the script works, nothing else.
set -eu
here=$(dirname "$0")
program=${1:-$here/../build/release/bin/assay-worker}
[ $# = 0 ] || shift
[ ! -d "$program" ] || program=$program/assay-worker
if [ -z "${PYTHON:-}" ]; then
    PYTHON=python3
    "$PYTHON" -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)' 2>/dev/null ||
        PYTHON=/usr/bin/python3
fi
exec "$PYTHON" "$here/train_vs_pytorch.py" "$program" "$@"
