#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay diff: zip archives, EFI programs, bytecode, embedded signatures; several causes in one text.
. "$(dirname "$0")/lib.sh"

cd "$work" || exit 1

# causes: the ids that the last --json run named, sorted, in one line
causes() {
    jq -r '[(.result // .).causes[].id] | unique | join(" ")' "$work/stdout"
}
# differ A B CAUSES NAME: the two differ by just those
differ() {
    run "$assay" diff --json "$1" "$2"
    exits 1 "$4: exit code"
    is "$4: causes" "$(causes)" "$3"
}

# ---- texts: each word by itself ------------------------------------------------------------------
printf 'made\nbuilt on alpha.example at 2026-11-29 10:00:00 by joe\nin /home/joe/p/x.c\nend\n' >a
printf 'made\nbuilt on b at 2026-11-30 11:00:00 by root\nin /build/p/x.c\nend\n' >b
differ a b "host.name path.build time.embedded user.name" "four causes in two lines"
is "leave nothing unexplained" "$(jq .result.unexplained.count stdout)" 0
printf 'made\nbuilt on b at 2026-11-30 11:00:00 by root\nin /build/p/x.c\nfin\n' >b
differ a b "content.data host.name path.build time.embedded user.name" "what nothing explains beside them"
is "is told where it is" "$(jq -r '.result.causes[] | select(.id == "content.data").sample[0].b' stdout)" "at 63: 'in /build/p/x.c\x0afin\x0a'"
printf 'make -j4\nnproc: 4\nLANG=C\nuname: 6.1.0-28-amd64\nid: 1b4e28ba-2fa1-11d2-883f-0016d3cca427\n' >a
printf 'make -j16\nnproc: 16\nLANG=de_DE.UTF-8\nuname: 6.5.1\nid: aa4e28ba-2fa1-11d2-883f-0016d3cca427\n' >b
differ a b "cpu.count kernel.uname locale random.id" "processors, kernel, language, chance"
TZ=UTC date -d @1764000000 >a
TZ=CET-1 date -d @1764000000 >b
differ a b tz "one instant in two zones"
printf 'alpha\nBeta\ngamma\nZeta\n' >a
LC_ALL=C sort a >b
differ a b locale "a list in the order of a language"
printf 'one\ntwo\nthree\nfour\n' >a
LC_ALL=C sort a >b
differ a b order.entries "a list that one side sorted"
printf '#!/bin/sh\nset -e\nrm x\ncp y x\nmv z y\n' >a
printf '#!/bin/sh\nset -e\ncp y x\nrm x\nmv z y\n' >b
differ a b content.data "lines of a program in another order are no matter of sorting"
printf '#!/bin/sh\ncp y x\nmv z y\nrm x\n' >a
printf '#!/bin/sh\nrm x\ncp y x\nmv z y\n' >b
differ a b content.data "nor where they happen to be sorted"
seq 2000 >a
seq 2000 | sed -e 's/^7$/seven/' -e '/^1500$/d' -e 's/^1999$/x/' >b
run "$assay" diff --json a b
is "of two texts of two sizes, what differs and no more" "$(jq -r '.result.unexplained | "\(.count) \(.bytes)"' stdout)" "3 14"

awk 'BEGIN { for (i = 0; i < 500; i++) { for (j = 0; j < 300; j++) printf "w%d ", j; print "2026-11-29" } }' >a
awk 'BEGIN { for (i = 0; i < 500; i++) { for (j = 0; j < 300; j++) printf "w%d ", j; print i < 499 ? "2026-11-30" : "2026-11-XX" } }' >b
run "$assay" diff --json a b
is "however many long lines differ, none is passed over" "$(jq -c '[.result.causes[] | [.id, .count]]' stdout)" '[["content.data",1],["time.embedded",499]]'

# ---- JSON ------------------------------------------------------------------------------------------
echo '{"host": "alpha", "cpus": 8, "log": {"at": "2026-11-29 10:00", "in": "/home/joe/p/x"}}' >a
echo '{"cpus": 12, "host": "b", "log": {"in": "/build/p/x", "at": "2026-11-29 11:00"}, "new": 1}' >b
differ a b "content.data cpu.count host.name order.hash path.build time.embedded" "JSON"
echo '{"a": 1}' >a
echo '{"a": "1"}' >b
differ a b content.data "a number and the same as a text"
echo '{"predicate": {"buildDefinition": {"resolvedDependencies": [{"uri": "a"}]}}}' >a
echo '{"predicate": {"buildDefinition": {"resolvedDependencies": [{"uri": "b"}]}}}' >b
differ a b input.drift "other inputs"

# ---- compression ---------------------------------------------------------------------------------------
seq 100000 >text
xz -1 -k -c text >a
xz -6 -k -c text >b
differ a b compress.level "two levels of xz"
xz -6 -T2 --block-size=100000 -k -c text >a
differ a b compress.threads "xz by several threads"
gzip -6 -n -c text >a
gzip -5 -n -c text >b
differ a b compress.tool "two levels of gzip that its header does not tell apart"

