#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Where -o leads: every command of every program that has it, to a file, through a link, a FIFO and a device, to stdout,
# under an umask, and nowhere. The programs' own tables say which commands there are.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/registry.sh"

chmod 755 "$work"
ASSAY_PASSPHRASE='only for the test'
export ASSAY_PASSPHRASE
mkdir "$work/recipe" "$work/recipe/tree"
cd "$work" || exit 1

# ---- something for each to write ---------------------------------------------------------------
echo hello >recipe/tree/hello
cat >recipe/assay.yml <<'E'
name: whole
arch: amd64
images:
  tree: {directory: {path: tree}}
system:
  init: [tree]
artifacts: [tar, {squashfs: {compressor: gzip}}]
E
"$assay" lock recipe/assay.yml -o plan.json >/dev/null
"$assay" plan export plan.json -o whole.assay >/dev/null
"$assay" build plan.json -o built >/dev/null
for key in builder verifier; do "$assay" attest keygen -o $key.key >/dev/null; done
"$assay" attest sign built/whole.provenance.json --key builder.key -o bundle.json >/dev/null
"$assay" log init log --origin log.example.org >/dev/null
echo first >entry
"$assay" log append log entry -q
"$assay" log checkpoint log -o old.checkpoint
jq -n --rawfile key builder.key.pub '{type: "https://assay.example/policy/v1", artifacts: [{name: "*"}],
    builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
    rebuilds: {minimum: 1, verifiers: []}}' >policy.json
