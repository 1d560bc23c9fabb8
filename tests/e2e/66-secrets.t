#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is secret reaches no document and no message: queries of URLs, users and passwords in them, proxies,
# configurations of docker, answers of credential helpers and token servers.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"

# Everywhere the secret is s3cr3t.
unsaid() {
    if grep -q s3cr3t "$work/stdout" "$work/stderr"; then fail "$1: the secret is not shown" "$(context)"; else pass "$1: the secret is not shown"; fi
}
# bad CODE NAME: exit code, one line, no secret
bad() {
    exits "$1" "$2: exit code $1"
    one_line "$2: one line"
    unsaid "$2"
}

mkdir "$work/web"
head -c 30000 /dev/urandom >"$work/web/data"
serve plain
http=127.0.0.1:$port
sum=sha256:$(sha256sum "$work/web/data" | cut -d' ' -f1)
zeros=0000000000000000000000000000000000000000000000000000000000000000
url="http://$http/signed/data?X-Signature=s3cr3t"

# ---- queries of URLs --------------------------------------------------------------------
lock "url: {url: '$url', digest: '$sum', unpack: none, path: data}" --plain-http "$http"
exits 0 "a presigned URL"
says "image 'src': the plan does not have what stands behind the '\?' of its URL: assay fetch needs --url src=URL" "the lock says what the plan has not"
unsaid "a presigned URL"
is "the plan has the rest of it" "$(jq -r '.recipe.images.src.url.url' "$work/src.plan.json")" "http://$http/signed/data"
ok "it builds" built
ok "neither plan, nor store, nor provenance has the query" sh -c '! grep -r s3cr3t "$1" "$2" "$3"' sh "$work/src.plan.json" "$work/out" "$ASSAY_STORE"
cp "$work/src.plan.json" "$work/kept.json"
run "$assay" lock "$work/recipe/assay.yml" --check "$work/kept.json" --plain-http "$http"
exits 0 "--check: nothing moved"
sed -i 's/s3cr3t/s3cr3t-of-today/' "$work/recipe/assay.yml"
run "$assay" lock "$work/recipe/assay.yml" --check "$work/kept.json" --plain-http "$http"
exits 0 "--check: another signature is the same recipe"
rm -rf "$ASSAY_STORE"
fetch() { run "$assay" fetch "$work/kept.json" --plain-http "$http" "$@"; }
fetch --url "http://$http/signed/"
exits 5 "fetch without the query finds nothing"
fetch --url "src=$url"
exits 0 "fetch --url NAME=URL"
fetch --url "src=$url" --json
unsaid "fetch --json"
rm -rf "$ASSAY_STORE"
fetch --url "url.src=$url"
exits 0 "fetch --url ID=URL"
rm -rf "$ASSAY_STORE"
fetch --url "other=$url"
exits 5 "a URL of another image is not asked"
for place in "$url" "src=http://user:s3cr3t@$http/x" "src=ftp://user:s3cr3t@x/" "ftp://x/?s3cr3t"; do
    fetch --url "$place"
    bad 2 "--url '${place%%\?*}'"
done
fetch --url "src=http://127.0.0.1:1/x?s3cr3t"
bad 5 "a host without TLS"
fetch --plain-http 127.0.0.1:1 --url "src=http://127.0.0.1:1/x?s3cr3t" --timeout 2
bad 7 "a host that is down"
for place in "http://$http/none?s3cr3t" "http://$http/signed/data?s3cr3t" "http://$http/data?s3cr3t" "https://127.0.0.1:1/?s3cr3t"; do
    lock "url: {url: '$place', digest: 'sha256:$zeros', unpack: none, path: a}" --plain-http "$http" --timeout 2
    ok "no plan of '${place%%\?*}'" test ! -e "$work/src.plan.json"
    unsaid "'${place%%\?*}'"
done
lock "git: {repository: 'http://$http/git/none.git?s3cr3t', commit: main}" --plain-http "$http"
unsaid "git: a query"
ok "git: no plan" test ! -e "$work/src.plan.json"

