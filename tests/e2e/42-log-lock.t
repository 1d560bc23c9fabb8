#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What was acknowledged is never lost without a word, and never two roots for one size: faults at each write, sync and
# rename of an append; databases that are behind the lock; answers that were lost.
. "$(dirname -- "$0")/lib.sh"

log="$ASSAY_BIN/assay-log"
cd "$work" || exit 1
ASSAY_PASSPHRASE='a passphrase'
export ASSAY_PASSPHRASE
"$log" init L --origin log.example.org -q
mkdir checkpoints
n=0
next() {
    n=$((n + 1))
    printf 'entry %s\n' $n >entry
}

# ---- faults --------------------------------------------------------------------------------------
# Each call of each kind fails once, or kills the program. What was answered must be there, what is shown must be
# continued by all that comes.
lost=0 unsound=0 stuck=0 wrong=0 faults=0
try() { # CALL FAULT N
    next
    code=0
    strace -f -o trace -e "trace=$1" -e "inject=$1:$2:when=$3" "$log" append L entry >answer 2>stderr || code=$?
    grep -q '(INJECTED)\|+++ killed' trace && reached=yes || reached=no
    [ $reached = no ] || faults=$((faults + 1))
    case $code in 0 | 7 | 137) ;; *) wrong=$((wrong + 1)) && sed 's/^/# /' stderr ;; esac
    if [ -s answer ] && ! "$log" show L "$(cat answer)" -o got 2>/dev/null; then lost=$((lost + 1)); fi
    if [ -s answer ] && ! cmp -s got entry; then lost=$((lost + 1)); fi
    "$log" checkpoint L -o "checkpoints/$n" || stuck=$((stuck + 1))
    # The answer is asked for again: it is the same when there was one.
    "$log" append L entry >again 2>stderr || stuck=$((stuck + 1))
    [ ! -s answer ] || cmp -s answer again || wrong=$((wrong + 1))
}
for fault in error=EIO error=ENOSPC signal=KILL; do
    for call in pwrite64 write fsync,fdatasync rename,renameat,renameat2 openat; do
        i=1
        reached=yes
        while [ $reached = yes ]; do
            try $call $fault $i
            # The first opens are the loader's and libraries': a few are enough.
            if [ $call = openat ]; then i=$((i + 7)); else i=$((i + 1)); fi
        done
    done
