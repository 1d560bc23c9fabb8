#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Control files with what dpkg reads by rules of its own: what dpkg refuses is refused, and what it takes is in the database as dpkg would write it.
. "$(dirname "$0")/lib.sh"
debs=$work/debs
mkdir "$debs"
python3 "$here/debian_fields.py" make "$debs" || exit 1

# ---- one by one ----------------------------------------------------------------------------
cat >"$work/one.sh" <<'E'
cd "$1" || exit 1
dpkg=taken ours=taken
dpkg-deb -f "$2.deb" Package >/dev/null 2>"$2.dpkg" || dpkg=refused
"$ASSAY_HELPERS/tree_dump" -D amd64 "$1/store" "deb:$2.deb" >/dev/null 2>"$2.ours"
case $? in 0) ;; 5) ours=refused ;; *) ours=failed ;; esac
[ "$(wc -l <"$2.ours")" -le 1 ] || ours=failed
echo "$2 $dpkg $ours"
E
xargs -P 16 -I CASE sh "$work/one.sh" "$debs" CASE <"$debs/cases" | sort >"$work/judged"
is "each case was judged" "$(wc -l <"$work/judged")" "$(wc -l <"$debs/cases")"
ok "some are taken, some are refused" sh -c 'grep -q " taken taken" "$1" && grep -q " refused refused" "$1"' sh "$work/judged"
# What is narrower here: a version in two fields, which no index shows, a name that is a comment to other readers, and versions of
# what is provided that are not exact, where this dpkg only warns of what later ones refuse.
printf '%s taken refused\n' Package-Revision Package_Revision Revision field-hash >"$work/narrower"
is "what is provided has exact versions" "$(sed -n 's/^Provides-least .* //p' "$work/judged")" refused
grep '^Provides-least taken ' "$work/judged" >>"$work/narrower"
sort -o "$work/narrower" "$work/narrower"
awk '$2 != $3' "$work/judged" | sort | diff "$work/narrower" - >"$work/differences"
is "dpkg and Assay take and refuse the same, but what is known" "$(cat "$work/differences")" ""

# ---- together --------------------------------------------------------------------------------
awk '$3 == "taken" {print $1}' "$work/judged" >"$work/taken"
sed "s|.*|$debs/&.deb|" "$work/taken" >"$work/files"
# shellcheck disable=SC2046
"$assay" plan toolchain --json | python3 "$here/debian_fields.py" plan "$work/plan.json" $(cat "$work/files")
ok "the packages that are taken, in the store" "$assay" store add --from-file "$work/files"
run "$assay" build "$work/plan.json" -q -o "$work/out"
exits 0 "one root file system of all that are taken"
mkdir "$work/root"
ok "unpacked" tar -C "$work/root" --no-same-owner -xf "$work/out/test.tar"
admin=$work/root/var/lib/dpkg
run dpkg --admindir="$admin" -l
exits 0 "dpkg -l"
is "lists every package" "$(grep -c '^ii  pk' "$work/stdout")" "$(wc -l <"$work/taken")"
is "and warns of nothing but what it warns of in packages, too" "$(grep -v -e '^dpkg-query: warning: parsing file' -e "^ missing '[DM][a-z]*' field" \
    -e "^ only exact versions may be used for 'Provides' field" "$work/stderr")" ""
run dpkg --admindir="$admin" --audit
exits 0 "dpkg --audit"
is "finds nothing" "$(cat "$work/stdout")" ""
fields='Package Essential Protected Priority Section Installed-Size Origin Maintainer Bugs Architecture Multi-Arch Source Version Replaces Provides Depends
    Pre-Depends Recommends Suggests Breaks Conflicts Enhances Description SHA256 SHA512 SHA1 X-Own XY X-Y X{}=/"'"'"
: >"$work/names"
while read -r name; do
    # shellcheck disable=SC2086
    dpkg-deb -f "$debs/$name.deb" $fields 2>/dev/null | tee -a "$work/names"
    echo
done <"$work/taken" >"$work/wanted"
# shellcheck disable=SC2046
dpkg-query --admindir="$admin" -s $(sed -n 's/^Package: \(pk[0-9]*\)$/\1/p' "$work/names") 2>/dev/null |
    sed '/^Status: install ok installed$/d' >"$work/got"
echo >>"$work/got"
ok "dpkg -s shows of each what dpkg reads in the package" cmp "$work/wanted" "$work/got"
awk 'BEGIN {RS = ""; ORS = "\n\n"} !/\n(Depends|Pre-Depends|Conflicts|Breaks):/' "$admin/status" >"$work/apt.status"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial"
ok "apt-get check reads it" apt-get -o Dir::State::status="$work/apt.status" -o Dir::State::lists="$work/lists" -o Dir::Etc::sourcelist=/dev/null \
    -o Dir::Etc::sourceparts=/dev/null -o Dir::Cache="$work/cache" -o Debug::NoLocking=1 -o APT::Architecture=amd64 -qq check
done_testing
