#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# git's processes and its network: how long they may take, what is left of them, where redirects may lead, and who gets
# a password.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/sources.sh"

mkdir -p "$work/recipe" "$work/web"
repository=$work/recipe/x
g "$work" init -q "$repository"
echo hello >"$repository/hello"
g "$repository" add hello
g "$repository" commit -q -m one
commit=$(g "$repository" rev-parse HEAD)
g "$work/web" clone -q --mirror "file://$repository" x.git
serve plain
http=127.0.0.1:$port
certificate
serve tls "$work/tls.pem" "$work/tls.key"
https=localhost:$port

# ---- one process for all objects --------------------------------------------------------------
deep=$repository/a/b/c/d/e/f/g/h/i/j/k/l/m/n
mkdir -p "$deep"
echo deep >"$deep/file"
g "$repository" add a
g "$repository" commit -q -m deep
lock "git: {repository: x, commit: main, path: a/b}"
exits 0 "directories below directories"
ok "it builds" built
run strace -f -qq -e trace=execve -o "$work/trace" "$assay" lock "$work/recipe/assay.yml" -o "$work/src.plan.json"
exits 0 "… traced"
is "git runs for the name, and for all objects of it" "$(grep -c 'execve(.*/git", .* = 0' "$work/trace")" 2

# ---- time ----------------------------------------------------------------------------------------
# Who opens a FIFO that nobody writes waits for ever.
stuck() { # NAME PATTERN OPTION…
    name=$1 pattern=$2
    shift 2
    lock "$source" "$@"
    exits 7 "$name: exit code 7"
    one_line "$name: one line"
    says "$pattern" "$name: says why"
    ok "$name: no plan" test ! -e "$work/src.plan.json"
}
silent="'git' was killed: it said nothing for 1 second \(--stall\)"
over="'git' was killed: the time that --timeout gives is over"
source="git: {repository: fifo, commit: main}"
for file in HEAD packed-refs config refs/heads/main objects/info/alternates "objects/$(echo "$commit" | sed 's,..,&/,')"; do
    rm -rf "$work/recipe/fifo"
    g "$work/recipe" clone -q --bare "file://$repository" fifo
    rm -f "$work/recipe/fifo/objects/pack/"* "$work/recipe/fifo/packed-refs"
    cp -r "$repository/.git/objects/." "$work/recipe/fifo/objects/"
    mkdir -p "$work/recipe/fifo/refs/heads"
    [ "$file" = packed-refs ] || echo "$commit" >"$work/recipe/fifo/refs/heads/main"
    rm -f "$work/recipe/fifo/$file"
    mkfifo "$work/recipe/fifo/$file"
    stuck "a FIFO in place of $file" "$silent" --stall 1
done
stuck "a FIFO, and little time" "$over" --timeout 1
g "$work/recipe" clone -q --bare "file://$repository" included
mkfifo "$work/recipe/included/more"
printf '[include]\n\tpath = more\n' >>"$work/recipe/included/config"
source="git: {repository: included, commit: main}"
stuck "a FIFO that the configuration includes" "$silent" --stall 1

source="git: {repository: 'http://$http/drip/x.git', commit: main}"
stuck "refs without end" "$over" --plain-http "$http" --timeout 2

# ---- what is left --------------------------------------------------------------------------------
for signal in TERM HUP KILL; do
    : >"$work/plain.log"
    "$ASSAY_BIN/assay-lock" "$work/recipe/assay.yml" -o "$work/src.plan.json" --plain-http "$http" >/dev/null 2>&1 &
    victim=$!
    ok "SIG$signal: git fetches" await grep -q dripping "$work/plain.log"
    kill -$signal $victim
    wait $victim 2>/dev/null
    ok "SIG$signal: git's own programs end, too" await grep -q 'nobody listens' "$work/plain.log"
done
rm -rf "$TMPDIR"/assay-*

