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

# A tree as mke2fs stores it: the root and lost+found are root's, whoever runs it. So who is not root asks as the root of a namespace of his own.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else unshare -r "$@"; fi
}

# ---- ext2, ext3, ext4 ------------------------------------------------------------------------
for options in "-t ext4" "-t ext4 -b 1024" "-t ext2" "-t ext2 -b 1024" "-t ext3" "-t ext4 -O inline_data" "-t ext4 -I 128" \
    "-t ext4 -O meta_bg,^resize_inode -b 1024" "-t ext4 -O ea_inode" "-t ext4 -O bigalloc" "-t ext4 -O ^64bit,^metadata_csum" \
    "-t ext4 -O sparse_super2,^resize_inode" "-t ext4 -O mmp" "-t ext4 -O orphan_file" "-t ext4 -b 65536 -N 1000"; do
    rm -f image
    # What newer ones do by themselves is asked for where it is meant.
    case $options in
    *orphan_file*) journal='(journal) (orphans)' ;;
    *ext4*) options="$options -O ^orphan_file" journal='(journal)' ;;
    *) journal='(journal)' ;;
    esac
    # shellcheck disable=SC2086 # options are words
    as_root mke2fs -q -F $options -d tree image 100M >/dev/null 2>&1 || fail "mke2fs $options"
    run as_root "$assay" diff --json --normalize archive.format tree image
    case $options in
    *ext2* | *65536*) is "mke2fs $options: the same tree" "$(causes)" "archive.format" ;;
    *) is "mke2fs $options: the same tree, and a journal" "$(causes) $(jq -r '[.result.causes[] | select(.id == "extra").sample[].path] | join(" ")' stdout)" "archive.format extra $journal" ;;
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
as_root mke2fs -q -F -O ^orphan_file -d attributes acl 8M >/dev/null 2>&1
run as_root "$assay" diff --json attributes acl
is "attributes are the file system's own" "$(causes)" "archive.format extra"

# ---- EROFS (whose mkfs leaves out lost+found) --------------------------------------------------
cp -a tree plain
rmdir plain/lost+found
touch -d @1000000000 plain
for options in "-E force-inode-extended" "-T1000000000" "-E force-inode-extended --chunksize=4096" "-E force-inode-extended,noinline_data"; do
    rm -f image
    # shellcheck disable=SC2086 # options are words
    mkfs.erofs --quiet $options image plain >/dev/null 2>&1 || fail "mkfs.erofs $options"
    run "$assay" diff --json --normalize archive.format plain image
    exits 0 "mkfs.erofs $options: the same tree"
done
rm -f image
mkfs.erofs --quiet -E force-inode-extended image attributes >/dev/null 2>&1
run "$assay" diff --json --normalize archive.format attributes image
exits 0 "attributes of EROFS"
mkfs.erofs --quiet -T1000000000 -U 00000000-0000-0000-0000-000000000001 one.erofs plain >/dev/null 2>&1
mkfs.erofs --quiet -T1000000000 -U 00000000-0000-0000-0000-000000000002 two.erofs plain >/dev/null 2>&1
run "$assay" diff --json one.erofs two.erofs
is "another UUID of EROFS" "$(jq -r '[.result.causes[].id] | unique | join(" ")' stdout)" "fs.uuid pack.checksum"
cp one.erofs two.erofs
at=$(grep -abo 'long name 299' two.erofs | head -1)
printf 'LONG' | dd of=two.erofs bs=1 seek="${at%%:*}" conv=notrunc status=none
run "$assay" diff --json one.erofs two.erofs
is "a file under another name" "$(jq -r '[.result.causes[] | select(.id == "moved").sample[].path] | join(" ")' stdout)" "many/a file with a long name 299"
head -c 20000 one.erofs >two.erofs
run "$assay" diff one.erofs two.erofs
prints 'damaged: it is cut short' "an image of EROFS that is cut short"
mkfs.erofs --quiet -zlz4 two.erofs plain >/dev/null 2>&1
run "$assay" diff one.erofs two.erofs
prints 'unread|is not read: unpack it' "compressed ones are not read, and that is said"

