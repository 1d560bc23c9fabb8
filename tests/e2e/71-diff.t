#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# assay diff: directories and files, causes, verdicts, limits, hostile names.
. "$(dirname "$0")/lib.sh"

cd "$work" || exit 1

# tree NAME: one that all others are made from
tree() {
    mkdir -p "$1/bin" "$1/etc"
    echo hello >"$1/etc/motd"
    printf 'x%.0s' $(seq 3000) >"$1/bin/tool"
    ln -s ../bin/tool "$1/etc/link"
    chmod 755 "$1/bin/tool"
    find "$1" -exec touch -h -d @1000 {} +
}
verdict() {
    jq -r '(.result // .).verdict' "$work/stdout"
}
# causes: the ids that the last --json run named, sorted, in one line
causes() {
    jq -r '[(.result // .).causes[].id] | unique | join(" ")' "$work/stdout"
}
# differs CAUSES NAME: a and b differ by just those
differs() {
    run "$assay" diff --json a b
    exits 1 "$2: exit code"
    is "$2: causes" "$(causes)" "$1"
}
again() {
    rm -rf a b
    tree a
    tree b
}

again
run "$assay" diff a b
exits 0 "two directories with equal trees"
prints '^identical$' "say so"
run "$assay" diff --json a b
is "in JSON too" "$(verdict) $(causes)" "identical "

touch -d @1007 b/etc b/etc/motd
differs time.mtime "times"
run "$assay" diff a b
prints 'each \+7 s' "a constant distance is said"
run "$assay" diff --normalize time.mtime --json a b
exits 0 "what is tolerated makes them equivalent"
is "and is called so" "$(verdict)" equivalent
run "$assay" diff --normalize owner.names,xattr a b
exits 1 "what is tolerated and not there changes nothing"
run "$assay" diff --normalize no.such a b
exits 2 "a cause that there is not"

again
chmod 750 b/bin/tool
differs mode.umask "a umask"
chmod 4755 b/bin/tool
differs content.data "a setuid bit is no umask's doing"

again
echo hellO >b/etc/motd
touch -d @1000 b/etc/motd b/etc
differs content.data "content"
is "the place is told" "$(jq -r '.result.causes[0].sample[0].path' stdout)" etc/motd
is "and its bytes are counted" "$(jq -r '.result.unexplained | "\(.count) \(.bytes)"' stdout)" "1 1"

again
ln -sf ../bin/other b/etc/link
touch -h -d @1000 b/etc/link b/etc
differs content.data "a link's target"

again
mv b/bin/tool b/bin/renamed
touch -d @1000 b/bin
differs moved "a file that moved"

again
rm b/etc/motd
echo new >b/bin/new
touch -d @1000 b/etc b/bin b/bin/new
differs "absent extra" "missing and additional files"

again
rm b/etc/motd
mkdir b/etc/motd
touch -d @1000 b/etc b/etc/motd
chmod 644 b/etc/motd
differs content.data "a file that became a directory"

# ---- limits and what cannot be read -----------------------------------------------------
again
touch -d @1 b/etc
run "$assay" diff --max-members 2 a b
exits 1 "a limit that is hit is no success"
prints 'limit of members \(2\)' "and is named"
run "$assay" diff a/none b
exits 5 "a missing thing"
one_line "is one line"
run "$assay" diff a
exits 2 "one thing alone"
run "$assay" diff a a/etc/motd
exits 5 "a directory and a file that is no file system"
mkfifo p
run timeout "$patience" "$assay" diff p p
exits 5 "a pipe is no file, and is not waited for"

# ---- squashfs ----------------------------------------------------------------------------
# pack IMAGE TREE OPTION…: as the tool of others makes it
pack() {
    image=$1
    tree=$2
    shift 2
    rm -f "$image"
    SOURCE_DATE_EPOCH=2000 mksquashfs "$tree" "$image" "$@" -quiet -no-progress >mksquashfs.log 2>&1 || cat mksquashfs.log
}
# packed CAUSES NAME: a.img and b.img differ by just those
packed() {
    run "$assay" diff --json a.img b.img
    exits 1 "$2: exit code"
    is "$2: causes" "$(causes)" "$1"
}
again
for n in $(seq 40); do seq "$n" 3000 >"a/bin/many$n"; done
head -c 400000 /dev/zero | tr '\0' 'y' >a/bin/large
find a -exec touch -h -d @1000 {} +
cp -a a/. b/
pack a.img a
for compressor in gzip lzma xz lz4 zstd; do
    pack b.img b -comp $compressor
    run "$assay" diff a b.img
    exits 1 "a directory and its image by $compressor are of two kinds"
    run "$assay" diff --normalize archive.format a b.img
    exits 0 "and are the same tree"
