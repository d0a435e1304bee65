#!/usr/bin/env bash
# The build does without the CUDA backend where cuDNN is older than what it is written for.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

mkdir "$work/include" "$work/project"
touch "$work/include/cudnn.h" "$work/libcudnn.so"
cat >"$work/project/CMakeLists.txt" <<END
cmake_minimum_required(VERSION 3.22)
project(toolkit LANGUAGES C)
set(ASSAY_CUDA AUTO)
include($ASSAY_SOURCE/cmake/Cuda.cmake)
END

# says MAJOR MINOR: what is said of the backend with that cuDNN.
says() {
    printf '#define CUDNN_MAJOR %s\n#define CUDNN_MINOR %s\n' "$1" "$2" >"$work/include/cudnn_version.h"
    cmake -S "$work/project" -B "$work/build" -DCUDNN_INCLUDE_DIR="$work/include" \
        -DCUDNN_LIBRARY="$work/libcudnn.so" >"$work/log" 2>&1 || fail "cannot be configured: $(cat "$work/log")"
    grep 'CUDA backend' "$work/log"
}

[[ $(says 9 8) != *not\ built* ]] || exit 77 # no toolkit here
for version in "8 9" "9 7"; do
    read -r major minor <<<"$version"
    [[ $(says "$major" "$minor") == *"not built: nvcc, cuBLAS or cuDNN 9.8 was not found"* ]] ||
        fail "with cuDNN $major.$minor: $(cat "$work/log")"
done
[[ $(says 10 0) != *not\ built* ]] || fail "with cuDNN 10.0: $(cat "$work/log")"
