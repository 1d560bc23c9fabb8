#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The transparency log from the outside, with a second implementation as the judge of what it writes.
. "$(dirname -- "$0")/lib.sh"

log="$ASSAY_BIN/assay-log"
judge="python3 $here/log_judge.py"
cd "$work" || exit 1
printf 'a passphrase\n' >pass
printf 'another\n' >wrong
unset ASSAY_PASSPHRASE

# ---- a life of a log -------------------------------------------------------
run "$log" init L --origin log.example.org --passphrase-file pass
exits 0 'init makes a log'
prints '^log\.example\.org\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$' 'and prints its verifier key'
is 'which is that of the file' "$(cat stdout)" "$(cat L/vkey)"
is 'the private key is for its owner only' "$(stat -c %a L/key.pem)" 600
ok 'and encrypted' grep -q 'BEGIN ENCRYPTED PRIVATE KEY' L/key.pem
cp L/vkey vkey

for i in 0 1 2 3 4 5 6 7 8 9 10; do
    printf 'this is entry %s\n' "$i" >"e$i"
    "$log" append L "e$i" -o "c$i" --passphrase-file pass >index.$i
done
is 'append prints the index' "$(cat index.0 index.7 index.10 | tr '\n' ' ')" '0 7 10 '
for i in 0 1 2 3 4; do printf 'this is another %s\n' "$i" >"n$i"; done
run env ASSAY_PASSPHRASE='a passphrase' "$log" append L n0 n1 -q
exits 0 'the passphrase may be in the environment'
: >empty
run "$log" append L empty --json --passphrase-file pass
exits 0 'an entry may be empty'
is '--json says where it is' "$(jq -c '[.index, .count, .checkpoint.size]' stdout)" '[13,1,14]'

# Many at one start: one checkpoint, one reading of the key, memory for the bytes alone.
"$log" init many --origin many.example --passphrase-file pass >/dev/null
mkdir lots
for i in $(seq 1 3000); do echo "$i" >"lots/$i"; done
seq -f 'lots/%g' 1 3000 >list
"$log" append many e0 --from-file - --passphrase-file pass <list >indices
is 'append takes names from stdin, behind those of the command line' "$(tail -1 indices) $(wc -l <indices)" '3000 3001'
is 'the entries are in the order of the list' "$("$log" show many 42)" 42
find lots -type f -print0 | "$log" append many --from-file - --null -q --passphrase-file pass
is 'again: nothing is added twice' "$("$log" checkpoint many | sed -n 2p)" 3001
run "$log" audit many
prints '3001 entries, 2 checkpoints' 'all are under one checkpoint'
for n in 30 3000; do
    head -n $n list | env time -f %M -o "memory.$n" "$log" append many --from-file - -q --passphrase-file pass
done
ok 'an entry takes less than 512 bytes of memory' test $(($(cat memory.3000) - $(cat memory.30))) -lt 1500

run "$log" show L
prints '^size +14$' 'show tells the size'
run "$log" show L 3
is 'show prints an entry' "$(cat stdout)" 'this is entry 3'
run "$log" checkpoint L -o c
exits 0 'checkpoint writes the newest checkpoint'
ok 'a second implementation takes its signature and form' $judge checkpoint vkey c

# ---- proofs, checked by us and by the second implementation -------------------
n=0
for i in 0 1 2 3 4 5 6 7 8 9 10; do
    "$log" prove L --index $i -o "p$i" &&
        "$log" check "p$i" --entry "e$i" --key vkey -q &&
        $judge proof vkey "p$i" "e$i" "$i" >judged 2>&1 && n=$((n + 1))
done
is 'every proof convinces both implementations' "$n" 11
run "$log" prove L --entry e10 -o p
exits 0 'prove finds an entry by its bytes'
ok 'and the second implementation agrees' $judge proof vkey p e10 10
run "$log" check p --entry e10 --key "$(cat vkey)" --json
exits 0 'the key may be given as text'
is 'and --json says what was shown' "$(jq -c '[.index, .checkpoint.size, .checkpoint.origin]' stdout)" \
    '[10,14,"log.example.org"]'

