#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What other programs, and a second reader of the format, read from file-system images is the tree that was described.
. "$(dirname "$0")/lib.sh"

agree="python3 $here/images_agree.py"
tree=$work/tree.txt
name255=$(printf '%0255d' 0 | tr 0 n)
long=$(printf '%04000d' 0 | sed 's/0/abc0/g;s/.\{200\}/&\//g' | head -c 4000)
cat >"$tree" <<END
dir . 750 0 0 1700000000
dir .a 755 0 0 0
file !first 644 0 0 0 text:sorts\\x20before\\x20the\\x20dot
dir bin 755 0 0 1700000001
file bin/busybox 4755 0 0 1600000000 random:1:300000
hard bin/sh bin/busybox
symlink bin/ls 777 0 0 1600000001 busybox
dir dev 755 0 0 2
block dev/disk 660 0 6 1 8 200
block dev/large 660 0 6 1 259 70000
char dev/null 666 0 0 1 1 3
fifo dev/pipe 600 1 2 3
socket dev/socket 600 1 2 3
dir etc 2775 0 50 1700000002
symlink etc/abs 777 0 0 1 /absolute/target
symlink etc/long-link 777 0 0 1 $(echo "$long" | head -c 4000)
symlink etc/link-60 777 0 0 1 $(echo "$long" | head -c 60)
symlink etc/link-59 777 0 0 1 $(echo "$long" | head -c 59)
file etc/caps 755 0 0 1 text:caps
file etc/copy 644 0 0 9 random:1:300000
file etc/empty 644 0 0 5 text:
file etc/hello 644 70000 4294967290 2147483648 text:hello\\x0a
hard etc/linked etc/hello
file etc/na\\xc3\\xafve 600 1 1 7 text:utf8
file etc/new\\x0aline 600 1 1 7 text:newline
file etc/sp\\x20ace 600 1 1 7 text:space
file etc/bad\\xff\\xfe 600 1 1 7 text:raw
file etc/sparse 644 0 0 4294967295 zero:300000
file etc/block 644 0 0 9 random:3:4096
file etc/block-and 644 0 0 9 random:3:4097
file etc/holes 644 0 0 9 spots:9000001:700000
hard etc/holes-too etc/holes
file etc/nothing 644 0 0 1 zero:1048576
file etc/pieces 600 0 0 1 spots:9000000:70000
file etc/blocks 644 0 0 9 random:4:8192
file etc/almost 644 0 0 9 random:5:4064
file etc/tail 644 0 0 9 random:1:4095
dir etc/long 700 0 0 8
file etc/long/$name255 600 0 0 9 text:long
symlink etc/long/link 777 0 0 9 ../../$name255/$name255
dir tmp 1777 0 0 9
dir usr 755 0 0 9
dir usr/a 755 0 0 9
dir usr/a/b 755 0 0 9
hard usr/a/b/again bin/busybox
dir usr/many 755 0 0 9
many usr/many 3000
xattr etc user.a b
xattr etc user.long 0123456789012345678901234567890123456789
xattr etc/caps security.capability \\x01\\x00\\x00\\x02\\x00\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00
xattr bin/busybox trusted.t x
xattr etc/hello system.posix_acl_access \\x02\\x00\\x00\\x00\\x01\\x00\\x06\\x00\\xff\\xff\\xff\\xff\\x04\\x00\\x04\\x00\\xff\\xff\\xff\\xff\\x20\\x00\\x04\\x00\\xff\\xff\\xff\\xff
END
# A tree that needs no attributes, devices or strange names: what an ordinary user can unpack.
cp "$tree" "$work/all.txt"
for i in 1 2 3 4 5 6; do
    printf 'xattr etc/tail user.big%s %s\n' $i "$(printf '%0400d' $i)" >>"$work/all.txt"
done
if [ "$(id -u)" = 0 ]; then cp "$tree" "$work/files.txt"; else grep -v '^\(block\|char\) ' "$tree" >"$work/files.txt"; fi

encode() { # DESCRIPTION KIND PARAMS OUT
    "$ASSAY_HELPERS/encode_tree" "$ASSAY_STORE" "$1" "$2" "$3" 2 "$4"
}

