/* SPDX-License-Identifier: Apache-2.0 */
/* Two objects: fields by name, members by path, what is left by content, and the order. */
#include "verifier/explain/compare_internal.h"

#include "base/digest.h"
#include "verifier/explain/sequence.h"

#include <string.h>

enum { MOVED_MAX = 20000 }; /* members without a partner that are looked up by content */

struct pairing {
    struct walk *w;
    struct object *a;
    struct object *b;
    const struct member **only_a; /* without a partner of that path */
    const struct member **only_b;
    size_t only_a_count, only_a_room;
    size_t only_b_count, only_b_room;
    uint64_t repacked; /* members of equal content that are stored otherwise */
};

static uint64_t field_bytes(const struct field *f)
{
    if (f == NULL)
        return 0;
    return field_has_bytes(f) ? f->len : 1;
}

/* A text that is not a name in a tree: causes judge its words. */
static bool has_words(const struct pairing *p, const struct field *a, const struct field *b)
{
    return a != NULL && b != NULL && a->class == FIELD_MEANING && a->form == b->form &&
           (a->form == FIELD_TEXT || a->form == FIELD_LITERAL) && !p->a->kind->tree;
}

/* Whether the lines that both have are in one order. */
static int same_order(const struct field *a, const struct field *b, bool *out, struct err *e)
{
    AUTO_SEQUENCE x = {0};
    AUTO_SEQUENCE y = {0};
    int rc = sequence_lines(&x, a->data, a->len, e);
    if (rc < 0 || (rc = sequence_lines(&y, b->data, b->len, e)) < 0 ||
        (rc = sequences_number(&x, &y, e)) < 0 || (rc = sequences_share(&x, &y, e)) < 0)
        return rc;
    *out = x.count == y.count;
    for (size_t i = 0; *out && i < x.count; i++)
        *out = x.list[i].symbol == y.list[i].symbol;
    return 0;
}

static int tell_field(struct pairing *p, const struct member *ma, const struct member *mb,
                      const struct field *a, const struct field *b, struct err *e)
{
    uint64_t x = field_bytes(a);
    uint64_t y = field_bytes(b);
    struct difference d = {.kind = DIFFERENCE_FIELD,
                           .object_a = p->a,
                           .object_b = p->b,
                           .member_a = ma,
                           .member_b = mb,
                           .a = a,
                           .b = b,
                           .bytes = x > y ? x : y};
    bool same = false;
    int rc = a != NULL && b != NULL && a->class == FIELD_ORDER ? same_order(a, b, &same, e) : 0;
    if (rc < 0 || same)
        return rc;
    const char *member = ma == NULL ? "" : ma->path;
    return has_words(p, a, b) ? walk_text(p->w, member, &d, e)
                              : walk_tell_member(p->w, member, &d, e);
}

/* Of two formats only what both have is compared. */
static int diff_fields(struct pairing *p, const struct member *ma, const struct member *mb,
                       const struct field *a, size_t a_count, const struct field *b, size_t b_count,
                       struct err *e)
{
    bool same_kind = p->a->kind == p->b->kind;
    int rc = 0;
    for (size_t i = 0, j = 0; rc == 0 && (i < a_count || j < b_count);) {
        int order = i == a_count ? 1 : j == b_count ? -1 : strcmp(a[i].name, b[j].name);
        const struct field *x = order <= 0 ? &a[i++] : NULL;
        const struct field *y = order >= 0 ? &b[j++] : NULL;
        if (order != 0 ? same_kind : !field_equal(x, y))
            rc = tell_field(p, ma, mb, x, y, e);
    }
    return rc;
}