# ---- FAT --------------------------------------------------------------------------------------
mkdir -p fat/dir/sub
echo hi >fat/README.TXT
head -c 100000 /dev/urandom >"fat/dir/A long Name.bin"
echo x >fat/dir/sub/lower.txt
echo y >"fat/dir/Grüße.txt"
for i in $(seq 100); do echo "$i" >"fat/dir/sub/file number $i"; done
find fat -exec touch -d @1000000000 {} +
MTOOLS_SKIP_CHECK=1
TZ=UTC
export MTOOLS_SKIP_CHECK TZ
for options in "-F 12 4M" "-F 16 32M" "-F 32 64M" "-F 32 -s 8 300M"; do
    rm -f volume
    truncate -s "${options##* }" volume
    # shellcheck disable=SC2086 # options are words
    mkfs.vfat ${options% *} -n LABEL volume >/dev/null
    (cd fat && LC_ALL=C.UTF-8 mcopy -s -m -i ../volume ./* ::) || fail "mcopy"
    run "$assay" diff --json fat volume
    is "mkfs.vfat $options: the same tree" "$(causes) $(jq -r '[.result.causes[] | select(.id == "extra").sample[].path] | join(" ")' stdout)" "archive.format extra (boot code)"
done
cp volume two
printf x | dd of=two bs=1 seek=100 conv=notrunc status=none
run "$assay" diff --json volume two
is "what firmware runs" "$(jq -r '.result.causes[].sample[].path' stdout)" "(boot code)"
cp volume two
mdel -i two ::README.TXT
run "$assay" diff --json volume two
is "a deleted file" "$(jq -r '[.result.causes[] | select(.id == "absent").sample[].path] | join(" ")' stdout)" "README.TXT"
ok "is seen to be there still" jq -e '[.result.causes[] | select(.id == "extra").sample[].path] | length == 2' stdout
truncate -s 200M two
run "$assay" diff volume two
prints 'damaged: it is cut short' "a volume that is cut short"

# ---- partitions ---------------------------------------------------------------------------------
truncate -s 100M disk
sgdisk -n 1:2048:+80M -t 1:ef00 -n 2:0:+10M disk >/dev/null
rm volume
truncate -s 80M volume
mkfs.vfat -F 32 volume >/dev/null
(cd fat && LC_ALL=C.UTF-8 mcopy -s -m -i ../volume ./* ::)
dd if=volume of=disk bs=1M seek=1 conv=notrunc status=none
cp disk two
sgdisk -G two >/dev/null
run "$assay" diff --json --normalize fs.uuid,pack.checksum disk two
exits 0 "new identifiers and what follows from them"
(cd fat && LC_ALL=C.UTF-8 mcopy -o -m -i ../two@@1M README.TXT ::dir/sub/lower.txt)
run "$assay" diff --json --normalize fs.uuid,pack.checksum,time.mtime disk two
exits 1 "a file in a volume in a partition"
is "is found where it is" "$(jq -r '[.result.causes[] | select(.id == "content.data").sample[].path] | join(" ")' stdout)" "partition 1 » dir/sub/lower.txt"
cp disk two
printf x | dd of=two bs=1 seek=$((96 * 1024 * 1024)) conv=notrunc status=none
run "$assay" diff --json disk two
is "a byte outside of all partitions" "$(jq -r '[.result.causes[].sample[].path | sub("[0-9]+"; "N")] | join(" ")' stdout)" "(gap at N)"
truncate -s 100M mbr
printf 'start=2048,size=20000,type=c\nstart=30000,size=100000,type=5\nstart=32048,size=3000,type=83\nstart=38048,size=3000,type=83\n' | sfdisk -q mbr
cp mbr two
printf x | dd of=two bs=1 seek=$((38048 * 512 + 5)) conv=notrunc status=none
run "$assay" diff --json mbr two
is "a logical partition" "$(jq -r '.result.causes[].sample[].path' stdout)" "partition 6"

# ---- ISO 9660 -----------------------------------------------------------------------------------
cp -a fat cd
ln -s README.TXT cd/link
ln -s /abs/../x/./y cd/dir/link
mkdir -p cd/1/2/3/4/5/6/7/8/9/10
echo deep >cd/1/2/3/4/5/6/7/8/9/10/f
printf 'z' >"cd/$(printf 'n%.0s' $(seq 200))"
chmod 640 cd/README.TXT
find cd -exec touch -h -d @1000000000 {} +
for tool in "xorriso -as mkisofs -R" "xorriso -as mkisofs -R -J -joliet-long" "genisoimage -R -D" "genisoimage -R" "genisoimage -R -D -J -joliet-long"; do
    $tool -quiet -o iso cd >/dev/null 2>&1 || fail "$tool"
    run "$assay" diff --json cd iso
    case $tool in
    *-J*) wanted="archive.format extra (joliet)" ;;
    "genisoimage -R") wanted="archive.format extra rr_moved" ;;
    *) wanted=archive.format ;;
    esac
    is "$tool: the same tree" "$(causes)$(jq -r '[.result.causes[] | select(.id == "extra").sample[0].path | " " + .] | join("")' stdout)" "$wanted"
done
cp iso two
at=$(grep -abo 'deep' two | head -1)
printf 'DEEP' | dd of=two bs=1 seek="${at%%:*}" conv=notrunc status=none
run "$assay" diff --json iso two
is "a file in both of its trees" "$(jq -r '[.result.causes[].sample[].path] | join(" ")' stdout)" "(joliet)/1/2/3/4/5/6/7/8/9/10/f 1/2/3/4/5/6/7/8/9/10/f"

# ---- images of virtual machines -----------------------------------------------------------------
cp disk two
printf x | dd of=two bs=1 seek=$((96 * 1024 * 1024)) conv=notrunc status=none
for format in "qcow2" "qcow2 -o compat=0.10" "qcow2 -o cluster_size=4096" "vdi" "vdi -o static=on" "vpc -o force_size=on" "vpc -o subformat=fixed,force_size=on"; do
    # shellcheck disable=SC2086 # format is words
    qemu-img convert -f raw -O $format disk image.one && qemu-img convert -f raw -O $format two image.two
    run "$assay" diff --json --normalize compress.tool disk image.one
    exits 0 "$format: the same disk"
    run "$assay" diff --json --normalize fs.uuid,pack.checksum,pack.layout,time.superblock image.one image.two
    is "$format: a byte outside of all partitions" "$(jq -r '[.result.causes[] | select(.id | test("^(fs.uuid|pack|time)") | not).sample[].path | sub("[0-9]+"; "N")] | join(" ")' stdout)" "(gap at N)"
done
qemu-img convert -c -f raw -O qcow2 disk image.one
run "$assay" diff disk image.one
prints 'unread|clusters are compressed.*qemu-img convert' "compressed clusters are not read, and that is said"
done_testing
