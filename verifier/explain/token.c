/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/token.h"

#include <string.h>

enum { REACH = 256 }; /* bytes on each side of the run */

bool token_printable(uint8_t c)
{
    return c >= 0x20 && c != 0x7f;
}

bool token_parts(uint8_t c)
{
    return !token_printable(c) || strchr(" \"'`()[]{}<>,;=|!*?&$:@", c) != NULL;
}

bool token_line(const struct hunk *h, struct token *out)
{
    if (h->bytes == NULL)
        return false;
    const uint8_t *run = h->bytes + h->before;
    size_t before = 0;
    size_t after = 0;
    size_t before_max = h->before - h->apart_before;
    size_t after_max = h->after - h->apart_after;
    for (size_t i = 0; i < h->run; i++)
        if (!token_printable(run[i]))
            return false;
    while (before < before_max && before < REACH && token_printable(run[-1 - (ptrdiff_t)before]))
        before++;
    while (after < after_max && after < REACH && token_printable(run[h->run + after]))
        after++;
    *out = (struct token){.text = run - before,
                          .len = before + h->run + after,
                          .run_start = before,
                          .run_end = before + h->run};
    return true;
}

bool token_of(const struct difference *d, bool side_b, struct token *out)
{
    bool text = d->kind == DIFFERENCE_CONTENT || d->kind == DIFFERENCE_FIELD;
    return text && token_line(side_b ? &d->hunk_b : &d->hunk_a, out);
}

/* ---- what stands around ------------------------------------------------------------------- */

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
}

static bool letter(uint8_t c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* The line in front of the token, in [*start, *end). */
static const struct hunk *line_before(const struct difference *d, bool side_b, size_t *start,
                                      size_t *end)
{
    const struct hunk *h = side_b ? &d->hunk_b : &d->hunk_a;
    *end = h->apart_before;
    *start = *end;
    while (*start > 0 && (token_printable(h->bytes[*start - 1]) || h->bytes[*start - 1] == '\t'))
        (*start)--;
    return h;
}

/* Whether `text` has the word at its end, not as a part of a longer one. */
static bool ends_with(const uint8_t *text, size_t len, const char *word)
{
    size_t n = strlen(word);
    if (len < n)
        return false;
    for (size_t i = 0; i < n; i++)
        if (lower(text[len - n + i]) != (uint8_t)word[i])
            return false;
    return len == n || !letter(text[len - n - 1]);
}

bool token_follows(const struct difference *d, bool side_b, const char *const *words)
{
    size_t start = 0;
    size_t end = 0;
    const struct hunk *h = line_before(d, side_b, &start, &end);
    while (end > start && strchr(" \t\"'`:=>", h->bytes[end - 1]) != NULL)
        end--;
    const uint8_t *text = h->bytes + start;
    size_t len = end - start;
    /* At the beginning of a field, the field's name says what it is. */
    if (d->kind == DIFFERENCE_FIELD && len == 0) {
        text = (const uint8_t *)d->a->name;
        len = strlen(d->a->name);
    }
    for (; *words != NULL; words++)
        if (ends_with(text, len, *words))
            return true;
    return false;
}

bool token_followed_by(const struct difference *d, bool side_b, uint8_t c)
{
    const struct hunk *h = side_b ? &d->hunk_b : &d->hunk_a;
    size_t end = h->before + h->run + (h->after - h->apart_after);
    return h->apart_after > 0 && h->bytes[end] == c;
}

bool token_line_has(const struct difference *d, bool side_b, const char *const *words)
{
    size_t start = 0;
    size_t end = 0;
    const struct hunk *h = line_before(d, side_b, &start, &end);
    size_t all = h->before + h->run + h->after;
    while (end < all && token_printable(h->bytes[end]))
        end++;
    for (; *words != NULL; words++)
        for (size_t to = start + strlen(*words); to <= end; to++)
            if (ends_with(h->bytes + start, to - start, *words))
                return true;
    return false;
}