# ---- EROFS ----
erofs='{"time":9,"uuid":"00112233-4455-6677-8899-aabbccddeeff","xattrs":true,"exclude":[]}'
ok "erofs: is made" encode "$work/all.txt" encode.erofs "$erofs" "$work/image"
ok "erofs: fsck.erofs finds no fault" fsck.erofs "$work/image"
ok "erofs: the tree is read back" $agree erofs "$work/all.txt" "$work/image"
run dump.erofs -s "$work/image"
prints "UUID: +00112233-4455-6677-8899-aabbccddeeff" "erofs: the UUID is the parameter's"
prints "sb_csum" "erofs: with a checksum"
printf 'X' | dd of="$work/image" bs=1 seek=1100 conv=notrunc 2>/dev/null
run fsck.erofs "$work/image"
if [ "$code" != 0 ] || grep -q checksum "$work/stderr" "$work/stdout"; then pass "erofs: which is checked"; else fail "erofs: which is checked" "$(context)"; fi
ok "erofs: of files is made" encode "$work/files.txt" encode.erofs "$erofs" "$work/image"
ok "erofs: fsck.erofs unpacks the tree" $agree erofs-extract "$work/files.txt" "$work/image"
ok "erofs: without attributes" encode "$work/all.txt" encode.erofs "$(echo "$erofs" | sed 's/"xattrs":true/"xattrs":false/')" "$work/image"
grep -v ^xattr "$work/all.txt" >"$work/plain.txt"
ok "erofs: they are left out" $agree erofs "$work/plain.txt" "$work/image"
printf 'dir . 755 0 0 0\n' >"$work/one.txt"
ok "erofs: an empty tree is made" encode "$work/one.txt" encode.erofs "$erofs" "$work/image"
ok "erofs: and is read back" $agree erofs "$work/one.txt" "$work/image"
printf 'xattr . other.name x\n' >>"$work/one.txt"
run encode "$work/one.txt" encode.erofs "$erofs" "$work/image"
exits 5 "erofs: an attribute that it has no place for"
one_line "erofs: in one line"
says "other.name" "erofs: is named"

# ---- ext4 ----
ext4() { # SIZE
    printf '{"label":"ROOT","size":%s,"time":1700000000,"uuid":"00112233-4455-6677-8899-aabbccddeeff","xattrs":true,"exclude":[]}' "$1"
}
for size in 0 134217728 142606336; do
    ok "ext4 of size $size: is made" encode "$work/all.txt" encode.ext4 "$(ext4 $size)" "$work/image"
    ok "ext4 of size $size: e2fsck finds no fault" e2fsck -fn "$work/image"
    ok "ext4 of size $size: the tree is read back" $agree ext4 "$work/all.txt" "$work/image"
    [ $size = 0 ] || is "ext4 of size $size: has it" "$(stat -c %s "$work/image")" $size
done
run dumpe2fs -h "$work/image"
prints "UUID: +00112233-4455-6677-8899-aabbccddeeff" "ext4: the UUID is the parameter's"
prints "volume name: +ROOT" "ext4: and its label"
prints "Filesystem created: .*2023" "ext4: and its time"
is "ext4: debugfs reads an attribute" "$(debugfs -R 'ea_get etc/tail user.big3' "$work/image" 2>/dev/null)" "user.big3 (400) = \"$(printf '%0400d' 3)\""
is "ext4: and a link" "$(debugfs -R 'stat etc/long-link' "$work/image" 2>/dev/null | sed -n 's/.*Size: //p' | head -n 1)" 4000
# Several groups, copies of the super block, a file of more extents than an inode holds.
printf 'dir . 755 0 0 0\nfile first 644 0 0 1 random:9:5000\nfile big 644 0 0 1 random:7:300000000\nfile last 644 0 0 1 random:9:5000\nmany . 5000\n' >"$work/big.txt"
printf 'dir . 755 0 0 0\nfile big 644 0 0 1 random:7:300000000\n' >"$work/only.txt"
encode "$work/only.txt" encode.tar '{"exclude":[]}' "$work/only.tar" >/dev/null
tar -xOf "$work/only.tar" big >"$work/big.bytes"
ok "ext4 of three groups: is made" encode "$work/big.txt" encode.ext4 "$(ext4 0)" "$work/image"
ok "ext4 of three groups: e2fsck finds no fault" e2fsck -fn "$work/image"
ok "ext4 of three groups: nor in the copy of its super block" e2fsck -fn -b 32768 "$work/image"
is "ext4 of three groups: its largest file" "$(debugfs -R 'cat big' "$work/image" 2>/dev/null | sha256sum)" "$(sha256sum <"$work/big.bytes")"
is "ext4 of three groups: its last file" "$(debugfs -R 'cat last' "$work/image" 2>/dev/null | sha256sum)" "$(debugfs -R 'cat first' "$work/image" 2>/dev/null | sha256sum)"
rm "$work/image" "$work/only.tar" "$work/big.bytes"
# Holes: by what the bytes are, in one inode's extents, in a block of them, and in more pieces than
# that has room for. What the file system of the input knows of holes changes nothing.
mkdir "$work/holes"
truncate -s 2G "$work/holes/empty"
truncate -s 1G "$work/holes/end" && printf x >>"$work/holes/end"
python3 -c '
import os, sys
for name, count, step in (("few", 3, 1 << 20), ("some", 90, 1 << 17), ("many", 2000, 1 << 17)):
    f = os.open(sys.argv[1] + "/" + name, os.O_WRONLY | os.O_CREAT)
    for i in range(count):
        os.pwrite(f, b"%d" % i, i * step + i)
    os.close(f)' "$work/holes"
