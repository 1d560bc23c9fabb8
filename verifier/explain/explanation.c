/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/explanation_internal.h"

#include "formats/elf/elf_object.h"

#include <inttypes.h>
#include <string.h>

enum { GROUPS_KEPT = 1000, VALUE_MAX = 65536 };

int explanation_new(const char *const *tolerated, size_t count, struct budget *budget,
                    struct explanation **out, struct err *e)
{
    AUTO_EXPLANATION struct explanation *x = calloc(1, sizeof(*x));
    if (x == NULL)
        return err_oom(e);
    x->budget = budget;
    x->tolerated = array_new(count + 1, sizeof(*x->tolerated));
    if (x->tolerated == NULL)
        return err_oom(e);
    for (size_t i = 0; i < count; i++) {
        const struct cause *c = cause_find(tolerated[i]);
        if (c == NULL)
            return err_set(e, ERR_USAGE, "there is no cause '%.64s'", tolerated[i]);
        x->tolerated[x->tolerated_count++] = c;
    }
    *out = steal_ptr(&x);
    return 0;
}

static void free_sample(struct sample *s)
{
    free(s->path);
    free(s->a);
    free(s->b);
    free(s->hex);
}

void explanation_free(struct explanation *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->count; i++) {
        struct group *g = &x->groups[i];
        for (size_t k = 0; k < g->sample_count; k++)
            free_sample(&g->samples[k]);
        free(g->where);
        free(g->field);
    }
    for (size_t i = 0; i < x->place_count; i++)
        free(x->places[i].path);
    free(x->places);
    free(x->groups);
    free((void *)x->tolerated);
    free(x);
}

/* ---- adding ----------------------------------------------------------------------------- */

/* The length of the path less its last part. */
static size_t where_of(const char *path)
{
    const char *last = NULL;
    for (const char *p = path; (p = strstr(p, PART_MARK)) != NULL; p += sizeof(PART_MARK) - 1)
        last = p;
    return last == NULL ? 0 : (size_t)(last - path);
}

static const char *field_of(const struct difference *d)
{
    const struct field *f = d->a != NULL ? d->a : d->b;
    return d->kind == DIFFERENCE_FIELD ? f->name : "";
}

static struct group *find_group(struct explanation *x, const struct cause *cause,
                                const struct difference *d)
{
    size_t where = where_of(d->path);
    for (size_t i = 0; i < x->count; i++) {
        struct group *g = &x->groups[i];
        if (g->cause == cause && strcmp(g->field, field_of(d)) == 0 && strlen(g->where) == where &&
            memcmp(g->where, d->path, where) == 0)
            return g;
    }
    return NULL;
}

static int new_group(struct explanation *x, const struct cause *cause, const struct difference *d,
                     struct group **out, struct err *e)
{
    size_t where = x->count < GROUPS_KEPT ? where_of(d->path) : 0;
    int rc = array_grow(&x->groups, &x->room, x->count + 1, sizeof(*x->groups), e);
    if (rc < 0)
        return rc;
    struct group *g = &x->groups[x->count];
    *g = (struct group){.cause = cause};
    rc = str_format(&g->where, e, "%.*s", (int)where, d->path);
    if (rc == 0)
        rc = str_copy(&g->field, x->count < GROUPS_KEPT ? field_of(d) : "", e);
    if (rc < 0) {
        free(g->where);
        return rc;
    }
    x->count++;
    *out = g;
    return 0;
}

/* Where there are too many groups, those of one cause share one. */
static struct group *any_group(struct explanation *x, const struct cause *cause)
{
    for (size_t i = GROUPS_KEPT; i < x->count; i++)
        if (x->groups[i].cause == cause)
            return &x->groups[i];
    return NULL;
}

/* Of a program, in which function it is: " in main+0x12". */
static int show_symbol(struct object *o, const struct member *m, uint64_t offset, struct buf *out,
                       struct err *e)
{
    AUTO_BUF name = BUF_INIT(VALUE_MAX);
    uint64_t distance = 0;
    if (o == NULL || o->kind != &object_kind_elf || m == NULL)
        return 0;
    int rc = elf_symbol_at(o, m, offset, &name, &distance, e);
    if (rc < 0 || name.len == 0)
        return rc;
    if ((rc = buf_add_str(out, " in ", e)) == 0)
        rc = explanation_add_path(buf_str(&name), out, e);
    return rc < 0 ? rc : buf_addf(out, e, "+0x%" PRIx64, distance);
}

static int show_hunk(const struct difference *d, bool side_b, struct buf *out, struct err *e)
{
    const struct hunk *h = side_b ? &d->hunk_b : &d->hunk_a;
    size_t before = h->before < 16 ? h->before : 16;
    size_t after = h->after < 16 ? h->after : 16;
    const struct field f = {
        .form = FIELD_TEXT, .data = h->bytes + h->before - before, .len = before + h->run + after};
    int rc = buf_addf(out, e, "at %" PRIu64, h->offset);
    if (rc == 0)
        rc = show_symbol(side_b ? d->object_b : d->object_a, side_b ? d->member_b : d->member_a,
                         h->offset, out, e);
    if (rc == 0)
        rc = buf_add_str(out, ": ", e);
    return rc < 0 ? rc : field_show(&f, out, e);
}

