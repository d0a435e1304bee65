#!/usr/bin/env bash
# CURVE keys, with all three programs: who has a key that the coordinator lists is served, everybody
# else is told why with exit code 3, and lists count without a restart. Other addresses than loopback
# are refused without keys; with them they are not listened on here.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

for name in keys/coordinator.key worker.key person.key stranger.key; do
    assay keygen "$name" --name "$name" >keygen.out
    [ "$(stat -c %a "$name")" = 600 ] || fail "$name has the mode $(stat -c %a "$name")"
    [ "$(tail -n 1 keygen.out)" = "$(cat "$name.pub")" ] || fail "keygen prints: $(cat keygen.out)"
done

# refused CODE WORDS COMMAND...: that exit code and one line on stderr with the words.
refused() {
    local code=$1 words=$2 status=0
    shift 2
    timeout 60 "$@" >out 2>err || status=$?
    [ $status = "$code" ] || fail "exit code $status, not $code, of: $* ($(cat err))"
    [ "$(wc -l <err)" = 1 ] || fail "not one line of: $* ($(cat err))"
    grep -qF -- "$words" err || fail "no \"$words\" from: $* ($(cat err))"
}

refused 2 "is not overwritten" "$ASSAY_BIN/assay" keygen person.key
longest=$(printf %0127d 0)
for name in ' ' $'a\nb' $'a\rb' "0$longest"; do
    refused 2 "--name takes one line" "$ASSAY_BIN/assay" keygen unnamed.key --name "$name"
done
refused 2 "an argument too many: two.key" "$ASSAY_BIN/assay" keygen one.key two.key
[ -z "$(ls unnamed.key* one.key* two.key* 2>/dev/null)" ] || fail "a key that was refused is there"
assay keygen long.key --name "$longest" >keygen.out
[ "$(cut -d ' ' -f 2 long.key.pub)" = "$longest" ] || fail "the longest name is $(cat long.key.pub)"
assay keygen odd.key --name $'a\e[1m\xff' >keygen.out
[ "$(tail -n 1 keygen.out)" = "$(cat odd.key.pub)" ] && [ "$(cut -d ' ' -f 2 odd.key.pub)" = 'a?[1m?' ] ||
    fail "keygen prints: $(cat -v keygen.out)"
ASSAY_HOME=$work/new/home assay keygen --json >keygen.json
[ "$(json "(j ->> '$.secret_file') || ' ' || (j ->> '$.public_key') || ' ' || (j ->> '$.name')" keygen.json)" = \
    "$work/new/home/assay.key $(cat new/home/assay.key.pub)" ] || fail "keygen says: $(cat keygen.json)"
for address in 0.0.0.0 '*' 192.0.2.1 '[::]'; do
    refused 2 "add --keys KEYS" "$ASSAY_BIN/assay-coordinator" --db "$db" --listen "tcp://$address:0"
done
[ ! -e "$db" ] && [ ! -e "$db-artifacts" ] || fail "a database was made that nobody may reach"
refused 2 "assay keygen" "$ASSAY_BIN/assay-coordinator" --db "$db" --keys .
chmod 640 keys/coordinator.key
refused 2 "chmod 600" "$ASSAY_BIN/assay-coordinator" --db "$db" --keys keys
chmod 600 keys/coordinator.key

cp worker.key.pub keys/authorized_workers
{ echo "# people"; cat person.key.pub; } >keys/authorized_people
coordinator_options=(--lease 3 --keys keys)
start_coordinator
export ASSAY_SERVER_KEY=$work/keys/coordinator.key.pub

# Who may not.
refused 3 "does not know the key" "$ASSAY_BIN/assay" ls --key stranger.key
refused 3 "in authorized_workers, not in authorized_people" "$ASSAY_BIN/assay" ls --key worker.key
refused 3 "is --server-key the coordinator's" "$ASSAY_BIN/assay" ls --key person.key \
    --server-key stranger.key.pub
