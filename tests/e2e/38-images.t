#!/bin/sh
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

# The same bytes for any number of threads, locale, time zone and umask.
for kind in encode.erofs; do
    params='{"time":9,"uuid":"derived","xattrs":true,"exclude":[]}'
    first=
    for jobs in 1 2 5; do
        digest=$(umask 0$((jobs * 11)) && LC_ALL=C TZ=Asia/Kolkata SOURCE_DATE_EPOCH=$jobs \
            "$ASSAY_HELPERS/encode_tree" "$work/store.$kind.$jobs" "$tree" $kind "$params" $jobs -)
        [ -n "$first" ] || first=$digest
        is "$kind: $jobs threads, another store, another environment" "$digest" "$first"
    done
done
done_testing