done
pack b.img b -comp gzip -Xcompression-level 1
run "$assay" diff --normalize compress.level,pack.layout,archive.format a.img b.img
exits 0 "another level"
echo hellO >b/etc/motd
touch -d @1000 b/etc/motd b/etc
pack b.img b
packed content.data "one byte in a file that shares its fragment"
is "its path" "$(jq -r '.result.causes[0].sample[0].path' stdout)" etc/motd
echo hello >b/etc/motd
touch -d @1000 b/etc/motd b/etc
touch -d @1500 b/bin/large
pack b.img b
packed time.mtime "a time alone"
cp a.img b.img
printf hidden | dd of=b.img bs=1 seek=$(($(stat -c %s b.img) - 50)) conv=notrunc 2>/dev/null
run "$assay" diff --json a.img b.img
is "bytes behind the end are seen" "$(causes)" extra
for cut in 96 500 1000 5000; do
    head -c $cut a.img >b.img
    run "$assay" diff a.img b.img
    exits 1 "an image cut at $cut bytes"
    prints 'unread' "says that it is damaged"
done

# ---- tar, compressed and not -----------------------------------------------------------------
# archived CAUSES NAME: a.tar and b.tar differ by just those
archived() {
    run "$assay" diff --json a.tar b.tar
    exits 1 "$2: exit code"
    is "$2: causes" "$(causes)" "$1"
}
again
ln a/bin/tool a/bin/twin
ln b/bin/tool b/bin/twin
find a b -exec touch -h -d @1000 {} +
tar -C a --sort=name --numeric-owner --format=gnu -cf a.tar .
for dialect in gnu ustar posix; do
    tar -C b --sort=name --numeric-owner --format=$dialect --pax-option=delete=atime,delete=ctime -cf b.tar . 2>/dev/null ||
        tar -C b --sort=name --numeric-owner --format=$dialect -cf b.tar .
    run "$assay" diff --normalize archive.format,pack.layout a.tar b.tar
    exits 0 "the same tree as $dialect"
    run "$assay" diff --normalize archive.format b.tar b
    exits 0 "and a directory of it"
done
(cd b && find . | LC_ALL=C sort -r | tar --no-recursion --numeric-owner --format=gnu -T - -cf ../b.tar)
archived "archive.format order.entries" "another order, which makes another name the link"
tar -C b --sort=name --owner=x:5 --group=y:6 --format=gnu -cf b.tar .
archived "owner.names owner.uid_gid" "owners"
echo hellO >b/etc/motd
touch -d @1000 b/etc/motd b/etc
tar -C b --sort=name --numeric-owner --format=gnu -cf b.tar .
archived content.data "content in a tar"
is "its place" "$(jq -r '.result.causes[0].sample[0] | .path + " " + .b' stdout)" "etc/motd at 4: 'hellO\x0a'"
cp a.tar b.tar
printf x | dd of=b.tar bs=1 seek=$(($(stat -c %s b.tar) - 1)) conv=notrunc 2>/dev/null
archived "extra pack.layout" "a byte in the zeros behind the end"
for pair in "gzip -n" "gzip -1n" xz bzip2 zstd "lz4 -z"; do
    $pair -c <a.tar >b.packed
    run "$assay" diff --json a.tar b.packed
    is "a tar and the same by $pair" "$(causes)" compress.tool
done
gzip -9n <a.tar >a.gz
gzip -1n <a.tar >b.gz
run "$assay" diff --normalize compress.level a.gz b.gz
exits 0 "another level of gzip"
touch -d @5 one
touch -d @9 two
gzip -c one >a.gz
gzip -c two >b.gz
run "$assay" diff --json a.gz b.gz
is "gzip's own time and name" "$(causes)" gzip.header
head -c 20 a.gz >b.gz
run "$assay" diff --json a.gz b.gz
exits 1 "a cut gzip differs"
is "and says that it is damaged" "$(causes)" "content.data unread"

