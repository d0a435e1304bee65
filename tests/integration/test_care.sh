#!/usr/bin/env bash
# assay backup beside a coordinator that is written to, assay restore, and assay fsck: what the backup
# has is whole, a coordinator goes on from it, and what is wrong is named.
source "$ASSAY_SOURCE/tests/integration/lib.sh"
cd "$work"

write_experiment demo.json 20 2 '{"train.seed": [0, 1, 2]}'
start_coordinator
start_worker one
read -r first second third <<<"$(submit demo.json)"
until_true "experiment $first is done" in_state "$first" done

# While the second one trains.
assay backup backup.db --db "$db" >out
grep -q '^backup.db: .* MiB, whole$' out || fail "backup says: $(cat out)"
[ ! -e backup.db-wal ] || fail "the backup is not one file"
[ "$(sqlite3 backup.db "SELECT count(*) FROM epoch WHERE experiment = $first")" = 2 ] ||
    fail "the backup lacks epochs"
assay fsck --db "$db" >out || fail "fsck beside the coordinator: $(cat out)"
until_true "experiment $third is done" in_state "$third" done
[ "$(state_of "$second")" = done ] || fail "the backup held up the second experiment"
assay backup backup2.db --db "$db" >/dev/null
end_worker one TERM
kill_coordinator

# Nothing is overwritten.
status=0
assay restore backup.db --db "$db" 2>err || status=$?
[ $status = 2 ] && grep -q 'is not overwritten' err || fail "restore over a database: $status, $(cat err)"

# From the first backup everything is done again, to the same numbers, by the worker that has done it: what it
# has is of a history that is lost.
for id in "$second" "$third"; do numbers "$id" >"numbers.$id"; done
mkdir old && mv "$db" "$db"-* old/ && mv old/*-artifacts .
assay restore backup.db --db "$db" >out
[ "$(sql 'PRAGMA integrity_check')" = ok ] || fail "the restored database is damaged"
start_coordinator
start_worker one
for id in "$second" "$third"; do
    until_true "experiment $id is done again" in_state "$id" done
    numbers "$id" | diff -u "numbers.$id" - || fail "experiment $id came to other numbers"
done
grep -q 'the database was restored from a backup' one.log || fail "the worker says: $(cat one.log)"
end_worker one TERM
kill_coordinator

# With another database at that address the worker begins with nothing, and leaves the first one's alone.
cp one/experiments/"$first"/experiment.json first.json
restored=$db
db=$work/another.db
start_coordinator
start_worker one
write_experiment another.json 20 1
until_true "the other database's is done" in_state "$(submit another.json)" done
end_worker one TERM
kill_coordinator
[ -e "one/databases/$(sql 'SELECT database FROM identity')/experiments/1/checkpoint_last.safetensors" ] ||
    fail "the other database's experiment is elsewhere: $(find one)"
cmp first.json one/experiments/"$first"/experiment.json
db=$restored
assay fsck --db "$db" >out || fail "fsck: $(cat out)"

# What is wrong is named, with exit code 1; what is no database with 2.
finds() { # WORDS SQL
    cp backup2.db broken.db
    sqlite3 broken.db "$2"
    status=0
    assay fsck --db broken.db --artifacts "$db-artifacts" >out 2>err || status=$?
    [ $status = 1 ] || fail "fsck ends with $status after: $2 ($(cat out err))"
    grep -qF "$1" out || fail "fsck does not say \"$1\" but: $(cat out)"
    [ ! -s err ] || fail "fsck draws on what is no terminal: $(cat -v err)"
}
finds "runs, and no attempt of it does" \
    "UPDATE experiment SET state = 'running', finished_ms = NULL WHERE id = $first"
finds "and 1 of its 2 epochs are there" "DELETE FROM epoch WHERE experiment = $first AND epoch = 2"
finds "and only 1 of the epochs up to it" "DELETE FROM epoch WHERE experiment = $first AND epoch = 1"
finds "is done and has no end" "UPDATE attempt SET ended_ms = NULL WHERE experiment = $first"
finds "names a row of experiment that is not there" \
    "PRAGMA foreign_keys = OFF; UPDATE log SET experiment = 99 WHERE experiment = $first"
gone="UPDATE checkpoint SET path = '/nowhere' WHERE experiment = $first AND kind = 'last'"
finds "last checkpoint of epoch 2 is gone" \
    "$gone; DELETE FROM artifact WHERE experiment = $first AND kind = 'last'"
finds "the artifact train.log is gone" \
    "UPDATE artifact SET sha256 = '0123' || substr(sha256, 5) WHERE experiment = $first AND name = 'train.log'"
finds "experiment $first: what it goes on from is gone" \
    "UPDATE experiment SET state = 'failed' WHERE id = $first; PRAGMA ignore_check_constraints = ON;
    INSERT INTO fork_file VALUES ($first, 'file', '0123' || printf('%060d', 0), 5)"
# All of it said in one line where the whole folder is elsewhere.
status=0
assay fsck --db backup2.db >out || status=$?
[ $status = 1 ] && [ "$(wc -l <out)" = 2 ] || fail "fsck without its artifacts ends with $status: $(cat out)"
grep -q "the artifacts folder backup2.db-artifacts is not there" out || fail "fsck says: $(cat out)"
# A checkpoint that was sent is not gone with its worker's folder.
cp backup2.db swept.db
sqlite3 swept.db "$gone"
assay fsck --db swept.db --artifacts "$db-artifacts" >out || fail "fsck misses what was sent: $(cat out)"
# One bit of a file that is as long as it was: seen by its SHA-256, not by its size.
sum=$(sqlite3 backup2.db "SELECT sha256 FROM artifact WHERE experiment = $first AND name = 'train.log'")
cp -r "$db-artifacts" bitten
log=bitten/sha256/${sum:0:2}/${sum:2}
chmod u+w "$log"
printf '!' | dd of="$log" bs=1 seek=3 conv=notrunc 2>dd.err
assay fsck --db backup2.db --artifacts bitten --quick --json >out || fail "fsck --quick reads more than sizes: $(cat out)"
[ "$(json "j ->> '$.quick'" out)" = 1 ] || fail "fsck --quick --json says: $(cat out)"
status=0
assay fsck --db backup2.db --artifacts bitten --json >out || status=$?
[ $status = 1 ] || fail "fsck --json ends with $status: $(cat out)"
[ "$(json "j ->> '$.whole'" out) $(json "j ->> '$.quick'" out)" = "0 0" ] || fail "fsck --json says: $(cat out)"
[[ "$(json "j ->> '$.faults[0]'" out)" == *"the artifact train.log is damaged"* ]] ||
    fail "fsck --json names no damage: $(cat out)"
# The same of a data set's picture; one that is still to come is no fault.
sqlite3 backup2.db "DELETE FROM artifact WHERE name = 'train.log';
    INSERT INTO listing VALUES (printf('%064d', 0), 'real', 0);
    INSERT INTO listing_file VALUES (printf('%064d', 0), printf('%064d', 1), 5),
        (printf('%064d', 0), '$sum', $(stat -c %s "$log"))"
status=0
assay fsck --db backup2.db --artifacts bitten >out || status=$?
[ $status = 1 ] && [ "$(wc -l <out)" = 2 ] &&
    grep -q "data set real: a file of it is damaged: .*/${sum:2}; remove it and run assay data push again" out ||
    fail "fsck of a data set ends with $status: $(cat out)"
