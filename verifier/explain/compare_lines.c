/* SPDX-License-Identifier: Apache-2.0 */
/* Two contents of two sizes, or in another order, by their lines: what ends with a line's end or a
 * NUL. */
#include "verifier/explain/compare_internal.h"

#include "verifier/explain/sequence.h"
#include "verifier/explain/token.h"

#include <string.h>

enum {
    BYTES_MAX = 4 << 20, /* of one side */
    LINES_MAX = 200000,  /* of one side */
    EDITS_MAX = 1500,
    ORDER_LINES_MIN = 4, /* fewer are in some order by chance */
};

static bool ends_line(uint8_t c)
{
    return c == '\n' || c == 0;
}

/* [start, end) of a content in memory, and its lines. */
struct part {
    uint64_t at;
    size_t len;
    uint8_t *text;
    struct sequence lines;
};

static void part_dispose(struct part *p)
{
    free(p->text);
    sequence_dispose(&p->lines);
}
#define AUTO_PART AUTO(part_dispose) struct part

static int part_load(const struct bytes *from, const struct span *s, struct part *out,
                     struct err *e)
{
    out->at = s->start;
    out->len = (size_t)(s->end - s->start);
    out->text = malloc(out->len + 1);
    int rc = out->text == NULL ? err_oom(e) : bytes_read(from, s->start, out->text, out->len, e);
    return rc < 0 ? rc : sequence_lines(&out->lines, out->text, out->len, e);
}

/* Back to the line's beginning and on to its end: both sides have the same there. */
static int whole_lines(const struct bytes *from, struct span *a, struct span *b, struct err *e)
{
    uint8_t room[4096];
    size_t got = 0;
    size_t back = a->start < sizeof(room) ? (size_t)a->start : sizeof(room);
    int rc = bytes_read(from, a->start - back, room, back, e);
    size_t n = 0;
    while (n < back && !ends_line(room[back - 1 - n]))
        n++;
    if (rc < 0 || (rc = bytes_peek(from, a->end, room, sizeof(room), &got, e)) < 0)
        return rc;
    size_t m = 0;
    while (m < got && !ends_line(room[m]))
        m++;
    m += m < got;
    *a = (struct span){a->start - n, a->end + m};
    *b = (struct span){b->start - n, b->end + m};
    return 0;
}

static bool is_text(const struct piece *p)
{
    size_t len = p->len - (p->len > 0 && ends_line(p->text[p->len - 1]));
    for (size_t i = 0; i < len; i++)
        if (!token_printable(p->text[i]) && p->text[i] != '\t' && p->text[i] != '\r')
            return false;
    return true;
}

/* ---- lines that differ -------------------------------------------------------------------------
 */

static struct span span_of(const struct part *p, size_t start, size_t end)
{
    const struct sequence *s = &p->lines;
    uint64_t from = start < s->count ? (uint64_t)(s->list[start].text - p->text) : p->len;
    uint64_t to =
        end > start ? (uint64_t)(s->list[end - 1].text - p->text) + s->list[end - 1].len : from;
    return (struct span){p->at + from, p->at + to};
}

static int tell_pair(struct leaf *l, const struct part *a, size_t i, const struct part *b, size_t j,
                     struct err *e)
{
    const struct piece *x = &a->lines.list[i];
    const struct piece *y = &b->lines.list[j];
    struct span run_a = span_of(a, i, i + 1);
    struct span run_b = span_of(b, j, j + 1);
    if (is_text(x) && is_text(y) && x->text[x->len - 1] == y->text[y->len - 1])
        return leaf_words(l, x->text, run_a.start, x->len, y->text, run_b.start, y->len, e);
    const uint8_t *p = x->text;
    const uint8_t *q = y->text;
    size_t head = 0;
    size_t tail = 0;
    size_t shorter = x->len < y->len ? x->len : y->len;
    while (head < shorter && p[head] == q[head])
        head++;
    while (tail < shorter - head && p[x->len - 1 - tail] == q[y->len - 1 - tail])
        tail++;
    run_a = (struct span){run_a.start + head, run_a.end - tail};
    run_b = (struct span){run_b.start + head, run_b.end - tail};
    return leaf_tell(l, &run_a, &run_b, NULL, NULL, e);
}

