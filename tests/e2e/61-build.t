#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Building: the same bytes whatever the host is like; what must fail does, and leaves nothing behind.
. "$(dirname "$0")/lib.sh"

root=$([ "$(id -u)" = 0 ] && echo yes || echo no)
chmod 755 "$work"
store=$work/store
export store work

toolchain() { "$assay" plan toolchain --json; }
make_plan() { toolchain | python3 "$here/make_plan.py" plan "$@"; }
# Everything a directory shows: names, types, modes, contents; not times.
listing() { (cd "$1" && find . ! -name . -printf '%P %y %m\n' | LC_ALL=C sort && find . -type f -print0 | LC_ALL=C sort -z | xargs -0r sha256sum); }
valid() {
    python3 -W ignore -c '
import json, sys
import jsonschema
schema = json.load(open(sys.argv[1]))
jsonschema.Draft202012Validator.check_schema(schema)
jsonschema.Draft202012Validator(schema).validate(json.load(open(sys.argv[2])))' "$top/schemas/$1.schema.json" "$2"
}
# The same without the names that a build may write; empty when nothing half-written is visible.
leftovers() { (cd "$1" && find . -mindepth 1 -maxdepth 1 ! -name 'test.tar' ! -name 'test.squashfs' ! -name 'test-initrd.img' ! -name 'test.oci' ! -name 'test.provenance.json'); }

python3 "$here/make_plan.py" layer "$work/base.tar" base
python3 "$here/make_plan.py" layer "$work/top.tar.gz" top
"$assay" store add "$work/base.tar" >/dev/null
"$assay" store add "$work/top.tar.gz" >/dev/null
set -- "$work/base.tar:none" "$work/top.tar.gz:gzip"
make_plan "$work/plan.json" "$@"

# ---- a build ----
run "$assay" build "$work/plan.json" -o "$work/first"
exits 0 "build"
prints "^test.squashfs +[0-9]+  sha256:" "lists the artifacts"
listing "$work/first" >"$work/first.list"
is "the artifacts, the provenance and nothing else" "$(ls -A "$work/first" | tr '\n' ' ')" "test-initrd.img test.oci test.provenance.json test.squashfs test.tar "
is "modes are what the umask leaves" "$(stat -c %a "$work/first/test.tar" "$work/first/test.oci" "$work/first/test.oci/oci-layout" "$work/first/test.provenance.json" | tr '\n' ' ')" "644 755 644 644 "
ok "tar reads the tar" sh -c "tar tf '$work/first/test.tar' | grep -qx 'usr/bin/hello'"
ok "the whiteout took effect" sh -c "! tar tf '$work/first/test.tar' | grep -q removed"
ok "unsquashfs reads the squashfs" unsquashfs -ll "$work/first/test.squashfs"

provenance=$work/first/test.provenance.json
ok "the provenance is about this plan" jq -e --arg d "sha256:$(sha256sum "$work/plan.json" | cut -d' ' -f1)" '
    .predicate.buildDefinition.internalParameters.planDigest == $d and
    .predicate.buildDefinition.internalParameters.plan.name == "test" and
    .predicate.buildDefinition.externalParameters.recipe == {"made by": "a test"}' "$provenance"
ok "its subject is the squashfs as well" jq -e --arg d "$(sha256sum "$work/first/test.squashfs" | cut -d' ' -f1)" '[.subject[] | select(.name == "test.squashfs") | .digest.sha256] == [$d]' "$provenance"
ok "it names the builder by digest" jq -e --arg d "$(sha256sum "$ASSAY_BIN/assay-build" | cut -d' ' -f1)" '.predicate.runDetails.builder.builderDependencies[0].digest.sha256 == $d' "$provenance"
ok "it lists inputs and steps" jq -e '(.predicate.buildDefinition.resolvedDependencies | length) == 2 and ([.predicate.runDetails.byproducts[].name] == ["step/root", "step/tar", "step/image", "step/initrd", "step/oci"])' "$provenance"
is "it is canonical JSON without a final newline" "$(jq -cSj . "$provenance" | sha256sum)" "$(sha256sum <"$provenance")"

