#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay diff reads file systems as the tools do that made them: a directory and its image are the same tree.
. "$(dirname "$0")/lib.sh"

cd "$work" || exit 1

# A tree with what is hard to store: many names, long links, holes, a file in thousands of pieces, attributes.
mkdir -p tree/d/e tree/many tree/lost+found
chmod 700 tree/lost+found
echo hi >tree/d/small
head -c 300000 /dev/urandom >tree/d/big
ln -s small tree/d/link
ln -s "$(printf 'x%.0s' $(seq 100))" tree/d/long
ln tree/d/small tree/d/e/hard
mkfifo tree/d/fifo
for i in $(seq 300); do echo "$i" >"tree/many/a file with a long name $i"; done
echo x | dd of=tree/hole bs=1 seek=50000000 status=none
perl -e 'open F, ">", "tree/pieces" or die; for (0 .. 999) { seek F, $_ * 8192, 0; print F "x" x 4096 }'
find tree -exec touch -h -d @1000000000 {} +

# causes: the ids that the last --json run named, without the times of the root, which mke2fs makes itself
causes() {
    jq -r '[.result.causes[] | select(.field != "mtime" or .sample[0].path != "") | .id] | unique | join(" ")' stdout
}

# ---- ext2, ext3, ext4 ------------------------------------------------------------------------
for options in "-t ext4" "-t ext4 -b 1024" "-t ext2" "-t ext2 -b 1024" "-t ext3" "-t ext4 -O inline_data" "-t ext4 -I 128" \
    "-t ext4 -O meta_bg,^resize_inode -b 1024" "-t ext4 -O ea_inode" "-t ext4 -O bigalloc" "-t ext4 -O ^64bit,^metadata_csum" \
    "-t ext4 -O sparse_super2,^resize_inode" "-t ext4 -O mmp" "-t ext4 -b 65536 -N 1000"; do
    rm -f image
    # shellcheck disable=SC2086 # options are words
    mke2fs -q -F $options -d tree image 100M >/dev/null 2>&1 || fail "mke2fs $options"
    run "$assay" diff --json --normalize archive.format tree image
    case $options in
    *ext2* | *65536*) is "mke2fs $options: the same tree" "$(causes)" "archive.format" ;;
    *) is "mke2fs $options: the same tree, and a journal" "$(causes) $(jq -r '[.result.causes[] | select(.id == "extra").sample[].path] | join(" ")' stdout)" "archive.format extra (journal)" ;;
    esac
done

# What differs in an image alone.
mke2fs -q -F -d tree -U 00000000-0000-0000-0000-000000000001 one 100M >/dev/null 2>&1
cp one two
tune2fs -U 00000000-0000-0000-0000-000000000002 two >/dev/null
run "$assay" diff --json one two
is "another UUID" "$(jq -r '[.result.causes[] | select(.id != "time.superblock") | .id] | unique | join(" ")' stdout)" "fs.uuid"
cp one two
debugfs -w -R "rm d/big" two 2>/dev/null
run "$assay" diff --json one two
is "what was deleted" "$(jq -r '[.result.causes[] | select(.id == "absent" or .id == "extra").sample[].path | select(startswith("(gap") | not)] | join(" ")' stdout)" "d/big"
ok "is still there, and said to be" jq -e '[.result.causes[].sample[].path | select(startswith("(gap at"))] | length >= 2' stdout
cp one two
printf 'x' | dd of=two bs=1 seek=$((100 * 1024 * 1024 - 5000)) conv=notrunc status=none
run "$assay" diff --json one two
is "a byte in a block of nobody" "$(jq -r '.result.causes[].sample[0].path | sub("[0-9]+"; "N")' stdout)" "(gap at N)"
truncate -s 50M two
run "$assay" diff one two
prints 'damaged: it is cut short' "an image that is cut short"

# ACLs and capabilities, through a tar that has them.
mkdir -p attributes/d
echo x >attributes/f
setfacl -m u:1000:rwx attributes/f
setfacl -d -m g:1000:rx attributes/d
setfattr -n user.test -v value attributes/f
mke2fs -q -F -d attributes acl 8M >/dev/null 2>&1
run "$assay" diff --json attributes acl
is "attributes are the file system's own" "$(causes)" "archive.format extra"
done_testing
