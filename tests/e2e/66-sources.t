#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Local images (OCI archives, docker archives) and source trees (directories, git commits, URLs) as images
# of a recipe; the store as a layout of skopeo and umoci. All offline, with the real tools.
. "$(dirname "$0")/lib.sh"

. "$(dirname "$0")/sources.sh"

# ---- directories -----------------------------------------------------------------
mkdir -p "$work/recipe/tree/bin" "$work/recipe/tree/cache/deep"
cd "$work/recipe/tree" || exit 1
echo 'a tool' >bin/tool
chmod 4711 bin/tool
echo text >plain
chmod 0640 plain
ln -s ../../../../etc/passwd link
ln plain hard
echo x >cache/a
echo y >cache/deep/keep
mkfifo cache/pipe
printf '# what stays out\n\n/cache/\n  !cache/deep/keep\t\n' >.assayignore
cd "$work" || exit 1
lock 'directory: {path: tree, ignore: [.assayignore]}'
exits 0 "a directory is locked"
is "its origin has its name" "$(from directory.name)" tree
first=$(jq -r '.inputs[0].digest' "$work/src.plan.json")
ok "the plan is of the schema" python3 -c 'import json, jsonschema, sys
jsonschema.validate(json.load(open(sys.argv[1])), json.load(open(sys.argv[2])))' "$work/src.plan.json" "$top/schemas/plan.schema.json"
ok "it builds" built
cat >"$work/wanted" <<'E'
drwxr-xr-x 0/0 bin/  
-rwxr-xr-x 0/0 bin/tool  
drwxr-xr-x 0/0 cache/  
drwxr-xr-x 0/0 cache/deep/  
-rw-r--r-- 0/0 cache/deep/keep  
-rw-r--r-- 0/0 hard  
lrwxrwxrwx 0/0 link -> ../../../../etc/passwd
-rw-r--r-- 0/0 plain  
E
ok "owners, modes and links are normal, and what is ignored is not there" cmp "$work/list" "$work/wanted"
cp -a "$work/recipe/tree" "$work/moved"
rm -rf "$work/recipe/tree"
mkdir "$work/recipe/tree"
(umask 077 && cd "$work/moved" && for f in plain link hard cache bin .assayignore; do cp -r --no-preserve=mode,ownership,timestamps -P "$f" "$work/recipe/tree/$f"; done)
chmod 0700 "$work/recipe/tree/bin/tool"
lock 'directory: {path: tree, ignore: [.assayignore]}'
is "other times, modes, owners and no hard links: the same blob" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$first"
echo more >>"$work/recipe/tree/plain"
lock 'directory: {path: tree, ignore: [.assayignore]}'
ok "another content: another blob" test "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" != "$first"
lock 'directory: {path: tree, ignore: ["!cache/a"]}'
exits 0 "rules of the recipe come after those of the file"
built
ok "and bring back" grep -q ' cache/a ' "$work/list"
lock 'directory: {path: tree, ignore: ["!cache"]}'
refused "'cache/pipe' in '.*' is a device, a pipe or a socket" "a pipe"
rm "$work/recipe/tree/cache/pipe"
: >"$work/recipe/tree/.wh.plain"
lock 'directory: {path: tree}'
refused "'\.wh\.plain' means a whiteout" "a name that means a whiteout"
rm "$work/recipe/tree/.wh.plain"
lock 'directory: {path: nowhere}'
refused "cannot open the directory '.*nowhere': [Nn]o such file" "a directory that is not there"
lock 'directory: {path: tree, ignore: ["**"]}'
refused 'there is nothing in it' "a directory without anything"
lock 'directory: {path: tree, ignore: ["["]}'
refused 'assay\.yml:5:.*is no rule of what to ignore' "a bad rule"
printf 'good\n[\n' >"$work/recipe/tree/.assayignore"
lock 'directory: {path: tree}'
refused '\.assayignore:2' "a bad rule in the file"
ln -sf /etc/passwd "$work/recipe/tree/.assayignore"
lock 'directory: {path: tree}'
refused "'\.assayignore' in '.*' is no regular file" "rules behind a link"
lock 'directory: {path: tree}
    git: {repository: ., commit: x}'
refused 'needs only one of debian, oci, registry, docker-archive, git, directory, url' "two kinds at once"

