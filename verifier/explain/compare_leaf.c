/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes that nothing reads further: runs that differ, each with what stands around it. Of equal
 * sizes they are found in place; of two sizes the common beginning and end are taken off, and lines
 * that both have are matched.
 */
#include "verifier/explain/compare_internal.h"

#include "verifier/explain/token.h"

#include <string.h>

enum {
    AROUND = 256,        /* bytes of context on each side */
    JOIN = 16,           /* runs nearer than this are one */
    RUN_MAX = 64 * 1024, /* of one hunk; longer runs are told in parts */
    RUNS_MAX = 10000,    /* of one content; the rest is one run */
    CHUNK = 256 * 1024,
    LINE_REACH = 4096, /* how far a line's ends are looked for */
    WORK = 50000000,
};

static int load(const struct bytes *from, const struct span *run, const struct span *word,
                uint8_t *room, struct hunk *out, struct err *e)
{
    uint64_t start = run->start > AROUND ? run->start - AROUND : 0;
    uint64_t len = run->end - run->start < RUN_MAX ? run->end - run->start : RUN_MAX;
    size_t before = (size_t)(run->start - start);
    size_t got = 0;
    int rc = bytes_peek(from, start, room, before + (size_t)len + AROUND, &got, e);
    *out = (struct hunk){.bytes = room,
                         .before = before,
                         .run = (size_t)len,
                         .after = got - before - (size_t)len,
                         .offset = run->start};
    if (word != NULL) {
        uint64_t own_before = run->start - word->start;
        uint64_t own_after = word->end - run->end;
        out->apart_before = own_before < before ? before - (size_t)own_before : 0;
        out->apart_after = own_after < out->after ? out->after - (size_t)own_after : 0;
    }
    return rc;
}

int leaf_tell(struct leaf *l, const struct span *a, const struct span *b, const struct span *word_a,
              const struct span *word_b, struct err *e)
{
    uint64_t a_len = a->end - a->start;
    uint64_t b_len = b->end - b->start;
    struct difference d = l->like;
    d.bytes = a_len > b_len ? a_len : b_len;
    int rc = load(l->a, a, word_a, l->room_a, &d.hunk_a, e);
    if (rc < 0 || (rc = load(l->b, b, word_b, l->room_b, &d.hunk_b, e)) < 0)
        return rc;
    l->runs++;
    return walk_tell_member(l->w, l->member, &d, e);
}

/* ---- equal sizes -------------------------------------------------------------------- */

struct run {
    uint64_t start;
    uint64_t end; /* behind its last differing byte */
    bool open;
    bool ended;    /* a line or a string ended since: what follows is another run */
    uint64_t told; /* all before this was told */
};

/* The line around a run, in [*start, *end): it ends at a line's end or a NUL. False when it is long
 * or no text. */
static int line_around(const struct bytes *from, const struct run *r, uint8_t *room,
                       struct span *out, bool *text, struct err *e)
{
    uint64_t low = r->start > LINE_REACH ? r->start - LINE_REACH : 0;
    size_t got = 0;
    *text = r->end - r->start < LINE_REACH;
    if (!*text)
        return 0;
    int rc = bytes_peek(from, low, room, (size_t)(r->end - low) + LINE_REACH, &got, e);
    size_t start = (size_t)(r->start - low);
    size_t end = (size_t)(r->end - low);
    while (start > 0 && token_printable(room[start - 1]))
        start--;
    while (end < got && token_printable(room[end]))
        end++;
    for (size_t i = (size_t)(r->start - low); i < end; i++)
        *text = *text && token_printable(room[i]);
    if (start > 0)
        memmove(room, room + start, end - start);
    *out = (struct span){low + start, low + end};
    return rc;
}