# ---- cpio, ar ----------------------------------------------------------------------------------
again
(cd a && find . | LC_ALL=C sort | cpio -o -H newc --quiet >../a.tar)
(cd b && find . | LC_ALL=C sort | cpio -o -H crc --quiet >../b.tar)
run "$assay" diff --normalize archive.format,pack.checksum,pack.layout a.tar b.tar
exits 0 "two dialects of cpio"
run "$assay" diff --normalize archive.format a.tar b
exits 0 "a cpio and a directory"
(cd b && find . | LC_ALL=C sort -r | cpio -o -H newc --quiet >../b.tar)
run "$assay" diff --normalize order.entries,pack.layout a.tar b.tar
exits 0 "another order"
gzip -n <a.gz | cat a.tar - >a.chain
gzip -n <b.gz | cat a.tar - >b.chain
run "$assay" diff --json a.chain b.chain
is "what follows an initrd's first archive is compared too" \
    "$(jq -r '[.result.causes[].sample[].path] | unique | join(" ")' stdout)" "(behind the end)"
echo int >x.txt
ar rcD a.a x.txt
echo iNt >x.txt
ar rcD b.a x.txt
run "$assay" diff --json a.a b.a
is "a member of a static library" "$(jq -r '.result.causes[0].sample[0].path' stdout)" x.txt

# ---- programs ------------------------------------------------------------------------------------
mkdir src-one src-two
cat >src-one/x.c <<'EOF'
int f(int a);
int f(int a)
{
    return a ^ FACTOR;
}
const char *where = __FILE__;
const char *when = WHEN;
int main(void)
{
    return f(when[0]);
}
EOF
cp src-one/x.c src-two/x.c
# compiled NAME DIR OPTION…
compiled() {
    name=$1
    dir=$2
    shift 2
    gcc -O0 -o "$name" "$@" "$work/$dir/x.c"
}
compiled a.elf src-one -DFACTOR=3 '-DWHEN="2026-11-29 10:00:00"'
compiled b.elf src-two -DFACTOR=3 '-DWHEN="2026-11-30 11:22:33"'
run "$assay" diff --json a.elf b.elf
is "a program built elsewhere and later" "$(causes)" "elf.build_id path.build time.embedded"
is "leaves nothing unexplained" "$(jq .result.unexplained.count stdout)" 0
compiled b.elf src-two -DFACTOR=9 '-DWHEN="2026-11-30 11:22:33"'
run "$assay" diff --json a.elf b.elf
is "other code is never explained away by what stands beside it" \
    "$(jq -r '.result.causes[0] | .id + " " + .sample[0].path' stdout)" "content.code .text"
ok "and the function is named" jq -e '.result.causes[0].sample[0].a | test(" in f\\+0x")' stdout

# ---- JSON and OCI layouts ------------------------------------------------------------------------
echo '{"b": [1, 2], "a": {"c": "x"}}' >a.json
echo '{"a":{"c":"x"},"b":[1,2]}' >b.json
run "$assay" diff --json a.json b.json
is "the order of keys is that of a hash table" "$(causes)" order.hash
echo '{"a":{"c":"y"},"b":[1,2]}' >b.json
run "$assay" diff --json a.json b.json
is "a value is told by its path" "$(jq -r '.result.causes[0] | .field + " " + .sample[0].b' stdout)" "a.c 'y'"