# ---- git, a repository of this machine ---------------------------------------------
repo=$work/recipe/repo
mkdir -p "$repo/sub/dir"
g "$repo" init -q
echo one >"$repo/a"
echo 'a b' >"$repo/a.txt"
echo two >"$repo/sub/b"
printf '#!/bin/sh\n' >"$repo/sub/dir/run"
chmod 0755 "$repo/sub/dir/run"
ln -s sub/b "$repo/ln"
cp "$repo/a" "$repo/sub/same"
printf '*.txt text eol=crlf export-ignore\n' >"$repo/.gitattributes"
g "$repo" add -A
g "$repo" commit -qm one
g "$repo" tag -am v1 v1
commit=$(g "$repo" rev-parse HEAD)
tree=$(g "$repo" rev-parse 'HEAD^{tree}')
g "$work/recipe" clone -q --bare "file://$repo" other.git
lock "git: {repository: repo, commit: v1}"
exits 0 "a tag of a git repository is locked"
is "the plan has the commit" "$(from git.commit)" "$commit"
is "and its tree" "$(from git.tree)" "$tree"
is "and nothing of this machine" "$(from git.repository)" null
blob=$(jq -r '.inputs[0].digest' "$work/src.plan.json")
built
cat >"$work/wanted" <<'E'
-rw-r--r-- 0/0 .gitattributes  
-rw-r--r-- 0/0 a  
-rw-r--r-- 0/0 a.txt  
lrwxrwxrwx 0/0 ln -> sub/b
drwxr-xr-x 0/0 sub/  
-rw-r--r-- 0/0 sub/b  
drwxr-xr-x 0/0 sub/dir/  
-rwxr-xr-x 0/0 sub/dir/run  
-rw-r--r-- 0/0 sub/same  
E
ok "the artifact has the commit's files, attributes play no part" cmp "$work/list" "$work/wanted"
mkdir "$work/again"
tar -xf "$work/out/src.tar" -C "$work/again"
g "$work/again" init -q
mv "$work/again/.gitattributes" "$work/attributes"
g "$work/again" add -A
g "$work/again" update-index --add --cacheinfo "100644,$(g "$work/again" hash-object -w "$work/attributes"),.gitattributes"
is "git gives the artifact's files the same tree" "$(g "$work/again" write-tree)" "$tree"
lock "git: {repository: repo/sub, commit: $commit, tree: $tree}"
is "by commit id, from below, with the tree's id: the same blob" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$blob"
lock "git: {repository: repo, commit: main, path: sub/dir}"
is "a directory of a commit: its tree" "$(from git.tree)" "$(g "$repo" rev-parse 'HEAD:sub/dir')"
built
is "and its files only" "$(cat "$work/list")" "-rwxr-xr-x 0/0 run  "
lock "git: {repository: repo, commit: v1, tree: '0123456789012345678901234567890123456789'}"
refused "the tree is $tree, and not 0123" "another tree than the recipe says"
lock "git: {repository: repo, commit: no-such}"
refused "there is no commit 'no-such'" "a commit that is not there"
lock "git: {repository: repo, commit: v1, path: sub/b}"
refused "the commit has no directory 'sub/b'" "a path that is a file"
lock "git: {repository: repo, commit: --upload-pack=x}"
refused 'is no commit id, branch or tag' "a commit that is an option"
lock "git: {repository: 'ssh://host/x', commit: v1}"
refused 'a repository is a directory, or https://' "a repository over ssh"
lock "git: {repository: 'https://user:pass@host/x', commit: v1}"
refused 'without a user' "a repository with a password"
lock "git: {repository: tree, commit: v1}"
refused 'not a git repository' "a directory that is no repository"
cp -r "$repo" "$work/recipe/later"
g "$work/recipe/later" config core.repositoryformatversion 1
g "$work/recipe/later" config extensions.future true
lock "git: {repository: later, commit: v1}"
refused 'unknown repository extension.*future' "a repository of a later git, in all of git's words"

# What a hostile repository can say must not matter.
printf '#!/bin/sh\ntouch %s/ran\n' "$work" >"$work/evil"
chmod 0755 "$work/evil"
echo fake >"$repo/a"
g "$repo" add -A
g "$repo" commit -qm fake
fake=$(g "$repo" rev-parse HEAD)
g "$repo" replace "$commit" "$fake"
g "$repo" replace "$(g "$repo" --no-replace-objects rev-parse "$commit:sub/b")" "$(g "$repo" rev-parse "$fake:a")"
for key in core.fsmonitor core.sshCommand core.pager core.alternateRefsCommand core.gitProxy core.askPass core.editor; do
    git config -f "$repo/.git/config" $key "$work/evil"