/* Of a line of text, the words; of anything else, the run. */
static int close_run(struct leaf *l, struct run *r, struct err *e)
{
    AUTO_FREE uint8_t *room = r->open ? malloc(6 * (size_t)LINE_REACH) : NULL;
    uint8_t *room_b = room == NULL ? NULL : room + 3 * (size_t)LINE_REACH;
    struct span a = {r->start, r->end};
    struct span b = a;
    bool text = false;
    bool text_b = false;
    if (!r->open)
        return 0;
    r->open = false;
    if (room == NULL)
        return err_oom(e);
    int rc = line_around(l->a, r, room, &a, &text, e);
    if (rc == 0 && text)
        rc = line_around(l->b, r, room_b, &b, &text_b, e);
    if (rc == 0 && text && text_b && a.start == b.start && a.end == b.end) {
        r->told = a.end;
        return leaf_words(l, room, a.start, (size_t)(a.end - a.start), room_b, b.start,
                          (size_t)(b.end - b.start), e);
    }
    a = b = (struct span){r->start, r->end};
    return rc < 0 ? rc : leaf_tell(l, &a, &b, NULL, NULL, e);
}

static int add_byte(struct leaf *l, struct run *r, uint64_t at, struct err *e)
{
    int rc = 0;
    bool full = r->open && r->end - r->start >= RUN_MAX && l->runs < RUNS_MAX;
    if (r->open && (full || ((r->ended || at - r->end >= JOIN) && l->runs < RUNS_MAX)))
        rc = close_run(l, r, e);
    if (rc < 0 || at < r->told)
        return rc;
    if (!r->open)
        *r = (struct run){.start = at, .open = true, .told = r->told};
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
    const struct span a = {head, l->a->size - tail};
    const struct span b = {head, l->b->size - tail};
    bool told = false;
    rc = leaf_lines(l, &a, &b, &told, e);
    return rc < 0 || told ? rc : leaf_tell(l, &a, &b, NULL, NULL, e);
}

/* The room that hunks are loaded into. */
static int leaf_begin(struct leaf *l, struct err *e)
{
    l->work = WORK;
    l->room_a = malloc(2 * (RUN_MAX + 2 * (size_t)AROUND));
    l->room_b = l->room_a == NULL ? NULL : l->room_a + RUN_MAX + 2 * (size_t)AROUND;
    return l->room_a == NULL ? err_oom(e) : 0;
}

int walk_leaf(struct walk *w, struct bytes *a, struct bytes *b, struct err *e)
{
    struct leaf l = {.w = w,
                     .like = {.kind = DIFFERENCE_CONTENT,
                              .object_a = w->holder.a,
                              .object_b = w->holder.b,
                              .member_a = w->holder.member_a,
                              .member_b = w->holder.member_b},
                     .member = "",
                     .a = a,
                     .b = b};
    bool told = false;
    int rc = leaf_begin(&l, e);
    if (rc == 0)
        rc = leaf_order(&l, &told, e);
    if (rc == 0 && !told)
        rc = a->size == b->size ? in_place(&l, e) : two_sizes(&l, e);
    free(l.room_a);
    return rc;
}

static int text_bytes(const struct field *f, struct bytes **out, struct err *e)
{
    uint8_t *copy = malloc(f->len + 1);
    if (copy == NULL)
        return err_oom(e);
    if (f->len > 0)
        memcpy(copy, f->data, f->len);
    return bytes_of_memory(copy, f->len, f->name, out, e);
}

int walk_text(struct walk *w, const char *member, const struct difference *like, struct err *e)
{
    AUTO_BYTES *a = NULL;
    AUTO_BYTES *b = NULL;
    int rc = text_bytes(like->a, &a, e);
    if (rc < 0 || (rc = text_bytes(like->b, &b, e)) < 0)
        return rc;
    struct leaf l = {.w = w, .like = *like, .member = member, .a = a, .b = b};
    rc = leaf_begin(&l, e);
    if (rc == 0)
        rc = leaf_words(&l, like->a->data, 0, like->a->len, like->b->data, 0, like->b->len, e);
    free(l.room_a);
    return rc;
}
