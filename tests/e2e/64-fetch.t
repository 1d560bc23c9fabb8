#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay fetch: a plan's inputs from stores, layouts, registries, mirrors, proxies and Debian archives, whoever still
# has them; and the mirrors of assay lock. Nothing leaves this machine.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt_machine.sh"
. "$(dirname "$0")/registry.sh"

# ---- two images in a registry, a plan of both and of Debian packages ----------------------
python3 -c 'import random, sys; r = random.Random(5); sys.stdout.buffer.write(r.randbytes(400000))' >"$work/src/noise"
pack() { tar -C "$work/src" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$work/$1.tar" "$2"; }
pack noise noise
for name in one two; do
    echo "$name" >"$work/src/$name"
    pack "$name" "$name"
    ok "umoci makes image $name" sh -ec '
        cd "$1"; umoci init --layout "$2"; umoci new --image "$2:t"
        umoci config --image "$2:t" --architecture amd64 --os linux --created 2024-01-01T00:00:00Z --no-history
        umoci raw add-layer --image "$2:t" noise.tar
        umoci raw add-layer --image "$2:t" "$2.tar"' sh "$work" "$name"
done
ok "a registry starts" serve plain "" ""
registry=127.0.0.1:$port
ok "a mirror starts" serve mirror "" "" "$work/mirror.d"
mirror=127.0.0.1:$port
push() { skopeo --insecure-policy copy -q --dest-tls-verify=false "oci:$work/$1:t" "docker://$2"; }
ok "the registry has one" push one "$registry/a/one:t"
ok "and the other" push two "$registry/a/two:t"
ok "the mirror has one of them" push one "$mirror/hub/a/one:t"
archive=$work/archive
cp -r "$top/tests/data/debian-archive" "$archive"
chmod -R u+w "$archive"
apt_machine amd64 "deb [signed-by=$archive/keyring.gpg] file:$archive machine main" \
    "Acquire::AllowInsecureRepositories \"true\";"
apt-get -qq update >"$work/apt.log" 2>&1
cat >"$work/assay.yml" <<E
name: demo
arch: amd64
images:
  one: {registry: {image: "$registry/a/one:t"}}
  two: {registry: {image: "$registry/a/two:t"}}
system: {init: [one, two]}
artifacts: [tar]
E
run "$assay" lock "$work/assay.yml" -o "$work/plan.json" --plain-http "$registry"
exits 0 "a plan is locked"
cat >"$work/deb.yml" <<E
name: deb
arch: riscv64
images: {all: {debian: {suite: assaytest, packages: [greeting], dependencies: none}}}
artifacts: [tar]
E
run "$assay" lock "$work/deb.yml" --keyring "$archive/keyring.gpg" -o "$work/deb.json"
exits 0 "and one of Debian packages"
full=$work/full
mv "$ASSAY_STORE" "$full"
count=$(jq '[.inputs[].digest] | unique | length' "$work/plan.json")
wanted=$(jq -r '[.inputs[].digest] | unique | .[]' "$work/plan.json")

# fetch PLAN OPTION…: into a fresh store. Registries that fail are tried again for as long as there is time; apt and git
# are killed when it is over, and get more than a busy machine needs.
fetch() {
    plan=$1
    shift
    rm -rf "$ASSAY_STORE"
    case $plan in plan) limit=20 ;; *) limit=300 ;; esac
    run timeout "$patience" "$assay" fetch "$work/$plan.json" --timeout $limit "$@"
}
complete() {
    exits 0 "$1"
    ok "$1: nothing is missing" sh -c 'for d in $2; do test -f "$1/blobs/sha256/${d#sha256:}" || exit 1; done' sh "$ASSAY_STORE" "$wanted"
    is "$1: nothing is said" "$(cat "$work/stderr")" ""
    sound "$1: every blob is what its name says"
}
failed() { # CODE PATTERN NAME
    exits "$1" "$3: exit code $1"
    one_line "$3: one line"
    says "$2" "$3: says why"
    sound "$3: no bad blob in the store"
    ok "$3: no temporary file is left" sh -c '[ -z "$(find "$1" "$2" -name "tmp*" -type f)" ]' sh "$ASSAY_STORE" "$TMPDIR"
}