cp --sparse=never "$work/holes/some" "$work/full"
{
    echo 'dir . 755 0 0 0'
    for name in empty end few many some; do echo "file $name 644 0 0 1 host:$work/holes/$name"; done
} >"$work/holes.txt"
sed "s,$work/holes/some,$work/full," "$work/holes.txt" >"$work/full.txt"
ok "ext4 with holes: is made" encode "$work/holes.txt" encode.ext4 "$(ext4 0)" "$work/image"
ok "ext4 with holes: e2fsck finds no fault" e2fsck -fn "$work/image"
ok "ext4 with holes: holes take no room" test "$(stat -c %s "$work/image")" -lt 290000000
for name in end few some many; do
    is "ext4 with holes: '$name' is the same" "$(debugfs -R "cat $name" "$work/image" 2>/dev/null | sha256sum)" "$(sha256sum <"$work/holes/$name")"
done
is "ext4 with holes: one of nothing else has no blocks" "$(debugfs -R 'stat empty' "$work/image" 2>/dev/null | sed -n 's/.*Blockcount: //p')" 0
encode "$work/full.txt" encode.ext4 "$(ext4 0)" "$work/image2" >/dev/null
ok "ext4 with holes: the same from a file without" cmp "$work/image" "$work/image2"
rm -r "$work/image" "$work/image2" "$work/holes" "$work/full"
run encode "$work/all.txt" encode.ext4 "$(ext4 1048576)" "$work/image"
exits 5 "ext4: a size that is too small"
one_line "ext4: in one line"
says "too small|cannot have" "ext4: is refused"

# ---- ISO 9660 ----
iso='{"volume":"LinuxKit","time":1700000000,"joliet":true,"exclude":[]}'
{
    grep -v '^xattr\|^symlink etc/long-link ' "$tree" | sed "s/$name255/$(printf '%0253d' 0 | tr 0 n)/g"
    for d in deep deep/a deep/a/b deep/a/b/c deep/a/b/c/d deep/a/b/c/d/e deep/a/b/c/d/e/f deep/a/b/c/d/e/f/g; do echo "dir $d 755 0 0 5"; done
    echo 'file deep/a/b/c/d/e/f/g/deeper.text 644 0 0 4294967295 text:nine\x20levels'
    for n in Name.conf.d NAME.conf.d name.conf.d na_me.conf.d na+me.conf.d a.rather-long-name-with-an-extension a.rather-long-name-with-another a.rather-long-name_with_an_extension .hidden ..x; do
        echo "file alike/$n 644 0 0 1 text:$n"
    done
    echo 'symlink alike/slashes 777 0 0 1 //a//b/'
    echo 'symlink alike/root 777 0 0 1 /'
    echo 'symlink alike/dots 777 0 0 1 ./../.././a/'
} | sed 's/^$//; /^dir$/d' >"$work/iso.txt"
sed -i 's|^file alike/Name|dir alike 755 0 0 1\n&|' "$work/iso.txt"
ok "iso: is made" encode "$work/iso.txt" encode.iso "$iso" "$work/image"
ok "iso: the tree is read back" $agree iso "$work/iso.txt" "$work/image"
ok "iso: and its Joliet half" $agree joliet "$work/iso.txt" "$work/image"
run isoinfo -d -i "$work/image"
prints "^Volume id: LinuxKit$" "iso: isoinfo reads its name"
prints "Joliet with UCS level 3 found" "iso: finds Joliet"
prints "Rock Ridge signatures version 1 found" "iso: and Rock Ridge"
# libisofs forgets empty components.
grep -v '^\(block\|char\|socket\|fifo\|symlink alike/slashes\) ' "$work/iso.txt" >"$work/files.txt"
ok "iso: of files is made" encode "$work/files.txt" encode.iso "$(echo "$iso" | sed 's/"joliet":true/"joliet":false/')" "$work/image"
is "iso: isoinfo finds every name" "$(isoinfo -R -f -i "$work/image" | wc -l)" \
    $(($(grep -vc '^many\|^dir \. ' "$work/files.txt") + 3000 + 1))
