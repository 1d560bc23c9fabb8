/* SPDX-License-Identifier: Apache-2.0 */
/* What language and collation do: the same lines, sorted by bytes here and as a dictionary there;
 * or a locale's name. */
#include "verifier/explain/causes/causes.h"
#include "verifier/explain/lines.h"
#include "verifier/explain/token.h"

#include <string.h>

static const char *const says[] = {"lang",     "language",    "locale",  "lc_all",     "lc_collate",
                                   "lc_ctype", "lc_messages", "lc_time", "lc_numeric", NULL};

static bool locale_name(const struct token *t)
{
    static const char *const plain[] = {"C", "POSIX", "C.UTF-8", "C.utf8"};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (strlen(plain[i]) == t->len && memcmp(plain[i], t->text, t->len) == 0)
            return true;
    return t->len >= 5 && t->text[0] >= 'a' && t->text[0] <= 'z' && t->text[2] == '_' &&
           t->text[3] >= 'A' && t->text[3] <= 'Z';
}

static bool normalize(const struct difference *d, bool side_b, struct buf *out)
{
    struct token t;
    if (d->kind == DIFFERENCE_LINES)
        return lines_collated(&d->hunk_a, &d->hunk_b) &&
               lines_sorted(side_b ? &d->hunk_b : &d->hunk_a, out);
    return token_of(d, side_b, &t) && locale_name(&t) && token_follows(d, side_b, says);
}

const struct cause cause_locale = {
    .id = "locale",
    .title = "the language of the builder",
    .weight = CAUSE_METADATA,
    .advice = "set the locale in the build",
    .command = "LC_ALL=C.UTF-8 make",
    .normalize = normalize,
};