# ---- redirects ------------------------------------------------------------------------------------
serve other
other=127.0.0.1:$port
serve tls2 "$work/tls.pem" "$work/tls.key"
https2=localhost:$port
led() { # URL OPTION…
    url=$1
    shift
    lock "git: {repository: '$url', commit: main}" --ca-file "$work/tls.pem" "$@"
}
unasked() {
    ok "$2: nobody is asked there" test ! -s "$work/$1.log"
}
led "http://$http/go/http/$other/git/x.git" --plain-http "$http"
refused "'$other' without TLS: refused" "another port without TLS"
unasked other "another port without TLS"
led "http://$http/go/http/$http/git/x.git" --plain-http "$http"
is "a redirect on one host is followed" "$code $(from git.commit)" "0 $commit"
led "http://$http/go/http/$other/git/x.git" --plain-http "$http" --plain-http "$other"
is "a redirect to another port that is allowed" "$code $(from git.commit)" "0 $commit"
: >"$work/other.log"
led "https://$https/go/http/$other/git/x.git" --plain-http "$http" --plain-http "$other"
refused "'$https' redirects from https to http: refused" "from https to http"
unasked other "from https to http"
led "https://$https/go/https/$https2/git/x.git"
is "from https to https" "$code $(from git.commit)" "0 $commit"
: >"$work/tls.log"
led "http://$http/go/https/$https/git/x.git" --plain-http "$http"
refused "'$http' redirects from http to https: refused" "from http to https"
led "https://$https/go/https/$https2/go/http/$http/git/x.git" --plain-http "$http"
refused "'$https2' redirects from https to http: refused" "from https to http, the second time"
led "http://$http/go/http/$http/x" --plain-http "$http"
refused 'not found' "to what is no repository"
: >"$work/plain.log"
led "http://$http/late/x.git" --plain-http "$http"
exits 7 "what is posted is not redirected"
one_line "what is posted is not redirected: one line"
ok "what is posted is not redirected: nobody is asked there" sh -c 'grep -q "POST /late/" "$1" && ! grep -q "POST /git/" "$1"' sh "$work/plain.log"

# ---- ids of SHA-256 -----------------------------------------------------------------------------
long=$work/web/long.git
g "$work/web" init -q --bare --object-format=sha256 long.git
blob=$(echo hello | g "$long" hash-object -w --stdin)
tree=$(printf '100644 blob %s\thello\n' "$blob" | g "$long" mktree)
id=$(g "$long" commit-tree -m x "$tree")
g "$long" update-ref refs/heads/main "$id"
g "$long" update-ref refs/tags/v1 "$id"
for name in main v1 refs/tags/v1 "$id"; do
    lock "git: {repository: 'https://$https/git/long.git', commit: '$name'}" --ca-file "$work/tls.pem"
    is "SHA-256 ids over https: '$name'" "$code $(from git.commit)" "0 $id"
done
lock "git: {repository: 'https://$https/git/long.git', commit: none}" --ca-file "$work/tls.pem"
refused "find remote ref none" "SHA-256 ids over https: no such branch"
lock "git: {repository: 'https://$https/git/long.git', commit: $commit}" --ca-file "$work/tls.pem"
exits 7 "SHA-256 ids over https: an id that is none of them"
lock "git: {repository: 'https://$https/go/https/$https2/git/long.git', commit: main}" --ca-file "$work/tls.pem"
is "SHA-256 ids behind a redirect" "$code $(from git.commit)" "0 $id"

# ---- certificates --------------------------------------------------------------------------------
cd "$work" || exit 1
lock "git: {repository: 'https://$https/git/x.git', commit: main}" --ca-file tls.pem
is "a certificate by a relative path" "$code $(from git.commit)" "0 $commit"
lock "git: {repository: 'https://$https/git/x.git', commit: main}" --ca-file none.pem
exits 5 "a file of certificates that is not there"
says "none.pem" "is named"
lock "git: {repository: 'https://$https/git/x.git', commit: main}"
exits 3 "a certificate that nobody vouches for"
one_line "is one line"