static int show_side(const struct difference *d, bool side_b, char **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(4 * VALUE_MAX);
    const struct field *f = side_b ? d->b : d->a;
    int rc = 0;
    if (d->kind == DIFFERENCE_FIELD && f != NULL)
        rc = field_show(f, &text, e);
    else if (d->kind == DIFFERENCE_CONTENT)
        rc = show_hunk(d, side_b, &text, e);
    else if (d->kind == DIFFERENCE_MOVED && side_b)
        rc = explanation_add_path(d->other_path, &text, e);
    else if (d->kind == DIFFERENCE_UNREAD && !side_b)
        rc = buf_add_str(&text, d->note, e);
    else
        return 0;
    return rc < 0 ? rc : str_copy(out, buf_str(&text), e);
}

static void keep_bytes(const struct hunk *h, struct shown *out)
{
    enum { AROUND = 16 };
    size_t before = h->before < AROUND ? h->before : AROUND;
    size_t all = before + h->run + (h->after < AROUND ? h->after : AROUND);
    out->offset = h->offset - before;
    out->len = all < SHOWN_MAX ? all : SHOWN_MAX;
    out->from = before;
    out->to = before + h->run < out->len ? before + h->run : out->len;
    if (out->len > 0)
        memcpy(out->bytes, h->bytes + h->before - before, out->len);
}

static int add_sample(struct group *g, const struct difference *d, struct err *e)
{
    if (g->sample_count == EXPLANATION_SAMPLES_MAX)
        return 0;
    struct sample s = {0};
    int rc = str_copy(&s.path, d->path, e);
    if (rc == 0 && (rc = show_side(d, false, &s.a, e)) == 0)
        rc = show_side(d, true, &s.b, e);
    if (rc == 0 && d->kind == DIFFERENCE_CONTENT && (s.hex = array_new(2, sizeof(*s.hex))) == NULL)
        rc = err_oom(e);
    if (rc < 0) {
        free_sample(&s);
        return rc;
    }
    if (s.hex != NULL) {
        keep_bytes(&d->hunk_a, &s.hex[0]);
        keep_bytes(&d->hunk_b, &s.hex[1]);
    }
    g->samples[g->sample_count++] = s;
    return 0;
}

/* One entry a path and cause: a member has many fields. */
static int add_place(struct explanation *x, const struct cause *cause, const char *path,
                     struct err *e)
{
    const struct place_found *last = x->place_count == 0 ? NULL : &x->places[x->place_count - 1];
    if (last != NULL && last->cause == cause && strcmp(last->path, path) == 0)
        return 0;
    if (x->place_count == PLACES_MAX) {
        x->places_left_out++;
        return 0;
    }
    int rc = array_grow(&x->places, &x->place_room, x->place_count + 1, sizeof(*x->places), e);
    if (rc < 0)
        return rc;
    struct place_found p = {.cause = cause};
    if ((rc = str_copy(&p.path, path, e)) == 0)
        x->places[x->place_count++] = p;
    return rc;
}

static void note_delta(struct group *g, const struct difference *d)
{
    bool numbers = d->kind == DIFFERENCE_FIELD && d->a != NULL && d->b != NULL &&
                   d->a->form == FIELD_SECONDS && d->b->form == FIELD_SECONDS;
    int64_t delta = numbers ? (int64_t)(d->b->number - d->a->number) : 0;
    if (g->count == 0) {
        g->constant = numbers;
        g->delta = delta;
    } else if (!numbers || delta != g->delta) {
        g->constant = false;
    }
}

static bool is_tolerated(const struct explanation *x, const struct cause *cause)
{
    for (size_t i = 0; i < x->tolerated_count; i++)
        if (x->tolerated[i] == cause)
            return true;
    return false;
}

int explanation_add(void *context, const struct difference *d, struct err *e)
{
    struct explanation *x = context;
    const struct cause *cause = NULL;
    int rc = cause_of(d, &cause, e);
    if (rc < 0)
        return rc;
    struct group *g = find_group(x, cause, d);
    if (g == NULL && x->count >= GROUPS_KEPT)
        g = any_group(x, cause);
    if (g == NULL && (rc = new_group(x, cause, d, &g, e)) < 0)
        return rc;
    note_delta(g, d);
    g->count++;
    g->bytes += d->bytes;
    x->differences++;
    x->not_tolerated += !is_tolerated(x, cause);
    if (cause->weight >= CAUSE_SUSPICIOUS) {
        x->unexplained_count++;
        x->unexplained_bytes += d->bytes;
    }
    rc = add_place(x, cause, d->path, e);
    return rc < 0 ? rc : add_sample(g, d, e);
}

/* ---- saying ----------------------------------------------------------------------------- */

enum explanation_verdict explanation_verdict(const struct explanation *x)
{
    if (x->differences == 0)
        return EXPLANATION_IDENTICAL;
    return x->not_tolerated == 0 ? EXPLANATION_EQUIVALENT : EXPLANATION_DIFFERS;
}

const char *explanation_verdict_name(enum explanation_verdict v)
{
    static const char *const names[] = {"identical", "equivalent", "differs"};
    return names[v];
}

/* The heaviest first, then the most; ties stand as they were found. */
static bool stands_before(const struct group *a, const struct group *b)
{
    if (a->cause->weight != b->cause->weight)
        return a->cause->weight > b->cause->weight;
    return a->count > b->count;
}

int explanation_sort(const struct explanation *x, const struct group ***out, struct err *e)
{
    const struct group **list = array_new(x->count + 1, sizeof(*list));
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < x->count; i++) {
        size_t at = i;
        while (at > 0 && stands_before(&x->groups[i], list[at - 1])) {
            list[at] = list[at - 1];
            at--;
        }
        list[at] = &x->groups[i];
    }
    *out = list;
    return 0;
}