done
git config -f "$repo/.git/config" core.hooksPath "$work"
git config -f "$repo/.git/config" alias.cat-file "!$work/evil"
rm -f "$work/ran"
lock "git: {repository: repo, commit: $commit}"
is "a repository with replaced objects: the same blob" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$blob"
ok "and nothing of its configuration ran" test ! -e "$work/ran"
id=$(git -C "$work/recipe/other.git" rev-parse "$commit:sub/b")
git -C "$repo" config --unset core.fsmonitor
file=$repo/.git/objects/$(echo "$id" | cut -c1-2)/$(echo "$id" | cut -c3-)
ok "an object is damaged" python3 -c 'import os, sys, zlib
os.chmod(sys.argv[1], 0o644)
data = zlib.decompress(open(sys.argv[1], "rb").read())
open(sys.argv[1], "wb").write(zlib.compress(data.replace(b"two", b"TWO")))' "$file"
lock "git: {repository: repo, commit: $commit}"
refused "(does not match its id|hash mismatch|cannot read the repository)" "a damaged object"
bare=$work/recipe/sha256.git
mkdir "$bare"
g "$bare" init -q --bare --object-format=sha256
object=$(echo hello | g "$bare" hash-object -w --stdin)
commit_tree() { # tree id on stdin
    g "$bare" update-ref "refs/heads/$1" "$(g "$bare" commit-tree -m x "$(cat)")"
}
printf '100644 blob %s\thi\n' "$object" | g "$bare" mktree | commit_tree main
lock "git: {repository: sha256.git, commit: main}"
exits 0 "a bare repository with SHA-256 ids"
is "its commit has 64 digits" "$(from git.commit | tr -d '\n' | wc -c)" 64
printf '160000 commit %064d\tmodule\n' 7 | g "$bare" mktree --missing | commit_tree evil
lock "git: {repository: sha256.git, commit: evil}"
refused "'module' is a submodule" "a submodule"
printf '100644 blob %s\t.wh.x\n' "$object" | g "$bare" mktree | commit_tree evil
lock "git: {repository: sha256.git, commit: evil}"
refused 'means a whiteout' "a whiteout in a commit"
for name in .. .git a/b; do
    python3 -c 'import sys; sys.stdout.buffer.write(b"100644 " + sys.argv[1].encode() + b"\0" + bytes.fromhex(sys.argv[2]))' "$name" "$object" |
        g "$bare" hash-object -t tree -w --literally --stdin | commit_tree evil
    lock "git: {repository: sha256.git, commit: evil}"
    refused 'a tree object is not well formed' "a tree with the name '$name'"
done
is "nothing is left in the temporary directory" "$(ls -A "$TMPDIR")" ""