n=0
for i in 0 1 2 3 4 5 6 7 8 9 10; do
    "$log" consistency L --from "c$i" -o "k$i" &&
        "$log" check-consistency "k$i" --from "c$i" --key vkey -q &&
        $judge consistency vkey "k$i" "c$i" >judged 2>&1 && n=$((n + 1))
done
is 'the log continues each of its checkpoints, say both implementations' "$n" 11
run "$log" check p10 --entry e10 --key vkey --since c4 --consistency k4
exits 0 'check can ask for more: the log continues a checkpoint that I kept'
run "$log" check p10 --entry e10 --key vkey --since c4
exits 4 'and says when that is not shown'
run "$log" audit L --key vkey --against c5
exits 0 'audit finds the log sound'
prints '14 entries, 14 checkpoints' 'and tells what it verified'

# ---- what must be refused -------------------------------------------------------
refused() { # code pattern name command…
    want=$1 pattern=$2 name=$3
    shift 3
    run "$@"
    exits "$want" "$name"
    one_line "$name: one line"
    says "$pattern" "$name: says why"
}
cp -r L M
"$log" init other --origin log.example.org --passphrase-file pass >/dev/null
sed 's/^index 5$/index 4/' p5 >moved
sed 's/^14$/15/' c >grown
sed '3s/^./x/' p5 >bent
tr -d '\n' <p5 >joined
sed 's/^14$/15/' p5 >resized
head -c 100 p5 >cut
head -c 65536 /dev/zero >long
refused 2 'exists already' 'init of an existing log' "$log" init L --origin x --passphrase-file pass
refused 2 'not a log name' 'init with a bad name' "$log" init N --origin 'two words' --passphrase-file pass
refused 2 'no passphrase' 'init without a passphrase' setsid -w "$log" init N --origin n
refused 2 'passphrase is wrong' 'append with a wrong passphrase' "$log" append L e0 --passphrase-file wrong
refused 5 'log.example.org. has no entry: there is nothing to audit' 'a log without entries is not called sound' "$log" audit other
refused 5 'e99' 'append of a missing file' "$log" append L e0 e99 --passphrase-file pass
refused 2 'nothing to append' 'append of nothing' "$log" append L --passphrase-file pass
refused 2 'either the list or the passphrase' 'two things on stdin' "$log" append L --from-file - --passphrase-file -
refused 5 'long' 'append of 65536 bytes' "$log" append L long --passphrase-file pass
refused 5 'no such file' 'append to no log' "$log" append nolog e0 --passphrase-file pass
refused 5 'no entry 14' 'prove of an entry to come' "$log" prove L --index 14
refused 4 "not in log 'L'" 'prove of what is not in the log' "$log" prove L --entry pass
refused 2 'which entry' 'prove of nothing' "$log" prove L
refused 4 'another root' 'check of another entry' "$log" check p5 --entry e4 --key vkey
refused 4 'another root' 'check of another index' "$log" check moved --entry e5 --key vkey
refused 4 'another root|signature' 'check of a changed hash' "$log" check bent --entry e5 --key vkey
refused 4 'signature .* bad' 'check of another size' "$log" check resized --entry e5 --key vkey
refused 4 'not signed by' 'check with the key of another log' "$log" check p5 --entry e5 --key other/vkey
refused 5 'malformed|ends before|no checkpoint' 'check of half a proof' "$log" check cut --entry e5 --key vkey
refused 5 'not a log proof' 'check of no proof' "$log" check e5 --entry e5 --key vkey
refused 5 'not a log proof' 'check of a proof in one line' "$log" check joined --entry e5 --key vkey
refused 2 'verifier key' 'check without a key' "$log" check p5 --entry e5
refused 5 'cannot read verifier key' 'check with a key that is none' "$log" check p5 --entry e5 --key nokey
refused 4 'starts at size' 'check-consistency from another checkpoint' \
    "$log" check-consistency k5 --from c6 --key vkey