# ---- the action cache ----
run "$assay" build "$work/plan.json" -n
prints "^image +encode.squashfs +cached +sha256:" "a dry run says what the cache has"
run "$assay" build "$work/plan.json" -o "$work/again" --json
ok "the report is what its schema says" valid build "$work/stdout"
ok "the second build runs nothing" jq -e '[.steps[].cached] | all' "$work/stdout"
is "and gives the same" "$(listing "$work/again")" "$(cat "$work/first.list")"
make_plan "$work/level.json" --set steps.2.params.level=3 "$@"
run "$assay" build "$work/level.json" -n --json
ok "a dry run's report as well" valid build "$work/stdout"
ok "a changed parameter runs its step only" jq -e '[.steps[] | select(.fate == "run") | .id] == ["image"]' "$work/stdout"
run "$assay" build "$work/level.json" -n --no-cache
prints "^root .* run .* the cache is not used" "--no-cache runs all"
run "$assay" build "$work/plan.json" -o "$work/one" --only test.tar
is "--only writes one artifact" "$(ls -A "$work/one")" "test.tar"
ok "which is the same" cmp "$work/one/test.tar" "$work/first/test.tar"

# ---- the same bytes, whatever the host is like ----
# same NAME COMMAND…: the command builds into $work/DIRECTORY named like the test number; everything equals the first build.
count=0
same() {
    name=$1
    shift
    count=$((count + 1))
    out=$work/same$count
    export out
    run "$@"
    if [ "$code" != 0 ]; then
        fail "$name" "$(context)"
    elif [ "$(listing "$out" 2>&1)" = "$(cat "$work/first.list")" ]; then
        pass "$name"
    else
        fail "$name" "$(listing "$out" 2>&1 | diff "$work/first.list" - | head -20)"
    fi
}
build='"$assay" build "$work/plan.json" --no-cache -o "$out"'
export assay
same "one thread" sh -c "$build -j1"
same "four threads" sh -c "$build -j4"
same "sixteen threads" sh -c "$build -j16"
same "another time zone, locale and environment" env -i PATH="$PATH" HOME=/nowhere assay="$assay" work="$work" out="$work/same4" ASSAY_STORE="$store" TZ=Pacific/Kiritimati LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 SOURCE_DATE_EPOCH=12345 sh -c "$build"
# The bytes are the same under every umask; who may read them is the umask's.
same "umask 077" sh -c "umask 077; $build; s=\$?; stat -c %a \$out/test.tar \$out/test.oci \$out/test.oci/oci-layout \$out/test.oci/blobs/sha256 >\$work/modes077; chmod -R a+rX,go-w \$out; exit \$s"
is "umask 077 holds" "$(tr '\n' ' ' <"$work/modes077")" "600 700 600 700 "
same "umask 000" sh -c "umask 000; $build; s=\$?; stat -c %a \$out/test.tar \$out/test.oci \$out/test.oci/oci-layout \$out/test.oci/blobs/sha256 >\$work/modes000; chmod -R go-w \$out; exit \$s"
is "umask 000 holds" "$(tr '\n' ' ' <"$work/modes000")" "666 777 666 777 "
same "another working directory and a relative path" sh -c 'cd / && "$assay" build "$work/plan.json" --no-cache -o "${out#/}"'
same "a longer path" sh -c 'mkdir -p "$work/a/rather/longer/path" && "$assay" build "$work/plan.json" --no-cache -o "$work/a/rather/longer/path/out" && ln -s a/rather/longer/path/out "$out"'
same "on a disk" sh -c 'd=$(mktemp -d /var/tmp/assay-test.XXXXXX) && "$assay" build "$work/plan.json" --no-cache -o "$d/out" --work "$d/work"; s=$?; cp -a "$d/out" "$out"; rm -rf "$d"; exit $s'
unshare=$([ $root = yes ] && echo "unshare -m" || echo "unshare -Urm")
same "on a tmpfs" $unshare sh -c 'mkdir "$work/tmpfs$$" && cd "$work/tmpfs$$" && mount -t tmpfs tmpfs . && cd "$PWD" && "$assay" build "$work/plan.json" --no-cache -o "$PWD/out" --work "$PWD/work" && cp -a out "$out"; s=$?; cd / && umount "$work/tmpfs$$"; rmdir "$work/tmpfs$$"; exit $s'
# The store's files made in another order, by another name of the directory.
same "a store filled in another order" sh -c '"$assay" store add "$work/top.tar.gz" --store "$work/other-store" && "$assay" store add "$work/base.tar" --store "$work/other-store" && '"$build"' --store "$work/other-store"'
same "a read-only store and a work directory" sh -c 'chmod -R a-w "$work/other-store" && '"$build"' --store "$work/other-store" --work "$work/scratch"'
ok "the store was only read" sh -c '[ -z "$(find "$work/other-store" -newer "$work/first.list" -path "*/actions/*")" ]'

