/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include "base/text.h"

#include <string.h>

enum { NAME_MAX_COMPARED = 40 };

/* Edit distance (insert, delete, replace) of names up to NAME_MAX_COMPARED bytes. */
static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
    size_t row[NAME_MAX_COMPARED + 1];
    for (size_t j = 0; j <= blen; j++)
        row[j] = j;
    for (size_t i = 1; i <= alen; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= blen; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[blen];
}

const char *nearest_name(const char *text, const char *const *names)
{
    const char *best = NULL;
    size_t len = strlen(text);
    size_t least = len / 2 + 1; /* half of it wrong is no likeness */
    if (len > NAME_MAX_COMPARED)
        return NULL;
    for (; *names != NULL; names++) {
        size_t name_len = strlen(*names);
        if (name_len > NAME_MAX_COMPARED)
            continue;
        size_t d = distance(text, len, *names, name_len);
        if (d < least) {
            least = d;
            best = *names;
        }
    }
    return best;
}

const char *nearest_hint(const char *text, const char *const *names, const char *otherwise,
                         char out[NEAREST_HINT_MAX])
{
    const char *near = nearest_name(text, names);
    if (near == NULL)
        (void)text_print(out, NEAREST_HINT_MAX, "%s", otherwise);
    else
        (void)text_print(out, NEAREST_HINT_MAX, " (did you mean '%s'?)", near);
    return out;
}