tree=$(jq -r '.inputs[0].digest' plan.json)
mkdir machines
machine=
for archive in "$top"/tests/data/cartesi/*.tar.zst; do
    zstd -qdc "$archive" | tar -xf - -C machines && machine=$work/machines/$(ls machines | head -n 1) && break
done
ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
"$assay" push built/whole.squashfs "$registry/whole:1" --type application/vnd.squashfs --plain-http "$registry" >/dev/null

bin=$ASSAY_BIN
# command N: the N-th command line; the option and its place come behind. $kind says what it writes: the same bytes each
# time (same), others (fresh), or a directory (directory); $program and $verb name it as the tables do.
command_line() {
    case $1 in
    1) program=assay-attest verb=keygen kind=new; set -- keygen -q ;;
    2) program=assay-attest verb=sign kind=fresh; set -- sign "$work/built/whole.provenance.json" --key "$work/builder.key" -q ;;
    3) program=assay-build verb= kind=directory; set -- "$work/plan.json" -q ;;
    4) program=assay-cartesi verb=pack kind=same; set -- pack "$machine" -q ;;
    5) program=assay-cartesi verb=unpack kind=directory; set -- unpack "$machine" -q ;;
    6) program=assay-cartesi verb=write kind=directory; set -- write -c "$machine/config.json" -i "$machine" -q ;;
    7) program=assay-lock verb= kind=same; set -- "$work/recipe/assay.yml" -q ;;
    8) program=assay-log verb=append kind=same; set -- append "$work/log" "$work/entry" -q ;;
    9) program=assay-log verb=show kind=same; set -- show "$work/log" 0 -q ;;
    10) program=assay-log verb=checkpoint kind=same; set -- checkpoint "$work/log" -q ;;
    11) program=assay-log verb=prove kind=same; set -- prove "$work/log" --index 0 -q ;;
    12) program=assay-log verb=consistency kind=same; set -- consistency "$work/log" --from "$work/old.checkpoint" -q ;;
    13) program=assay-plan verb=graph kind=same; set -- graph "$work/plan.json" -q ;;
    14) program=assay-plan verb=export kind=same; set -- export "$work/plan.json" -q ;;
    15) program=assay-plan verb=import kind=same; set -- import "$work/whole.assay" -q ;;
    16) program=assay-pull verb= kind=same; set -- "$registry/whole:1" --plain-http "$registry" -q ;;
    17) program=assay-store verb=get kind=same; set -- get "$tree" -q ;;
    18) program=assay-verify verb= kind=fresh; set -- "$work/built/whole.squashfs" --bundle "$work/bundle.json" --policy "$work/policy.json" --rebuild --key "$work/verifier.key" -q ;;
    *) return 1 ;;
    esac
    title="${program#assay-}${verb:+ $verb}"
    # Later "$@" in the caller's scope: a function cannot hand out positional parameters.
    invocation=$(printf "'%s' " "$bin/$program" "$@")
}

n=1
listed=
while command_line $n; do
    listed="$listed$program $verb
"
    n=$((n + 1))
done
last=$((n - 1))
known=$(for p in "$bin"/assay-*; do
    "$p" --help-json | jq -r --arg p "$(basename "$p")" '.commands[] | select(any(.options[]?; .name == "output")) | $p + " " + (.name // "")'
done | LC_ALL=C sort)
is "every command that has -o is tried here" "$(printf '%s' "$listed" | LC_ALL=C sort)" "$known"

# write PLACE: the command of $invocation with -o PLACE.
write() { run sh -c "$invocation -o \"\$1\"" sh "$1"; }

# the same bytes, or as many as another run's
alike() {
    case $kind in
    same) cmp "$1" "$2" ;;
    *) [ -s "$1" ] && [ "$(wc -l <"$1")" = "$(wc -l <"$2")" ] ;;
    esac
}

mkdir place
[ "$(id -u)" != 0 ] || mknod place/device c 1 3 2>/dev/null
n=1
while command_line $n; do
    n=$((n + 1))
    # A directory that does not exist is found before anything else is looked at, a passphrase for one.
    if [ "$kind" = directory ]; then
        write -
        exits 2 "$title: a directory is not written to stdout"
        one_line "$title: one line"
        ok "$title: and none is called '-'" test ! -e -
        [ "$verb" = '' ] || write place/missing/deep
        [ "$verb" = '' ] || exits 2 "$title: where there is no directory"
        ln -s elsewhere place/link
        write place/link
        ok "$title: a link stays a link" test -L place/link
        rm -rf place/link place/elsewhere
        continue
    fi
    run env -u ASSAY_PASSPHRASE sh -c "$invocation -o place/missing/x"
    exits 2 "$title: where there is no directory"
    one_line "$title: one line"
    says 'place/missing' "$title: which names it"
    if [ $program != assay-pull ]; then
        write "$PWD"
        exits 2 "$title: a directory is not replaced"
    fi
    umask 077
    write place/plain
    umask 022
    exits 0 "$title: to a new file"
    is "$title: its mode is the umask's" "$(stat -c %a place/plain)" 600
    write -
    exits 0 "$title: to stdout"
    if [ "$kind" = new ]; then
        ok "$title: which has all of it" grep -q 'BEGIN PUBLIC KEY' stdout
        ok "$title: and no file is called '-'" test ! -e -
        write place/plain
        exits 2 "$title: an existing file is not replaced"
        rm -f place/plain place/plain.pub
        continue
    fi
    ok "$title: which has all of it and nothing else" alike stdout place/plain
    ok "$title: and no file is called '-'" test ! -e -
    write /dev/stdout
    ok "$title: by its other name" alike stdout place/plain
    run sh -c "$invocation -o - --json"
    exits 2 "$title: two documents do not share stdout"

    # A link to a file, and one to nothing; through a directory that is a link.
    mkdir place/other
    echo old >place/other/target
    chmod 640 place/other/target
    ln -s other/target place/link
    ln -s other place/directory
    ln -s ../link place/directory/back
    write place/directory/back
    exits 0 "$title: through links"
    ok "$title: the links stay" test -L place/link -a -L place/other/back
    ok "$title: what they lead to is written" alike place/other/target place/plain
    is "$title: and keeps its mode" "$(stat -c %a place/other/target)" 640
    rm place/other/target
    write place/link
    exits 0 "$title: a link to nothing"
    ok "$title: makes its target" test -L place/link -a -f place/other/target
    ln -sf loop place/loop
    write place/loop
    exits 2 "$title: a link to itself"
    rm -rf place/other place/link place/directory place/loop

    mkfifo place/fifo
    cat place/fifo >got &
    write place/fifo
    wait $!
    exits 0 "$title: through a FIFO"
    ok "$title: which stays one" test -p place/fifo
    ok "$title: its reader has all of it" alike got place/plain
    rm place/fifo
    if [ "$(id -u)" != 0 ]; then
        write /dev/null
        exits 0 "$title: to a device"
        ok "$title: which stays one" test -c /dev/null
    elif [ -c place/device ]; then
        write place/device
        exits 0 "$title: to a device"
        ok "$title: which stays one" test -c place/device
    fi
    # A verdict's list of steps is kept beside it (docs/formats/verdict.md).
    is "$title: nothing is left beside" "$(ls -A place | grep -vE '^(device|(plain|link)\.steps\.json)$')" plain
    rm -f place/plain
    rm -rf place/plain.pub
done

# ---- a full or closed stdout ---------------------------------------------------------------------
if [ -w /dev/full ]; then
    code=0
    "$assay" log checkpoint log -o - >/dev/full 2>stderr || code=$?
    exits 7 "a full stdout is a failure"
fi
code=0
"$assay" log checkpoint log -o - >&- 2>"$work/stderr" || code=$?
exits 7 "a closed one too"
code=0
"$assay" log checkpoint log >&- 2>"$work/stderr" || code=$?
exits 7 "with or without -o"
one_line "said in one line"
run "$assay" log audit log
exits 0 "and no file was taken for it"

# ---- a file that is mounted, as containers have them -----------------------------------------------
unshare=
[ "$(id -u)" = 0 ] && unshare='unshare -m' || unshare='unshare -Urm'
echo of the host, and longer than what comes >mounted.host
echo a longer text that stays until then, and then some more of it to be sure >mounted
code=0
$unshare sh -c 'mount --bind mounted.host mounted && exec "$1" log show log 0 -o mounted' sh "$assay" >"$work/stdout" 2>"$work/stderr" || code=$?
exits 0 "a mounted file is written to"
ok "in its place" cmp mounted.host entry

# ---- names that others chose, inside a directory ------------------------------------------------------
mkdir into
echo precious >precious
mkfifo into/whole.squashfs
run "$assay" build plan.json -o into
exits 2 "a build does not replace a FIFO"
says "into/whole.squashfs': it is no plain file" "and says so"
ok "it stays" test -p into/whole.squashfs
is "nothing else is written" "$(ls -A into)" whole.squashfs
rm into/whole.squashfs
ln -s ../precious into/whole.squashfs
run "$assay" pull "$registry/whole:1" --plain-http "$registry" -o into
exits 2 "a pull neither"
ok "the link stays, and what it leads to (pull)" sh -c 'test -L into/whole.squashfs && grep -qx precious precious'
done_testing