# ---- git and URLs over https ----------------------------------------------------------
mkdir "$work/web"
g "$work/web" clone -q --mirror "file://$work/recipe/other.git" project.git
head -c 300000 /dev/urandom >"$work/web/data"
(cd "$work/recipe/tree" && tar -cJf "$work/web/tree.tar.xz" plain bin)
certificate
serve plain
http=127.0.0.1:$port
serve tls "$work/tls.pem" "$work/tls.key"
https=localhost:$port
lock "git: {repository: 'https://$https/git/project.git', commit: main}"
exits 3 "a git server of nobody we know"
one_line "a git server of nobody we know: one line"
lock "git: {repository: 'https://$https/git/project.git', commit: main}" --ca-file "$work/tls.pem"
exits 0 "a branch over https"
is "the same blob as from the repository itself" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$blob"
is "the plan says where, without a host" "$(from git.repository)" git/project.git
lock "git: {repository: 'https://$https/git/project.git', commit: $commit}" --ca-file "$work/tls.pem"
exits 0 "a commit id over https"
is "the same blob again" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$blob"
lock "git: {repository: 'http://$http/git/project.git', commit: v1}"
refused 'is not https://: allow it with --plain-http' "git without TLS"
lock "git: {repository: 'http://$http/git/project.git', commit: v1}" --plain-http "$http"
exits 0 "git without TLS where that was allowed"
lock "git: {repository: 'https://$https/git/project.git', commit: nope}" --ca-file "$work/tls.pem"
refused "cannot fetch 'nope'" "a branch that the server has not"
sum=sha256:$(sha256sum "$work/web/data" | cut -d' ' -f1)
zeros=0000000000000000000000000000000000000000000000000000000000000000
lock "url: {url: 'https://$https/data', digest: '$sum', unpack: none, path: usr/data, mode: '0755'}" --ca-file "$work/tls.pem"
exits 0 "a file by URL"
is "its blob is the file" "$(jq -r '.inputs[0].digest' "$work/src.plan.json")" "$sum"
is "the plan has the path, no host" "$(from url.path)" data
built
is "it lies where the recipe says" "$(tail -n 1 "$work/list")" "-rwxr-xr-x 0/0 usr/data  "
ok "with its bytes" sh -c 'tar -xOf "$1" usr/data | cmp - "$2"' sh "$work/out/src.tar" "$work/web/data"
asked=$(wc -l <"$work/tls.log")
lock "url: {url: 'https://$https/data', digest: '$sum', unpack: none, path: usr/data}" --ca-file "$work/tls.pem"
is "what the store has is not asked for" "$(wc -l <"$work/tls.log")" "$asked"
rm -rf "$ASSAY_STORE"
lock "url: {url: 'http://$http/cut/data', digest: '$sum', unpack: none, path: usr/data}" --plain-http "$http"
exits 0 "a server that cuts: resumed"
ok "the rest was asked for" sh -c 'test "$(grep -c "GET /cut/data" "$1")" = 2' sh "$work/plain.log"
lock "url: {url: 'https://$https/data', digest: 'sha256:$zeros', unpack: none, path: a}" --ca-file "$work/tls.pem"
refused 'its digest is sha256:.*, expected was sha256:0000' "other bytes than the digest"
lock "url: {url: 'https://$https/none', digest: 'sha256:$zeros'}" --ca-file "$work/tls.pem"
refused 'it is not there' "a URL that is not there"
lock "url: {url: 'http://$http/data', digest: 'sha256:$zeros'}"
refused 'without TLS: refused' "a URL without TLS"
lock "url: {url: 'https://$https/data', digest: 'sha256:$zeros', unpack: none, path: ../a}"
refused 'is no path inside an image' "a file that would lie outside"
lock "url: {url: 'ftp://$https/data', digest: 'sha256:$zeros'}"
refused 'a URL is https://' "a URL of another scheme"
lock "url: {url: 'https://$https/tree.tar.xz', digest: 'sha256:$(sha256sum "$work/web/tree.tar.xz" | cut -d' ' -f1)'}" --ca-file "$work/tls.pem"
exits 0 "a compressed tar by URL"
ok "it builds" built
ok "unpacked" grep -q ' bin/tool ' "$work/list"
# What is no tar in a compression that is read is told when it is locked.
kinds=$work/recipe/kinds
mkdir "$kinds"
ok "files of many kinds" python3 - "$kinds" "$work/recipe/tree" <<'P'
import bz2, gzip, io, lzma, os, subprocess, sys, tarfile, zipfile
out, tree = sys.argv[1:]
def tar(form):
    b = io.BytesIO()
    with tarfile.open(fileobj=b, mode="w", format=form) as t:
        t.add(tree + "/plain", "plain")
    return b.getvalue()
plain = tar(tarfile.PAX_FORMAT)
b = io.BytesIO()
with zipfile.ZipFile(b, "w") as z:
    z.writestr("a", "text")
