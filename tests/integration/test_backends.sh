#!/usr/bin/env bash
# What the programs link, and what they say of a GPU that is not there. With one, the last part is
# done by scripts/gpu_check instead.
set -euo pipefail
network=whole
source "$(dirname "$0")/lib.sh"

for program in assay assay-coordinator assay-worker; do
    ! ldd "$ASSAY_BIN/$program" | grep -E 'libcu(da|dart|blas|dnn)' || fail "$program links CUDA"
done
module=$ASSAY_BIN/assay-cuda.so
if [ -e "$module" ]; then
    ! readelf -d "$module" | grep 'NEEDED.*libcuda\.so' || fail "the module links the driver"
    [ "$(nm -D --defined-only "$module" | awk '{print $3}')" = assay_module ] ||
        fail "the module exports more than its one symbol"
fi

cd "$work"
# A module in the current folder is found by its name alone; this one, where there is a driver, is none.
mkdir driver
ln -s "$(ldd "$ASSAY_BIN/assay-worker" | awk '/libc\.so/ {print $3}')" driver/libcuda.so.1
ln -s driver/libcuda.so.1 module.so
LD_LIBRARY_PATH=$work/driver ASSAY_CUDA_MODULE=module.so "$ASSAY_BIN/assay-worker" devices > devices
grep -q '^cuda .*undefined symbol: assay_module' devices || fail "a module in the current folder: $(cat devices)"
"$ASSAY_BIN/assay-worker" devices > devices
"$ASSAY_BIN/assay-worker" devices --json | holds '"backend":"cpu","usable":true' || fail "devices"
code=0
"$ASSAY_BIN/assay-worker" bench --steps 0 --floor-of b200 > bench 2> said || code=$? # before anything is measured
[ $code = 2 ] && grep -q 'knows h100, h200 and a100, not "b200"' said || fail "rates of no machine: $code, $(cat said)"
if grep -q '^cuda  cannot be used' devices; then
    # auto computes on the CPU, and says so in one line where the module is there
    "$ASSAY_BIN/assay-worker" bench --arch resnet18 --size 32 --batch 2 --steps 1 --layers --json \
        > bench 2> said || fail "bench without a GPU"
    grep -q '"backend":"cpu"' bench || fail "auto did not take the CPU"
    if [ -e "$module" ]; then
        [ "$(wc -l < said)" = 1 ] && grep -q '^assay: computing on the CPU: ' said ||
            fail "not one line on the missing GPU: $(cat said)"
    else
        [ ! -s said ] || fail "a build without CUDA speaks of it: $(cat said)"
    fi
    code=0
    "$ASSAY_BIN/assay-worker" bench --backend cuda --steps 1 2> said || code=$?
    [ $code = 2 ] && grep -q 'backend "cuda" cannot be used: .*; choose auto or cpu' said ||
        fail "cuda asked for and not there: $code, $(cat said)"
fi