ok "iso: xorriso unpacks the tree" $agree iso-extract "$work/files.txt" "$work/image"
printf 'dir . 755 0 0 0\nfile %0254d 644 0 0 0 text:x\n' 1 >"$work/one.txt"
run encode "$work/one.txt" encode.iso "$iso" "$work/image"
exits 5 "iso: a name that Linux does not read is refused"
for length in 1023 1024; do
    target=$(printf '%0*d' "$length" 1)
    printf 'dir . 755 0 0 0\nsymlink link 777 0 0 0 %s\n' "$target" >"$work/one.txt"
    run encode "$work/one.txt" encode.iso "$iso" "$work/image"
    if [ "$length" = 1023 ]; then
        ok "iso: xorriso reads a link of $length bytes" sh -c "xorriso -indev '$work/image' -lsl / 2>/dev/null | grep -q -- \"-> '$target'\""
    else
        exits 5 "iso: one of $length is refused"
        says "more than 1023 bytes" "iso: and why"
    fi
done
run encode "$tree" encode.iso "$iso" "$work/image"
exits 5 "iso: attributes that it would lose are refused"
says "user.a|trusted.t|system.posix|security" "iso: by name"

# What firmware looks for.
cat >"$work/boot.txt" <<'END'
dir . 755 0 0 0
dir isolinux 755 0 0 0
file isolinux/isolinux.bin 644 0 0 0 random:7:38911
file isolinux/same 644 0 0 0 random:7:38911
file boot.img 644 0 0 0 random:8:2949120
END
head -c 432 "$work/all.txt" >"$work/mbr"
boot='{"volume":"LinuxKit","time":0,"joliet":true,"exclude":[],"bios":"isolinux/isolinux.bin","efi":"boot.img"}'
ok "iso, bootable: is made" encode "$work/boot.txt" encode.iso "$boot" "$work/image"
run xorriso -indev "$work/image" -report_el_torito plain
prints "El Torito boot img : +1 +BIOS +y +none +0x0000 +0x00 +4 " "iso, bootable: for a BIOS, four sectors"
prints "El Torito boot img : +2 +UEFI +y +none +0x0000 +0x00 +5760 " "iso, bootable: for EFI, all of its image"
prints "El Torito img path : +1 +/isolinux/isolinux.bin" "iso, bootable: the loader"
prints "El Torito img opts : +1 +boot-info-table" "iso, bootable: which has its information table"
prints "El Torito img path : +2 +/boot.img" "iso, bootable: the image"
xorriso -osirrox on -indev "$work/image" -extract /isolinux/same "$work/same" -extract /isolinux/isolinux.bin "$work/loader" 2>/dev/null
is "iso, bootable: a copy of the loader is left alone" "$(cmp "$work/same" "$work/loader" | sed 's/.*byte \(9\|[0-9]*\), .*/\1/'; tail -c +65 "$work/same" | sha256sum)" "9
$(tail -c +65 "$work/loader" | sha256sum)"
run encode "$work/boot.txt" encode.iso "$(echo "$boot" | sed 's/boot.img/boot.none/')" "$work/image"
exits 5 "iso: an image that is not there"
says "'boot.none'" "iso: is named"

# The same bytes for any number of threads, locale, time zone and umask.
for kind in encode.erofs encode.ext4 encode.iso; do
    description=$tree
    case $kind in
    encode.iso) params=$iso description=$work/iso.txt ;;
    encode.ext4) params='{"label":"","size":0,"time":9,"uuid":"derived","xattrs":true,"exclude":[]}' ;;
    *) params='{"time":9,"uuid":"derived","xattrs":true,"exclude":[]}' ;;
    esac
    first=
    for jobs in 1 2 5; do
        digest=$(umask 0$((jobs * 11)) && LC_ALL=C TZ=Asia/Kolkata SOURCE_DATE_EPOCH=$jobs \
            "$ASSAY_HELPERS/encode_tree" "$work/store.$kind.$jobs" "$description" $kind "$params" $jobs -)
        [ -n "$first" ] || first=$digest
        is "$kind: $jobs threads, another store, another environment" "$digest" "$first"
    done
done
done_testing
