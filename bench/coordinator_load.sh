#!/usr/bin/env bash
# bench/coordinator_load.sh [BUILD_DIR [OPTION...]]: what a coordinator bears, beside what is wanted of it.
# Starts one with an empty database, lets simulated workers loose on it (bench/coordinator_load.c), prints the
# table. OPTIONs go to coordinator_load, e.g. --minutes 0 --json FILE. About ten minutes.
set -euo pipefail
build=${1:-build/release}
shift || true
source=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/assay-load-XXXXXX")
coordinator=
cleanup() {
    [ -z "$coordinator" ] || kill "$coordinator" 2>/dev/null || true
    wait 2>/dev/null || true
    rm -rf "$folder"
}
trap cleanup EXIT
"$build/bin/assay-coordinator" --db "$folder/load.db" --listen 'tcp://127.0.0.1:*' --lease 3600 \
    --ready-file "$folder/ready" >"$folder/log" 2>&1 &
coordinator=$!
until [ -s "$folder/ready" ]; do kill -0 "$coordinator"; sleep 0.1; done
"$build/bench/coordinator_load" --connect "$(cat "$folder/ready")" --pid "$coordinator" \
    --config "$source/experiments/aug3_v2.json" "$@"
