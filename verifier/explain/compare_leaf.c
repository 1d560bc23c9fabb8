/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that nothing reads further: runs that differ, each with what stands around it. Of equal
 * sizes they are found in place; of two sizes the common beginning and end are taken off, and lines
 * that both have are matched.
 */
#include "verifier/explain/compare_internal.h"

#include <string.h>

enum {
    AROUND = 256,        /* bytes of context on each side */
    JOIN = 16,           /* runs nearer than this are one */
    RUN_MAX = 64 * 1024, /* of one hunk; longer runs are told in parts */
    RUNS_MAX = 10000,    /* of one content; the rest is one run */
    CHUNK = 256 * 1024,
};

struct leaf {
    struct walk *w;
    struct bytes *a;
    struct bytes *b;
    uint64_t runs;
    uint8_t *room_a; /* AROUND + RUN_MAX + AROUND */
    uint8_t *room_b;
};

static int load(const struct bytes *from, uint64_t offset, uint64_t len, uint8_t *room,
                struct hunk *out, struct err *e)
{
    uint64_t start = offset > AROUND ? offset - AROUND : 0;
    uint64_t run = len < RUN_MAX ? len : RUN_MAX;
    size_t got = 0;
    int rc = bytes_peek(from, start, room, (size_t)(offset - start + run + AROUND), &got, e);
    *out = (struct hunk){.bytes = room,
                         .before = (size_t)(offset - start),
                         .run = (size_t)run,
                         .after = got - (size_t)(offset - start) - (size_t)run,
                         .offset = offset};
    return rc;
}

/* a's [a_at, a_at + a_len) stands for b's. */
static int tell_run(struct leaf *l, uint64_t a_at, uint64_t a_len, uint64_t b_at, uint64_t b_len,
                    struct err *e)
{
    const struct holder *h = &l->w->holder;
    struct difference d = {.kind = DIFFERENCE_CONTENT,
                           .object_a = h->a,
                           .object_b = h->b,
                           .member_a = h->member_a,
                           .member_b = h->member_b,
                           .bytes = a_len > b_len ? a_len : b_len};
    int rc = load(l->a, a_at, a_len, l->room_a, &d.hunk_a, e);
    if (rc < 0 || (rc = load(l->b, b_at, b_len, l->room_b, &d.hunk_b, e)) < 0)
        return rc;
    l->runs++;
    return walk_tell(l->w, &d, e);
}

/* ---- equal sizes -------------------------------------------------------------------- */

struct run {
    uint64_t start;
    uint64_t end; /* behind its last differing byte */
    bool open;
    bool ended; /* a line or a string ended since: what follows is another run */
};

static int close_run(struct leaf *l, struct run *r, struct err *e)
{
    int rc = r->open ? tell_run(l, r->start, r->end - r->start, r->start, r->end - r->start, e) : 0;
    r->open = false;
    return rc;
}

static int add_byte(struct leaf *l, struct run *r, uint64_t at, struct err *e)
{
    int rc = 0;
    bool full = r->open && r->end - r->start >= RUN_MAX && l->runs < RUNS_MAX;
    if (r->open && (full || ((r->ended || at - r->end >= JOIN) && l->runs < RUNS_MAX)))
        rc = close_run(l, r, e);
    if (!r->open)
        *r = (struct run){.start = at, .open = true};
    r->end = at + 1;
    r->ended = false;
    return rc;
}

static int in_place(struct leaf *l, struct err *e)
{
    AUTO_FREE uint8_t *room = malloc(2 * (size_t)CHUNK);
    struct run r = {0};
    int rc = room == NULL ? err_oom(e) : 0;
    for (uint64_t at = 0; rc == 0 && at < l->a->size; at += CHUNK) {
        size_t part = l->a->size - at < CHUNK ? (size_t)(l->a->size - at) : CHUNK;
        if ((rc = bytes_read(l->a, at, room, part, e)) < 0 ||
            (rc = bytes_read(l->b, at, room + CHUNK, part, e)) < 0)
            return rc;
        if (memcmp(room, room + CHUNK, part) == 0)
            continue;
        for (size_t i = 0; rc == 0 && i < part; i++) {
            if (room[i] != room[CHUNK + i])
                rc = add_byte(l, &r, at + i, e);
            else if (room[i] == 0 || room[i] == '\n')
                r.ended = true;
        }
    }
    return rc < 0 ? rc : close_run(l, &r, e);
}

/* ---- two sizes ------------------------------------------------------------------------ */

static int common_end(const struct leaf *l, uint64_t limit, uint64_t *out, struct err *e)
{
    uint8_t x[4096];
    uint8_t y[4096];
    uint64_t same = 0;
    while (same < limit) {
        size_t part = limit - same < sizeof(x) ? (size_t)(limit - same) : sizeof(x);
        int rc = bytes_read(l->a, l->a->size - same - part, x, part, e);
        if (rc < 0 || (rc = bytes_read(l->b, l->b->size - same - part, y, part, e)) < 0)
            return rc;
        size_t i = 0;
        while (i < part && x[part - 1 - i] == y[part - 1 - i])
            i++;
        same += i;
        if (i < part)
            break;
    }
    *out = same;
    return 0;
}

static int two_sizes(struct leaf *l, struct err *e)
{
    uint64_t shorter = l->a->size < l->b->size ? l->a->size : l->b->size;
    uint64_t head = 0;
    uint64_t tail = 0;
    int rc = bytes_compare(l->a, 0, l->b, 0, shorter, &head, e);
    if (rc < 0 || (rc = common_end(l, shorter - head, &tail, e)) < 0)
        return rc;
    return tell_run(l, head, l->a->size - head - tail, head, l->b->size - head - tail, e);
}

int walk_leaf(struct walk *w, struct bytes *a, struct bytes *b, struct err *e)
{
    struct leaf l = {.w = w, .a = a, .b = b};
    AUTO_FREE uint8_t *room_a = malloc(RUN_MAX + 2 * AROUND);
    AUTO_FREE uint8_t *room_b = malloc(RUN_MAX + 2 * AROUND);
    if (room_a == NULL || room_b == NULL)
        return err_oom(e);
    l.room_a = room_a;
    l.room_b = room_b;
    return a->size == b->size ? in_place(&l, e) : two_sizes(&l, e);
}