# ---- passwords -----------------------------------------------------------------------------------
private="git: {repository: 'https://$https/private/x.git', commit: main}"
secretly() { # OPTION…
    lock "${source:-$private}" --ca-file "$work/tls.pem" "$@"
    if grep -rq s3cr3t "$work/stdout" "$work/stderr" "$ASSAY_STORE" "$TMPDIR"; then fail "the secret is not shown" "$(context)"; fi
}
source=
cat >"$work/helper" <<E
#!/bin/sh
[ "\$1" = get ] || exit 0
cat >>"$work/asked"
echo username=user
echo password=\$(cat "$work/password")
E
chmod +x "$work/helper"
echo s3cr3t >"$work/password"
git config -f "$HOME/.gitconfig" credential.helper "$work/helper"
secretly
refused "it wants a user's name and password: --git-credentials HOST" "without --git-credentials"
ok "nobody is asked for a password" test ! -e "$work/asked"
secretly --git-credentials "localhost"
refused "it wants a user's name and password" "--git-credentials of another host"
ok "nobody is asked for it" test ! -e "$work/asked"
secretly --git-credentials "$https"
is "--git-credentials" "$code $(from git.commit)" "0 $commit"
is "the helper is asked once, for that host" "$(grep -v '^capability' "$work/asked" | sort | tr '\n' ' ')" "host=$https protocol=https "
ok "the password is in no process's arguments" sh -c 'grep -q "a right password" "$1" && ! grep -q "in arguments" "$1"' sh "$work/tls.log"
ok "the plan has neither name nor password" sh -c '! grep -qE "s3cr3t|user" "$1"' sh "$work/src.plan.json"
cp "$work/src.plan.json" "$work/private.json"
rm -rf "$ASSAY_STORE"
run "$assay" fetch "$work/private.json" --git "https://$https/private/x.git" --ca-file "$work/tls.pem"
exits 5 "fetch without a password"
run "$assay" fetch "$work/private.json" --git "https://$https/private/x.git" --ca-file "$work/tls.pem" --git-credentials "$https"
exits 0 "fetch --git-credentials"
rm "$work/asked"
: >"$work/tls2.log"
source="git: {repository: 'https://$https/go/https/$https2/private/x.git', commit: main}"
secretly --git-credentials "$https"
refused "it wants a user's name and password" "a redirect to another host that wants a password"
ok "it gets none" sh -c '! grep -q "right password\|wrong password" "$1"' sh "$work/tls2.log"
source="git: {repository: 'http://$http/private/x.git', commit: main}"
secretly --git-credentials "$http" --plain-http "$http"
exits 2 "no password without TLS"
says "no password goes to http://" "no password without TLS: says so"
source=
echo wrong-s3cr3t >"$work/password"
secretly --git-credentials "$https"
refused "it refuses the password that git's helpers gave" "a password that is refused"
for answer in 'echo s3cr3t' 'echo username=user' 'printf "username=s3cr3t\\0\\n"' 'echo s3cr3t >&2; exit 1' 'kill -KILL $$'; do
    printf '#!/bin/sh\n%s\n' "$answer" >"$work/helper"
    secretly --git-credentials "$https"
    exits 2 "a helper that does '$(echo "$answer" | sed 's/s3cr3t/…/g')'"
    one_line "… in one line"
done
printf '#!/bin/sh\nexec sleep 3600\n' >"$work/helper"
secretly --git-credentials "$https" --timeout 1
exits 7 "a helper that never answers"
says "--git-credentials '$https': $over" "a helper that never answers: says so"
for host in 'user:s3cr3t@host' 'https://host' 'a b' ''; do
    secretly --git-credentials "$host"
    exits 2 "--git-credentials '${host##*@}'"
done

is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""

# ---- nobody there ----------------------------------------------------------------------------
nobody=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for place in "127.0.0.1:$nobody" nowhere.invalid; do
    lock "git: {repository: 'https://$place/x.git', commit: main}"
    exits 7 "$place: exit code 7"
    one_line "$place: one line"
    says "cannot fetch 'main': offline, or it is down: " "$place: offline, not missing"
done
done_testing
