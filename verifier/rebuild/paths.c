/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/rebuild/paths.h"

#include "base/text.h"

#include <stdbool.h>
#include <string.h>

/* Whether a path may begin after this character, and end before that one. */
static bool may_begin_after(char c)
{
    return c == 0 || strchr(" '\"`(=:,", c) != NULL;
}

static bool may_end_before(char c)
{
    return c == 0 || strchr("/ '\"`):,;\n", c) != NULL;
}

static const struct path_pair *pair_at(const struct path_pair *pairs, size_t count,
                                       const char *text)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(pairs[i].inside);
        if (pairs[i].outside != NULL && strncmp(text, pairs[i].inside, len) == 0 &&
            may_end_before(text[len]))
            return &pairs[i];
    }
    return NULL;
}

void paths_translate(const struct path_pair *pairs, size_t count, const char *text, char *out,
                     size_t size)
{
    char before = 0;
    size_t n = 0;
    out[0] = 0;
    while (*text != 0 && n + 1 < size) {
        const struct path_pair *pair = may_begin_after(before) ? pair_at(pairs, count, text) : NULL;
        uint32_t code;
        size_t len = text_char(text, strlen(text), &code);
        if (pair != NULL) {
            n += text_print(out + n, size - n, "%s", pair->outside);
            text += strlen(pair->inside);
            before = '/';
            continue;
        }
        len = len > 0 ? len : 1;
        if (n + len >= size)
            return;
        memcpy(out + n, text, len);
        n += len;
        out[n] = 0;
        before = *text;
        text += len;
    }
}