lz4 = subprocess.run(["lz4", "-c"], input=plain, stdout=subprocess.PIPE, check=True).stdout
zstd = subprocess.run(["zstd", "-qc"], input=plain, stdout=subprocess.PIPE, check=True).stdout
v7 = subprocess.run(["tar", "--format=v7", "-C", tree, "-cf", "-", "plain"], stdout=subprocess.PIPE, check=True).stdout
files = {
    "good-plain": plain, "good-gnu": tar(tarfile.GNU_FORMAT), "good-v7": v7, "good-gz": gzip.compress(plain), "good-xz": lzma.compress(plain),
    "good-zst": zstd, "good-zeros": bytes(10240),
    "bad-bzip2": bz2.compress(plain), "bad-lzma": lzma.compress(plain, format=lzma.FORMAT_ALONE), "bad-lz4": lz4, "bad-zip": b.getvalue(),
    "bad-gzip_in_gzip": gzip.compress(gzip.compress(plain)), "bad-xz_in_gzip": gzip.compress(lzma.compress(plain)), "bad-bzip2_in_xz": lzma.compress(bz2.compress(plain)),
    "bad-zip_in_zstd": subprocess.run(["zstd", "-qc"], input=b.getvalue(), stdout=subprocess.PIPE, check=True).stdout,
    "bad-no_tar": b"text of some length\n" * 100, "bad-no_tar_in_gzip": gzip.compress(b"text"), "bad-HTML": b"<html>" * 200, "bad-cut_short": gzip.compress(plain)[:30],
}
for name, data in files.items():
    with open(os.path.join(out, name), "wb") as f:
        f.write(data)