# ---- users in places that are refused ------------------------------------------------------
for place in 'https://user:s3cr3t@host/x' 'https://s3cr3t@host/x' 'https://user:a/s3cr3t@host/x' 'ssh://user:s3cr3t@host/x' 'file://user:s3cr3t@host/x'; do
    lock "git: {repository: '$place', commit: v1}"
    bad 5 "git: '${place%%:*}…${place##*@}'"
    lock "url: {url: '$place', digest: 'sha256:$zeros'}"
    bad 5 "url: '${place%%:*}…${place##*@}'"
done
for place in user:s3cr3t@host/x user:s3cr3t@host:5000/x:1 https://user:s3cr3t@host/x "user:s3cr3t@host/x@sha256:$zeros" s3cr3t@host/x user:a/s3cr3t@host/x; do
    lock "registry: {image: '$place'}"
    bad 5 "registry: '…${place##*@}'"
    printf 'init: ["%s"]\n' "$place" >"$work/lk.yml"
    run "$assay" lock --arch amd64 --name lk "$work/lk.yml" -o "$work/lk.json"
    bad 5 "LinuxKit: '…${place##*@}'"
    run "$assay" lock --arch amd64 --name lk "$work/lk.yml" -o "$work/lk.json" --pull
    bad 5 "LinuxKit, --pull: '…${place##*@}'"
    run "$assay" lock --arch amd64 --name lk "$work/lk.yml" -o "$work/lk.json" --compat linuxkit
    bad 5 "--compat: '…${place##*@}'"
    run "$assay" push "$work/web/data" "$place" --type a/b
    bad 5 "push: '…${place##*@}'"
    run "$assay" pull "$place"
    bad 5 "pull: '…${place##*@}'"
    fetch --from "$place"
    bad 2 "--from '…${place##*@}'"
    for option in --registry --plain-http --mirror; do
        fetch "$option" "$place"
        bad 2 "$option '…${place##*@}'"
    done
    fetch --mirror "docker.io=$place"
    bad 2 "--mirror docker.io='…${place##*@}'"
done
fetch --archive 'ftp://user:s3cr3t@host/'
bad 2 "--archive"
run "$assay" lock "https://user:s3cr3t@host/x.yml?s3cr3t"
bad 2 "a recipe by URL"
printf '{"type":"https://assay.example/registries/v1","mirrors":[{"registry":"user:s3cr3t@r","mirror":"m","tags":false}]}' >"$work/registries.json"
fetch --mirrors "$work/registries.json"
bad 2 "registries.json"

# ---- proxies --------------------------------------------------------------------------------
for proxy in 'http://user:s3cr3t@127.0.0.1:1' 'bad://user:s3cr3t@127.0.0.1:1' 'http://user:s3cr3t@nowhere.invalid:1' 'http://user:x s3cr3t@127.0.0.1:1' \
    'http://user:s3cr3t@127.0.0.1:99999' 'user:s3cr3t@127.0.0.1:1' 'http://user:%73%33cr3t@127.0.0.1:1' 'http://user:s3cr3t@[::1' 'socks9://s3cr3t@h'; do
    for variable in http_proxy ALL_PROXY; do
        for source in "url: {url: 'SCHEME://example.test/x', digest: 'sha256:$zeros', unpack: none, path: a}" "git: {repository: 'SCHEME://example.test/x', commit: main}" \
            "registry: {image: 'example.test/x'}"; do
            scheme=https
            [ $variable != http_proxy ] || scheme=http
            export "$variable=$proxy"
            lock "$(echo "$source" | sed "s/SCHEME/$scheme/")" --plain-http example.test --timeout 1
            unset $variable
            ok "${source%%:*} through a bad $variable: no plan" test ! -e "$work/src.plan.json"
            unsaid "${source%%:*} through a bad $variable '${proxy%%:*}…${proxy##*@}'"
        done
    done
done