# layout NAME TREE CREATED: an image of one layer, as others make them
layout() {
    rm -rf "$1"
    mkdir -p "$1/blobs/sha256"
    echo '{"imageLayoutVersion":"1.0.0"}' >"$1/oci-layout"
    tar -C "$2" --sort=name --numeric-owner -cf "$1/layer" .
    diff_id=$(sha256sum <"$1/layer" | cut -c1-64)
    gzip -n "$1/layer"
    put "$1" layer.gz
    layer=$digest layer_size=$size
    jq -nc --arg t "$3" --arg d "sha256:$diff_id" '{architecture: "amd64", os: "linux", created: $t, rootfs: {type: "layers", diff_ids: [$d]}}' >"$1/config"
    put "$1" config
    jq -nc --arg c "$digest" --argjson cs "$size" --arg l "$layer" --argjson ls "$layer_size" '{schemaVersion: 2,
        config: {mediaType: "application/vnd.oci.image.config.v1+json", digest: $c, size: $cs},
        layers: [{mediaType: "application/vnd.oci.image.layer.v1.tar+gzip", digest: $l, size: $ls}]}' >"$1/manifest"
    put "$1" manifest
    jq -nc --arg d "$digest" --argjson s "$size" '{schemaVersion: 2, manifests: [{mediaType: "application/vnd.oci.image.manifest.v1+json", digest: $d, size: $s}]}' >"$1/index.json"
}
# put LAYOUT FILE: the file becomes a blob; $digest and $size
put() {
    size=$(stat -c %s "$1/$2")
    digest=sha256:$(sha256sum <"$1/$2" | cut -c1-64)
    mv "$1/$2" "$1/blobs/sha256/${digest#sha256:}"
}
again
layout a.oci a 2026-11-29T10:00:00Z
layout b.oci b 2026-11-29T10:00:00Z
run "$assay" diff a.oci b.oci
exits 0 "two equal layouts"
layout b.oci b 2026-11-30T10:00:00Z
run "$assay" diff --json a.oci b.oci
is "when an image was made" "$(causes)" "pack.checksum time.superblock"
echo hellO >b/etc/motd
touch -d @1000 b/etc/motd b/etc
layout b.oci b 2026-11-29T10:00:00Z
run "$assay" diff --json a.oci b.oci
is "a byte in a file in a layer" "$(causes)" "content.data pack.checksum"
is "is found where it is" "$(jq -r '.result.causes[0].sample[0].path' stdout)" "manifest[0].layer[0] » etc/motd"
echo stray >b.oci/stray
run "$assay" diff --json a.oci b.oci
is "what does not belong to a layout is seen" "$(causes)" "content.data extra pack.checksum"

# ---- names that lie -----------------------------------------------------------------------
again
esc=$(printf 'a\033[2J\nidentical\377')
echo 1 >"a/$esc"
echo 2 >"b/$esc"
run "$assay" diff a b
exits 1 "a hostile name"
if grep -q '^identical' stdout || LC_ALL=C grep -q "$(printf '\033')" stdout; then
    fail "does not reach the terminal as it is" "$(context)"
else
    pass "does not reach the terminal as it is"
fi
run "$assay" diff --json a b
ok "and JSON stays JSON" jq -e . stdout

# ---- pages --------------------------------------------------------------------------------
printf 'x<script>alert(1)</script>y' >a/bin/page
printf 'x<script>alert(2)</script>y' >b/bin/page
for name in '<img src=x>' '](http:x)' '|`a`*b*' '@someone' '&amp;' "'\" on=1"; do
    echo >"b/etc/$name"
done
find a b -exec touch -h -d @1000 {} +
run "$assay" diff --html page.html --markdown page.md a b
exits 1 "two pages"
ok "the page is valid HTML" tidy -q -e page.html
ok "nothing foreign is an element" sh -c '! grep -Eiq "<(script|img|a href=.?http)" page.html'
ok "and it names the cause" grep -q '<code>content.data</code>' page.html
ok "and where" grep -q '<li><code>page</code> <span class="weighs">content.data</span></li>' page.html
cmark-gfm --unsafe -e table -e autolink page.md >shown.html
ok "foreign names are no markup in Markdown" sh -c '! grep -Eiq "<(script|img|a |em|strong>b)" shown.html'
is "and as many as are shown are there" "$(grep -c '<code>etc/' shown.html)" 5
run "$assay" diff --html - a b
ok "a page on stdout is whole" sh -c 'cmp page.html stdout'
run "$assay" diff --html no/such/page.html a b
exits 2 "where no page can be"
run "$assay" diff --markdown page.md a a
ok "what is identical has a page too" grep -q '^identical$' page.md
run "$assay" diff --html page.html a a
ok "of either kind" tidy -q -e page.html

run "$assay" diff --causes --json
ok "the causes are listed" jq -e 'map(.id) | index("time.mtime") and index("content.data")' stdout
is "nothing is left behind" "$(ls "$TMPDIR")" ""
done_testing
