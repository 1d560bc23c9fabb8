#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make dist and make install: what others get.
. "$(dirname "$0")/lib.sh"

# A repository of this tree as it is now, committed or not; nothing of the user's git.
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@example
GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_AUTHOR_DATE GIT_COMMITTER_DATE
mkdir "$work/tree"
(cd "$top" && find . -path ./build -prune -o -path ./.git -prune -o -path ./tests/data -prune -o -path ./tests/fuzz -prune -o -name node_modules -prune -o \
    -path ./tests/peers/debian -prune -o -type f -print0 | tar -cf - --null -T -) | tar -xf - -C "$work/tree"
(cd "$work/tree" && git init -q -b main && git add -A && git commit -q -m all)

# ---- make dist ----
(umask 022 && git clone -q --no-hardlinks "$work/tree" "$work/one")
(umask 077 && git clone -q --no-hardlinks "$work/tree" "$work/two")
touch "$work/two/untracked"
version=$("$assay" --version | sed 's/^assay //')
run make -s -C "$work/one" dist
exits 0 "make dist"
is "prints the tarball's name" "$(cat "$work/stdout")" "build/dist/assay-$version.tar.gz"
one=$work/one/build/dist/assay-$version.tar.gz
cp "$one" "$work/first.tar.gz"
make -s -C "$work/one" dist >"$work/ok.out" 2>&1
ok "a second run gives the same bytes" cmp "$one" "$work/first.tar.gz"
git -C "$work/two" config tar.umask user
run env TZ=Asia/Tokyo LANG=tr_TR.UTF-8 sh -c "umask 077; make -s -C '$work/two' dist"
exits 0 "another clone, umask, time zone and setting of git"
ok "give the same bytes" cmp "$one" "$work/two/build/dist/assay-$version.tar.gz"
tar -tzf "$one" | grep -v '/$' | sed "s|^assay-$version/||" | LC_ALL=C sort >"$work/listed"
git -C "$work/tree" ls-files | LC_ALL=C sort >"$work/tracked"
ok "it holds what git tracks, and nothing else" cmp "$work/listed" "$work/tracked"
echo >>"$work/one/README.md"
run make -s -C "$work/one" dist
exits 0 "with a changed file"
says 'not committed' "that is told"
ok "and the tarball is of the commit" cmp "$one" "$work/first.tar.gz"
sed -i '1s/(.*)/(9.9.9-1)/' "$work/two/packaging/debian/changelog"
git -C "$work/two" commit -q -a -m version
run make -s -C "$work/two" dist
says 'packaging/debian/changelog is of version 9.9.9' "versions that differ are refused"
# Who works on Assay mends what a compiler warns of; who only builds a release is not stopped by it.
echo 'static int nobody_calls_it(void) { return 1; }' >>"$work/two/base/buf.c"
run make -C "$work/two" build/obj/base/buf.o
exits 2 "a warning ends a build in a git checkout"
says "Werror=unused-function" "which names it"
run make -C "$work/two" build/obj/base/buf.o WERROR=
exits 0 "unless it is told not to"
rm -rf "$work/two/.git"
run make -s -C "$work/two" dist
says 'no git checkout' "as is a tree without git"
rm "$work/two/build/obj/base/buf.o"
run make -C "$work/two" build/obj/base/buf.o
exits 0 "and there a warning ends no build"
says 'unused-function' "but is shown"
run make -C "$work/two" build/obj/base/buf.o WERROR=1
exits 2 "unless it is told to"

# ---- make install ----
root=$work/root
# By the name that it was built under: under another one everything would be linked again, beneath the other tests.
build=${ASSAY_BIN%/bin}
run make -s -C "$top" BUILD="${build#"$top"/}" DESTDIR="$root" PREFIX=/usr install
exits 0 "make install"
for program in "$ASSAY_BIN"/assay*; do
    part=$(basename "$program")
    is "$part, its manual page and completions" \
        "$(cd "$root/usr" && stat -c '%a %n' "bin/$part" "share/man/man1/$part.1" "share/bash-completion/completions/$part" "share/zsh/site-functions/_$part" "share/fish/vendor_completions.d/$part.fish" 2>&1 | tr '\n' ' ')" \
        "755 bin/$part 644 share/man/man1/$part.1 644 share/bash-completion/completions/$part 644 share/zsh/site-functions/_$part 644 share/fish/vendor_completions.d/$part.fish "
done
run "$root/usr/bin/assay" build --version
prints "^assay-build $version\$" "the installed front finds the installed programs"
for page in README.md LICENSE docs/getting-started.md docs/formats/plan.md docs/adr/0001-the-house.md; do
    ok "$page is installed" cmp "$top/$page" "$root/usr/share/doc/assay/$page"
done
ok "and the schemas" cmp "$top/schemas/plan.schema.json" "$root/usr/share/assay/schemas/plan.schema.json"
done_testing
