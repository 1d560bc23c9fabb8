#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Assay's own programs reproduce: a second build of this tree, in another directory, by another user (when
# this one may become one), with another umask, locale, time zone and order of files, gives the same bytes.
. "$(dirname "$0")/lib.sh"

other=$work/a/rather/longer/path/than/usual
mkdir -p "$other"
chmod 0755 "$work"
cd "$top" || exit 1
# What is in the tree, whether git knows it yet or not, but nothing that was built.
find . -path ./build -prune -o -path ./.git -prune -o -name node_modules -prune -o -type f -print | sort -R |
    tar -cf - -T - | tar -xf - -C "$other"

build() {
    umask 077
    env -i PATH="$PATH" HOME=/nonexistent TZ=Asia/Tokyo LANG=tr_TR.UTF-8 "$@" make -s -C "$other" BUILD=elsewhere -j2 all
}
become=
if [ "$(id -u)" = 0 ]; then
    chown -R 65534:65534 "$work"
    become='setpriv --reuid 65534 --regid 65534 --clear-groups'
fi
ok "the tree builds elsewhere" build $become
for program in "$ASSAY_BIN"/assay*; do
    name=$(basename "$program")
    ok "$name is the same, byte for byte" cmp "$program" "$other/elsewhere/bin/$name"
done

# The comparison can fail: one changed message gives another program.
cp "$other/base/assay_main.c" "$work/saved.c"
sed 's/run what was built/run what is built/' "$work/saved.c" >"$other/base/assay_main.c"
ok "it builds with one message changed" build $become
if cmp -s "$ASSAY_BIN/assay" "$other/elsewhere/bin/assay"; then
    fail "a planted difference is seen"
else
    pass "a planted difference is seen"
fi
done_testing