static int diff_content(struct pairing *p, const struct member *a, const struct member *b,
                        struct err *e)
{
    AUTO_BYTES *first = NULL;
    AUTO_BYTES *second = NULL;
    enum object_same same = OBJECT_UNKNOWN;
    int rc = 0;
    if (a->size == b->size && p->a->kind == p->b->kind && p->a->kind->same != NULL)
        rc = p->a->kind->same(p->a, a, p->b, b, &same, e);
    p->repacked += same == OBJECT_REPACKED;
    if (rc < 0 || same == OBJECT_SAME || same == OBJECT_REPACKED)
        return rc;
    if ((rc = object_content(p->a, a, &first, e)) < 0 ||
        (rc = object_content(p->b, b, &second, e)) < 0)
        return rc;
    size_t before = p->w->path.len;
    if (a->path[0] != 0)
        rc = buf_addf(&p->w->path, e, before > 0 ? " » %s" : "%s", a->path);
    const struct holder outer = p->w->holder;
    p->w->holder = (struct holder){p->a, p->b, a, b};
    if (rc == 0)
        rc = walk_bytes(p->w, first, second, e);
    p->w->holder = outer;
    buf_cut(&p->w->path, before);
    return rc;
}

static int diff_member(struct pairing *p, const struct member *a, const struct member *b,
                       struct err *e)
{
    struct difference d = {.kind = DIFFERENCE_TYPE,
                           .object_a = p->a,
                           .object_b = p->b,
                           .member_a = a,
                           .member_b = b,
                           .bytes = a->size > b->size ? a->size : b->size};
    int rc = budget_time(p->w->c->budget, e);
    if (rc < 0)
        return rc;
    if (a->type != b->type)
        return walk_tell_member(p->w, a->path, &d, e);
    rc = diff_fields(p, a, b, a->fields, a->field_count, b->fields, b->field_count, e);
    return rc < 0 || !a->has_content || !b->has_content ? rc : diff_content(p, a, b, e);
}

static int add_only(const struct member ***list, size_t *room, size_t *count,
                    const struct member *m, struct err *e)
{
    int rc = array_grow(list, room, *count + 1, sizeof(**list), e);
    if (rc == 0)
        (*list)[(*count)++] = m;
    return rc;
}

/* Archives need not list the directory that all is in. */
static bool is_bare_root(const struct pairing *p, const struct member *m)
{
    return m != NULL && p->a->kind != p->b->kind && m->path[0] == 0 && m->type == MEMBER_DIRECTORY;
}

static int pair_members(struct pairing *p, struct err *e)
{
    const struct object *a = p->a;
    const struct object *b = p->b;
    int rc = 0;
    for (size_t i = 0, j = 0; rc == 0 && (i < a->member_count || j < b->member_count);) {
        const struct member *x = i < a->member_count ? &a->members[i] : NULL;
        const struct member *y = j < b->member_count ? &b->members[j] : NULL;
        int order = x == NULL ? 1 : y == NULL ? -1 : strcmp(x->path, y->path);
        if (order == 0)
            order = x->nth < y->nth ? -1 : x->nth > y->nth;
        if (order == 0)
            rc = diff_member(p, x, y, e);
        else if (is_bare_root(p, order < 0 ? x : y))
            rc = 0;
        else if (order < 0)
            rc = add_only(&p->only_a, &p->only_a_room, &p->only_a_count, x, e);
        else
            rc = add_only(&p->only_b, &p->only_b_room, &p->only_b_count, y, e);
        i += order <= 0;
        j += order >= 0;
    }
    return rc;
}

/* ---- moved -------------------------------------------------------------------------- */

static int content_digest(struct object *o, const struct member *m, struct digest *out,
                          struct err *e)
{
    enum { CHUNK = 65536 };
    AUTO_BYTES *bytes = NULL;
    AUTO_FREE uint8_t *room = malloc(CHUNK);
    AUTO_HASHER struct hasher *hasher = NULL;
    int rc = room == NULL ? err_oom(e) : object_content(o, m, &bytes, e);
    if (rc < 0 || (rc = hasher_new(DIGEST_SHA256, &hasher, e)) < 0)
        return rc;
    for (uint64_t at = 0; rc == 0 && at < bytes->size;) {
        size_t got = 0;
        rc = bytes_peek(bytes, at, room, CHUNK, &got, e);
        if (rc == 0)
            rc = hasher_update(hasher, room, got, e);
        at += got;
    }
    return rc < 0 ? rc : hasher_final(hasher, out, e);
}

