/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/pieces.h"

#include <string.h>

enum { PROBE = 4096, CHUNK = 64 * 1024 };

void tree_pieces_dispose(struct tree_pieces *p)
{
    free(p->items);
    *p = (struct tree_pieces){0};
}

/* Data from `start` to `end`, which follow what there is. */
static int add(struct tree_pieces *p, uint64_t start, uint64_t end, struct err *e)
{
    struct tree_piece *last = p->count > 0 ? &p->items[p->count - 1] : NULL;
    if (last != NULL && last->offset + last->len >= start) {
        last->len = end - last->offset;
        return 0;
    }
    int rc = array_grow(&p->items, &p->room, p->count + 1, sizeof(*p->items), e);
    if (rc == 0)
        p->items[p->count++] = (struct tree_piece){.offset = start, .len = end - start};
    return rc;
}

/* The unit doubles: pieces grow to its bounds, and some become one. */
static void coarsen(struct tree_pieces *p, uint64_t size)
{
    size_t count = 0;
    p->unit *= 2;
    for (size_t i = 0; i < p->count; i++) {
        uint64_t start = p->items[i].offset / p->unit * p->unit;
        uint64_t end = p->items[i].offset + p->items[i].len;
        uint64_t more = (p->unit - end % p->unit) % p->unit;
        end = more < size - end ? end + more : size;
        struct tree_piece *last = count > 0 ? &p->items[count - 1] : NULL;
        if (last != NULL && last->offset + last->len >= start)
            last->len = end - last->offset;
        else
            p->items[count++] = (struct tree_piece){.offset = start, .len = end - start};
    }
    p->count = count;
}

/* Most units of data begin with some. */
static int is_zero(struct tree_reader *r, const struct tree_content *c, uint64_t start,
                   uint64_t end, uint8_t *chunk, bool *zero, struct err *e)
{
    size_t most = PROBE;
    *zero = true;
    for (uint64_t at = start; *zero && at < end; most = CHUNK) {
        size_t len = end - at < most ? (size_t)(end - at) : most;
        int rc = tree_reader_read(r, c, at, chunk, len, e);
        if (rc < 0)
            return rc;
        *zero = chunk[0] == 0 && memcmp(chunk, chunk + 1, len - 1) == 0;
        at += len;
    }
    return 0;
}

int tree_pieces_find(struct tree_reader *r, const struct tree_content *c, uint64_t unit, size_t max,
                     struct tree_pieces *out, struct err *e)
{
    struct tree_pieces p = {.unit = unit};
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    int rc = chunk == NULL ? err_oom(e) : 0;
    for (uint64_t at = 0; rc == 0 && at < c->size;) {
        uint64_t data = tree_reader_next_data(r, c, at);
        if (data >= c->size)
            break;
        at = data / p.unit * p.unit;
        uint64_t end = c->size - at < p.unit ? c->size : at + p.unit;
        bool zero = false;
        rc = is_zero(r, c, at, end, chunk, &zero, e);
        if (rc == 0 && !zero)
            rc = add(&p, at, end, e);
        at = end;
        /* Only a unit of data makes them too many: the last piece ends a unit of the new size. */
        while (rc == 0 && p.count > max) {
            coarsen(&p, c->size);
            at = p.items[p.count - 1].offset + p.items[p.count - 1].len;
        }
    }
    if (rc < 0) {
        tree_pieces_dispose(&p);
        return rc;
    }
    *out = p;
    return 0;
}
