#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The log under sudden death and a full disk: what was acknowledged stays, what was not leaves no trace that
# anybody could see, and the next run succeeds.
. "$(dirname -- "$0")/lib.sh"

log="$ASSAY_BIN/assay-log"
cd "$work" || exit 1
ASSAY_PASSPHRASE='a passphrase'
export ASSAY_PASSPHRASE
"$log" init L --origin log.example.org -q >/dev/null
cp L/vkey vkey
# A log without entries is not called sound, wherever the first signal comes.
printf 'first\n' >first
"$log" append L first -q >/dev/null
batch() {
    i=0
    while [ $i -lt 400 ]; do
        printf 'entry %s of batch %s\n' $i "$1" >"b$i"
        i=$((i + 1))
    done
}

# SIGKILL at twelve different instants of an append of 400 entries at once: all or nothing.
odd=0
bad=0
killed=0
size=1
for pause in 0.02 0.05 0.10 0.15 0.18 0.20 0.22 0.24 0.26 0.28 0.32 0.40; do
    batch $pause
    "$log" append L b* -q >acknowledged 2>/dev/null &
    pid=$!
    sleep $pause
    kill -KILL $pid 2>/dev/null && killed=$((killed + 1))
    wait $pid 2>/dev/null
    now=$("$log" show L --json | jq .checkpoint.size)
    [ $(((now - size) % 400)) = 0 ] || odd=$((odd + 1))
    # An index that was printed was acknowledged: its entry must be there.
    [ "$(wc -l <acknowledged)" -le $((now - size)) ] || odd=$((odd + 1))
    size=$now
    "$log" audit L -q >/dev/null 2>&1 || bad=$((bad + 1))
done
is 'every killed append is there as a whole or not at all' $odd 0
is 'the log passes its audit after each' $bad 0
if [ $killed -gt 0 ]; then pass "the signal found it at work ($killed of 12 times)"; else fail 'the signal found it at work'; fi
printf 'afterwards\n' >after
run "$log" append L after
exits 0 'the next append succeeds'
run "$log" prove L --entry after -o p
exits 0 'and is proved'
run "$log" check p --entry after --key vkey
exits 0 'offline too'

# A full disk: a small tmpfs, filled; in a user namespace when not root.
"$log" checkpoint L -o before
size=$("$log" show L --json | jq .checkpoint.size)
mkdir small
unshare=
[ "$(id -u)" = 0 ] && unshare='unshare -m' || unshare='unshare -Urm'
for i in 1 2 3; do head -c 60000 /dev/urandom >large$i; done
printf 'later\n' >later
code=0
$unshare sh -c '
    mount -t tmpfs -o size=4m none small || exit 90
    cp -r L small/L
    "$1" append small/L later -q >/dev/null || exit 91
    cat /dev/zero >small/filler 2>/dev/null
    "$1" append small/L large1 large2 large3 >out 2>err
    echo $? >code
    "$1" show small/L --json >shown || exit 92
    rm small/filler
    "$1" audit small/L -q >/dev/null || exit 93
    "$1" append small/L large1 -q >/dev/null || exit 94' sh "$log" || code=$?
is 'the scene on the full disk ran to its end' $code 0
is 'an append to a full disk is a host error' "$(cat code)" 7
is 'said in one line' "$(wc -l <err)" 1
is 'and nothing of it is in the log' "$(jq .checkpoint.size shown)" $((size + 1))

# One row changed behind the log's back.
cp -r L T
python3 -c '
import sqlite3
db = sqlite3.connect("T/log.db")
trigger = db.execute("select sql from sqlite_master where name = \"entry_update\"").fetchone()[0]
db.execute("drop trigger entry_update")
print(db.execute("update entry set data = cast(\"AFTERWARDS\" as blob) where data = cast(\"afterwards\n\" as blob)".replace("\"", chr(39))).rowcount)
db.execute(trigger)
db.commit()' >changed
ok 'a row could be changed' grep -qx 1 changed
run "$log" audit T
exits 4 'the audit finds it'
one_line 'says so in one line'
run "$log" prove T --index $((size - 1)) -o q
exits 4 'and it is not proved'
if [ -e q ]; then fail 'no proof is left behind'; else pass 'no proof is left behind'; fi
done_testing
