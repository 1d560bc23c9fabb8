#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# One image of several suites: of each package the newest version, each suite's Release verified with its own keyring, and the
# plan says which suite each package is from.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/apt_machine.sh"

# ---- an archive of two suites, with two keys ----------------------------------------------
archive=$work/archive
key() {
    mkdir -m 0700 "$work/gnupg.$1"
    GNUPGHOME=$work/gnupg.$1 gpg --batch -q --passphrase '' --quick-gen-key "$1 <nobody@example.org>" rsa2048 sign never
    GNUPGHOME=$work/gnupg.$1 gpg --batch -q --export >"$work/$1.gpg"
}
package() { # SUITE NAME VERSION
    mkdir -p "$work/deb/DEBIAN" "$archive/pool/main"
    printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a test\n' "$2" "$3" >"$work/deb/DEBIAN/control"
    echo "$2 $3" >"$work/deb/$2"
    SOURCE_DATE_EPOCH=1700000000 dpkg-deb -Znone --root-owner-group -b "$work/deb" "$archive/pool/main/$2_$3_all.deb" >/dev/null
    mkdir -p "$archive/dists/$1/main/binary-riscv64"
    {
        cat "$work/deb/DEBIAN/control"
        echo "Filename: pool/main/$2_$3_all.deb"
        echo "Size: $(stat -c %s "$archive/pool/main/$2_$3_all.deb")"
        echo "SHA256: $(sha256sum "$archive/pool/main/$2_$3_all.deb" | cut -d' ' -f1)"
        echo
    } >>"$archive/dists/$1/main/binary-riscv64/Packages"
    rm -rf "$work/deb"
}
release() { # SUITE KEY [FIELD…]
    suite=$1
    own=$2
    shift 2
    index=$archive/dists/$suite/main/binary-riscv64/Packages
    {
        printf 'Origin: Debian\nLabel: Debian\nSuite: %s\nCodename: %s\nDate: Tue, 14 Nov 2023 22:13:20 UTC\n' "$suite" "$suite"
        printf 'Architectures: riscv64\nComponents: main\n'
        [ $# = 0 ] || printf '%s\n' "$@"
        printf 'SHA256:\n %s %s main/binary-riscv64/Packages\n' "$(sha256sum "$index" | cut -d' ' -f1)" "$(stat -c %s "$index")"
    } >"$work/Release"
    rm -f "$archive/dists/$suite/InRelease"
    GNUPGHOME=$work/gnupg.$own gpg --batch -q --passphrase '' --digest-algo SHA512 --clearsign -o "$archive/dists/$suite/InRelease" "$work/Release"
}
key one
key two
package stable alpha 1.0
package stable beta 2.0
package stable gamma 3.0
package updates alpha 1.1
package updates beta 1.9
package updates gamma 3.0
package later alpha 9.0
release stable one
release updates two
release later one 'NotAutomatic: yes'

apt_machine riscv64 "deb [signed-by=$work/one.gpg] file:$archive stable main" \
    "Dir::Etc::preferencesparts \"$work/machine/preferences.d\";"
mkdir "$machine/preferences.d"
printf 'Package: *\nPin: release n=stable\nPin-Priority: 1001\n' >"$machine/preferences.d/pin"
ok "the machine knows the archive" apt-get -qq update

lock() { # SUITES OPTION…
    printf 'name: deb\narch: riscv64\nimages: {all: {debian: {%s, packages: [alpha, beta, gamma], dependencies: %s}}}\nartifacts: [tar]\n' "$1" "${depth:-none}" >"$work/deb.yml"
    shift
    rm -f "$work/deb.json"
    run "$assay" lock "$work/deb.yml" -o "$work/deb.json" "$@"
}
origins() {
    jq -r '[.inputs[].from.debian | "\(.package) \(.version) \(.suite)"] | join(", ")' "$work/deb.json"
}
keys="--keyring $work/one.gpg --keyring updates=$work/two.gpg"

# ---- which version, which suite --------------------------------------------------------------
lock 'suites: [stable, updates]' $keys
exits 0 "two suites, each with its own key"
is "of each package the newest version; of equal ones the first suite's, whatever the machine pins" "$(origins)" \
    "alpha 1.1 updates, beta 2.0 stable, gamma 3.0 stable"
for suite in stable updates; do
    is "$suite: its Release file's digest stands with its packages" \
        "$(jq -r --arg s $suite '[.inputs[].from.debian | select(.suite == $s) | .release] | unique | join(" ")' "$work/deb.json")" \
        "sha256:$(sha256sum "$archive/dists/$suite/InRelease" | cut -d' ' -f1)"
done
cp "$work/deb.json" "$work/kept.json"
depth=all
lock 'suites: [stable, updates]' $keys
exits 0 "with dependencies: all"
is "the solver takes the same" "$(origins)" "alpha 1.1 updates, beta 2.0 stable, gamma 3.0 stable"
depth=none
lock 'suites: [updates, stable]' $keys
is "the order of the suites counts for equal versions alone" "$(origins)" "alpha 1.1 updates, beta 2.0 stable, gamma 3.0 updates"
lock 'suites: [stable, later]' --keyring "$work/one.gpg"
is "a suite that says NotAutomatic of itself, as backports do, gives what no other has" "$(origins)" \
    "alpha 1.0 stable, beta 2.0 stable, gamma 3.0 stable"
lock 'suite: stable' --keyring "$work/one.gpg"
is "one suite" "$(origins)" "alpha 1.0 stable, beta 2.0 stable, gamma 3.0 stable"
run "$assay" build "$work/kept.json" -o "$work/out" -q
exits 0 "it builds"
is "what was locked is in it" "$(tar -xOf "$work/out/deb.tar" alpha beta | tr '\n' ' ')" "alpha 1.1 beta 2.0 "

# ---- what is refused ---------------------------------------------------------------------------
lock 'suites: [stable, updates]' --keyring "$work/one.gpg"
exits 3 "a suite that the keyring has not signed"
says "the index of 'updates' is not signed by the keyring '$work/one.gpg'" "and which, by which"
ok "no plan" test ! -e "$work/deb.json"
lock 'suites: [stable, updates]' $keys --keyring "stable=$work/two.gpg"
exits 3 "a suite signed with the other suite's key"
says "the index of 'stable' is not signed by the keyring '$work/two.gpg'" "is told so"
lock 'suites: [stable, nowhere]' --keyring "$work/one.gpg"
exits 5 "a suite that is not there"
says "the archive has no suite 'nowhere'" "is named"
lock 'suites: [stable, updates-security]' --keyring "$work/one.gpg"
exits 7 "a security suite on a machine without a security archive"
says "knows no security archive of Debian" "says what to add"
lock 'suites: [stable, stable]' --keyring "$work/one.gpg"
exits 5 "a suite twice"
lock 'suite: stable, suites: [updates]' --keyring "$work/one.gpg"
exits 5 "suite and suites"
says "'suite' or 'suites', not both" "are told apart"
lock 'suites: []' --keyring "$work/one.gpg"
exits 5 "no suite"
release updates two 'Valid-Until: Wed, 15 Nov 2023 22:13:20 UTC'
lock 'suites: [stable, updates]' $keys
exits 3 "one of two is expired"
says "the index of 'updates' is out of date" "and is the one that is named"
lock 'suites: [stable, updates]' $keys --allow-expired
exits 0 "--allow-expired takes it"
is "and says so of that one alone" "$(grep -c "out of date" "$work/stderr") $(grep -c "'updates'" "$work/stderr")" "1 1"
# ---- a package that is not what its index says ---------------------------------------------------
package wrong alpha 1:5.0
release wrong one
index=$archive/dists/wrong/main/binary-riscv64/Packages
sed -i "s|alpha_1:5.0|alpha_5.0|" "$index"
mv "$archive/pool/main/alpha_1:5.0_all.deb" "$archive/pool/main/alpha_5.0_all.deb"
cp "$index" "$work/honest"
# indexed EXPRESSION: the index of the suite, changed so
indexed() {
    sed "$1" "$work/honest" >"$index"
    release wrong one
    printf 'name: deb\narch: riscv64\nimages: {all: {debian: {suite: wrong, packages: [%s], dependencies: none}}}\nartifacts: [tar]\n' "${2:-alpha}" >"$work/deb.yml"
    run "$assay" lock "$work/deb.yml" -o "$work/wrong.json" --keyring "$work/one.gpg"
}
differs() { # PATTERN NAME
    exits 5 "$2: exit code 5"
    one_line "$2: one line"
    says "$1" "$2: says what differs"
    ok "$2: no plan" test ! -e "$work/wrong.json"
}
indexed 's/^Package: .*/Package: delta/' delta
differs "package 'delta': its file is called 'alpha_5.0_all.deb', by the index it is 'delta_1*" "another name"
indexed 's/^Version: .*/Version: 1:6.0/'
differs "its file is called 'alpha_5.0_all.deb', by the index it is 'alpha_6.0_all.deb'" "another version"
indexed 's/^Version: .*/Version: 2:5.0/'
differs "the field 'Version' of its control file is '1:5.0', of the index '2:5.0'" "another epoch"
cp "$archive/pool/main/alpha_5.0_all.deb" "$archive/pool/main/alpha_5.0_riscv64.deb"
indexed 's/^Architecture: .*/Architecture: riscv64/; s/5.0_all/5.0_riscv64/'
differs "the field 'Architecture' of its control file is 'all', of the index 'riscv64'" "another architecture"
cp "$archive/pool/main/alpha_5.0_all.deb" "$archive/pool/main/delta_5.0_all.deb"
indexed 's/^Package: .*/Package: delta/; s/alpha_5.0/delta_5.0/' delta
differs "the field 'Package' of its control file is 'alpha', of the index 'delta'" "another name, in the file's too"
indexed ''
exits 0 "the same package with its own index"
done_testing
