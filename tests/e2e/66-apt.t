#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Debian archives that are too old, too new, or cannot be reached: what apt does not like is said for what it is, and
# what this machine's apt was told to overlook is not overlooked here.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt_machine.sh"
GNUPGHOME=$work/gnupg
export GNUPGHOME
mkdir -m 0700 "$GNUPGHOME"

# ---- an archive with a key of its own ----------------------------------------------------
archive=$work/archive
cp -r "$top/tests/data/debian-archive" "$archive"
chmod -R u+w "$archive"
ok "a key" gpg --batch -q --passphrase '' --quick-gen-key 'Assay tests <nobody@example.org>' rsa2048 sign never
gpg --batch -q --export >"$archive/own.gpg"
# release SUITE FIELD…: a suite like assaytest whose Release file has these fields in place of its own
release() {
    suite=$1
    shift
    mkdir -p "$archive/dists/$suite"
    cp -r "$archive/dists/assaytest/main" "$archive/dists/$suite/"
    {
        printf '%s\n' "$@"
        sed '1,/^$/d; /^-----BEGIN PGP SIG/,$d' "$top/tests/data/debian-archive/dists/assaytest/InRelease" |
            sed "/^Date:/d; s/^\(Suite\|Codename\): .*/\1: $suite/"
    } >"$work/Release"
    rm -f "$archive/dists/$suite/InRelease"
    gpg --batch -q --passphrase '' --digest-algo SHA512 --clearsign -o "$archive/dists/$suite/InRelease" "$work/Release"
}
past='Date: Tue, 14 Nov 2023 22:13:20 UTC'
release fine "$past" 'Valid-Until: Tue, 14 Nov 2090 22:13:20 UTC'
release plain "$past"
release expired "$past" 'Valid-Until: Wed, 15 Nov 2023 22:13:20 UTC'
release future 'Date: Tue, 14 Nov 2090 22:13:20 UTC'
release machine "$past"

# A machine whose apt was told to take everything.
apt_machine riscv64 "deb [signed-by=$archive/own.gpg] file:$archive machine main"
ok "the machine knows the archive" apt-get -qq update

lock() { # SUITE OPTION…
    printf 'name: deb\narch: riscv64\nimages: {all: {debian: {suite: %s, packages: [words], dependencies: none}}}\nartifacts: [tar]\n' "$1" >"$work/deb.yml"
    shift
    rm -f "$work/deb.json"
    run "$assay" lock "$work/deb.yml" --keyring "$archive/own.gpg" -o "$work/deb.json" "$@"
}
rejected() { # PATTERN NAME
    exits 3 "$2: exit code 3"
    one_line "$2: one line"
    says "$1" "$2: says what it is"
    ok "$2: no plan" test ! -e "$work/deb.json"
}

# ---- dates ---------------------------------------------------------------------------------
all() {
    lock fine
    exits 0 "$1: a suite that is still valid"
    is "$1: nothing is said of it" "$(cat "$work/stderr")" ""
    lock plain
    exits 0 "$1: a suite that is valid for ever"
    lock expired
    rejected "the index of 'expired' is out of date, its Valid-Until is over; --allow-expired takes it" "$1: an expired suite"
    lock future
    rejected "the index of 'future' is from the future" "$1: a suite from the future"
}
all "a machine like any"
lock expired --allow-expired
exits 0 "--allow-expired takes an expired one"
says "the index of 'expired' is out of date.*taken, as asked for" "and says so"
lock fine --allow-expired
exits 0 "--allow-expired, and one that is not"
is "says nothing" "$(cat "$work/stderr")" ""
lock future --allow-expired
rejected "is from the future" "--allow-expired: a suite from the future"
cat >>"$machine/apt.conf" <<'E'
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::Max-FutureTime "4000000000";
Acquire::Min-ValidTime "4000000000";
Acquire::Min-ValidTime::Debian "4000000000";
Acquire::AllowInsecureRepositories "true";
E
ok "the machine's own apt takes an expired suite now" sh -ec '
    echo "deb [signed-by=$1/own.gpg] file:$1 expired main" >"$2/expired.list"
    apt-get -qq -o Dir::Etc::sourcelist="$2/expired.list" update -o APT::Update::Error-Mode=any -o APT::Get::List-Cleanup=0' sh "$archive" "$machine"
all "a machine that overlooks dates"
lock expired --allow-expired
exits 0 "a machine that overlooks dates: --allow-expired"

# ---- what cannot be reached ------------------------------------------------------------------
lock plain
cp "$work/deb.json" "$work/kept.json"
nobody=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
fetch() {
    rm -rf "$ASSAY_STORE"
    run "$assay" fetch "$work/kept.json" --no-origin --timeout 300 "$@"
}
unreached() { # NAME
    exits 7 "$1: exit code 7"
    one_line "$1: one line"
    says ': offline, or it is down: ' "$1: says that it is offline"
    ok "$1: and not that it is not there" sh -c '! grep -q "not there" "$1"' sh "$work/stderr"
}
fetch --archive "http://127.0.0.1:$nobody/debian/"
unreached "an archive that is down"
fetch --archive "http://user:s3cr3t@127.0.0.1:$nobody/debian/"
unreached "an archive with a user"
ok "whose password is not shown" sh -c '! grep -q s3cr3t "$1"' sh "$work/stderr"
fetch --archive "http://nowhere.invalid/debian/"
unreached "a host that has no address"
http_proxy=http://127.0.0.1:$nobody
export http_proxy
fetch --archive "http://archive.example/debian/"
unreached "a proxy that is down"
unset http_proxy
fetch --archive "http://127.0.0.1:$nobody/a/" --archive "http://127.0.0.1:$nobody/b/"
unreached "two archives"

# One that takes the question, and never answers.
python3 -c 'import os, socket, sys, time
s = socket.create_server(("127.0.0.1", 0))
open(sys.argv[1] + ".new", "w").write(str(s.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
held = []
while True:
    held.append(s.accept())' "$work/mute" &
mute=$!
await test -s "$work/mute"
rm -rf "$ASSAY_STORE"
run "$assay" fetch "$work/kept.json" --no-origin --archive "http://127.0.0.1:$(cat "$work/mute")/debian/" --timeout 2
exits 7 "an archive that never answers: exit code 7"
one_line "an archive that never answers: one line"
says "killed: the time that --timeout gives is over" "an archive that never answers: says so"
kill $mute
run "$assay" fetch "$work/kept.json" --no-origin --plain-http "127.0.0.1:$nobody" --from "127.0.0.1:$nobody/x" --timeout 2
unreached "a registry that is down"
fetch --archive "file:$work/nowhere/"
exits 5 "a directory that has it not: exit code 5"
fetch --archive "http://127.0.0.1:$nobody/debian/" --archive "file:$archive/"
exits 0 "one that is down, and one that has it"

done_testing
