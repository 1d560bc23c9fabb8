#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The page of assay diff --html, in a real browser: laid out for a desk and a telephone, light and dark, and judged by axe-core.
. "$(dirname "$0")/../e2e/lib.sh"

cd "$work" || exit 1
mkdir -p a/etc b/etc
printf 'name=one\n%0300d\n' 1 >a/etc/config
printf 'name=two\n%0300d\n' 1 >b/etc/config
for i in $(seq 300); do echo "$i" >"b/etc/a rather long name that has to be broken somewhere $i"; done
head -c 4096 /dev/urandom >a/etc/random
head -c 4096 /dev/urandom >b/etc/random
run "$assay" diff --html page.html a b
exits 1 "a page"

# chrome ARGUMENT…: the browser, which neither goes out nor keeps anything
chrome() {
    HOME=$work chromium --headless --no-sandbox --disable-gpu --disable-background-networking --hide-scrollbars --user-data-dir="$work/profile" "$@" 2>/dev/null
}
# judge NAME SIZE ARGUMENT…: what axe-core finds in it, one line each
judge() {
    {
        sed '/<\/body>/,$d' page.html
        echo '<script>'
        cat "$top/tests/peers/axe/node_modules/axe-core/axe.min.js"
        cat <<'SCRIPT'
        </script><script>
        axe.run(document, {resultTypes: ['violations']}).then(found => {
            const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? ['wider than the window'] : [];
            const lines = found.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target).join(' ')).concat(wide);
            document.body.textContent = 'JUDGED ' + found.passes.length + ' [' + lines.join('; ') + ']';
        });
        </script></body></html>
SCRIPT
    } >judged.html
    size=$2 name=$1
    shift 2
    chrome --window-size="$size" --virtual-time-budget=20000 "$@" --dump-dom "file://$work/judged.html" >dom.html
    is "axe-core finds nothing on $name" "$(grep -o 'JUDGED [1-9][0-9]* \[.*\]' dom.html | sed 's/^JUDGED [0-9]* //')" "[]"
}
judge "a desk" 1280,900
judge "a telephone" 400,800
judge "a dark desk" 1280,900 --force-dark-mode --blink-settings=preferredColorScheme=0

# That a fault would be found.
cp page.html right.html
sed 's/<html lang="en">/<html>/; s/--ink:#1b1f24/--ink:#cccccc/' right.html >page.html
chrome --window-size=1280,900 --version >version
judge_fails=$(is() { echo "$2"; }; judge "a page with faults" 1280,900)
like() { case $2 in *"$3"*) pass "$1" ;; *) fail "$1" "$2" ;; esac }
like "a page without a language is found" "$judge_fails" html-has-lang
like "and text that can hardly be read" "$judge_fails" color-contrast
done_testing
