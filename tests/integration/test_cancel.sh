#!/usr/bin/env bash
# A running experiment is cancelled: its worker stops within seconds, without its process ending, and
# takes the next one.
. "$(dirname "$0")/lib.sh"

write_experiment "$work/long.json" 100 100000
write_experiment "$work/short.json" 40 1
export told=$work/told
coordinator_options+=(--on-finish 'echo "$ASSAY_ID $ASSAY_STATE ${ASSAY_BEST_TEST_ACCURACY:+tested} $ASSAY_CONNECT" >>"$told"')
start_coordinator
long=$(submit "$work/long.json")
short=$(submit "$work/short.json")
start_worker worker
until_true "the long one is inside an epoch" is_inside_an_epoch "$long"
[ "$(state_of "$short")" = queued ] || fail "the short one should wait"

assay cancel "$long"
patience=$((patience / 6)) # 15 s: by a heartbeat
until_true "the worker has the next one" grep -q "experiment $short, attempt" "$work/worker.log"
patience=$((patience * 6))
until_true "the short one is done" in_state "$short" done
[ "$(state_of "$long")" = cancelled ] || fail "the cancelled experiment is $(state_of "$long")"

# a queued one is just taken off
queued=$(submit "$work/long.json")
end_worker worker TERM
assay cancel "$queued"
[ "$(state_of "$queued")" = cancelled ] || fail "the queued experiment is $(state_of "$queued")"

# the coordinator's --on-finish, with nobody watching
told_of() { [ "$(wc -l <"$told")" -ge "$1" ]; }
until_true "the command was run for each" told_of 3
sort "$told" | cmp -s - <(printf '%s\n' "$long cancelled  $endpoint" "$short done tested $endpoint" \
    "$queued cancelled  $endpoint" | sort) || fail "the command was told: $(cat "$told")"
