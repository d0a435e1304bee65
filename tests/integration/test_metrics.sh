#!/usr/bin/env bash
# --metrics: what Prometheus reads of a coordinator that has work and no worker, and that it is read on
# loopback only.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

status=0
"$ASSAY_BIN/assay-coordinator" --db "$db" --metrics 0.0.0.0:9470 2>err || status=$?
[ $status = 2 ] || fail "exit code $status of --metrics 0.0.0.0:9470"
grep -q "only this machine reaches" err || fail "said: $(cat err)"

coordinator_options=(--metrics 127.0.0.1:0)
start_coordinator
port=$(sed -n 's/^assay-coordinator: metrics on port //p' coordinator.log)

# metrics: what GET /metrics answers.
metrics() {
    exec 3<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
    cat <&3
    exec 3>&-
}
says() { metrics | tr -d '\r' | holds -xF -- "$1"; }

metrics | sed -n 1p | holds "200 OK" || fail "answered: $(metrics | sed -n 1p)"
says 'assay_experiments{state="queued"} 0' || fail "no empty queue in: $(metrics)"
cat >one.json <<'JSON'
{"name": "one", "data": {"classes": [
    {"name": "fake", "dir": "fake", "label": 0}, {"name": "real", "dir": "real", "label": 1}]},
 "matrix": {"train.seed": [0, 1, 2]}}
JSON
assay submit one.json >/dev/null
until_true "three are queued" says 'assay_experiments{state="queued"} 3'
says 'assay_commits_failed_total 0' || fail "commits failed: $(metrics)"
metrics | holds '^assay_commit_seconds_count [1-9]' || fail "no commit was counted: $(metrics)"
