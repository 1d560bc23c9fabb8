#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A store that an administrator made for a group: its members work in it, whatever their umask, and nobody else. A store that was
# not made so stays its owner's.
. "$(dirname "$0")/lib.sh"
group=61100
cp -r "$ASSAY_BIN" "$work/bin"
assay=$work/bin/assay
chmod 755 "$work"
chmod -R a+rX "$work/bin"
modes() { # STORE: kind and mode of what is there but blobs and actions
    find "$1" -mindepth 1 ! -path '*/sha256/*' ! -path '*/actions/*' -printf '%P %y %m\n' | sort
}
python3 "$here/make_plan.py" layer "$work/base.tar" base
"$assay" plan toolchain --json | python3 "$here/make_plan.py" plan "$work/plan.json" "$work/base.tar:none"
chmod a+r "$work/base.tar" "$work/plan.json"

# ---- whose the files are ------------------------------------------------------------------------
mkdir "$work/private" "$work/below"
chmod 2755 "$work/below"
for umask in 002 077; do
    for store in private/$umask below/$umask; do
        run sh -c 'umask $1 && "$2" store add "$3" --store "$4"' sh "$umask" "$assay" "$work/base.tar" "$work/$store"
        exits 0 "$store: a store like any"
        is "$store: its temporary files are its owner's" "$(stat -c %a "$work/$store/tmp" | tail -c 4)" 700
        is "$store: nobody else writes to it" "$(find "$work/$store" ! -type l -perm /022)" ""
    done
done
for umask in 002 022 077; do
    mkdir "$work/group.$umask"
    chmod 2770 "$work/group.$umask"
    run sh -c 'umask $1 && "$2" store add "$3" --store "$4" --name x && "$2" store quota 1000000000 --store "$4"' sh "$umask" "$assay" "$work/base.tar" "$work/group.$umask"
    exits 0 "umask $umask: a store of a group"
    is "umask $umask: open to the group" "$(modes "$work/group.$umask" | grep -v -e ' d 277[05]$' -e ' f 66[04]$' -e ' d 277[57]$')" ""
    is "umask $umask: its directories give their group on" "$(find "$work/group.$umask" -type d ! -perm -2070)" ""
    is "umask $umask: blobs are nobody's to write" "$(find "$work/group.$umask/blobs/sha256" -type f -perm /222)" ""
done

# ---- two members, and somebody else ----------------------------------------------------------------
if [ "$(id -u)" = 0 ]; then
    store=$work/shared
    mkdir "$store"
    chgrp "$group" "$store"
    chmod 2770 "$store"
    for user in 61001 61002 61003; do
        mkdir "$work/$user"
        chown "$user:$user" "$work/$user"
    done
    # as USER UMASK COMMAND…: a member of the group, but for 61003
    as() {
        user=$1 umask=$2
        shift 2
        groups="--groups $group"
        [ "$user" != 61003 ] || groups=--clear-groups
        # shellcheck disable=SC2086
        run setpriv --reuid "$user" --regid "$user" $groups env HOME="$work/$user" TMPDIR="$work/$user" ASSAY_STORE="$store" \
            sh -c 'umask "$1" && shift && cd "$HOME" && exec "$@"' sh "$umask" "$@"
    }
    as 61001 077 "$assay" store add "$work/base.tar"
    exits 0 "the first member makes the store"
    as 61001 077 "$assay" build "$work/plan.json" -q -o out
    exits 0 "and builds in it"
    as 61002 022 "$assay" build "$work/plan.json" -q -o out
    exits 0 "the second builds, too"
    ok "the same" cmp "$work/61001/out/test.squashfs" "$work/61002/out/test.squashfs"
    as 61002 022 "$assay" store quota 1000000000
    exits 0 "the second sets a quota"
    echo one >"$work/one.txt"
    as 61001 077 "$assay" store add "$work/one.txt" --name one
    exits 0 "the first adds to it"
    as 61002 022 "$assay" store rm-ref one
    exits 0 "the second removes the first's reference"
    # A writer of the first's that died; a blob of his that is damaged.
    as 61001 077 sh -c 'echo dead >"$ASSAY_STORE/tmp/w1-1"'
    as 61002 022 "$assay" store add "$work/plan.json"
    exits 0 "the second adds, too"
    ok "what the first's dead writer left is gone" test ! -e "$store/tmp/w1-1"
    blob=$store/blobs/sha256/$(sha256sum "$work/base.tar" | cut -d' ' -f1)
    chmod 644 "$blob"
    printf X | dd of="$blob" bs=1 seek=100 conv=notrunc 2>/dev/null
    chmod 444 "$blob"
    as 61002 077 "$assay" store verify --repair --from "$work"
    as 61002 077 "$assay" store add "$work/base.tar"
    exits 0 "the second mends what is the first's"
    as 61001 077 "$assay" store verify
    exits 0 "the first finds it whole"
    # Many at once.
    for i in $(seq 1 8); do
        echo "text $i" >"$work/text$i"
        for user in 61001 61002; do
            setpriv --reuid $user --regid $user --groups $group env HOME="$work/$user" ASSAY_STORE="$store" "$assay" store add "$work/text$i" --name "r$i-$user" \
                >/dev/null 2>"$work/many.$i.$user" || echo failed >>"$work/failed" &
        done
    done
    wait
    ok "many of both at once" test ! -e "$work/failed"
    is "and each reference is there" "$(jq '.manifests | length' "$store/index.json")" 16
    as 61002 022 "$assay" store gc
    exits 0 "the second collects"
    as 61001 077 "$assay" store gc
    exits 0 "and the first"
    is "all of it is the group's" "$(find "$store" ! -group $group)" ""
    as 61003 022 "$assay" store ls
    exits 7 "who is not in the group is refused"
    one_line "in one line"
    # What was a private store, after what the page says an administrator does.
    store=$work/61001/own
    as 61001 022 "$assay" store add "$work/base.tar"
    exits 0 "a private store"
    as 61002 022 "$assay" store add "$work/one.txt"
    exits 7 "the second is refused there"
    chgrp -R $group "$store" && chmod -R g+rwX "$store" && find "$store" -type d -exec chmod g+s {} +
    chmod a-w "$store"/blobs/sha256/*
    as 61002 022 "$assay" store add "$work/one.txt"
    exits 0 "until it was given to the group"
else
    pass "what needs two users is tried by root"
fi
done_testing
