#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ordinary.sh COMMAND [ARGUMENT…]: runs it, as a newcomer would have it, in a clone of the commit that is checked out: as an
# ordinary user that is made for it, with the shortest PATH and environment, in a /run of root's, and without a network but
# loopback. What `make inputs` and `make peers` fetched is copied; nothing that was built is. Run as root, since it makes a user;
# where it cannot do any of this, it says so and fails. What the command leaves running ends with it.
set -eu
umask 022
[ $# -gt 0 ] || { echo "ordinary: which command? tests/ordinary.sh make check" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "ordinary: only root can make the user that the command is to run as" >&2; exit 1; }
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
for fetched in build/tests/inputs tests/peers/debian tests/peers/sigstore/node_modules; do
    [ -d "$top/$fetched" ] || { echo "ordinary: $fetched is missing, and it cannot be fetched without a network: run 'make peers inputs' first" >&2; exit 1; }
done
git -C "$top" diff-index --quiet HEAD -- || echo "ordinary: what is not committed is not in the clone" >&2

home=$(mktemp -d /var/tmp/assay-ordinary.XXXXXX)
user=assay-$(basename "$home" | tr 'A-Z.' 'a-z-' | tail -c 7)
export user home top
cleared() {
    status=$?
    ! id "$user" >/dev/null 2>&1 || userdel "$user" || status=1
    rm -rf "$home" || status=1
    exit $status
}
trap cleared EXIT
trap 'exit 1' INT TERM HUP

chmod 0755 "$home"
useradd --no-create-home --home-dir "$home" --shell /bin/sh "$user" || { echo "ordinary: no user can be made here" >&2; exit 1; }
git clone -q --no-hardlinks "$top" "$home/assay"
mkdir -p "$home/assay/build/tests" "$home/shared"
cp -a "$top/build/tests/inputs" "$home/assay/build/tests/"
cp -a "$top/tests/peers/." "$home/assay/tests/peers/"
chown -R "$user:" "$home"
code=0
# shellcheck disable=SC2016
unshare --net --mount --pid --fork --kill-child --mount-proc sh -c '
    set -e
    ip link set lo up
    mount -t tmpfs -o mode=0755 tmpfs /run
    mkdir -m 0700 /run/containers
    [ ! -d "$top/../shared" ] || mount --bind "$top/../shared" "$home/shared"
    cd "$home/assay"
    become="setpriv --reuid $user --regid $(id -g "$user") --init-groups"
    $become unshare -Ur true || { echo "ordinary: ordinary users may make no user namespaces here, which the sandbox needs: sysctl -w user.max_user_namespaces=10000" >&2; exit 1; }
    # Not with exec: the shell stays, and buries what was orphaned.
    $become env -i HOME="$home" USER="$user" LOGNAME="$user" PATH=/usr/local/bin:/usr/bin:/bin "$@"' \
    sh "$@" || code=$?
exit $code
