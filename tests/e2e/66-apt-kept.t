#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# apt's lists are kept between locks: how often the archive is asked for what, counted at a web server on loopback; and
# nothing that is kept is believed.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt_machine.sh"
GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"

# ---- an archive with a key of its own, and a machine that reads it ------------------------------
archive=$work/archive
cp -r "$top/tests/data/debian-archive" "$archive"
chmod -R u+w "$archive"
ok "a key" gpg --batch -q --passphrase '' --quick-gen-key 'Assay tests <nobody@example.org>' rsa2048 sign never
gpg --batch -q --export >"$archive/own.gpg"
# release SUITE: signs what its index is now
release() {
    mkdir -p "$archive/dists/$1"
    [ -d "$archive/dists/$1/main" ] || cp -r "$archive/dists/assaytest/main" "$archive/dists/$1/"
    {
        sed '1,/^$/d; /^SHA256:/,$d' "$top/tests/data/debian-archive/dists/assaytest/InRelease" | sed "s/^\(Suite\|Codename\): .*/\1: $1/"
        echo SHA256:
        (cd "$archive/dists/$1" && find main -name Packages | while read -r path; do
            printf ' %s %s %s\n' "$(sha256sum "$path" | cut -d ' ' -f 1)" "$(stat -c %s "$path")" "$path"
        done)
    } >"$work/Release"
    rm -f "$archive/dists/$1/InRelease"
    gpg --batch -q --passphrase '' --digest-algo SHA512 --clearsign -o "$archive/dists/$1/InRelease" "$work/Release"
}
release machine
release suite
touch -d '2024-01-01' "$archive/dists/suite/InRelease"
python3 - "$archive" "$work" <<'END' &
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def log_request(self, code="-", size="-"):
        with open(sys.argv[2] + "/requests", "a") as f:
            f.write(f"{int(code)} {self.path}\n")
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
with open(sys.argv[2] + "/port.new", "w") as f:
    f.write(str(server.server_address[1]))
import os
os.rename(sys.argv[2] + "/port.new", sys.argv[2] + "/port")
server.serve_forever()
END
server=$!
trap 'kill $server; finish' EXIT
await test -s "$work/port"
apt_machine riscv64 "deb [signed-by=$archive/own.gpg] http://127.0.0.1:$(cat "$work/port") machine main"
ok "the machine knows the archive" apt-get -qq update

printf 'name: deb\narch: riscv64\nimages: {all: {debian: {suite: suite, packages: [words], dependencies: none}}}\nartifacts: [tar]\n' >"$work/deb.yml"
lock() { # OPTION…
    : >"$work/requests"
    run "$assay" lock "$work/deb.yml" --keyring "$archive/own.gpg" "$@"
}
# asked CODE FILE NAME TIMES: how often the archive answered so to a request for such a file of the suite
asked() {
    is "$3" "$(grep -c "^$1 .*/suite/.*$2\$" "$work/requests")" "$4"
}
kept() { find "$HOME/.cache/assay/apt" -name "*_$1" 2>/dev/null; }

# ---- what is asked for -----------------------------------------------------------------------
lock -o "$work/deb.json"
exits 0 "the first lock"
asked 200 InRelease "reads the signed file" 1
asked 200 Packages "and the index" 1
is "both are kept" "$(kept InRelease | wc -l) $(kept Packages | wc -l)" "1 1"
cp "$work/deb.json" "$work/first.json"
lock --check "$work/deb.json"
exits 0 "a check: nothing moved"
asked 304 InRelease "it asks whether there is a newer signed file" 1
asked 200 InRelease "and reads none" 0
asked 200 Packages "nor the index" 0
lock -o "$work/deb.json"
exits 0 "a second lock"
asked '...' Packages "does not ask for the index" 0
ok "its plan is the first one" cmp "$work/deb.json" "$work/first.json"
is "no more is kept" "$(find "$HOME/.cache/assay/apt" -mindepth 1 -maxdepth 1 | wc -l)" 1
is "nor left" "$(ls -A "$TMPDIR")" ""

# A newer signed file of the same index, and one of another.
release suite
lock --check "$work/deb.json"
asked 200 InRelease "a newer signed file is read" 1
asked '...' Packages "the index is not, when it is the same" 0
printf '\nPackage: other\nVersion: 1\nArchitecture: riscv64\nFilename: pool/none\nSize: 1\nSHA256: %064d\n' 0 >>"$archive/dists/suite/main/binary-riscv64/Packages"
release suite
touch -d '2033-01-01' "$archive/dists/suite/InRelease"
lock --check "$work/deb.json"
asked 200 InRelease "a newer signed file of another index is read" 1
asked 200 Packages "and so is the index" 1
ok "which is kept" grep -q '^Package: other$' "$(kept Packages)"
lock --check "$work/deb.json"
asked 200 Packages "and not read again" 0

# ---- nothing of it is believed ------------------------------------------------------------------
lock -o "$work/wanted.json"
sed -i 's/^Version: .*/Version: 99/' "$(kept Packages)"
lock -o "$work/deb.json"
exits 0 "an index that was changed where it is kept"
ok "is not believed" cmp "$work/deb.json" "$work/wanted.json"
asked 200 Packages "but read again" 1
ok "and kept as it is" sh -c '! grep -q "^Version: 99" "$1"' sh "$(kept Packages)"
kept_release=$(kept InRelease)
time=$(stat -c %y "$kept_release")
sed -i 's/^Origin: .*/Origin: Somebody/' "$kept_release"
touch -d "$time" "$kept_release"
lock -o "$work/deb.json"
exits 0 "a signed file that was changed where it is kept"
ok "is not believed" cmp "$work/deb.json" "$work/wanted.json"
asked 200 InRelease "but read again" 1
ok "and kept as it is" cmp "$(kept InRelease)" "$archive/dists/suite/InRelease"
# Another index that is signed, under this one's name.
mkdir -p "$archive/dists/suite/contrib/binary-riscv64"
printf 'Package: words\nVersion: 99\nArchitecture: riscv64\nFilename: pool/none\nSize: 1\nSHA256: %064d\n' 0 >"$archive/dists/suite/contrib/binary-riscv64/Packages"
release suite
touch -d '2034-01-01' "$archive/dists/suite/InRelease"
lock -o "$work/wanted.json"
exits 0 "a suite with two components"
cp "$archive/dists/suite/contrib/binary-riscv64/Packages" "$(kept Packages)"
lock -o "$work/deb.json"
ok "another component's index is not taken for it" cmp "$work/deb.json" "$work/wanted.json"
rm "$(kept Packages)"
lock -o "$work/deb.json"
ok "an index that is gone is read again" cmp "$work/deb.json" "$work/wanted.json"
asked 200 Packages "once" 1

# ---- where there is no place for it ----------------------------------------------------------------
rm -rf "$HOME/.cache"
XDG_CACHE_HOME=$work/other
export XDG_CACHE_HOME
lock -o "$work/deb.json"
is "XDG_CACHE_HOME is honoured" "$(find "$work/other/assay/apt" -name '*_InRelease' | wc -l) $(ls -A "$HOME")" "1 "
rm -rf "$work/other"
unset XDG_CACHE_HOME
: >"$HOME/.cache"
lock -o "$work/deb.json"
exits 0 "where nothing can be kept"
asked 200 Packages "all is read" 1
done_testing
