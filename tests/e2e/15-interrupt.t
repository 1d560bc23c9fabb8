#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Interrupts at chosen system calls: whatever a command was doing, its temporary files and directories go with it, and
# it dies of the signal. strace sends the signal when the call is made for the N-th time.
. "$(dirname "$0")/lib.sh"

chmod 755 "$work"
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
mkdir "$work/recipe" "$work/recipe/tree"
cd "$work" || exit 1

echo hello >recipe/tree/hello
echo motd >recipe/motd
cat >recipe/assay.yml <<'E'
name: whole
arch: amd64
images:
  tree: {directory: {path: tree}}
system:
  init: [tree]
  files: [{path: etc/motd, source: motd}]
artifacts: [tar, oci, {squashfs: {compressor: gzip}}]
E
"$assay" lock recipe/assay.yml -o plan.json >/dev/null
"$assay" plan export plan.json -o whole.assay >/dev/null
"$assay" build plan.json -o built >/dev/null
for key in builder verifier; do "$assay" attest keygen -o $key.key >/dev/null; done
"$assay" attest sign built/whole.provenance.json --key builder.key -o bundle.json >/dev/null
"$assay" log init log --origin log.example.org >/dev/null
jq -n --rawfile key builder.key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
    rebuilds: {minimum: 1, verifiers: []}}' >policy.json

# A command may leave its artifacts, whole, or nothing; what is hidden is not for users.
traces() { (cd "$1" && find . -mindepth 1 \( -name '.?*' -o -name 'assay-lock-*' -o -path './r0*' \) -print); }

# interrupted SIGNAL CALL N NAME COMMAND…: the signal comes with the N-th CALL of the command's own process.
interrupted() {
    signal=$1 call=$2 n=$3 name=$4
    shift 4
    rm -rf "$work/at"
    mkdir "$work/at"
    case $signal in HUP) number=1 ;; INT) number=2 ;; *) number=15 ;; esac
    (cd "$work/at" && run env --default-signal=HUP,INT,TERM strace -o "$work/trace" -e "trace=$call" -e "inject=$call:signal=SIG$signal:when=$n" "$@" &&
        cp "$work/stderr" "$work/said" && echo "$code" >"$work/code")
    # The call is not made so often: that is success, and the last of this kind.
    if [ "$(cat "$work/code")" = 0 ]; then reached=no; else reached=yes; fi
    left=$(ls -A "$TMPDIR"; traces "$work/at"; cd "$work/at" && if [ -e k.key ] && [ ! -e k.key.pub ]; then echo 'half a pair'; fi)
    if [ $reached = yes ] && [ "$(cat "$work/code")" != $((128 + number)) ]; then
        fail "$name: SIG$signal at $call $n" "exit code $(cat "$work/code")" "$(cat "$work/said")"
    elif [ -n "$left" ]; then
        fail "$name: SIG$signal at $call $n" "left: $left"
        rm -rf "$TMPDIR"
        mkdir "$TMPDIR"
    else
        good=$((good + 1))
    fi
}

# everywhere NAME CALLS COMMAND…: each of the calls, in turns of a doubling step, by the three signals in turn.
everywhere() {
    title=$1 calls=$2
    shift 2
    good=0
    before=$tests
    hits=0
    for c in $calls; do
        turn=1
        reached=yes
        while [ $reached = yes ]; do
            case $((turn % 3)) in 0) s=INT ;; 1) s=TERM ;; *) s=HUP ;; esac
            interrupted $s "$c" $turn "$title" "$@"
            [ $reached = yes ] && hits=$((hits + 1))
            if [ $turn -lt 6 ]; then turn=$((turn + 1)); else turn=$((turn * 2)); fi
        done
    done
    if [ $tests = "$before" ] && [ $hits -gt 2 ]; then
        pass "$title: interrupted at $hits calls, nothing stays"
    else
        fail "$title: interrupted at $hits calls, $good times nothing stays"
    fi
}

bin=$ASSAY_BIN
everywhere 'a lock' 'mkdir,mkdirat fsync renameat,renameat2 unlinkat' "$bin/assay-lock" "$work/recipe/assay.yml" -o new.plan.json -q
everywhere 'a check of a lock' 'mkdir,mkdirat unlinkat' "$bin/assay-lock" "$work/recipe/assay.yml" --check "$work/plan.json" -q
everywhere 'a fetch from an archive' 'mkdir,mkdirat unlinkat' "$bin/assay-fetch" --from "$work/whole.assay" --no-origin "$work/plan.json" -q
everywhere 'an export of a plan' 'mkdir,mkdirat renameat,renameat2 unlinkat' "$bin/assay-plan" export "$work/plan.json" -o out.assay -q
everywhere 'an import' 'fsync renameat,renameat2' "$bin/assay-plan" import "$work/whole.assay" -o in.plan.json -q
everywhere 'a build' 'mkdir,mkdirat fsync renameat,renameat2 unlinkat' "$bin/assay-build" "$work/plan.json" -o out -j 1 -q
everywhere 'a build by another builder' 'mkdir,mkdirat clone3 fsync renameat,renameat2 unlinkat' "$bin/assay-build" "$work/plan.json" -o out -j 1 --builder "$bin/assay-build" -q
everywhere 'an export with a builder' 'mkdir,mkdirat fsync renameat,renameat2 unlinkat' "$bin/assay-plan" export "$work/plan.json" -o out.assay --with-builder -q
everywhere 'a key pair' 'fsync renameat,renameat2' "$bin/assay-attest" keygen -o k.key -q
everywhere 'a signature' 'fsync renameat,renameat2' "$bin/assay-attest" sign "$work/built/whole.provenance.json" --key "$work/builder.key" -o b.json -q
everywhere 'a new log' 'mkdir,mkdirat fsync renameat,renameat2' "$bin/assay-log" init L --origin log.example.org -q
everywhere 'a verification with its rebuild' 'mkdir,mkdirat clone3 unlinkat' "$bin/assay-verify" "$work/built/whole.squashfs" --bundle "$work/bundle.json" --policy "$work/policy.json" --rebuild -j 1 -q

# The same with a rebuild in full swing: Ctrl-C comes to the whole group, the sandbox included.
"$bin/assay-verify" "$work/built/whole.squashfs" --bundle bundle.json --policy policy.json --rebuild -j 1 >/dev/null 2>"$work/stderr" &
victim=$!
while [ -z "$(ls -d "$TMPDIR"/assay-rebuild.*/work 2>/dev/null)" ] && kill -0 $victim 2>/dev/null; do :; done
kill -TERM $victim
code=0
wait $victim || code=$?
exits 143 'a rebuild in full swing is interrupted'
is 'and nothing stays' "$(ls -A "$TMPDIR")" ''
one_line 'said in one line'
done_testing