refused 4 'signature' 'check-consistency from a forged checkpoint' \
    "$log" check-consistency k5 --from grown --key vkey
refused 4 'not signed by' 'audit with the key of another log' "$log" audit L --key other/vkey
refused 4 'not signed by' 'audit against the checkpoint of another log' \
    sh -c '"$0" checkpoint other -o oc && exec "$0" audit L --against oc' "$log"

# A fork: a copy of the log from before, with another history.
"$log" append L n2 -q --passphrase-file pass && "$log" checkpoint L -o cl
"$log" append M n3 n4 -q --passphrase-file pass
refused 4 'not those of the checkpoint' 'audit finds a fork' "$log" audit M --against cl
refused 4 'does not continue' 'consistency finds a fork' "$log" consistency M --from cl
"$log" append L n3 n4 -q --passphrase-file pass && "$log" checkpoint L -o cl
refused 4 'rolled back' 'audit finds a log that was rolled back' "$log" audit M --against cl

# Rows that were altered: open, prove, audit.
python3 - M/log.db <<'EOF'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
trigger = db.execute("SELECT sql FROM sqlite_schema WHERE name = 'entry_update'").fetchone()[0]
db.execute("DROP TRIGGER entry_update")
db.execute("UPDATE entry SET data = CAST('this was entry 3' AS BLOB) WHERE idx = 3")
db.execute(trigger)
db.commit()
EOF
refused 4 'entry 3 ' 'audit names an altered entry' "$log" audit M
refused 4 'entry 3 ' 'show refuses an altered entry' "$log" show M 3
refused 4 'entry 3 ' 'prove refuses an altered entry' "$log" prove M --index 3 -o never
ok 'and writes nothing' test ! -e never
run "$log" prove M --index 4
exits 0 'other entries of that log can still be proven'
printf 'garbage' >M/log.db
refused 4 'damaged' 'a database that is none' "$log" show M

# ---- readers without rights ---------------------------------------------------------
cp -r L R
chmod -R a+rX R && chmod a-w R R/log.db R/log.db-wal R/log.db-shm && chmod 755 "$work"
cp "$log" reader # the build directory need not be open to others
as_reader=
[ "$(id -u)" = 0 ] && as_reader="setpriv --reuid 65534 --regid 65534 --clear-groups"
run $as_reader ./reader show R
exits 0 'who may only read can read'
run $as_reader ./reader audit R --key vkey
exits 0 'and audit'
run $as_reader ./reader prove R --entry e5
exits 0 'and prove'

# ---- what another implementation wrote ------------------------------------------------
tiles=$top/tests/data/log/tiles
tiles_key=example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx
python3 - "$tiles/entries" <<'EOF'
import sys
data, i, n = open(sys.argv[1], 'rb').read(), 0, 0
while i < len(data):
    size = int.from_bytes(data[i:i + 2], 'big')
    open('tile%d' % n, 'wb').write(data[i + 2:i + 2 + size])
    i, n = i + 2 + size, n + 1
EOF
"$log" init T --origin example.com/log/testdata --passphrase-file pass >/dev/null
n=0
same=$("$log" checkpoint T | sed -n 3p)
[ "$same" = "$(sed -n 3p "$tiles/checkpoint.0")" ] && n=1
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do
    "$log" append T "tile$i" -o t --passphrase-file pass >/dev/null
    [ "$(head -n 3 t)" = "$(head -n 3 "$tiles/checkpoint.$((i + 1))")" ] && n=$((n + 1))
done
is 'our log of their 15 entries has their roots at every size' "$n" 16
n=0
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
    # Their checkpoint under our proof: their log, our hashes.
    "$log" prove T --index $((i - 1)) | sed '/^$/,$d' >own
    { cat own; echo; cat "$tiles/checkpoint.15"; } >theirs
    "$log" check theirs --entry "tile$((i - 1))" --key "$tiles_key" -q && n=$((n + 1))
done
is 'our proofs hold under their signed checkpoint' "$n" 15
done_testing