# ---- zip ------------------------------------------------------------------------------------------------
mkdir -p tree/sub tree/empty
echo hi >tree/a
seq 3000 >tree/sub/b
ln -s a tree/link
chmod 640 tree/a
find tree -exec touch -h -d @1000000000 {} +
export TZ=UTC
(cd tree && zip -qry -X ../x.zip . && zip -qry ../full.zip . && zip -qry -0 ../stored.zip .)
for z in x full stored; do
    run "$assay" diff --json --normalize archive.format tree $z.zip
    exits 0 "$z.zip is its directory"
done
run "$assay" diff --json full.zip stored.zip
is "packed and stored" "$(causes)" "archive.format compress.tool"
cp -a tree two
echo ho >two/a
touch -d @1000000000 two/a
(cd two && zip -qry -X ../y.zip .)
differ x.zip y.zip "content.data pack.checksum" "a file in a zip"
is "and where" "$(jq -r '.result.causes[0].sample[0].path' stdout)" a
touch -d @1000000100 two/a
echo hi >two/a
touch -d @1000000100 two/a
(cd two && rm ../y.zip && zip -qry -X ../y.zip .)
differ x.zip y.zip time.mtime "a time in a zip"
(cd tree && find . | sort -r | zip -qy -X ../r.zip -@)
differ x.zip r.zip order.entries "another order"
head -c 300 x.zip >cut.zip
run "$assay" diff x.zip cut.zip
prints 'unread' "a cut zip says that it is damaged"
(cd two && mkdir META-INF && echo sig >META-INF/X.RSA && touch -d @1000000000 META-INF/X.RSA && cp ../x.zip ../signed.jar && zip -qX ../signed.jar META-INF/X.RSA)
run "$assay" diff --signed x.zip signed.jar
exits 0 "a signature in a .jar is taken off"

for hidden in x y; do
    python3 - "$hidden" >"$hidden.behind" <<'EOF'
import struct, sys, zlib
data = b'hi' * 50
packer = zlib.compressobj(9, 8, -15)
packed = packer.compress(data) + packer.flush() + sys.argv[1].encode()
common = (20, 0, 8, 0, 33, zlib.crc32(data), len(packed), len(data), 1, 0)
local = struct.pack('<IHHHHHIIIHH', 0x04034b50, *common) + b'a' + packed
entry = struct.pack('<IHHHHHHIIIHHHHHII', 0x02014b50, 20, *common, 0, 0, 0, 0, 0) + b'a'
end = struct.pack('<IHHHHIIH', 0x06054b50, 0, 0, 1, 1, len(entry), len(local), 0)
sys.stdout.buffer.write(local + entry + end)
EOF
done
run "$assay" diff x.behind y.behind
exits 5 "bytes behind the stream of an entry are damage"
says "bytes behind its stream" "and no packing"

# ---- programs for EFI --------------------------------------------------------------------------------------
cat >k.c <<'EOF'
int efi_main(void);
int efi_main(void)
{
    return VALUE;
}
EOF
# efi NAME VALUE
efi() {
    gcc -c -fno-stack-protector -fno-asynchronous-unwind-tables -fpic -DVALUE="$2" k.c -o k.o &&
        ld -shared -Bsymbolic -e efi_main k.o -o k.so &&
        objcopy -j .text -j .data -j .rodata -j .dynamic -j .dynsym -j .rel -j .rela -O pei-x86-64 --subsystem=10 k.so "$1"
}
if [ "$(uname -m)" = x86_64 ]; then
    efi one.efi 3
    efi two.efi 4
    openssl req -x509 -newkey rsa:2048 -keyout key.pem -out cert.pem -days 2 -nodes -subj /CN=t 2>req.log || cat req.log
    sbsign --key key.pem --cert cert.pem --output one.signed one.efi >sign.log 2>&1 || cat sign.log
    run "$assay" diff --json one.efi one.signed
    is "unsigned and signed" "$(causes)" "pack.checksum signature.embedded"
    run "$assay" diff --signed one.efi one.signed
    exits 0 "are equal but for the signature"
    prints '^equivalent' "and that is said"
    run "$assay" diff --json --signed two.efi one.signed
    exits 1 "other code under a signature"
    is "is other code" "$(jq -r '.result.causes[0] | .id + " " + .sample[0].path' stdout)" "content.code .text"
fi

# ---- modules, packages, bytecode -----------------------------------------------------------------------------
gcc -c -DVALUE=1 k.c -o module.ko
{
    cat module.ko
    printf 'PKCS#7 in nobody'"'"'s name'
    printf '\000\000\002\000\000\000\000\000\000\000\000\027'
    printf '~Module signature appended~\n'
} >module.signed
run "$assay" diff --json module.ko module.signed
is "a signed module" "$(causes)" signature.embedded
printf x >>module.signed
run "$assay" diff --signed module.ko module.signed
exits 1 "what stands behind a signature is no signature"
echo 'print(1)' >m.py
for at in 1000 2000; do
    touch -d @$at m.py
    python3 -c "import py_compile; py_compile.compile('m.py', cfile='$at.pyc')"
done
differ 1000.pyc 2000.pyc time.superblock "bytecode of another time"
printf '.globl one\n.globl two\none=1\ntwo=2\n' | as -o one.o
printf '.globl two\n.globl one\none=1\ntwo=2\n' | as -o two.o
differ one.o two.o order.symbols "the order of symbols"
run "$assay" diff --causes --json
ok "every cause has a title and advice" jq -e 'all(.[]; (.title | length > 0) and (.advice | length > 0))' stdout
done_testing
