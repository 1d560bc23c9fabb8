#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make deb: the package is made, lintian has nothing against it, its programs run, and a second build gives the same bytes.
. "$(dirname "$0")/../e2e/lib.sh"

tarball=$(sh "$top/packaging/dist.sh" "$work/dist")
run sh "$top/packaging/deb.sh" "$tarball" "$work/one"
exits 0 "the package is built"
deb=$(grep '/assay_[^/]*\.deb$' "$work/stdout")
version=$("$assay" --version | sed 's/^assay //')
is "it has the version" "$(dpkg-deb -f "$deb" Package Version | tr '\n' ' ')" "Package: assay Version: $version-1 "
ok "lintian accepts it" lintian --allow-root --fail-on error,warning "$work"/one/*.changes
dpkg-deb -f "$deb" Built-Using >"$work/built-using"
for source in squashfs-tools-ng libseccomp glibc; do
    ok "it names the source of $source, which is inside assay-build" grep -q "$source (= " "$work/built-using"
done
dpkg-deb -x "$deb" "$work/root"
for program in "$ASSAY_BIN"/assay*; do
    part=$(basename "$program")
    is "$part is in it, and runs" "$("$work/root/usr/bin/$part" --version)" "$part $version"
    for file in man/man1/$part.1.gz bash-completion/completions/$part zsh/vendor-completions/_$part fish/vendor_completions.d/$part.fish; do
        [ -f "$work/root/usr/share/$file" ] || fail "$file is in it"
    done
done

# Elsewhere, as somebody else would.
run env TZ=Asia/Tokyo LANG=tr_TR.UTF-8 sh -c "umask 077; DEB_BUILD_OPTIONS='nocheck' sh '$top/packaging/deb.sh' '$tarball' '$work/a/longer/path'"
exits 0 "a second build"
ok "gives the same package, byte for byte" cmp "$deb" "$work/a/longer/path/$(basename "$deb")"
done_testing