assay backup backup3.db --db backup2.db --json >out
[ "$(json "j ->> '$.bytes'" out)" = "$(stat -c %s backup3.db)" ] || fail "backup --json says: $(cat out)"
assay restore backup3.db --db restored.db --json >out
[ "$(json "j ->> '$.database'" out)" = restored.db ] || fail "restore --json says: $(cat out)"
# What root restores belongs to whose folder it is in; what root backs up is root's.
if [ "$(id -u)" = 0 ]; then
    mkdir theirs
    chown 12345:12346 theirs
    assay restore backup3.db --db theirs/runs.db
    [ "$(stat -c %u:%g theirs/runs.db)" = 12345:12346 ] || fail "root restored: $(ls -l theirs)"
    assay backup theirs/backup.db --db backup3.db
    [ "$(stat -c %u theirs/backup.db)" = 0 ] || fail "root backed up: $(ls -l theirs)"
fi

status=0
assay fsck --db demo.json 2>err || status=$?
[ $status != 0 ] && [ $status != 1 ] || fail "fsck of a text ends with $status: $(cat err)"
for line in "backup x.db y.db" "fsck backup2.db"; do
    status=0
    # shellcheck disable=SC2086 # the words of $line are apart
    assay $line --db backup2.db 2>err || status=$?
    [ $status = 2 ] && [ ! -e x.db ] && [ ! -e y.db ] && grep -q argument err || fail "$line: $status $(cat err)"
done
status=0
assay backup x.db --db nowhere.db 2>err || status=$?
[ $status = 2 ] && [ ! -e x.db ] && [ ! -e nowhere.db ] || fail "backup of nothing: $status $(cat err)"
head -c 30000 backup2.db >torn.db
status=0
assay restore torn.db --db new.db 2>err || status=$?
[ $status != 0 ] && [ ! -e new.db ] || fail "a torn backup was restored"
