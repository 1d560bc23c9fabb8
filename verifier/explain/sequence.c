/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/sequence.h"

#include "base/buf.h"

#include <stdlib.h>
#include <string.h>

int sequence_add(struct sequence *s, const uint8_t *text, size_t len, struct err *e)
{
    int rc = array_grow(&s->list, &s->room, s->count + 1, sizeof(*s->list), e);
    if (rc == 0)
        s->list[s->count++] = (struct piece){text, len, 0};
    return rc;
}

int sequence_lines(struct sequence *s, const uint8_t *text, size_t len, struct err *e)
{
    int rc = 0;
    for (size_t start = 0, i = 0; rc == 0 && i < len; i++)
        if (text[i] == '\n' || text[i] == 0 || i + 1 == len) {
            rc = sequence_add(s, text + start, i + 1 - start, e);
            start = i + 1;
        }
    return rc;
}

void sequence_dispose(struct sequence *s)
{
    free(s->list);
    *s = (struct sequence){0};
}

int piece_order(const struct piece *a, const struct piece *b)
{
    size_t both = a->len < b->len ? a->len : b->len;
    int order = both == 0 ? 0 : memcmp(a->text, b->text, both);
    return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The next letter or digit, in lower case, from *at on; 0 at the end. */
static uint8_t next_letter(const struct piece *p, size_t *at)
{
    while (*at < p->len) {
        uint8_t c = p->text[(*at)++];
        if (c >= 'A' && c <= 'Z')
            return (uint8_t)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c >= 0x80)
            return c;
    }
    return 0;
}

int piece_order_words(const struct piece *a, const struct piece *b)
{
    for (size_t i = 0, j = 0;;) {
        uint8_t x = next_letter(a, &i);
        uint8_t y = next_letter(b, &j);
        if (x != y)
            return x < y ? -1 : 1;
        if (x == 0)
            return 0;
    }
}

bool sequence_sorted(const struct sequence *s,
                     int (*order)(const struct piece *a, const struct piece *b))
{
    for (size_t i = 1; i < s->count; i++)
        if (order(&s->list[i - 1], &s->list[i]) > 0)
            return false;
    return true;
}

static int by_text(const void *a, const void *b)
{
    return piece_order(*(struct piece *const *)a, *(struct piece *const *)b);
}

int sequences_number(struct sequence *a, struct sequence *b, struct err *e)
{
    size_t count = a->count + b->count;
    AUTO_FREE struct piece **all = array_new(count + 1, sizeof(*all));
    if (all == NULL)
        return err_oom(e);
    for (size_t i = 0; i < a->count; i++)
        all[i] = &a->list[i];
    for (size_t i = 0; i < b->count; i++)
        all[a->count + i] = &b->list[i];
    if (count > 1)
        qsort(all, count, sizeof(*all), by_text);
    for (size_t i = 1; i < count; i++)
        all[i]->symbol = all[i - 1]->symbol + (by_text(&all[i - 1], &all[i]) != 0);
    return 0;
}

/* How often each symbol is in a, less how often in b. */
static int64_t *balance_of(const struct sequence *a, const struct sequence *b, struct err *e)
{
    int64_t *balance = array_new(a->count + b->count + 1, sizeof(*balance));
    if (balance == NULL)
        (void)err_oom(e);
    for (size_t i = 0; balance != NULL && i < a->count; i++)
        balance[a->list[i].symbol]++;
    for (size_t i = 0; balance != NULL && i < b->count; i++)
        balance[b->list[i].symbol]--;
    return balance;
}

int sequences_permuted(const struct sequence *a, const struct sequence *b, bool *out, struct err *e)
{
    AUTO_FREE int64_t *balance = balance_of(a, b, e);
    if (balance == NULL)
        return -ERR_HOST;
    *out = a->count == b->count;
    for (size_t i = 0; i < a->count + b->count; i++)
        *out = *out && balance[i] == 0;
    return 0;
}

int sequences_share(struct sequence *a, struct sequence *b, struct err *e)
{
    AUTO_FREE int64_t *balance = balance_of(a, b, e);
    size_t left = 0;
    if (balance == NULL)
        return -ERR_HOST;
    for (size_t i = 0; i < a->count; i++)
        if (balance[a->list[i].symbol] == 0)
            a->list[left++] = a->list[i];
    a->count = left;
    left = 0;
    for (size_t i = 0; i < b->count; i++)
        if (balance[b->list[i].symbol] == 0)
            b->list[left++] = b->list[i];
    b->count = left;
    return 0;
}

/* ---- matching ---------------------------------------------------------------------------------
 */

/* What is between the common beginning and end. */
struct middle {
    const struct piece *a;
    const struct piece *b;
    ptrdiff_t n;
    ptrdiff_t m;
};