run "$assay" build "$work/plan.json" -o "$work/never" --store "$work/damaged-not-yet" --work "$work/scratch2"
exits 5 "a work directory makes no store"
ok "not even an empty one" test ! -e "$work/damaged-not-yet"

# Another user: nobody when this is root, root of a user namespace when it is not.
cp -r "$ASSAY_BIN" "$work/bin"
chmod -R a+rX "$work/bin" "$store"
mkdir -m 777 "$work/theirs"
as_other=$([ $root = yes ] && echo "setpriv --reuid 65534 --regid 65534 --clear-groups" || echo "unshare -Ur")
ln -s theirs/out "$work/same$((count + 1))"
same "another user" $as_other sh -c '"$work/bin/assay" build "$work/plan.json" --no-cache -o "$work/theirs/out" --work "$work/theirs/work"'

# This comparison can fail: one byte, one mode, one name each make it.
cp -a "$work/first" "$work/planted"
printf 'X' | dd of="$work/planted/test.squashfs" bs=1 seek=5000 conv=notrunc 2>/dev/null
ok "a planted byte is a difference" sh -c "[ \"\$(sha256sum <'$work/planted/test.squashfs')\" != \"\$(sha256sum <'$work/first/test.squashfs')\" ]"
if [ "$(listing "$work/planted")" = "$(cat "$work/first.list")" ]; then fail "a planted byte is seen"; else pass "a planted byte is seen"; fi
cp -a "$work/first" "$work/planted2"
chmod 600 "$work/planted2/test.tar"
if [ "$(listing "$work/planted2")" = "$(cat "$work/first.list")" ]; then fail "a planted mode is seen"; else pass "a planted mode is seen"; fi
make_plan "$work/later.json" --set steps.0.params.clamp=1650000000 "$@"
run "$assay" build "$work/later.json" -o "$work/later"
if [ "$(listing "$work/later")" = "$(cat "$work/first.list")" ]; then fail "a planted time is seen"; else pass "a planted time is seen"; fi
if cmp -s "$work/later/test.squashfs" "$work/first/test.squashfs"; then fail "and reaches the squashfs"; else pass "and reaches the squashfs"; fi

# ---- what must fail ----
empty() {
    if [ ! -e "$work/never" ] || [ -z "$(ls -A "$work/never")" ]; then pass "$1: nothing is written"; else fail "$1: nothing is written" "$(ls -A "$work/never")"; fi
    rm -rf "$work/never"
}
fails() {
    wanted=$1
    name=$2
    pattern=$3
    shift 3
    run "$@"
    exits "$wanted" "$name"
    one_line "$name: one line"
    says "$pattern" "$name: the reason"
    empty "$name"
}
base=$(sha256sum "$work/base.tar" | cut -d' ' -f1)
cp -a "$store" "$work/damaged"
rm "$work/damaged/blobs/sha256/$base"
fails 5 "missing blob" "input 'layer0' \(sha256:$base\) is not in the store .*'assay lock'" "$assay" build "$work/plan.json" --no-cache -o "$work/never" --store "$work/damaged"
cp "$work/base.tar" "$work/base.bad"
printf 'X' | dd of="$work/base.bad" bs=1 seek=3000 conv=notrunc 2>/dev/null
cp "$work/base.bad" "$work/damaged/blobs/sha256/$base"
fails 5 "a flipped byte in a blob" "$base" "$assay" build "$work/plan.json" --no-cache -o "$work/never" --store "$work/damaged"
head -c 100000 "$work/base.tar" >"$work/damaged/blobs/sha256/$base"
fails 5 "a truncated blob" "of 100000 bytes in the store" "$assay" build "$work/plan.json" --no-cache -o "$work/never" --store "$work/damaged"
fails 5 "no store" "$work/nowhere" "$assay" build "$work/plan.json" -o "$work/never" --store "$work/nowhere"
head -c 700 "$work/plan.json" >"$work/bad.json"
fails 5 "truncated plan" "bad.json" "$assay" build "$work/bad.json" -o "$work/never"
make_plan "$work/bad.json" --set 'hostname="here"' "$@"
fails 5 "unknown key" "hostname" "$assay" build "$work/bad.json" -o "$work/never"
sed 's/^{/{"arch":"riscv64",/' "$work/plan.json" >"$work/bad.json"
fails 5 "duplicate key" "duplicate" "$assay" build "$work/bad.json" -o "$work/never"
make_plan "$work/bad.json" --set 'toolchain.libraries.zstd="1.0.0"' "$@"
fails 6 "another library" "toolchain mismatch: the plan is for zstd 1.0.0" "$assay" build "$work/bad.json" -o "$work/never"
make_plan "$work/bad.json" --set 'toolchain.assay="9.9.9"' "$@"
fails 6 "another Assay" "toolchain mismatch: the plan is for assay 9.9.9" "$assay" build "$work/bad.json" -o "$work/never"
fails 2 "no such output" "no output 'x'" "$assay" build "$work/plan.json" -o "$work/never" --only x
fails 2 "nowhere to write" "--output" "$assay" build "$work/plan.json"
fails 2 "no threads" "--jobs" "$assay" build "$work/plan.json" -o "$work/never" -j0

