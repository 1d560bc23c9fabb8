#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# release.sh SUITE [COMPILER…]: builds the commit that is checked out, and runs its unit tests, in a root of another Debian release,
# by each compiler (gcc, gcc-13, clang-19, …: Debian packages; gcc when none is named), with warnings as errors. mmdebstrap makes the
# root of what packages.txt wants for building, out of the archive that this machine's apt uses; it is kept as
# build/tests/roots/SUITE-….tar until that changes. Nothing here reaches the machine's own packages. Run as root.
set -eu
umask 022
[ $# -gt 0 ] || { echo "release: which one? tests/release.sh trixie gcc clang" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "release: only root can mount what the tests need in the root" >&2; exit 1; }
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
suite=$1
shift
[ $# -gt 0 ] || set -- gcc
case $suite in *[!a-z]*) echo "release: '$suite' is no suite" >&2; exit 2 ;; esac

# What packages.txt has before what the demo and the tests ask for, the unit tests' own, and the compilers.
packages=$({
    sed -n '/^# The demo/q; /^[a-z]/p' "$top/packages.txt"
    printf '%s\n' libcmocka-dev mount perl "$@"
} | LC_ALL=C sort -u | paste -sd,)
here=$(. /etc/os-release && echo "$VERSION_CODENAME")
# The archive of this machine's own release, or else of the first source.
# shellcheck disable=SC2016 # apt's own variables
site=$(apt-get indextargets --format '$(RELEASE) $(SITE)' 'Created-By: Packages' 'Component: main' |
    awk -v own="$here" '$1 == own && !found { print $2; found = 1 } NR == 1 { first = $2 } END { if (!found) print first }')
[ -n "$site" ] || { echo "release: this machine's apt has no archive with a component main" >&2; exit 1; }
roots=$top/build/tests/roots
root=$roots/$suite-$(echo "$packages" | sha256sum | cut -c 1-12).tar
if [ ! -e "$root" ]; then
    mkdir -p "$roots"
    echo "  ROOT   $root" >&2
    apt-config dump | grep -i '^Acquire::.*Proxy' >"$root.proxy" || :
    mmdebstrap --quiet --format=tar --variant=apt --aptopt="$root.proxy" --include="$packages" "$suite" "$root.new" \
        "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site $suite main"
    rm "$root.proxy"
    mv "$root.new" "$root"
fi

work=$(mktemp -d /var/tmp/assay-release.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM HUP
mkdir "$work/root"
tar -C "$work/root" -xpf "$root"
git -C "$top" diff-index --quiet HEAD -- || echo "release: what is not committed is not in it" >&2
git clone -q --no-hardlinks "$top" "$work/root/assay"
cat >"$work/root/assay-test" <<'END'
#!/bin/sh
set -eu
. /etc/os-release
cd /assay
for compiler; do
    echo "# $PRETTY_NAME, $compiler, Mbed TLS $(dpkg-query -W -f '${Version}' libmbedtls-dev), OpenSSL $(dpkg-query -W -f '${Version}' libssl-dev)"
    make -s -j"$(nproc)" CC="$compiler" BUILD="build/$compiler" WERROR=1 check-unit
done
END
# A root that is pivoted to, not a chroot: there the sandbox can make its user namespaces.
# shellcheck disable=SC2016
unshare --mount --pid --net --fork --kill-child sh -c '
    set -e
    ip link set lo up
    cd "$1"
    shift
    mount --bind . .
    cd "$PWD"
    mount -t proc proc proc
    mount --rbind /dev dev
    mount -t tmpfs tmpfs tmp
    pivot_root . mnt
    umount -l /mnt
    env -i HOME=/root LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin sh /assay-test "$@"' sh "$work/root" "$@"