struct lost {
    const struct member *member;
    struct digest digest;
    bool found; /* it has a partner now */
};

static int by_size(const void *a, const void *b)
{
    const struct member *x = ((const struct lost *)a)->member;
    const struct member *y = ((const struct lost *)b)->member;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    int order = strcmp(x->path, y->path);
    return order != 0 ? order : (x->nth > y->nth) - (x->nth < y->nth);
}

/* Only files with content can be recognised; an empty one is like any other. */
static int list_lost(const struct member *const *from, size_t count, struct lost **out,
                     size_t *found, struct err *e)
{
    struct lost *list = array_new(count + 1, sizeof(*list));
    size_t n = 0;
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++)
        if (from[i]->has_content && from[i]->size > 0)
            list[n++].member = from[i];
    if (n > 1)
        qsort(list, n, sizeof(*list), by_size);
    *out = list;
    *found = n;
    return 0;
}

static int tell_moved(struct pairing *p, struct lost *a, struct lost *b, struct err *e)
{
    struct difference d = {.kind = DIFFERENCE_MOVED,
                           .object_a = p->a,
                           .object_b = p->b,
                           .member_a = a->member,
                           .member_b = b->member,
                           .other_path = b->member->path};
    a->found = b->found = true;
    int rc = walk_tell_member(p->w, a->member->path, &d, e);
    return rc < 0 ? rc
                  : diff_fields(p, a->member, b->member, a->member->fields, a->member->field_count,
                                b->member->fields, b->member->field_count, e);
}

/* The runs of a's and b's lists that have one size: digests are made for those only. */
static int match_run(struct pairing *p, struct lost *a, size_t a_count, struct lost *b,
                     size_t b_count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < a_count; i++)
        rc = content_digest(p->a, a[i].member, &a[i].digest, e);
    for (size_t i = 0; rc == 0 && i < b_count; i++)
        rc = content_digest(p->b, b[i].member, &b[i].digest, e);
    for (size_t i = 0; rc == 0 && i < a_count; i++)
        for (size_t j = 0; rc == 0 && j < b_count && !a[i].found; j++)
            if (!b[j].found && digest_equal(&a[i].digest, &b[j].digest))
                rc = tell_moved(p, &a[i], &b[j], e);
    return rc;
}

static size_t run_of(const struct lost *list, size_t count)
{
    size_t n = 0;
    while (n < count && list[n].member->size == list[0].member->size)
        n++;
    return n;
}

static int match_moved(struct pairing *p, struct lost *a, size_t a_count, struct lost *b,
                       size_t b_count, struct err *e)
{
    int rc = 0;
    for (size_t i = 0, j = 0; rc == 0 && i < a_count && j < b_count;) {
        size_t x = run_of(a + i, a_count - i);
        size_t y = run_of(b + j, b_count - j);
        if (a[i].member->size == b[j].member->size)
            rc = match_run(p, a + i, x, b + j, y, e);
        bool step_a = a[i].member->size <= b[j].member->size;
        bool step_b = a[i].member->size >= b[j].member->size;
        i += step_a ? x : 0;
        j += step_b ? y : 0;
    }
    return rc;
}

static bool was_moved(const struct lost *list, size_t count, const struct member *m)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].member == m)
            return list[i].found;
    return false;
}

static int tell_only(struct pairing *p, bool side_b, const struct lost *lost, size_t lost_count,
                     struct err *e)
{
    const struct member *const *list = side_b ? p->only_b : p->only_a;
    size_t count = side_b ? p->only_b_count : p->only_a_count;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct difference d = {.kind = side_b ? DIFFERENCE_ONLY_B : DIFFERENCE_ONLY_A,
                               .object_a = p->a,
                               .object_b = p->b,
                               .bytes = list[i]->size};
        *(side_b ? &d.member_b : &d.member_a) = list[i];
        if (!was_moved(lost, lost_count, list[i]))
            rc = walk_tell_member(p->w, list[i]->path, &d, e);
    }
    return rc;
}