P
for file in "$kinds"/*; do
    kind=${file##*/}
    lock "url: {url: 'file:kinds/$kind', digest: 'sha256:$(sha256sum "$file" | cut -d' ' -f1)'}"
    case $kind in
    good-*)
        exits 0 "a tar: $kind"
        [ "$kind" = good-zeros ] || ok "a tar: $kind: builds" built
        ;;
    bad-cut_short) refused 'cut short|ends|damaged' "a tar that is cut short" ;;
    *) refused "it is $(echo "${kind#bad-}" | sed 's/_in_/ in /; s/no_tar/no tar/; s/^zip/a zip archive/')" "not a tar: $kind" ;;
    esac
done
cp "$work/web/data" "$work/recipe/data"
lock "url: {url: 'file:data', digest: '$sum', unpack: none, path: data}"
exits 0 "a file: URL below the recipe"
is "the plan has its name" "$(from url.path)" data

# ---- OCI archives and docker archives ----------------------------------------------------
layout=$work/layout
mkdir -p "$work/files/bin"
echo 'a tool' >"$work/files/bin/tool"
rootless=
[ "$(id -u)" = 0 ] || rootless=--rootless
{
    umoci init --layout "$layout"
    umoci new --image "$layout:v1"
    umoci config --image "$layout:v1" --architecture amd64 --os linux
    # Not umoci insert: 0.4.7 leaves out the end of the archive.
    for place in usr opt; do
        umoci unpack $rootless --image "$layout:v1" "$work/bundle.$place"
        cp -r "$work/files" "$work/bundle.$place/rootfs/$place"
        umoci repack --image "$layout:v1" "$work/bundle.$place"
    done
} >"$work/umoci.log" 2>&1
manifest=$(jq -r '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == "v1") | .digest' "$layout/index.json")
echo '{"default": [{"type": "insecureAcceptAnything"}]}' >"$work/policy.json"
sk() {
    skopeo --policy "$work/policy.json" --tmpdir "$TMPDIR" "$@"
}
lock "oci: {layout: $layout, manifest: '$manifest'}"
exits 0 "a layout by digest"
cp "$work/src.plan.json" "$work/layout.plan.json"
ok "skopeo writes an OCI archive" sk copy -q "oci:$layout:v1" "oci-archive:$work/recipe/image.tar:v1"
same() {
    exits 0 "$1"
    is "$1: the same inputs" "$(jq -c '[.inputs[] | {digest, from}]' "$work/src.plan.json")" "$(jq -c '[.inputs[] | {digest, from}]' "$work/layout.plan.json")"
}
lock "oci: {layout: image.tar, manifest: '$manifest'}"
same "an OCI archive"
gzip -k "$work/recipe/image.tar"
zstd -q "$work/recipe/image.tar"
lock "oci: {layout: image.tar.gz, image: v1}"
same "an OCI archive, gzip, by reference name"
lock "oci: {layout: image.tar.zst}"
same "an OCI archive, zstd, the only image in it"
lock "oci: {layout: image.tar, image: v2}"
refused 'there is no image v2' "a reference name that is not there"
lock "oci: {layout: image.tar, image: v1, manifest: '$manifest'}"
refused "'manifest' or 'image', not both" "both ways to name it"
ok "skopeo writes a docker archive" sk copy -q "oci:$layout:v1" "docker-archive:$work/recipe/docker.tar:example.org/tool:1"
lock "docker-archive: {file: docker.tar}"
exits 0 "a docker archive"
is "its layers' diff ids are the image's" "$(jq -c '[.steps[0].params.layers[].diffId]' "$work/src.plan.json")" \
    "$(jq -c '[.steps[0].params.layers[].diffId]' "$work/layout.plan.json")"
is "its origin is the image's id" "$(from '"docker-archive".config')" "sha256:$(tar -xOf "$work/recipe/docker.tar" manifest.json | jq -r '.[0].Config' | sed 's/\.json//')"
ok "it builds" built
cp "$work/list" "$work/docker.list"
cp "$work/layout.plan.json" "$work/src.plan.json"
built
ok "to the same files as the layout" cmp "$work/list" "$work/docker.list"
lock "docker-archive: {file: docker.tar, image: 'example.org/tool:1'}"
exits 0 "a docker archive by name and tag"
lock "docker-archive: {file: docker.tar, image: other}"
refused "there is no image 'other'" "a name that the archive has not"
lock "docker-archive: {file: docker.tar, platform: linux/arm64}"
refused 'the image is for linux/amd64, not for linux/arm64' "another platform"
lock "docker-archive: {file: image.tar}"
refused "there is no 'manifest.json' in it" "an OCI archive is no docker archive"
ok "archives of docker save in all their shapes" python3 "$here/docker_archives.py" "$work/recipe"
for shape in blobs linked gzip; do
    lock "docker-archive: {file: $shape.tar}"
    exits 0 "docker save: $shape"
    ok "docker save: $shape builds" built
done
lock "docker-archive: {file: two.tar, image: tool}"
exits 0 "a name without a tag means latest"
bad() {
    lock "docker-archive: {file: $1.tar}"
    refused "$2" "docker archive '$1'"
}
bad two 'there are 2 images: say which'
bad escape 'is no path in the archive'
bad outlink 'leads out of the archive'
bad loop "'l' is not in the archive"
bad diffid 'does not match its diff_id'
bad misnamed 'expected was sha256:'
bad twice "'l' is there twice"
bad manifests "'manifest\.json' is there twice"
bad missing "'l' is not in the archive"
bad count '1 diff_ids for 2 layers'
bad keys 'uplicate'
bad device "'l' is neither a file nor a link"
head -c 5000 "$work/recipe/docker.tar" >"$work/recipe/short.tar"
bad short 'docker archive'
lock "docker-archive: {file: lying.tar}"
exits 0 "a compressed layer is checked when it is built"
run "$assay" build "$work/src.plan.json" -o "$work/lying"
exits 5 "and then refused"
says 'its uncompressed digest is' "because of its diff_id"
is "nothing is left in the temporary directory, again" "$(ls -A "$TMPDIR")" ""

# ---- one store with skopeo and umoci --------------------------------------------------------
lock "oci: {layout: $layout, manifest: '$manifest'}"
ok "skopeo copies an image into the store" sk copy -q "oci:$layout:v1" "oci:$ASSAY_STORE:mine"
ok "the store is still one" "$assay" store verify
ok "and has skopeo's reference" sh -c '"$1" store ls --json | jq -e ".references[] | select(.name == \"mine\")"' sh "$assay"
ok "and its own" sh -c '"$1" store ls --json | jq -e ".references[] | select(.name == \"plan:src\")"' sh "$assay"
lock "oci: {layout: $ASSAY_STORE, image: mine}"
exits 0 "an image is locked out of the store itself"
ok "skopeo copies it out again" sk copy -q "oci:$ASSAY_STORE:mine" "oci:$work/copy:v1"
ok "umoci lists it" sh -c 'umoci ls --layout "$1" | grep -qx mine' sh "$ASSAY_STORE"
ok "umoci unpacks it from the store" umoci unpack $rootless --image "$ASSAY_STORE:mine" "$work/bundle"
ok "with its files" test -f "$work/bundle/rootfs/opt/bin/tool"
ok "umoci changes it in the store" umoci config --image "$ASSAY_STORE:mine" --tag changed --config.user nobody
ok "gc keeps what the others refer to" "$assay" store gc
ok "skopeo still reads both" sh -ec 'skopeo inspect --raw "oci:$1:mine" >/dev/null; skopeo inspect --raw "oci:$1:changed" >/dev/null' sh "$ASSAY_STORE"
ok "the store has no finding" "$assay" store verify
ok "and the plan still builds" built
done_testing
