# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests of sources: recipes of one image, git as it is without anyone's configuration, and
# source_server.py on loopback.
#
#   g DIR ARG…           git in DIR
#   lock IMAGES OPTION…  one image `src` of that kind, from the recipe in $work/recipe; its plan is $work/src.plan.json
#   from KEY             of the plan's first input
#   built                builds the plan; $work/list is what is in the artifact
#   refused PATTERN NAME exit code 5 in one line, and no plan
#   certificate          $work/tls.pem and tls.key, for localhost
#   serve NAME OPTION…   starts a server of $work/web; $port is where it listens, $work/NAME.log what was asked
git_env="env GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example.org
    GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example.org GIT_AUTHOR_DATE=@1000000000+0000 GIT_COMMITTER_DATE=@1000000000+0000"
g() {
    $git_env git -c init.defaultBranch=main -c safe.directory='*' -C "$@"
}

lock() {
    mkdir -p "$work/recipe"
    printf 'name: src\narch: amd64\nimages:\n  src:\n    %s\nartifacts: [tar]\n' "$1" >"$work/recipe/assay.yml"
    shift
    rm -f "$work/src.plan.json"
    run "$assay" lock "$work/recipe/assay.yml" -o "$work/src.plan.json" "$@"
}
from() {
    jq -r ".inputs[0].from.$1" "$work/src.plan.json"
}
built() {
    rm -rf "$work/out"
    "$assay" build "$work/src.plan.json" -o "$work/out" --quiet && tar -tvf "$work/out/src.tar" | awk '{ print $1, $2, $6, $7, $8 }' >"$work/list"
}
refused() {
    exits 5 "$2: exit code 5"
    one_line "$2: one line"
    says "$1" "$2: says why"
    ok "$2: no plan" test ! -e "$work/src.plan.json"
}

certificate() {
    ok "a certificate" sh -ec 'cd "$1"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tls.key -out tls.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1' sh "$work"
}
servers=
serve() {
    name=$1
    shift
    python3 "$here/source_server.py" "$work/web" "$work/$name.port" "$work/$name.log" "$@" >"$work/$name.out" 2>&1 &
    servers="$servers $!"
    await test -s "$work/$name.port"
    port=$(cat "$work/$name.port")
}
stop() {
    status=$?
    [ -z "$servers" ] || kill $servers 2>/dev/null
    (exit $status)
    finish
}
trap stop EXIT
