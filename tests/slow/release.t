#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The commit that is checked out builds on the other Debian release, without a warning, and its unit tests pass: by its gcc and clang.
. "$(dirname "$0")/../e2e/lib.sh"

# shellcheck disable=SC1091
other=$(. /etc/os-release && [ "$VERSION_CODENAME" = trixie ] && echo bookworm || echo trixie)
as_root=
[ "$(id -u)" = 0 ] || as_root=sudo
for compiler in gcc clang; do
    run $as_root sh "$top/tests/release.sh" "$other" $compiler
    exits 0 "$other, $compiler: builds, and the unit tests pass"
    prints "^# .*, $compiler, Mbed TLS [0-9].*, OpenSSL [0-9]" "$other, $compiler: $(sed -n 's/^# //p' "$work/stdout")"
    prints '^Result: PASS$' "$other, $compiler: they ran"
done
done_testing
