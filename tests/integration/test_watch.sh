#!/usr/bin/env bash
# The full screen of `assay watch`, on a pseudo-terminal: keys reach the coordinator, and the terminal
# is left as it was found, also by a crash. Elsewhere than on a terminal it prints plain lines.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

leave=$(printf '\033[?1049l') # xterm: back from the alternate screen
export TERM=xterm

# watch KEYS...: presses each key after half a second, and keeps what the terminal got.
watch_with() {
    status=0
    { for key in "$@"; do sleep 0.7; printf '%b' "$key"; done; sleep 0.7; } |
        script -qec "stty rows 24 cols 80; assay watch" /dev/null >"$work/screen" 2>&1 || status=$?
}

start_coordinator
write_experiment "$work/one.json" 10 2
first=$(submit "$work/one.json")
second=$(submit "$work/one.json")

watch_with q
[ "$status" = 0 ] || fail "q ended it with $status"
grep -q 'queued' "$work/screen" || fail "the queue is not shown"
grep -qF "$leave" "$work/screen" || fail "the screen was not given back"

watch_with c n q
in_state "$second" queued || fail "cancelled without a yes"
watch_with c y q
until_true "the selected experiment is cancelled" in_state "$second" cancelled
in_state "$first" queued || fail "another one was cancelled"

# killed by a crash: the terminal is put back all the same
{ sleep 1; pkill -SEGV -f -x 'assay watch' || true; sleep 1; } |
    script -qec "stty rows 24 cols 80; assay watch; stty -a" /dev/null >"$work/screen" 2>&1 || true
grep -qF "$leave" "$work/screen" || fail "a crash left the screen as it was"
grep -Eq '(^|[ ;])icanon' "$work/screen" || fail "a crash left the keyboard as it was"

# not on a terminal, and on a dumb one: lines
start_worker one
assay watch "$first" >"$work/lines"
grep -q 'done in' "$work/lines" || fail "no line says that it is done"
! grep -q $'\033' "$work/lines" || fail "escape sequences in plain lines"
TERM=dumb script -qec "assay watch $first" /dev/null >"$work/screen" </dev/null
grep -q 'done in' "$work/screen" || fail "a dumb terminal got no lines"