# ---- other stores ---------------------------------------------------------------------------
fetch plan --no-origin --from "$full"
complete "from another store"
prints "^plan demo: $count inputs, $count fetched" "it says how many"
run "$assay" fetch "$work/plan.json" --no-origin
exits 0 "what is there is not fetched again"
prints "$count inputs, 0 fetched" "and that is said"
ok "it builds" "$assay" build "$work/plan.json" -o "$work/out"
ok "gc keeps what was fetched" sh -ec '"$1" store gc; "$1" build "$2" -o "$3"' sh "$assay" "$work/plan.json" "$work/out2"
fetch plan --no-origin --from "$work/one" --from "$work/two"
complete "from two OCI layouts"
tar -C "$work/one" -cf "$work/one-layout.tar" .
fetch plan --no-origin --from "$work/one-layout.tar" --from "$work/two"
complete "from a layout in a tar"
ok "the unpacked one is gone" sh -c '[ -z "$(ls -A "$1")" ]' sh "$TMPDIR"
fetch plan --no-origin --from "$work/one"
failed 5 "cannot fetch 1 of $count inputs: 'oci.two.*has no such blob" "a blob that no place has"
is "what was found stays" "$(ls "$ASSAY_STORE/blobs/sha256" | wc -l)" $((count - 1))
fetch plan --no-origin
failed 5 'names no place|give --from' "no place to ask"
cp -r "$work/two" "$work/bad"
chmod -R u+w "$work/bad"
bad=$(jq -r '.inputs[] | select(.id == "oci.two.1") | .digest' "$work/plan.json")
bad=${bad#sha256:}
printf X | dd of="$work/bad/blobs/sha256/$bad" bs=1 seek=20 conv=notrunc status=none
fetch plan --no-origin --from "$work/one" --from "$work/bad"
failed 5 'does not match|digest' "a damaged blob"
ok "a damaged blob: it is not in the store" test ! -e "$ASSAY_STORE/blobs/sha256/$bad"
fetch plan --no-origin --from "$work/bad" --from "$full"
complete "a damaged blob, and another place that has it right"

# ---- registries ------------------------------------------------------------------------------
plain="--plain-http $registry --plain-http $mirror"
fetch plan $plain --registry "$registry"
complete "from the repositories that the plan names"
fetch plan $plain --no-origin --from "$registry"
complete "from a registry of --from"
fetch plan $plain --no-origin --from "$registry/a/two" --from "$mirror/hub"
complete "from a repository by name, and one below a prefix"
fetch plan $plain --no-origin --from "$mirror/hub"
failed 5 "$mirror' has no blob" "a registry that has it not"
nobody=127.0.0.1:$(free_port)
fetch plan $plain --plain-http "$nobody" --no-origin --from "$nobody" --from "$mirror/hub" --from "$registry"
complete "a registry that is down, one that lacks it, one that has it"
fetch plan $plain --plain-http "$nobody" --no-origin --from "$nobody" --from "$mirror/hub"
failed 7 "$nobody'.*; '$mirror' has no blob" "down, or lacking"
run timeout "$patience" "$assay" fetch "$work/plan.json" $plain --plain-http "$nobody" --no-origin --from "$nobody" --from "$mirror/hub" --json
ok "--json says what became of each blob" jq -e --argjson n "$count" '.result.blobs | length == $n and ([.[] | select(.state == "missing" and (.why | length > 20))] | length) == 1' "$work/stdout"
fetch plan --no-origin --from "http://x/y"
exits 2 "--from with an URL: exit code 2"
fetch plan --no-origin --from /nowhere
exits 5 "--from with a directory that is not there: exit code 5"

# ---- progress on a terminal, and nowhere else --------------------------------------------------
rm -rf "$ASSAY_STORE"
ok "a terminal gets one line that is redrawn" python3 - "$assay" fetch "$work/plan.json" --no-origin --from "$full" <<'P'
import os, pty, re, sys
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b""
while True:
    try:
        data = os.read(fd, 65536)
    except OSError:
        break
    if not data:
        break
    seen += data
assert os.waitpid(pid, 0)[1] == 0
shown = re.findall(rb"\r\x1b\[K(demo  \d+/\d+ \(\d+%\))?", seen)
assert any(shown), seen
assert shown[-1] == b"", seen
P

# ---- a mirror that lies, and the registry behind it --------------------------------------------
echo "digest blob" >"$work/control/mode"
background python3 "$here/fault_proxy.py" "${registry##*:}" "$work/control" >"$work/proxy.log" 2>&1
await test -s "$work/control/port"
liar=127.0.0.1:$(cat "$work/control/port")
plain="$plain --plain-http $liar"
fetch plan $plain --no-origin --from "$liar"
failed 5 'sends a wrong blob' "a mirror that sends other bytes"
fetch plan $plain --no-origin --from "$liar" --from "$registry"
complete "a mirror that sends other bytes, and one that does not"
for fault in "status 500,1000," "status 429,1000,60" "status 403,1000," "scheme ftp://127.0.0.1/x" "cutforever 10" "length"; do
    echo "$fault" >"$work/control/mode"
    fetch plan $plain --registry "$registry" --mirror "$registry=$liar"
    complete "mirror with '$fault'"
done

# ---- mirrors of a lock ----------------------------------------------------------------------------
lock() {
    rm -rf "$ASSAY_STORE" "$work/again.json"
    : >"$work/control/log"
    run timeout "$patience" "$assay" lock "$work/assay.yml" -o "$work/again.json" --timeout 20 "$@"
}
asked() { grep -c "$1" "$work/control/log"; }
echo none >"$work/control/mode"
lock $plain --mirror "$registry=$liar"
exits 0 "lock with a mirror"
ok "the same plan" cmp "$work/plan.json" "$work/again.json"
is "the mirror was asked for blobs, not for tags" "$(asked /manifests/t) $([ "$(asked /blobs/)" -ge 3 ] && echo blobs)" "0 blobs"
lock $plain --mirror "$registry=$liar" --mirror-tags
is "--mirror-tags: it may be asked for tags" "$code $(asked /manifests/t)" "0 2"
echo "digest manifest" >"$work/control/mode"
lock $plain --mirror "$registry=$liar"
exits 0 "a mirror with a wrong manifest"
ok "does not change the plan" cmp "$work/plan.json" "$work/again.json"
mkdir -p "$HOME/.config/assay"
config() { printf '{"type":"https://assay.example/registries/v1","mirrors":[{"registry":"%s","mirror":"%s","tags":false}],"plainHttp":["%s","%s"]%s}' "$registry" "$liar" "$registry" "$liar" "${1:-}"; }
config >"$HOME/.config/assay/registries.json"
ok "registries.json is valid against its schema" python3 -c 'import json, sys, jsonschema
jsonschema.validate(json.load(open(sys.argv[2])), json.load(open(sys.argv[1])))' "$top/schemas/registries.schema.json" "$HOME/.config/assay/registries.json"
echo none >"$work/control/mode"
lock
exits 0 "mirrors of registries.json, and hosts without TLS"
ok "the mirror was asked" [ "$(asked /blobs/)" -ge 3 ]
config >"$work/mine.json"
printf '{' >"$HOME/.config/assay/registries.json"
lock
exits 2 "a malformed registries.json: exit code 2"
one_line "a malformed registries.json: one line"
lock --mirrors "$work/mine.json"
exits 0 "--mirrors FILE instead of it"
config ',"x":1' >"$work/mine.json"
lock --mirrors "$work/mine.json"
exits 2 "an unknown key: exit code 2"
says "x" "an unknown key: is named"
lock --mirrors "$work/none.json"
exits 2 "no such file: exit code 2"
for bad in x "x=" "=y" "a b=c" "a=b/" "a=B/C"; do
    lock --mirrors "$work/mine.json" --mirror "$bad"
    exits 2 "--mirror '$bad': exit code 2"
done
rm -rf "$HOME/.config"

# ---- a proxy ---------------------------------------------------------------------------------------
hop=$(free_port)
printf 'Port %s\nListen 127.0.0.1\nAllow 127.0.0.1\nLogFile "%s"\nLogLevel Connect\nTimeout 30\nMaxClients 20\n' "$hop" "$work/hop.log" >"$work/hop.conf"
: >"$work/hop.log"
background tinyproxy -d -c "$work/hop.conf" >"$work/hop.out" 2>&1
await curl -s -x "http://127.0.0.1:$hop" "http://$registry/v2/"
: >"$work/hop.log"
http_proxy=http://127.0.0.1:$hop
export http_proxy
fetch plan --plain-http "$registry" --registry "$registry"
complete "through http_proxy"
ok "the proxy was asked" grep -q "/v2/a/one/blobs/" "$work/hop.log"
: >"$work/hop.log"
no_proxy=127.0.0.1
export no_proxy
fetch plan --plain-http "$registry" --registry "$registry"
complete "no_proxy"
is "the proxy was not asked" "$(grep -c blobs "$work/hop.log")" 0
unset no_proxy
http_proxy=http://$nobody
fetch plan --plain-http "$registry" --registry "$registry"
failed 7 "cannot fetch|connect" "a proxy that is down"
unset http_proxy

# ---- a credential helper ---------------------------------------------------------------------------
htpasswd >"$work/htpasswd"
ok "a registry with passwords starts" serve locked "" "auth: {htpasswd: {realm: test, path: '$work/htpasswd'}}"
locked=127.0.0.1:$port
mkdir -p "$HOME/.docker" "$work/helpers"
cat >"$work/helpers/docker-credential-fake" <<'E'
#!/bin/sh
[ "$1" = get ] || exit 1
read -r host || [ -n "$host" ]
printf '%s\n' "$host" >>"$(dirname "$0")/asked"
printf '{"ServerURL":"%s","Username":"tester","Secret":"secret"}' "$host"
E
chmod +x "$work/helpers/docker-credential-fake"
printf '{"credHelpers":{"%s":"fake"}}' "$locked" >"$HOME/.docker/config.json"
before=$PATH
PATH=$work/helpers:$PATH
fetch plan --plain-http "$locked" --registry "$locked"
complete "with the password of a credential helper in PATH"
is "it was asked for this registry only" "$(sort -u "$work/helpers/asked")" "$locked"
printf '{"credsStore":"fake"}' >"$HOME/.docker/config.json"
fetch plan --plain-http "$locked" --registry "$locked"
complete "with the password of the credential store"
printf '#!/bin/sh\nexit 3\n' >"$work/helpers/docker-credential-fake"
fetch plan --plain-http "$locked" --registry "$locked"
failed 7 'fails with exit code 3' "a helper that fails"
printf '#!/bin/sh\necho credentials not found in native keychain\nexit 1\n' >"$work/helpers/docker-credential-fake"
fetch plan --plain-http "$locked" --registry "$locked"
failed 5 'wants a name and a password' "a helper that knows nothing"
PATH=$before
rm -r "$HOME/.docker"

# ---- Debian archives --------------------------------------------------------------------------------
wanted=$(jq -r '.inputs[].digest' "$work/deb.json")
fetch deb
complete "a Debian package through this machine's apt"
deb=$archive/$(jq -r '.inputs[0].from.debian.path' "$work/deb.json")
mkdir -p "$work/snapshot/$(dirname "$(jq -r '.inputs[0].from.debian.path' "$work/deb.json")")"
cp "$deb" "$work/snapshot/$(jq -r '.inputs[0].from.debian.path' "$work/deb.json")"
rm "$deb"
fetch deb
failed 5 "file:$archive/': " "a package that the archive has no more"
fetch deb --archive "file:$work/snapshot"
complete "from an archive of --archive"
fetch deb --no-origin --from "$full"
complete "a Debian package from another store"
cp "$work/snapshot/$(jq -r '.inputs[0].from.debian.path' "$work/deb.json")" "$deb"
printf X | dd of="$deb" bs=1 seek=70 conv=notrunc status=none
fetch deb
failed 5 "Hash Sum mismatch" "a package with other bytes"
fetch deb --archive "ftp://x/"
exits 2 "--archive with another scheme: exit code 2"

# ---- a file of an URL, and a commit ---------------------------------------------------------------------
mkdir -p "$work/site/pub" "$work/repository"
cp "$work/src/noise" "$work/site/pub/noise.bin"
ok "a git repository" sh -ec 'cd "$1"; git init -q .; echo text >file; git add file
    git -c user.name=t -c user.email=t@t.test commit -q -m one' sh "$work/repository"
background python3 -c 'import functools, http.server, sys
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1]))
open(sys.argv[2], "w").write(str(s.server_address[1]) + "\n"); s.serve_forever()' "$work/site" "$work/site.port" 2>"$work/site.log"
await test -s "$work/site.port"
site=127.0.0.1:$(cat "$work/site.port")
cat >"$work/source.yml" <<E
name: source
arch: amd64
images:
  file: {url: {url: "http://$site/pub/noise.bin", digest: "sha256:$(sha256sum <"$work/src/noise" | cut -d' ' -f1)", unpack: none, path: noise}}
  tree: {git: {repository: repository, commit: $(git -C "$work/repository" rev-parse HEAD)}}
system: {init: [file, tree]}
artifacts: [tar]
E
run "$assay" lock "$work/source.yml" -o "$work/source.json" --plain-http "$site"
exits 0 "a plan of an URL and a commit"
mv "$ASSAY_STORE" "$work/source-store"
wanted=$(jq -r '.inputs[].digest' "$work/source.json")
fetch source
failed 5 "cannot fetch 2 of 2 inputs.*give --from or --url" "no place for an URL"
fetch source --plain-http "$site" --url "http://$site" --git "$work/repository"
complete "an URL and a commit, from where they are now"
fetch source --url "file:$work/site" --git "$work/site" --git "$work/repository"
complete "from a file, and the second repository"
echo other >"$work/site/pub/noise.bin"
fetch source --plain-http "$site" --url "http://$site" --git "$work/repository"
failed 5 "noise.bin.*(digest|bytes)" "an URL with other bytes"
fetch source --url "http://$site" --git "$work/repository"
failed 5 "without TLS" "an URL without TLS"
fetch source --url "ftp://x/"
exits 2 "--url with another scheme: exit code 2"
ok "no private directory is left" sh -c '[ -z "$(ls -A "$1")" ]' sh "$TMPDIR"

done_testing