# ---- configurations and helpers ----------------------------------------------------------------
mkdir -p "$work/helpers" "$HOME/.docker"
path=$PATH
configured() { # CONFIG
    printf '%s' "$1" >"$HOME/.docker/config.json"
    PATH=$work/helpers:$path
    lock "registry: {image: '$http/token/x'}" --plain-http "$http" --timeout $patience
    PATH=$path
}
for config in '{"auths":{"HOST":{"auth":"s3cr3t"}}' '{"auths":{"HOST":{"auth":"s3cr3t"}}}' '{"auths":{"HOST":{"auth" "s3cr3t"}}}' '{"auths":{"HOST":"s3cr3t"}}' \
    '{"auths":{"HOST":{"s3cr3t":1,"s3cr3t":2}}}' '{"credsStore":"s3cr3t/x"}' 's3cr3t' '{"auths":{"HOST":{"auth":s3cr3t}}}' '{"auths":{"HOST":{"identitytoken":["s3cr3t"]}}}'; do
    configured "$(echo "$config" | sed "s/HOST/$http/")"
    bad 2 "config.json '$(echo "$config" | sed 's/s3cr3t/…/g')'"
done
while read -r answer; do
    printf '#!/bin/sh\ncat <<"E"\n%s\nE\necho "s3cr3t on stderr" >&2\n' "$answer" >"$work/helpers/docker-credential-fake"
    chmod +x "$work/helpers/docker-credential-fake"
    configured "{\"credHelpers\":{\"$http\":\"fake\"}}"
    bad 5 "a helper that answers '$(echo "$answer" | sed 's/s3cr3t/…/g')'"
done <<'E'
{"Username":"u","Secret":"s3cr3t"
{"Username":"u","Secret":"s3cr3t","Secret":"s3cr3t"}
{"Username":"u" "s3cr3t"}
{"Username":["s3cr3t"],"Secret":"x"}
{"s3cr3t":"u"}
s3cr3t
"s3cr3t"
E
printf '#!/bin/sh\necho s3cr3t\necho s3cr3t >&2\nexit 1\n' >"$work/helpers/docker-credential-fake"
configured "{\"credHelpers\":{\"$http\":\"fake\"}}"
bad 7 "a helper that fails"
printf '#!/bin/sh\nhead -c 100000 /dev/zero | tr "\\0" x\necho s3cr3t\n' >"$work/helpers/docker-credential-fake"
configured "{\"credHelpers\":{\"$http\":\"fake\"}}"
bad 5 "a helper that says too much"
printf '#!/bin/sh\necho s3cr3t\nexec sleep 3600\n' >"$work/helpers/docker-credential-fake"
patience=1
configured "{\"credHelpers\":{\"$http\":\"fake\"}}"
patience=600
bad 7 "a helper that never ends"
says 'was killed: the time that --timeout gives is over' "a helper that never ends: says so"
rm -r "$HOME/.docker"
mkdir -p "$HOME/.docker"
configured '{}'
bad 5 "a token server's answer"
says 'malformed JSON' "a token server's answer: says so"

# ---- who gets a password ---------------------------------------------------------------------
for program in push pull lock fetch; do
    ok "the help of $program says what a realm gets" sh -c '"$1" "$2" --help | tr "\n" " " | tr -s " " | grep -q "the token server that it names (the realm of its challenge)"' sh "$assay" "$program"
done
realm=localhost:${http#*:}
printf '{"auths":{"%s":{"auth":"%s"}}}' "$http" "$(printf 'u:s3cr3t' | base64)" >"$HOME/.docker/config.json"
lock "registry: {image: '$http/realm/x'}" --plain-http "$http" --timeout 3
bad 5 "a token server without TLS"
says "'$realm' without TLS: refused" "a token server without TLS: says so"
ok "it was not asked" sh -c '! grep -q /token.*Basic "$1"' sh "$work/plain.log"
lock "registry: {image: '$http/realm/x'}" --plain-http "$http" --plain-http "$realm" --timeout 3
bad 5 "a token server on another host"
ok "it gets the password of the registry" grep -q "Basic $(printf 'u:s3cr3t' | base64)" "$work/plain.out"
done_testing
