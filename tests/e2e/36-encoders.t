#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What other programs read from squashfs, tar, initrd and OCI outputs is the tree that was described.
# Owners, devices and capabilities are unpacked and compared where `id -u` is 0.
. "$(dirname "$0")/lib.sh"

agree="python3 $here/encoders_agree.py"
tree=$work/tree.txt
name255=$(printf '%0255d' 0 | tr 0 n)
cat >"$tree" <<END
dir . 750 0 0 1700000000
dir bin 755 0 0 1700000001
file bin/busybox 4755 0 0 1600000000 random:1:300000
hard bin/sh bin/busybox
symlink bin/ls 777 0 0 1600000001 busybox
dir dev 755 0 0 2
block dev/disk 660 0 6 1 8 200
char dev/null 666 0 0 1 1 3
fifo dev/pipe 600 1 2 3
socket dev/socket 600 1 2 3
dir etc 2775 0 50 1700000002
symlink etc/abs 777 0 0 1 /absolute/target
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
file etc/tail 644 0 0 9 random:1:1000
dir etc/long 700 0 0 8
file etc/long/$name255 600 0 0 9 text:long
symlink etc/long/link 777 0 0 9 ../../$name255/$name255
dir tmp 1777 0 0 9
dir usr 755 0 0 9
dir usr/a 755 0 0 9
dir usr/a/b 755 0 0 9
hard usr/a/b/again bin/busybox
xattr etc user.a b
xattr etc user.long 0123456789012345678901234567890123456789
xattr etc/caps security.capability \\x01\\x00\\x00\\x02\\x00\\x04\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00
xattr bin/busybox trusted.t x
END

encode() { # KIND PARAMS OUT
    "$ASSAY_HELPERS/encode_tree" "$ASSAY_STORE" "$tree" "$1" "$2" 2 "$3"
}
squashfs() { # COMPRESSOR LEVEL FRAGMENTS
    printf '{"compressor":"%s","level":%s,"blockSize":65536,"fragments":%s,"exports":%s,"xattrs":true,"time":1700000000,"exclude":[]}' \
        "$1" "$2" "$3" "$3"
}

for c in gzip:9 zstd:15 xz:6 lz4:12 none:0; do
    for fragments in true false; do
        what="squashfs ${c%:*}, fragments $fragments"
        image=$work/image.squashfs
        ok "$what: is made" encode encode.squashfs "$(squashfs "${c%:*}" "${c#*:}" $fragments)" "$image"
        ok "$what: unsquashfs lists the tree" $agree unsquashfs "$tree" "$image"
        ok "$what: sqfs2tar gives the tree" $agree sqfs2tar "$tree" "$image"
    done
done
ok "squashfs: unsquashfs -cat gives every file" $agree unsquashfs-cat "$tree" "$image"
ok "squashfs: rdsquashfs reads the attributes" $agree rdsquashfs-xattr "$tree" "$image"
is "squashfs: a multiple of 4096 bytes" $(($(stat -c %s "$image") % 4096)) 0
is "squashfs: the time of its making is the parameter's" \
    "$(TZ=UTC unsquashfs -s "$image" | sed -n 's/^Creation or last append time //p')" "Tue Nov 14 22:13:20 2023"

ok "tar: is made" encode encode.tar '{"exclude":["dev/socket"]}' "$work/out.tar"
ok "tar: Python's tarfile reads the tree" $agree tarfile "$tree" "$work/out.tar" dev/socket
ok "tar: GNU tar lists the tree" $agree gnutar "$tree" "$work/out.tar" dev/socket
run tar -tf "$work/out.tar"
is "tar: GNU tar has nothing to say about it" "$(cat "$work/stderr")" ""
ok "tar: tar2sqfs takes it" sh -c 'tar2sqfs -q "$2" <"$1"' sh "$work/out.tar" "$work/t2.squashfs"
ok "tar: what tar2sqfs makes of it is the tree" $agree unsquashfs "$tree" "$work/t2.squashfs" dev/socket

grep -v '^xattr .* \(security\|trusted\)' "$tree" >"$work/plain.txt"
for c in gzip:6 none:0; do
    what="initrd ${c%:*}"
    params="{\"compressor\":\"${c%:*}\",\"level\":${c#*:},\"exclude\":[\"dev/socket\"]}"
    ok "$what: is made" "$ASSAY_HELPERS/encode_tree" "$ASSAY_STORE" "$work/plain.txt" encode.initrd "$params" 2 "$work/out.${c%:*}"
done
ok "initrd: gzip unpacks it" sh -c 'gzip -dc "$1" >"$2"' sh "$work/out.gzip" "$work/out.cpio"
ok "initrd: it is what was made without a compressor" cmp "$work/out.cpio" "$work/out.none"
ok "initrd: GNU cpio lists the tree" $agree cpio "$work/plain.txt" "$work/out.cpio" dev/socket
ok "initrd: GNU cpio unpacks the tree" $agree cpio-extract "$work/plain.txt" "$work/out.cpio" dev/socket
run encode encode.initrd '{"compressor":"none","level":0,"exclude":[]}' "$work/out.cpio"
exits 5 "initrd: attributes that it would lose are refused"
one_line "initrd: in one line"
says "security.capability|trusted.t" "initrd: which names the attribute"

config='{"Entrypoint":["/bin/sh"],"Env":["A=b"],"Labels":{"k":"v"}}'
for c in gzip:6 none:0; do
    what="image ${c%:*}"
    layout=$work/oci.${c%:*}
    ok "$what: is made" encode encode.oci \
        "{\"architecture\":\"riscv64\",\"os\":\"linux\",\"created\":1700000000,\"compressor\":\"${c%:*}\",\"level\":${c#*:},\"config\":$config,\"exclude\":[\"dev/socket\"]}" "$layout"
    ok "$what: umoci unpacks the tree" $agree umoci "$tree" "$layout" dev/socket
    run skopeo inspect "oci:$layout:latest"
    exits 0 "$what: skopeo inspects it"
    is "$what: skopeo reads what was asked for" \
        "$(jq -c '[.Architecture, .Os, .Created, .Labels, .Env, (.Layers | length)]' "$work/stdout")" \
        '["riscv64","linux","2023-11-14T22:13:20Z",{"k":"v"},["A=b"],1]'
    run skopeo copy -q "oci:$layout:latest" "oci:$work/copy.${c%:*}:latest"
    exits 0 "$what: skopeo copies it, checking every digest"
done

# The same bytes for any number of threads, locale, time zone and umask.
for kind in encode.squashfs encode.tar encode.initrd encode.oci; do
    description=$tree
    case $kind in
    encode.squashfs) params=$(squashfs zstd 19 true) ;;
    encode.tar) params='{"exclude":["dev/socket"]}' ;;
    encode.initrd) params='{"compressor":"gzip","level":9,"exclude":[]}' description=$work/plain.txt ;;
    *) params='{"architecture":"amd64","os":"linux","created":0,"compressor":"gzip","level":9,"config":{},"exclude":["dev/socket"]}' ;;
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