/* How far each diagonal (x - y) was got with so many edits: one row for each number of edits, of
 * which the d-th has 2 d + 1 entries. */
struct reach {
    ptrdiff_t *all;
    size_t edits; /* that it took */
};

static ptrdiff_t *row_of(const struct reach *r, size_t d)
{
    return r->all + d * d + d; /* entry 0 is diagonal 0 */
}

/* From the row before: down (a piece of b put in) or right (one of a taken out). */
static ptrdiff_t step(const struct reach *r, size_t d, ptrdiff_t k, bool *down)
{
    ptrdiff_t limit = (ptrdiff_t)d;
    if (d == 0)
        return 0;
    const ptrdiff_t *before = row_of(r, d - 1);
    /* The row before has the diagonals from -(d - 1) to d - 1 only. */
    bool has_left = k - 1 >= -(limit - 1);
    bool has_right = k + 1 <= limit - 1;
    *down = !has_left || (has_right && before[k - 1] < before[k + 1]);
    return *down ? before[k + 1] : before[k - 1] + 1;
}

static bool advance(const struct middle *m, struct reach *r, size_t d)
{
    ptrdiff_t *row = row_of(r, d);
    for (ptrdiff_t k = -(ptrdiff_t)d; k <= (ptrdiff_t)d; k += 2) {
        bool down = false;
        ptrdiff_t x = step(r, d, k, &down);
        while (x < m->n && x - k < m->m && x - k >= 0 && m->a[x].symbol == m->b[x - k].symbol)
            x++;
        row[k] = x;
        if (x >= m->n && x - k >= m->m)
            return true;
    }
    return false;
}

/* Back from the end: which pieces of each are not matched. */
static void trace(const struct middle *m, const struct reach *r, bool *taken, bool *put)
{
    ptrdiff_t k = m->n - m->m;
    for (size_t d = r->edits; d > 0; d--) {
        bool down = false;
        ptrdiff_t x = step(r, d, k, &down);
        if (down)
            put[x - k - 1] = true;
        else
            taken[x - 1] = true;
        k += down ? 1 : -1;
    }
}

static int list_blocks(const struct sequence *a, const struct sequence *b, const bool *taken,
                       const bool *put, struct block **out, size_t *count, struct err *e)
{
    size_t room = 0;
    int rc = array_grow(out, &room, 1, sizeof(**out), e);
    for (size_t i = 0, j = 0; rc == 0 && (i < a->count || j < b->count); i++, j++) {
        struct block block = {.a_start = i, .b_start = j};
        while (i < a->count && taken[i])
            i++;
        while (j < b->count && put[j])
            j++;
        block.a_end = i;
        block.b_end = j;
        if (block.a_start < i || block.b_start < j) {
            rc = array_grow(out, &room, *count + 1, sizeof(**out), e);
            if (rc == 0)
                (*out)[(*count)++] = block;
        }
    }
    return rc;
}

static int match(const struct middle *m, size_t edits_max, bool *taken, bool *put, bool *found,
                 struct err *e)
{
    struct reach r = {0};
    size_t room = 0;
    int rc = 0;
    *found = false;
    while (rc == 0 && !*found && r.edits <= edits_max) {
        rc = array_grow(&r.all, &room, (r.edits + 1) * (r.edits + 1), sizeof(*r.all), e);
        if (rc == 0 && !(*found = advance(m, &r, r.edits)))
            r.edits++;
    }
    if (rc == 0 && *found)
        trace(m, &r, taken, put);
    free(r.all);
    return rc;
}

int sequences_differ(const struct sequence *a, const struct sequence *b, size_t edits_max,
                     struct block **out, size_t *count, struct err *e)
{
    AUTO_FREE bool *taken = array_new(a->count + 1, sizeof(*taken));
    AUTO_FREE bool *put = array_new(b->count + 1, sizeof(*put));
    size_t head = 0;
    size_t tail = 0;
    bool found = false;
    *out = NULL;
    *count = 0;
    if (taken == NULL || put == NULL)
        return err_oom(e);
    while (head < a->count && head < b->count && a->list[head].symbol == b->list[head].symbol)
        head++;
    while (tail < a->count - head && tail < b->count - head &&
           a->list[a->count - 1 - tail].symbol == b->list[b->count - 1 - tail].symbol)
        tail++;
    const struct middle m = {
        head > 0 ? a->list + head : a->list, head > 0 ? b->list + head : b->list,
        (ptrdiff_t)(a->count - head - tail), (ptrdiff_t)(b->count - head - tail)};
    int rc = match(&m, edits_max, taken + head, put + head, &found, e);
    return rc < 0 || !found ? rc : list_blocks(a, b, taken, put, out, count, e);
}