refused 3 "keys" env -u ASSAY_SERVER_KEY "$ASSAY_BIN/assay" ls
refused 2 "give both" "$ASSAY_BIN/assay" ls
chmod 604 person.key
refused 2 "chmod 600" "$ASSAY_BIN/assay" ls --key person.key
chmod 600 person.key
write_experiment "$work/demo.json" 20 2
as_worker=("$ASSAY_BIN/assay-worker" --dir w --backend cpu --data-root "$work/pictures")
refused 3 "in authorized_people, not in authorized_workers" "${as_worker[@]}" --key person.key
refused 3 "does not know the key" "${as_worker[@]}" --key stranger.key
refused 2 "needs --data-root" "$ASSAY_BIN/assay-worker" --dir w --key worker.key

# Who may: an experiment from submit to its end.
export ASSAY_KEY=$work/person.key
start_worker one --key worker.key --data-root "$work/pictures"
id=$(submit "$work/demo.json")
until_true "the experiment is done" in_state "$id" done
expect_complete "$id" 2

# Whose it is says the key: keygen's --name, here the name of the file.
[ "$(shown "$id" '$.person')" = person.key ] || fail "it is $(shown "$id" '$.person')'s"
mine=$(USER=somebody submit "$work/demo.json")
USER=somebody assay cancel "$mine" >/dev/null
[ "$(shown "$mine" '$.person')" = person.key ] || fail "USER makes it $(shown "$mine" '$.person')'s"
[ "$(shown "$mine" '$.steering[0].person')" = person.key ] || fail "USER cancels in another name"
assay show "$mine" >show.txt || [ $? = 4 ]
grep -q 'cancel *person.key' show.txt || fail "show does not say who cancelled: $(cat show.txt)"

# A worker's name is its key's, where its line says so.
sed 's/ .*/ worker=gpu1/' worker.key.pub >keys/authorized_workers
refused 3 "this key is worker gpu1's and not gpu2's" "${as_worker[@]}" --key worker.key --name gpu2
start_worker two --key worker.key --data-root "$work/pictures" --name gpu1
until_true "the worker of that name is served" grep -q 'connected to .* as gpu1' two.log
end_worker two TERM
cp worker.key.pub keys/authorized_workers

# Data and weights outside of the worker's root, there or not, read nothing.
mkdir elsewhere
cp -r pictures/fake pictures/real elsewhere
ln -s "$work/elsewhere" pictures/out
cp "$(checkpoint_path "$id" last)" elsewhere/w.safetensors
hostile() { # SED-SCRIPT WORDS
    sed "$1" demo.json >hostile.json
    id=$(submit hostile.json)
    until_true "experiment $id has failed" in_state "$id" failed
    shown "$id" '$.error' | holds -F "$2" || fail "it failed with: $(shown "$id" '$.error')"
}
hostile "s|$work/pictures|$work/elsewhere|" 'is not inside'
hostile "s|$work/pictures|$work/pictures/out|" 'is not inside'
hostile "s|$work/pictures|$work/pictures/../elsewhere|" 'is not inside'
hostile "s|$work/pictures|/nowhere|" 'is not inside'
hostile "s|\"dir\": \"fake\"|\"dir\": \"out/fake\"|" 'leads out of data.root'
hostile "s|\"weights\": null|\"weights\": \"$work/elsewhere/w.safetensors\"|" 'is not inside'

# A key that is taken out is served no more, and again when it is back.
: >keys/authorized_people
refused 3 "does not know the key" "$ASSAY_BIN/assay" ls
cp worker.key.pub keys/authorized_people # and the worker's becomes a person's too
assay ls --key worker.key >/dev/null || fail "a key on both lists is not served"
cp person.key.pub keys/authorized_people
assay ls >/dev/null || fail "a key that is back is not served"

# A worker that is shut out goes on, and is back once its key is.
: >keys/authorized_workers
until_true "the worker is told" grep -q "does not know this key any more" one.log
cp worker.key.pub keys/authorized_workers
id=$(submit "$work/demo.json")
until_true "the experiment is done" in_state "$id" done
end_worker one TERM
[ $status = 0 ] || fail "the worker ended with $status"