static int diff_only(struct pairing *p, struct err *e)
{
    AUTO_FREE struct lost *a = NULL;
    AUTO_FREE struct lost *b = NULL;
    size_t a_count = 0;
    size_t b_count = 0;
    int rc = 0;
    if (p->only_a_count > 0 && p->only_b_count > 0 &&
        p->only_a_count + p->only_b_count <= MOVED_MAX &&
        ((rc = list_lost(p->only_a, p->only_a_count, &a, &a_count, e)) < 0 ||
         (rc = list_lost(p->only_b, p->only_b_count, &b, &b_count, e)) < 0 ||
         (rc = match_moved(p, a, a_count, b, b_count, e)) < 0))
        return rc;
    rc = tell_only(p, false, a, a_count, e);
    return rc < 0 ? rc : tell_only(p, true, b, b_count, e);
}

/* ---- order and packing ---------------------------------------------------------------- */

struct place {
    uint64_t a;
    uint64_t b;
};

static int by_place_a(const void *a, const void *b)
{
    const struct place *x = a;
    const struct place *y = b;
    return x->a < y->a ? -1 : x->a > y->a;
}

static int diff_order(struct pairing *p, struct err *e)
{
    struct object *a = p->a;
    struct object *b = p->b;
    struct difference d = {.kind = DIFFERENCE_ORDER, .object_a = a, .object_b = b};
    AUTO_FREE struct place *places = array_new(a->member_count + 1, sizeof(*places));
    size_t n = 0;
    if (places == NULL)
        return err_oom(e);
    for (size_t i = 0, j = 0; i < a->member_count && j < b->member_count;) {
        const struct member *x = &a->members[i];
        const struct member *y = &b->members[j];
        int order = strcmp(x->path, y->path);
        if (order == 0)
            order = x->nth < y->nth ? -1 : x->nth > y->nth;
        if (order == 0)
            places[n++] = (struct place){x->position, y->position};
        i += order <= 0;
        j += order >= 0;
    }
    if (n > 1)
        qsort(places, n, sizeof(*places), by_place_a);
    for (size_t i = 1; i < n; i++)
        d.bytes += places[i].b < places[i - 1].b;
    return d.bytes == 0 ? 0 : walk_tell(p->w, &d, e);
}

static int tell_packing(struct pairing *p, uint64_t count, struct err *e)
{
    struct difference d = {
        .kind = DIFFERENCE_PACKING, .object_a = p->a, .object_b = p->b, .bytes = count};
    return walk_tell(p->w, &d, e);
}

static int walk_pairs(struct pairing *p, struct err *e)
{
    struct object *a = p->a;
    struct object *b = p->b;
    bool same_kind = a->kind == b->kind;
    uint64_t before = p->w->found;
    int rc = diff_fields(p, NULL, NULL, a->fields, a->field_count, b->fields, b->field_count, e);
    if (rc < 0 || (rc = pair_members(p, e)) < 0 || (rc = diff_only(p, e)) < 0 ||
        (same_kind && a->kind->ordered && (rc = diff_order(p, e)) < 0))
        return rc;
    /* Bytes brought us here: if nothing that the readers know of differs, it is how it is packed.
     */
    if (p->repacked > 0 || (before == p->w->found && same_kind && a->bytes != NULL))
        rc = tell_packing(p, p->repacked, e);
    return rc;
}

int walk_objects(struct walk *w, struct object *a, struct object *b, struct err *e)
{
    struct pairing p = {.w = w, .a = a, .b = b};
    int rc = walk_pairs(&p, e);
    free(p.only_a);
    free(p.only_b);
    return rc;
}
