# SPDX-License-Identifier: Apache-2.0
# Sourced after lib.sh by the tests of registries: Debian's docker-registry on loopback.
#
#   serve NAME HTTP_EXTRA AUTH [STORAGE]  starts a registry; $port is where it listens
#   htpasswd                              prints the file of passwords in which tester's is secret
#   background CMD…                       runs it until the test ends
#   sound NAME                            every blob of the store is what its name says
registry_program=$top/tests/peers/debian/docker-registry/usr/bin/docker-registry
if [ ! -x "$registry_program" ]; then
    echo "Bail out! no docker-registry: run make peers"
    exit 1
fi

mkdir -p "$work/control" "$work/src"
pids=
stop() {
    status=$?
    for pid in $pids; do kill "$pid" 2>/dev/null; done
    for pid in $pids; do wait "$pid" 2>/dev/null; done
    pids=
    (exit $status)
    finish
}
trap stop EXIT

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

gone_or_listening() { # PID PORT
    ! kill -0 "$1" 2>/dev/null || python3 -c 'import socket, sys; socket.create_connection(("127.0.0.1", int(sys.argv[1])))' "$2"
}

serve() {
    for _ in 1 2 3; do
        port=$(free_port)
        printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: "%s"}}\nhttp: {addr: "127.0.0.1:%s"%s}\n%s\n' \
            "${4:-$work/registry}" "$port" "$2" "$3" >"$work/$1.yml"
        "$registry_program" serve "$work/$1.yml" >"$work/$1.log" 2>&1 &
        pids="$pids $!"
        pid=$!
        await gone_or_listening "$pid" "$port"
        kill -0 "$pid" 2>/dev/null && return 0
    done
    cat "$work/$1.log" >&2
    return 1
}

# What a registry asks of tester, whose password is secret, in the only form that it takes: bcrypt.
htpasswd() {
    # shellcheck disable=SC2016 # the dollars are the form's
    perl -e 'print "tester:", crypt("secret", q($2b$04$abcdefghijklmnopqrstuu)), "\n"'
}

background() {
    "$@" &
    pids="$pids $!"
}

sound() {
    if [ ! -d "$ASSAY_STORE" ]; then pass "$1"; return; fi
    ok "$1" sh -c 'cd "$1/blobs/sha256" && for b in *; do [ "$b" = "*" ] || [ "$(sha256sum <"$b" | cut -c1-64)" = "$b" ] || exit 1; done' sh "$ASSAY_STORE"
}