# A directory of somebody's is not replaced, a link is not followed.
mkdir -p "$work/taken/test.oci"
: >"$work/taken/test.oci/mine"
run "$assay" build "$work/plan.json" -o "$work/taken"
exits 2 "a directory with an artifact's name is in the way"
is "and stays as it was" "$(cd "$work/taken" && find . | sort | tr '\n' ' ')" ". ./test.oci ./test.oci/mine "
mkdir "$work/linked"
echo precious >"$work/precious"
ln -s ../precious "$work/linked/test.tar"
run "$assay" build "$work/plan.json" -o "$work/linked"
exits 2 "a link with an artifact's name is in the way"
says "linked/test.tar': it is a symbolic link" "and is named"
is "it is neither replaced nor followed" "$(readlink "$work/linked/test.tar") $(cat "$work/precious")" "../precious precious"
is "and nothing else is written" "$(ls -A "$work/linked")" test.tar
rm "$work/linked/test.tar"
"$assay" build "$work/plan.json" -o "$work/linked" >/dev/null
is "the directory is as any other" "$(listing "$work/linked")" "$(cat "$work/first.list")"
run "$assay" build "$work/plan.json" -o "$work/linked" --no-cache
is "building over a build gives the same" "$code $(listing "$work/linked")" "0 $(cat "$work/first.list")"

# ---- a full disk ----
full='cd "$work/full" && mount -t tmpfs -o size=32m tmpfs . && cd "$work/full" && mkdir w o && head -c 32505856 /dev/zero >filler && "$assay" build "$work/plan.json" --no-cache -o "$PWD/o" --work "$WORKDIR" 2>err; s=$?; cp err "$work/full.err"; ls -A o >"$work/full.ls"; rm filler && "$assay" build "$work/plan.json" --no-cache -o "$PWD/o" --work "$WORKDIR" >/dev/null && cp -a o "$work/full.$TAG"; cd / && umount "$work/full"; exit $s'
mkdir "$work/full"
for tag in work out; do
    run env TAG=$tag WORKDIR="$([ $tag = work ] && echo "$work/full/w" || echo "$work/roomy")" $unshare sh -c "$full"
    exits 7 "full disk ($tag)"
    is "full disk ($tag): one line" "$(wc -l <"$work/full.err")" 1
    is "full disk ($tag): nothing is visible" "$(cat "$work/full.ls")" ""
    is "full disk ($tag): with room the next run succeeds" "$(listing "$work/full.$tag")" "$(cat "$work/first.list")"
done