static int tell_block(struct leaf *l, const struct part *a, const struct part *b,
                      const struct block *k, struct err *e)
{
    int rc = 0;
    if (k->a_end - k->a_start != k->b_end - k->b_start) {
        const struct span x = span_of(a, k->a_start, k->a_end);
        const struct span y = span_of(b, k->b_start, k->b_end);
        return leaf_tell(l, &x, &y, NULL, NULL, e);
    }
    for (size_t i = 0; rc == 0 && i < k->a_end - k->a_start; i++)
        if (a->lines.list[k->a_start + i].symbol != b->lines.list[k->b_start + i].symbol)
            rc = tell_pair(l, a, k->a_start + i, b, k->b_start + i, e);
    return rc;
}

int leaf_lines(struct leaf *l, const struct span *a, const struct span *b, bool *told,
               struct err *e)
{
    struct span wide_a = *a;
    struct span wide_b = *b;
    AUTO_PART first = {0};
    AUTO_PART second = {0};
    AUTO_FREE struct block *blocks = NULL;
    size_t count = 0;
    *told = false;
    if (a->end - a->start > BYTES_MAX || b->end - b->start > BYTES_MAX)
        return 0;
    int rc = whole_lines(l->a, &wide_a, &wide_b, e);
    if (rc < 0 || (rc = part_load(l->a, &wide_a, &first, e)) < 0 ||
        (rc = part_load(l->b, &wide_b, &second, e)) < 0)
        return rc;
    if (first.lines.count > LINES_MAX || second.lines.count > LINES_MAX)
        return 0;
    if ((rc = sequences_number(&first.lines, &second.lines, e)) < 0 ||
        (rc = sequences_differ(&first.lines, &second.lines, EDITS_MAX, &blocks, &count, e)) < 0 ||
        blocks == NULL)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = tell_block(l, &first, &second, &blocks[i], e);
    *told = true;
    return rc;
}

/* ---- the same lines in another order
 * ---------------------------------------------------------- */

static int tell_order(struct leaf *l, const struct part *a, const struct part *b, struct err *e)
{
    struct difference d = l->like;
    d.kind = DIFFERENCE_LINES;
    d.hunk_a = (struct hunk){.bytes = a->text, .run = a->len};
    d.hunk_b = (struct hunk){.bytes = b->text, .run = b->len};
    d.bytes = a->len;
    return walk_tell(l->w, &d, e);
}

int leaf_order(struct leaf *l, bool *told, struct err *e)
{
    const struct span whole = {0, l->a->size};
    const struct member *m = l->like.member_a;
    bool any_order = m != NULL && m->any_order;
    AUTO_PART a = {0};
    AUTO_PART b = {0};
    bool permuted = false;
    *told = false;
    if (l->a->size != l->b->size || l->a->size > BYTES_MAX)
        return 0;
    int rc = part_load(l->a, &whole, &a, e);
    if (rc < 0 || (rc = part_load(l->b, &whole, &b, e)) < 0)
        return rc;
    /* A program's lines mean something in their order, sorted or not. */
    bool program = a.len >= 2 && memcmp(a.text, "#!", 2) == 0;
    if (program || a.lines.count != b.lines.count ||
        a.lines.count < (any_order ? 2 : ORDER_LINES_MIN) || a.lines.count > LINES_MAX)
        return 0;
    for (size_t i = 0; i < a.lines.count; i++)
        if (!is_text(&a.lines.list[i]))
            return 0;
    if ((rc = sequences_number(&a.lines, &b.lines, e)) < 0 ||
        (rc = sequences_permuted(&a.lines, &b.lines, &permuted, e)) < 0 || !permuted ||
        (!any_order && !sequence_sorted(&a.lines, piece_order) &&
         !sequence_sorted(&b.lines, piece_order) && !sequence_sorted(&a.lines, piece_order_words) &&
         !sequence_sorted(&b.lines, piece_order_words)))
        return rc;
    *told = true;
    return tell_order(l, &a, &b, e);
}
