#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# assay run cartesi: what runs is the machine of the run configuration, or nothing does.
. "$(dirname "$0")/lib.sh"

own=$top/tests/data/cartesi
id=b03-flash-two-mixed
zstd -qdc "$own/$id.tar.zst" | tar -xf - -C "$work"
"$assay" plan toolchain --json | python3 "$here/cartesi_plan.py" "$work/$id" "$work/plan.json" >"$work/files"
while read -r file; do "$assay" store add "$file" >/dev/null; done <"$work/files"
"$assay" build "$work/plan.json" -o "$work/out" >/dev/null 2>&1
m=$work/out/m.cartesi
c=$work/out/m.run.json

# An emulator that tells how it was called, and looks at what it was given.
cat >"$work/emulator" <<END
#!/bin/sh
printf '%s\n' "\$@" >"$work/argv"
dir=\${1#--load=}
cp -a "\$dir" "$work/loaded"
stat -c %a "\$dir/.." >"$work/mode"
printf 'hello\\033[31m\nfrom the guest\n'
cat >"$work/typed"
exit \$(cat "$work/status" 2>/dev/null || echo 0)
END
chmod +x "$work/emulator"
attempt() {
    rm -rf "$work/argv" "$work/loaded"
    run "$assay" run cartesi --emulator "$work/emulator" "$@"
}
# refused CODE NAME PATTERN ARGUMENT…: exit code, one line, nothing started, nothing left behind
refused() {
    wanted=$1 name=$2 pattern=$3
    shift 3
    attempt "$@"
    exits "$wanted" "$name: exit code $wanted"
    is "$name: one line" "$(grep -vc 'not there' "$work/stderr")" 1
    says "$pattern" "$name: says why"
    ok "$name: nothing is started" [ ! -e "$work/argv" ]
    is "$name: nothing is left" "$(ls -A "$TMPDIR")" ""
}

attempt "$m" -c "$c"
exits 0 "the machine runs"
is "with its limit, and nothing else" "$(sed 's,=.*/tmp/.*/machine$,=COPY,' "$work/argv" | tr '\n' ' ')" "--load=COPY --max-mcycle=1000 "
ok "from a copy of its own" grep -q "^--load=$TMPDIR/assay-run\." "$work/argv"
is "that nobody else can reach" "$(cat "$work/mode")" 700
ok "which is the machine" diff -r "$work/loaded" "$m"
is "it is gone afterwards" "$(ls -A "$TMPDIR")" ""
is "what the guest prints is printed, without control characters" "$(cat "$work/stdout")" "hello?[31m
from the guest"
is "nobody types into it" "$(cat "$work/typed")" ""
says 'uarch RAM' "what the machine lacks is said"
attempt "$work/out/m.cartesi.tar" -c "$c"
exits 0 "so does the packed one"
attempt "$m" -c "$c" --json
exits 0 "with a report"
is "which names the machine" "$(jq -r .machine "$work/stdout")" "$(jq -r .machine "$c")"
attempt "$m" -c "$c" -- --quiet --max-mcycle=10 --final-hash
exits 0 "options that change nothing of the machine"
is "are handed on" "$(tail -n +2 "$work/argv" | tr '\n' ' ')" "--quiet --max-mcycle=10 --final-hash "
echo 3 >"$work/status"
attempt "$m" -c "$c"
exits 1 "an emulator that fails"
rm "$work/status"

# ---- what a killed run leaves

mkdir -p "$TMPDIR/assay-run.dead/machine" "$TMPDIR/assay-run.alive"
echo >"$TMPDIR/assay-run.dead/machine/config.json"
(flock 9 && exec tail --pid=$$ -f /dev/null) 9<"$TMPDIR/assay-run.alive" >/dev/null 2>&1 &
locked() { ! flock -n "$TMPDIR/assay-run.alive" true; }
await locked
attempt "$m" -c "$c"
exits 0 "beside what others left"
is "the dead one's is removed, the living one's is not" "$(ls -A "$TMPDIR")" "assay-run.alive"
kill $!
wait
rmdir "$TMPDIR/assay-run.alive"
cat >"$work/slow" <<END
#!/bin/sh
touch "$work/started"
exec tail --pid=$$ -f /dev/null
END
chmod +x "$work/slow"
"$assay-run" cartesi --emulator "$work/slow" "$m" -c "$c" >/dev/null 2>&1 &
await test -e "$work/started"
kill -9 $!
wait
ok "a killed run leaves its copy" [ -n "$(ls -A "$TMPDIR")" ]
attempt "$m" -c "$c"
is "until the next" "$(ls -A "$TMPDIR")" ""

# ---- another machine

cp -a "$m" "$work/caches"
printf '\1' | dd of="$work/caches/0000000080000000-10000.dht" bs=1 seek=100 conv=notrunc status=none
attempt "$work/caches" -c "$c"
exits 0 "caches that lie change nothing:"
ok "they do not reach the emulator" diff -r "$work/loaded" "$m"
for file in "$m"/*.bin; do
    name=$(basename "$file")
    rm -rf "$work/other"
    cp -a "$m" "$work/other"
    chmod u+w "$work/other/$name"
    size=$(stat -c %s "$file")
    printf 'Z' | dd of="$work/other/$name" bs=1 seek=$((size / 3)) conv=notrunc status=none
    attempt "$work/other" -c "$c"
    ok "a byte of $name: refused" [ "$code" = 3 -o "$code" = 5 ]
    ok "a byte of $name: nothing is started" [ ! -e "$work/argv" ]
done
rm -rf "$work/other"
cp -a "$m" "$work/other"
sed -i 's/"bootargs":"/&x /' "$work/other/config.json"
refused 3 "a config that the hash does not cover" 'config.json is sha256:' "$work/other" -c "$c"
jq -cS '.machine = "keccak256:" + ("0" * 64)' "$c" | tr -d '\n' >"$work/other.json"
refused 3 "the configuration of another machine" 'the run configuration is of keccak256:0000' "$m" -c "$work/other.json"

# ---- another way to run it

for option in --flash-drive=label:data,data_filename:x --replace-flash-drive=x --nvram=x --append-bootargs=rw --no-bootargs \
    --append-init=x --append-entrypoint=x --env=A=B --skip-root-hash-check --skip-root-hash-store --skip-version-check \
    --virtio-net=user --network -p=8080 --port-forward=8080:10.0.2.15:8080 --volume=.:/mnt --ram-length=256Mi --ram-image=x --load=x --store=x \
    --console-io=x -it --gdb=:1234 --remote-spawn ls; do
    refused 3 "$option" "refused: '$option': " "$m" -c "$c" -- "$option"
done
refused 3 "more cycles than allowed" "allows 1000 cycles" "$m" -c "$c" -- --max-mcycle=1001
refused 2 "cycles that are none" "no number of cycles" "$m" -c "$c" -- --max-mcycle=x

# ---- bad input

bad() {
    jq -cS "$3" "$c" | tr -d '\n' >"$work/bad.json"
    refused 5 "$1" "$2" "$m" -c "$work/bad.json"
}
bad "a network" "'user' is not 'none'" '.network = "user"'
bad "another emulator" "'0.19' is not '0.21'" '.emulator = "0.19"'
bad "another archive version" "archiveVersion" '.archiveVersion = 5'
bad "an unknown key" "unknown key 'drives'" '. + {drives: []}'
bad "no config" "config" 'del(.config)'
bad "a limit that is none" "maxCycle" '.maxCycle = "1"'
refused 5 "no such configuration" "nowhere" "$m" -c "$work/nowhere"
refused 5 "no such machine" "nowhere" "$work/nowhere" -c "$c"
refused 5 "a machine that is none" "config.json" "$work/out" -c "$c"
refused 2 "no configuration" "config is missing" "$m"

run "$assay" run cartesi "$m" -c "$c"
if command -v cartesi-machine >/dev/null; then
    ok "the emulator of this host is used" [ "$code" != 6 ]
else
    exits 6 "without an emulator: exit code 6"
    says "the machine is the right one, but there is no 'cartesi-machine' in PATH to run it: --emulator" "in one line"
fi
mkdir "$work/own" "$work/empty"
cp "$work/emulator" "$work/own/cartesi-machine"
rm -rf "$work/argv" "$work/loaded"
run env PATH="$work/empty:$work/own:$PATH" "$assay" run cartesi "$m" -c "$c"
exits 0 "an emulator in PATH is found"
ok "and started" test -e "$work/argv"
rm -rf "$work/argv" "$work/loaded"
run env PATH="$work/own:$PATH" "$assay" run cartesi --emulator "$work/own/nothing" "$m" -c "$c"
exits 6 "not when another is named"
ok "which is not there: nothing is started" [ ! -e "$work/argv" ]
run sh -c 'cd "$1" && PATH=own "$2" run cartesi "$3" -c "$4"' - "$work" "$assay" "$m" "$c"
exits 6 "a relative directory of PATH does not count"
ok "nothing is started" [ ! -e "$work/argv" ]

# ---- and only if somebody vouches for it

ASSAY_PASSPHRASE=test
export ASSAY_PASSPHRASE
"$assay" attest keygen -o "$work/key" >/dev/null
"$assay" attest keygen -o "$work/other.key" >/dev/null
"$assay" attest keygen -o "$work/verifier.key" >/dev/null
"$assay" attest sign "$work/out/m.provenance.json" --key "$work/key" -o "$work/bundle" >/dev/null
policy() {
    jq -n --rawfile key "$1" --rawfile verifier "$work/verifier.key.pub" '{type: "https://assay.example/policy/v1", artifacts: [{name: "m*"}],
        builders: [{id: "https://assay.example/builder/assay-build/v1", keys: [$key]}],
        rebuilds: {minimum: 1, verifiers: [{id: "https://verifier.example", keys: [$verifier]}]}}'
}
policy "$work/key.pub" >"$work/policy.json"
policy "$work/other.key.pub" >"$work/stranger.json"
"$assay" verify "$c" -b "$work/bundle" -p "$work/policy.json" --rebuild --key "$work/verifier.key" --verifier-id https://verifier.example -o "$work/verdict" >/dev/null
attempt "$m" -c "$c" -b "$work/bundle" -p "$work/policy.json" -a "$work/verdict"
exits 0 "a configuration that was signed and reproduced runs"
attempt "$m" -c "$c" -b "$work/bundle" -p "$work/policy.json" --rebuild
exits 0 "or one that is rebuilt here"
refused 3 "a configuration that nobody rebuilt" "nobody vouches" "$m" -c "$c" -b "$work/bundle" -p "$work/policy.json"
refused 3 "signed by a stranger" "nobody vouches" "$m" -c "$c" -b "$work/bundle" -p "$work/stranger.json"
jq -cS '.maxCycle = 2000' "$c" | tr -d '\n' >"$work/longer.json"
refused 3 "a configuration that nobody signed" "nobody vouches" "$m" -c "$work/longer.json" -b "$work/bundle" -p "$work/policy.json"
refused 2 "a bundle without a policy" "go together" "$m" -c "$c" -b "$work/bundle"
done_testing
