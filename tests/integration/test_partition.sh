#!/usr/bin/env bash
# The network between a worker and the coordinator is cut for longer than a lease, between two hosts
# as far as Linux can tell: two network namespaces, a cable (veth) between them, and CURVE keys,
# since their addresses are not loopback. The worker trains on; another one takes over; once the
# cable is back the first finds itself fenced and stops. Everything is there once, with the bits of
# an undisturbed run. Then the address of one host changes.
#
# Both namespaces and the cable are this script's own and end with its processes. Where none may be
# made the test is skipped (exit status 77).
if [ -z "${ASSAY_NAMESPACE:-}" ]; then
    make=(unshare --net)
    [ "$(id -u)" = 0 ] || make=(unshare --user --map-root-user --net)
    why=$("${make[@]}" ip link add near type veth peer name far 2>&1) ||
        { echo "skipped: no network namespace can be made here: $why"; exit 77; }
    ASSAY_NAMESPACE=1 exec "${make[@]}" bash "$0"
fi
. "$(dirname "$0")/lib.sh"
cd "$work"

epochs=16
unshare --net sleep 600 &
far=$!
worker_pid[cable]=$far # so that it ends with the test
other_namespace() { [ "$(readlink "/proc/$far/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
until_true "the other host is there" other_namespace
over_there=(nsenter --target "$far" --net)
ip link set lo up
ip link add near type veth peer name far netns "$far"
ip address add 10.77.0.1/24 dev near
ip link set near up
"${over_there[@]}" ip address add 10.77.0.2/24 dev far
"${over_there[@]}" ip link set far up

for name in keys/coordinator.key worker.key person.key; do assay keygen "$name" >keygen.out; done
cp worker.key.pub keys/authorized_workers
cp person.key.pub keys/authorized_people
export ASSAY_KEY=$work/person.key ASSAY_SERVER_KEY=$work/keys/coordinator.key.pub
as_worker=(--key worker.key --data-root "$work/pictures")
coordinator_options=(--lease 3 --keys keys)
endpoint=tcp://10.77.0.1:7470
start_coordinator

write_experiment calm.json 40 $epochs
few_checkpoints calm.json
sed 's/"calm"/"shaken"/' calm.json >shaken.json
calm=$(submit calm.json)
start_worker near "${as_worker[@]}"
until_true "the undisturbed run is done" in_state "$calm" done
end_worker near TERM

id=$(submit shaken.json)
worker_prefix=("${over_there[@]}")
start_worker away "${as_worker[@]}"
worker_prefix=()
hold away "an epoch is reported from there" has_epochs "$id" 1
had=$(sql "SELECT count(*) FROM epoch WHERE experiment = $id")
[ "$had" -lt $((epochs - 1)) ] || fail "$had epochs were there before the cut: nothing is tested"
ip link set near down
hold_inside_an_epoch away "$id" "$had"
start_worker near "${as_worker[@]}"
until_true "another worker takes over" grep -q "experiment $id, attempt 2" near.log
ip link set near up
let_go away

until_true "the worker that was cut off is fenced" grep -Eq \
    "experiment $id: stopped, it is not this worker's any more" away.log
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" $epochs
expect_same_run "$calm" "$id"
[ "$(sql "SELECT group_concat(outcome) FROM attempt WHERE experiment = $id")" = lost,done ] ||
    fail "the attempts: $(sql "SELECT * FROM attempt WHERE experiment = $id")"
end_worker near TERM
[ "$status" = 0 ] || fail "near ended with $status"

# The address over there changes, and nobody says so to the connections that are open (a router that
# forgets, another network). Nothing is acknowledged any more: the worker connects anew within a
# lease, and keeps its experiment.
kill_coordinator
coordinator_options=(--lease 30 --keys keys)
start_coordinator
write_experiment long.json 40 100000
few_checkpoints long.json
long=$(submit long.json)
until_true "an epoch comes from the first address" has_epochs "$long" 1
"${over_there[@]}" ip address del 10.77.0.2/24 dev far
"${over_there[@]}" ip address add 10.77.0.3/24 dev far
had=$(sql "SELECT count(*) FROM epoch WHERE experiment = $long")
until_true "epochs come from the second one" has_epochs "$long" $((had + 9))
[ "$(sql "SELECT group_concat(outcome) FROM attempt WHERE experiment = $long")" = running ] ||
    fail "the attempts: $(sql "SELECT * FROM attempt WHERE experiment = $long")"
assay cancel "$long"
end_worker away TERM
[ "$status" = 0 ] || fail "away ended with $status"
