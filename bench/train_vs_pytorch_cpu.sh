#!/bin/sh
# Training steps on the CPU against PyTorch's, in one run (about 25 minutes on 2 cores; --rounds and
# --sizes make it shorter). PYTHON names an interpreter that has torch and torchvision; Debian's
# python3-torch and python3-torchvision do.
set -eu
here=$(dirname "$0")
program=${1:-$here/../build/release/bin/assay-worker}
[ $# = 0 ] || shift
exec "${PYTHON:-/usr/bin/python3}" "$here/train_vs_pytorch_cpu.py" "$program" "$@"
