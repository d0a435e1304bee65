#!/usr/bin/env bash
# The full screen of `assay watch`, on a pseudo-terminal: keys reach the coordinator, and the terminal
# is left as it was found, also by a crash. Elsewhere than on a terminal it prints plain lines.
source "$ASSAY_SOURCE/tests/integration/lib.sh"

export TERM=xterm LC_ALL=C.UTF-8 PATH=$ASSAY_BIN:$PATH work
given_back=$'\033[?1049l' # xterm: from the alternate screen to the one before

press() { printf '%b' "$1" >&3; }
shows() { grep -qF -- "$1" "$work/screen"; }
until_shown() { until_true "\"$1\" is shown" shows "$1"; }
# The exit status into `status`.
until_left() {
    status=0
    exec 3>&-
    wait "$terminal" || status=$?
    shows "$given_back" || fail "the screen was not given back"
}

start_coordinator
write_experiment "$work/one.json" 10 2
first=$(submit "$work/one.json")
second=$(submit "$work/one.json")

on_terminal 24 80 'assay watch'
until_shown '2 queued'
press '?'
until_shown 'experiments go on'
press q
press c
until_shown 'any other key does not'
press n
press cyj # at once: j selects the other one before the coordinator has been asked
until_true "the selected experiment is cancelled" in_state "$second" cancelled
until_shown '1 cancelled'
press q
until_left
[ "$status" = 0 ] || fail "q ended it with $status"
in_state "$first" queued || fail "another one was cancelled"

# A crash: the shell behind it finds its terminal as it was.
on_terminal 24 80 'sh -c "echo \$\$ >$work/pid; exec assay watch"; stty -a'
until_shown '1 queued'
kill -SEGV "$(cat "$work/pid")"
until_left
shows ' icanon' || fail "a crash left the keyboard as it was"

# Not on a terminal, and on a dumb one: lines.
on_terminal 24 80 "TERM=dumb assay watch $first"
until_shown 'queued'
start_worker one
assay watch "$first" >"$work/lines"
grep -q 'done in' "$work/lines" || fail "no line says that it is done"
! grep -q $'\033' "$work/lines" || fail "escape sequences in plain lines"
exec 3>&-
wait "$terminal" || fail "a dumb terminal had it end with $?"
shows 'done in' || fail "a dumb terminal got no lines"
! shows $'\033' || fail "a dumb terminal got escape sequences"
