#!/bin/sh
# Makes the archive beside this file anew, with a new throw-away key (its private half is not kept).
# Needs dpkg-deb and gpg, which the tests themselves do not. The bytes differ each time by the key only.
set -eu
cd "$(dirname "$0")"
rm -rf pool dists keyring.gpg
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME="$work/gpg" SOURCE_DATE_EPOCH=1700000000 LC_ALL=C TZ=UTC
mkdir -m 0700 "$GNUPGHOME"
umask 022
gpg --batch -q --passphrase '' --quick-generate-key 'Assay test archive' rsa2048 sign never

# package NAME VERSION ARCH SOURCE DEPENDS FILE CONTENT [PROVIDES]
package() {
    root=$work/$1
    mkdir -p "$root/DEBIAN" "$root/$(dirname "$6")"
    printf '%s\n' "$7" >"$root/$6"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\n' "$1" "$2" "$3"
        [ "$4" = "$1" ] || printf 'Source: %s\n' "$4"
        printf 'Maintainer: Assay tests <nobody@example.org>\n'
        [ -z "$5" ] || printf 'Depends: %s\n' "$5"
        [ -z "${8:-}" ] || printf 'Provides: %s\n' "$8"
        printf 'Description: made for a test\n'
    } >"$root/DEBIAN/control"
    dir=pool/main/$(printf %.1s "$4")/${4%% *}
    mkdir -p "$dir"
    find "$root" -exec touch -h -d @$SOURCE_DATE_EPOCH {} +
    dpkg-deb --root-owner-group -Zgzip -b "$root" "$dir/$1_$(echo "$2" | sed 's/^[0-9]*://')_$3.deb" >/dev/null
}
package greeting 2:1.0-1 riscv64 greeting 'greeting-data-1 (= 2:1.0-1), words (>= 1)' usr/share/doc/greeting/README 'the meta package'
package greeting-data-1 2:1.0-1 riscv64 greeting 'words | mail-transport-agent' usr/share/greeting/text 'hello from a package'
package words 1.5 all 'words (1.5)' '' usr/share/words/list 'one two three' word-list
package broken 1 riscv64 broken 'no-such-package' usr/share/broken 'cannot be installed'

release() {
    suite=$1
    {
        printf 'Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\n' "$suite" "$suite"
        printf 'Date: Tue, 14 Nov 2023 22:13:20 UTC\nArchitectures: riscv64 amd64\nComponents: main\nSHA256:\n'
        (cd "dists/$suite" && find main -name Packages | sort | while read -r f; do
            printf ' %s %s %s\n' "$(sha256sum "$f" | cut -d' ' -f1)" "$(wc -c <"$f")" "$f"
        done)
    } >"$work/Release"
    gpg --batch -q --yes --passphrase '' --digest-algo SHA512 --clearsign -o "dists/$suite/InRelease" "$work/Release"
}
mkdir -p dists/assaytest/main/binary-riscv64 dists/machine/main/binary-riscv64 dists/machine/main/binary-amd64
index() { # PATTERN
    find pool -name "$1" | sort | while read -r deb; do
        dpkg-deb -f "$deb"
        printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(wc -c <"$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
    done
}
index '*.deb' >dists/assaytest/main/binary-riscv64/Packages
index 'words_*' | tee dists/machine/main/binary-riscv64/Packages >dists/machine/main/binary-amd64/Packages
release assaytest
release machine
gpg --batch -q --export >keyring.gpg
