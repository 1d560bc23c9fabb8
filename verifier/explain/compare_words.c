/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lines of text by their words: a date is one, a path is one, and each that differs is told by
 * itself, so that two causes in one line are two.
 */
#include "verifier/explain/compare_internal.h"

#include "verifier/explain/date.h"
#include "verifier/explain/sequence.h"
#include "verifier/explain/token.h"

#include <string.h>

enum { EDITS_MAX = 400, LINE_MAX_BYTES = 16384 };

/* The length of what begins here: a date, a word, or one byte that parts them. */
static size_t word_at(const uint8_t *text, size_t at, size_t len)
{
    size_t n = date_at(text, at, len).len;
    if (n > 0)
        return n;
    while (at + n < len && !token_parts(text[at + n]))
        n++;
    return n > 0 ? n : 1;
}

static int split(const uint8_t *text, size_t len, struct sequence *out, struct err *e)
{
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < len;) {
        size_t n = word_at(text, at, len);
        rc = sequence_add(out, text + at, n, e);
        at += n;
    }
    return rc;
}

/* The pieces [start, end) as a part of the content. */
static struct span span_of(const struct sequence *s, const uint8_t *text, uint64_t text_at,
                           size_t text_len, size_t start, size_t end)
{
    uint64_t from = start < s->count ? (uint64_t)(s->list[start].text - text) : (uint64_t)text_len;
    uint64_t to =
        end > start ? (uint64_t)(s->list[end - 1].text - text) + s->list[end - 1].len : from;
    return (struct span){text_at + from, text_at + to};
}

struct lines {
    struct leaf *leaf;
    const uint8_t *a;
    const uint8_t *b;
    uint64_t a_at;
    uint64_t b_at;
    size_t a_len;
    size_t b_len;
    struct sequence words_a;
    struct sequence words_b;
};

/* Two words: what differs of them, within them. */
static int tell_words(struct lines *l, const struct span *word_a, const struct span *word_b,
                      struct err *e)
{
    struct span a = *word_a;
    struct span b = *word_b;
    while (a.start < a.end && b.start < b.end &&
           l->a[a.start - l->a_at] == l->b[b.start - l->b_at]) {
        a.start++;
        b.start++;
    }
    while (a.start < a.end && b.start < b.end &&
           l->a[a.end - 1 - l->a_at] == l->b[b.end - 1 - l->b_at]) {
        a.end--;
        b.end--;
    }
    return leaf_tell(l->leaf, &a, &b, word_a, word_b, e);
}

static int tell_block(struct lines *l, const struct block *k, struct err *e)
{
    bool pairs = k->a_end - k->a_start == k->b_end - k->b_start;
    size_t count = pairs ? k->a_end - k->a_start : 1;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        size_t a = k->a_start + i;
        size_t b = k->b_start + i;
        if (pairs && l->words_a.list[a].symbol == l->words_b.list[b].symbol)
            continue;
        const struct span x =
            span_of(&l->words_a, l->a, l->a_at, l->a_len, a, pairs ? a + 1 : k->a_end);
        const struct span y =
            span_of(&l->words_b, l->b, l->b_at, l->b_len, b, pairs ? b + 1 : k->b_end);
        rc = tell_words(l, &x, &y, e);
    }
    return rc;
}

static int tell_split(struct lines *l, struct err *e)
{
    AUTO_FREE struct block *blocks = NULL;
    size_t count = 0;
    int rc = split(l->a, l->a_len, &l->words_a, e);
    if (rc < 0 || (rc = split(l->b, l->b_len, &l->words_b, e)) < 0)
        return rc;
    if ((rc = sequences_number(&l->words_a, &l->words_b, e)) < 0)
        return rc;
    uint64_t cost = (uint64_t)l->words_a.count + l->words_b.count;
    cost += cost < EDITS_MAX ? cost * cost : (uint64_t)EDITS_MAX * EDITS_MAX;
    if (cost <= l->leaf->work) {
        l->leaf->work -= cost;
        rc = sequences_differ(&l->words_a, &l->words_b, EDITS_MAX, &blocks, &count, e);
    }
    const struct block all = {0, l->words_a.count, 0, l->words_b.count};
    if (rc == 0 && blocks == NULL)
        return tell_block(l, &all, e);
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = tell_block(l, &blocks[i], e);
    return rc;
}

int leaf_words(struct leaf *l, const uint8_t *a, uint64_t a_at, size_t a_len, const uint8_t *b,
               uint64_t b_at, size_t b_len, struct err *e)
{
    struct lines lines = {
        .leaf = l, .a = a, .b = b, .a_at = a_at, .b_at = b_at, .a_len = a_len, .b_len = b_len};
    const struct span whole_a = {a_at, a_at + a_len};
    const struct span whole_b = {b_at, b_at + b_len};
    if (a_len > LINE_MAX_BYTES || b_len > LINE_MAX_BYTES)
        return tell_words(&lines, &whole_a, &whole_b, e);
    int rc = tell_split(&lines, e);
    sequence_dispose(&lines.words_a);
    sequence_dispose(&lines.words_b);
    return rc;
}