# ---- sudden death ----
python3 "$here/make_plan.py" layer "$work/big.tar" big 10
"$assay" store add "$work/big.tar" >/dev/null
make_plan "$work/big.json" "$work/big.tar:none" "$work/base.tar:none"
start=$(date +%s%N)
"$assay" build "$work/big.json" --no-cache -o "$work/big" >/dev/null
took=$(( ($(date +%s%N) - start) / 1000000 ))
listing "$work/big" >"$work/big.list"
died=0
for signal in KILL KILL KILL KILL KILL TERM INT; do
    died=$((died + 1))
    rm -rf "$work/dead"
    mkdir "$work/dead"
    "$ASSAY_BIN/assay-build" "$work/big.json" --no-cache -o "$work/dead" >/dev/null 2>&1 &
    pid=$!
    sleep "$(echo "$took $died" | awk '{printf "%.3f", $1 * $2 / 7 / 1000}')"
    kill -$signal $pid 2>/dev/null
    wait $pid 2>/dev/null
    left=$(leftovers "$work/dead" | grep -v '^\./\.assay-build\.')
    whole=yes
    for name in test.tar test.squashfs test-initrd.img test.provenance.json; do
        if [ -e "$work/dead/$name" ] && ! cmp -s "$work/dead/$name" "$work/big/$name"; then whole=no; fi
    done
    if [ -z "$left" ] && [ $whole = yes ]; then pass "SIG$signal after $died/7 of a build: nothing half-written has a name"; else fail "SIG$signal after $died/7 of a build: nothing half-written has a name" "$(ls -lA "$work/dead")"; fi
    if [ $signal != KILL ]; then
        is "SIG$signal: no staging directory stays" "$(ls -A "$work/dead" | grep -c '^\.assay-build')" 0
    fi
done
mkdir -p "$work/dead/.assay-build.stale/x"
run "$assay" build "$work/big.json" --no-cache -o "$work/dead"
exits 0 "the next run succeeds"
is "and cleans up" "$(listing "$work/dead")" "$(cat "$work/big.list")"
is "no unfinished blob stays in the store" "$(ls -A "$store/tmp")" ""

# ---- little has changed ----
make_plan "$work/less.json" "$work/big.tar:none"
blobs=$(ls "$store/blobs/sha256")
actions=$(ls "$store/actions")
"$assay" build "$work/less.json" --no-cache -o "$work/less" >/dev/null
is "--no-cache leaves no blob in the store" "$(ls "$store/blobs/sha256")" "$blobs"
is "and no action" "$(ls "$store/actions")" "$actions"
run "$assay" build "$work/less.json" -o "$work/warm"
exits 0 "a build that remembers"
run "$assay" build "$work/big.json" -o "$work/warm"
exits 0 "and another one of which most is the same"
ok "the step's last output is remembered" sh -c 'grep -l "earlier/v1" "$1"/actions/* | xargs grep -q "sha256:$2"' sh "$store" "$(sha256sum <"$work/warm/test.squashfs" | cut -d" " -f1)"
is "the same bytes as from nothing" "$(listing "$work/warm")" "$(cat "$work/big.list")"
run "$assay" build "$work/less.json" --only test.squashfs -o "$work/back"
ok "and back" cmp "$work/back/test.squashfs" "$work/less/test.squashfs"

# ---- two at once ----
"$assay" build "$work/plan.json" --no-cache -o "$work/both" >/dev/null 2>"$work/both.err" &
pid=$!
run "$assay" build "$work/plan.json" --no-cache -o "$work/both"
wait $pid
is "two builds into one directory both succeed" "$? $code" "0 0"
is "and give what one gives" "$(listing "$work/both")" "$(cat "$work/first.list")"
# ---- a pattern that chooses nothing is no smaller artifact ----
for pattern in 'usr/bin/nobody' 'boot/**'; do
    jq -cSj --arg p "$pattern" '.steps[0].params.include = ["usr", $p]' "$work/plan.json" >"$work/chosen.json"
    run "$assay" build "$work/chosen.json" -o "$work/chosen"
    exits 5 "an include of '$pattern'"
    one_line "in one line"
    says "step 'root' \(tree.layers\): the pattern '$(printf %s "$pattern" | sed 's/[*]/[*]/g')' of include matches nothing" "that names it"
    ok "and nothing is built" test ! -e "$work/chosen/test.tar"
done
jq -cSj '.steps[0].params.include = ["usr"] | .steps[0].params.exclude = ["usr/bin", "usr"]' "$work/plan.json" >"$work/chosen.json"
run "$assay" build "$work/chosen.json" -o "$work/chosen"
exits 5 "an exclude of all that was included"
says "include and exclude leave nothing" "is said"
jq -cSj '.steps[0].params.include = ["usr/bin", "usr"] | .steps[0].params.exclude = ["no/such/path"]' "$work/plan.json" >"$work/chosen.json"
run "$assay" build "$work/chosen.json" -o "$work/chosen"
exits 0 "patterns that overlap, and an exclude that matches nothing"
done_testing