done
run "$log" audit L
exits 0 "after $faults faults the log is sound"
is 'no acknowledged entry is lost' $lost 0
is 'the next append always succeeds' $stuck 0
is 'a failure is a host error, and an answer stays the answer' $wrong 0
for c in checkpoints/*; do
    "$log" consistency L --from "$c" -o k 2>stderr && "$log" check-consistency k --from "$c" --key L/vkey -q || unsound=$((unsound + 1))
done
is 'every checkpoint that was shown is continued' $unsound 0
is 'never two roots for one size' "$(for c in checkpoints/*; do sed -n 2,3p "$c" | tr '\n' ' '; echo; done | sort -u | cut -d' ' -f1 | uniq -d)" ''
is 'each entry once' "$("$log" show L --json | jq .checkpoint.size)" $n
if [ $faults -gt 40 ]; then pass "faults reached the program ($faults)"; else fail "faults reached the program ($faults)"; fi

# ---- a database behind its lock -------------------------------------------------------------------
refuses() { # NAME PATTERN: the log M is read by nobody, written by nobody, and not sound
    next
    for command in 'show M' 'checkpoint M' 'prove M --index 0' 'append M entry' 'audit M'; do
        # shellcheck disable=SC2086
        run "$log" $command
        exits 4 "$1: ${command%% M*}"
    done
    one_line "$1: one line"
    says "$2" "$1: says why"
    rm -rf M
}
mkdir early
cp L/log.db* early/
for i in 1 2 3; do
    next
    "$log" append L entry -q
done
cp -r L M
cp early/log.db* M/
rm -f M/log.db-shm
refuses 'an older database' '[(]its lock file has it[)], and the database knows of .*(older copy|write-ahead log)'

# A writer that is alive has its last entries in the write-ahead log only.
python3 - "$log" <<'E' || exit 1
import os, sqlite3, subprocess, sys
# A reader that holds the first state keeps SQLite from taking the write-ahead log in.
db = sqlite3.connect("L/log.db", isolation_level=None)
db.execute("begin")
db.execute("select count(*) from entry").fetchall()
for i in range(4):
    open("entry", "w").write("live %d\n" % i)
    subprocess.run([sys.argv[1], "append", "L", "entry", "-q"], check=True)
subprocess.run(["cp", "-r", "L", "live"], check=True)
E
rm -f live/log.db-shm
cp -r live M
run "$log" audit M
exits 0 'a copy with its write-ahead log is sound'
rm -f M/log.db-wal
refuses 'a copy without its write-ahead log' 'write-ahead log'
cp -r live M
python3 -c '
f = open("M/log.db-wal", "r+b")
size = f.seek(0, 2)
f.seek(size // 3)
b = f.read(1)[0]
f.seek(size // 3)
f.write(bytes([b ^ 1]))'
refuses 'a flipped bit in it' 'write-ahead log'
cp -r live M
python3 -c '
import sqlite3
db = sqlite3.connect("M/log.db")
triggers = db.execute("select name, sql from sqlite_master where type = \"trigger\"").fetchall()
for name, sql in triggers: db.execute("drop trigger " + name)
db.execute("pragma foreign_keys = off")
n = db.execute("select max(idx) from entry").fetchone()[0]
db.execute("delete from checkpoint where size > ?", (n,))
db.execute("delete from entry where idx >= ?", (n,))
db.execute("delete from node where ((idx + 1) << level) > ?", (n,))
for name, sql in triggers: db.execute(sql)
db.commit()'
refuses 'removed rows' 'signed a checkpoint'

cp -r live M
python3 -c '
import sqlite3
db = sqlite3.connect("M/log.db")
triggers = db.execute("select name, sql from sqlite_master where type = \"trigger\"").fetchall()
for name, sql in triggers: db.execute("drop trigger " + name)
db.execute("delete from checkpoint where size = (select max(size) from checkpoint)")
for name, sql in triggers: db.execute(sql)
db.commit()'
refuses 'the newest checkpoint removed' 'signed a checkpoint|not the newest|checkpoint'

# ---- the lock is lost -------------------------------------------------------------------------------
cp -r live M
rm M/lock
refuses 'a lock that is lost' 'lock file is missing'
cp -r live M
"$log" checkpoint M -o kept
rm M/lock
run "$log" relock M
exits 2 'a new one needs a checkpoint'
run "$log" relock M --against kept
exits 0 'from which it is made'
run "$log" audit M --against kept
exits 0 'and the log is sound again'
run "$log" append M entry
exits 0 'and written to'
run "$log" relock M --against kept
exits 2 'a log that has its lock is left alone'
cp L/lock other.lock
"$log" init N --origin log.example.org -q
cp other.lock N/lock
run "$log" show N
exits 4 'the lock of another log is not believed'

# ---- the lock outside: the whole directory is restored --------------------------------------------------
mkdir outside
run "$log" init O --origin log.example.org --lock outside/o.lock
exits 0 'a log with its lock outside'
ok 'is a link to it' test "$(readlink O/lock)" = "$work/outside/o.lock"
run "$log" init O2 --origin log.example.org --lock outside/o.lock
exits 2 'a lock that is there is not taken for another log'
ok 'nor is anything made' test ! -e O2
run "$log" init O2 --origin log.example.org --lock nowhere/o.lock
exits 2 'nor one in a directory that is not there'
for i in 1 2 3; do
    next
    "$log" append O entry -q
done
cp -a O backup
next
cp entry last
run "$log" append O entry
exits 0 'it is written to'
ok 'and the link stays' test -h O/lock
is 'the lock is the newest' "$(sed -n 5p outside/o.lock)" 4
cp -a O newest
rm -rf O
cp -a backup O
rm -rf M
ln -s O M
refuses 'the whole directory restored' 'older copy'
rm -rf O
cp -a newest O
run "$log" audit O
exits 0 'the newest one is sound'
cp -a O twin
next
"$log" append twin entry -q
next
run "$log" append O entry
exits 4 'of two copies that share a lock only one is written to'
rm -rf O
mv twin O
run "$log" audit O
exits 0 'which is sound'
mv outside elsewhere
ln -s O M
refuses 'a lock that is not there' "lock file is missing \\('$work/outside/o.lock'\\)"
mkdir outside
sed -n '4,$p' elsewhere/o.lock >kept
run "$log" relock O --against kept
exits 0 'it is made again where the link leads'
ok 'there' test -f outside/o.lock
run "$log" audit O --against kept
exits 0 'and all is sound'

# An older log gets its lock moved.
"$log" init P --origin log.example.org -q
next
"$log" append P entry -q
run "$log" move-lock P P/other
exits 2 'a place in the log is none'
run "$log" move-lock P outside/p.lock --json
exits 0 'a lock is moved'
ok 'the report says where the log is' jq -e '.checkpoint.size == 1 and .checkpoints == 2' stdout
cp -a P backup2
for i in 1 2; do
    next
    run "$log" append P entry
    exits 0 'and the log written to'
done
rm -rf P
cp -a backup2 P
ln -s P M
refuses 'a backup of after the move' 'older copy'
run "$log" move-lock P outside/p2.lock
exits 4 'nor is its lock moved'
ok 'and nothing is made' test ! -e outside/p2.lock

# ---- logs of before there were locks ------------------------------------------------------------------
if [ -d "$ASSAY_SHARED/cases/log/log-wal-flip" ]; then
    for c in sound flipped; do
        cp -r "$ASSAY_SHARED/cases/log/log-wal-flip/$c" "old.$c"
        chmod -R u+w "old.$c"
        run "$log" audit "old.$c"
        if [ $c = sound ]; then exits 0 'an old log is sound'; else exits 4 'one whose write-ahead log is damaged is not'; fi
    done
    run "$log" show old.flipped
    exits 4 'nor is it shown'
    run "$log" audit old.sound --against "$ASSAY_SHARED/cases/log/log-wal-flip/cp10"
    exits 0 'and continues the checkpoint that was kept'
fi

# ---- answers that are lost ------------------------------------------------------------------------------
next
if [ -w /dev/full ]; then
    code=0
    "$log" append L entry >/dev/full 2>"$work/stderr" || code=$?
    exits 7 'an answer that cannot be written'
    one_line 'in one line'
    says 'the log has it all, from entry [0-9]+' 'which says that the log has it'
fi
size=$("$log" show L --json | jq .checkpoint.size)
run "$log" append L entry
exits 0 'is asked for again'
is 'and is the same' "$(cat stdout)" $((size - 1))
is 'nothing is added' "$("$log" show L --json | jq .checkpoint.size)" "$size"
"$log" append L entry entry --json >report.json
is 'with --json too' "$(jq -c '[.index, .count, .indices]' report.json)" "[$((size - 1)),2,[$((size - 1)),$((size - 1))]]"
next
cp entry fresh
run "$log" append L fresh entry -o nowhere/c
exits 2 'where there is no directory for the checkpoint, nothing is appended'
is 'indeed' "$("$log" show L --json | jq .checkpoint.size)" "$size"
done_testing
