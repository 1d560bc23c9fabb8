#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Hostile Debian packages as a root file system: each is refused with exit code 5 and one line, or contained.
. "$(dirname "$0")/lib.sh"

dump=$ASSAY_HELPERS/tree_dump
store=$work/store
python3 "$here/debian_bad.py" "$work" || exit 1

refused() { # NAME… PATTERN: the packages of these names together
    arguments=
    names=$1
    for name in $names; do
        arguments="$arguments deb:$work/$name.deb"
    done
    # shellcheck disable=SC2086
    run "$dump" -D amd64 "$store" $arguments
    exits 5 "$names: refused"
    one_line "$names: in one line"
    says "$2" "$names: that says why"
}
taken() {
    arguments=
    names=$1
    for name in $names; do
        arguments="$arguments deb:$work/$name.deb"
    done
    # shellcheck disable=SC2086
    run "$dump" -D amd64 "$store" $arguments
    exits 0 "$names: taken"
}
taken good
prints '^f 0644 0 0 [0-9]* etc/x 1 ' "with its file"
prints ' var/lib/dpkg/info/ab\.list ' "and in the database"

refused no-control-tar "expected control.tar"
refused two-control-tars "expected data.tar"
refused control-last "expected control.tar"
refused two-datas "not known follows the data"
refused cut-control "cut short|control archive"
for name in control-bzip2 data-bz2 data-lzma; do
    refused "$name" "compression \(bzip2 or lzma\) is not read"
done
refused control-no-xz "not xz"

for name in bomb-xz bomb-gz; do
    refused "$name" "more than .* bytes|decompression bomb"
done
is "the bombs leave nothing but themselves" "$(find "$store" -size +1M | wc -l)" 0
refused long-control "longer than 1048576 bytes"
refused long-conffiles "longer than 1048576 bytes"
refused many-files "more than 64 files"
refused no-control "no 'control'"
refused twice "'control' twice"
for name in link-control hard-control device deep dotted; do
    refused "$name" "no plain file"
done
refused out "'\.\.'"
taken absolute
prints ' var/lib/dpkg/info/ab\.postinst ' "a file of the control archive, as dpkg-deb -e has it"
refused list "which is dpkg's"

# ---- several streams in one member: as dpkg-deb reads them ----------------------------------
streams=0
for file in "$work"/streams-*.deb; do
    name=$(basename "$file" .deb)
    # A stream that is cut short is refused, whatever dpkg reads of it (1.22 does not notice the end of a zstd frame that is missing).
    case $name in
    *-cut-*)
        refused "$name" "cut short"
        continue
        ;;
    esac
    mkdir -p "$work/dpkg"
    # No bytes at all are no files to dpkg, and an error to the tar that dpkg-deb -x calls.
    if dpkg-deb --fsys-tarfile "$file" >"$work/fsys" 2>/dev/null && { [ ! -s "$work/fsys" ] || tar -C "$work/dpkg" -xf "$work/fsys" 2>/dev/null; }; then
        taken "$name"
        grep -o '^f 0644 0 0 [0-9]* [fghx] [0-9]*' "$work/stdout" | cut -d' ' -f 6- | sort >"$work/ours"
        (cd "$work/dpkg" && find . -type f -printf '%P %s\n' | sort) >"$work/theirs"
        ok "$name: the files that dpkg-deb finds" cmp "$work/ours" "$work/theirs"
        streams=$((streams + 1))
    else
        refused "$name" "other bytes follow|cut short|not (gzip|xz|zstd)|format is not 2.0"
    fi
    rm -r "$work/dpkg"
done
refused end-header "cut short"
ok "dpkg-deb takes some of these ($streams)" test "$streams" -gt 20

for name in path dots blank empty folded arch long; do
    refused "name-$name" "the field 'Package' cannot be"
done
refused arch-path "the field 'Architecture' cannot be"
refused arch-other "it is for 'arm64', not for 'amd64'"
refused version-words "the field 'Version' cannot be"
for name in status status-case conffiles-field pending; do
    refused "$name" "not the package's to say"
done
refused stanza "more than one stanza"
refused again "the field 'version' twice"
refused nul "has a NUL"
refused return "a control byte"
refused escape "a control byte"
refused blanks "nothing but blanks"
refused no-version "no field 'Version'"
for name in depends provides replaces; do
    refused "$name" "no relation"
done
refused fields "more than 256 fields"

refused conffile-relative "no absolute, plain path"
refused conffile-up "no absolute, plain path"
refused conffile-twice "twice"
for name in path file word; do
    refused "trigger-$name" "its triggers"
done

refused ships-status "'var/lib/dpkg/status' is there already"
refused ships-list "'var/lib/dpkg/info/ab.list' is there already"
refused ships-passwd "'etc/passwd' is there already"
refused newline "it has a newline"
refused data-up "'\.\.'"
refused usr-file "neither a directory nor the link"
taken whiteout
prints ' etc/\.wh\.x ' "a package has no whiteouts: it is a file of that name"
taken link-out
prints ' tmp/lib/dpkg/status ' "links are followed inside the system alone"
taken link-etc
prints ' usr/share/base-passwd/shadow ' "also those below /etc"

refused passwd-columns "is no user"
refused passwd-uid "is no user"
refused passwd-uid-text "is no user"
refused passwd-name "is no user"
refused passwd-twice "is there already"
refused passwd-same-uid "is there already"
refused passwd-nul "has a NUL"
refused passwd-empty "is no user"
refused passwd-dir "is no file"

refused "good same-name" "both the package 'ab'"
refused "good other" "in both"
refused "good under" "not a directory"
taken "good taker"
prints '^f 0644 0 0 [0-9]* etc/x 5 ' "Replaces: the file is the taker's"
circle=$(i=0 && while [ $i -lt 40 ]; do
    printf 'circle%d ' $i
    i=$((i + 1))
done)
taken "$circle"
cp "$work/stdout" "$work/first"
taken "$(printf '%s\n' $circle | sort -r | tr '\n' ' ')"
ok "circles of dependencies have one order, whatever that of the inputs" cmp "$work/first" "$work/stdout"
is "no temporary file is left" "$(find "$store/tmp" -type f 2>/dev/null | wc -l)" 0

done_testing
