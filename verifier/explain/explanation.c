/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/explanation.h"

#include "base/json.h"
#include "formats/elf/elf_object.h"

#include <inttypes.h>
#include <string.h>

enum { GROUPS_KEPT = 1000, VALUE_MAX = 65536 };

struct sample {
    char *path;
    char *a; /* NULL: that side has none */
    char *b;
};

/* Differences with one cause, in one thing, of one field. */
struct group {
    const struct cause *cause;
    char *where; /* the thing that they are in: the path without its last part */
    char *field; /* "" where it is no field */
    uint64_t count;
    uint64_t bytes;
    bool constant; /* every number differs by `delta` */
    int64_t delta;
    struct sample samples[EXPLANATION_SAMPLES_MAX];
    size_t sample_count;
};

struct explanation {
    const struct cause **tolerated;
    size_t tolerated_count;
    struct budget *budget;
    struct group *groups;
    size_t count;
    size_t room;
    uint64_t differences;
    uint64_t unexplained_count;
    uint64_t unexplained_bytes;
    uint64_t not_tolerated;
};

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

void explanation_free(struct explanation *x)
{
    if (x == NULL)
        return;
    for (size_t i = 0; i < x->count; i++) {
        struct group *g = &x->groups[i];
        for (size_t k = 0; k < g->sample_count; k++) {
            free(g->samples[k].path);
            free(g->samples[k].a);
            free(g->samples[k].b);
        }
        free(g->where);
        free(g->field);
    }
    free(x->groups);
    free((void *)x->tolerated);
    free(x);
}

/* ---- adding ----------------------------------------------------------------------------- */

static const char part_mark[] = " » ";

/* The length of the path less its last part. */
static size_t where_of(const char *path)
{
    const char *last = NULL;
    for (const char *p = path; (p = strstr(p, part_mark)) != NULL; p += sizeof(part_mark) - 1)
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

/* Names come from what is compared: no byte of theirs may steer a terminal or end a line. */
static int text_path(const char *path, struct buf *out, struct err *e)
{
    char piece[TEXT_ESCAPE_MAX];
    int rc = 0;
    for (size_t n; rc == 0 && (n = text_escape(path, piece)) > 0; path += n)
        rc = buf_add_str(out, piece, e);
    return rc;
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
        rc = text_path(buf_str(&name), out, e);
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
        rc = text_path(d->other_path, &text, e);
    else if (d->kind == DIFFERENCE_UNREAD && !side_b)
        rc = buf_add_str(&text, d->note, e);
    else
        return 0;
    return rc < 0 ? rc : str_copy(out, buf_str(&text), e);
}

static int add_sample(struct group *g, const struct difference *d, struct err *e)
{
    if (g->sample_count == EXPLANATION_SAMPLES_MAX)
        return 0;
    struct sample s = {0};
    int rc = str_copy(&s.path, d->path, e);
    if (rc < 0 || (rc = show_side(d, false, &s.a, e)) < 0 ||
        (rc = show_side(d, true, &s.b, e)) < 0) {
        free(s.path);
        free(s.a);
        return rc;
    }
    g->samples[g->sample_count++] = s;
    return 0;
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
    return add_sample(g, d, e);
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

static int sort_groups(const struct explanation *x, const struct group ***out, struct err *e)
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

int explanation_line(const struct explanation *x, struct buf *out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    enum explanation_verdict v = explanation_verdict(x);
    int rc = sort_groups(x, &list, e);
    if (rc < 0 || (rc = buf_add_str(out, explanation_verdict_name(v), e)) < 0)
        return rc;
    if (v == EXPLANATION_IDENTICAL)
        return 0;
    rc = buf_addf(out, e, ": %" PRIu64 " %s", x->differences,
                  x->differences == 1 ? "difference" : "differences");
    if (rc == 0 && x->unexplained_count > 0)
        rc = buf_addf(out, e, ", %" PRIu64 " that nothing explains", x->unexplained_count);
    else if (rc == 0)
        rc = buf_add_str(out, ", each explained", e);
    return rc < 0 ? rc : buf_addf(out, e, "; most: %s", list[0]->cause->title);
}

static int text_sample(const struct sample *s, struct buf *out, struct err *e)
{
    int rc = buf_add_str(out, "    ", e);
    if (rc == 0)
        rc = text_path(s->path[0] == 0 ? "(the whole)" : s->path, out, e);
    if (rc == 0 && s->a != NULL)
        rc = buf_addf(out, e, "  %s", s->a);
    if (rc == 0 && s->b != NULL)
        rc = buf_addf(out, e, " → %s", s->b);
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

static int text_group(const struct group *g, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e, "%s: %s", g->cause->id, g->cause->title);
    if (rc == 0 && g->field[0] != 0 && (rc = buf_add_str(out, " (", e)) == 0 &&
        (rc = text_path(g->field, out, e)) == 0)
        rc = buf_add_str(out, ")", e);
    if (rc == 0 && g->where[0] != 0 && (rc = buf_add_str(out, " in ", e)) == 0)
        rc = text_path(g->where, out, e);
    return rc < 0
               ? rc
               : buf_addf(out, e, ", %" PRIu64 " %s", g->count, g->count == 1 ? "time" : "times");
}

int explanation_text(const struct explanation *x, struct buf *out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    int rc = sort_groups(x, &list, e);
    for (size_t i = 0; rc == 0 && i < x->count && i < EXPLANATION_GROUPS_MAX; i++) {
        const struct group *g = list[i];
        if ((rc = text_group(g, out, e)) < 0)
            return rc;
        if (g->constant && (rc = buf_addf(out, e, ", each %+" PRId64 " s", g->delta)) < 0)
            return rc;
        rc = buf_add_str(out, "\n", e);
        for (size_t k = 0; rc == 0 && k < g->sample_count; k++)
            rc = text_sample(&g->samples[k], out, e);
        if (rc == 0 && g->count > g->sample_count)
            rc = buf_addf(out, e, "    … and %" PRIu64 " more\n", g->count - g->sample_count);
        if (rc == 0)
            rc = buf_addf(out, e, "    advice: %s\n", g->cause->advice);
        if (rc == 0 && g->cause->command != NULL)
            rc = buf_addf(out, e, "    e.g. %s\n", g->cause->command);
    }
    if (rc == 0 && x->count > EXPLANATION_GROUPS_MAX)
        rc = buf_addf(out, e, "… and %zu more groups\n", x->count - EXPLANATION_GROUPS_MAX);
    return rc;
}

/* Paths are raw bytes: what is no UTF-8 is shown as \xNN, and so is the backslash then. */
static int json_put_text(json_t *o, const char *key, const char *text, struct err *e)
{
    json_t *plain = json_string(text);
    if (plain != NULL)
        return json_put(o, key, plain, e);
    AUTO_BUF shown = BUF_INIT((size_t)1 << 20);
    int rc = 0;
    for (const unsigned char *p = (const unsigned char *)text; rc == 0 && *p != 0; p++)
        rc = *p >= 0x80 || *p == '\\' ? buf_addf(&shown, e, "\\x%02x", *p)
                                      : buf_add(&shown, p, 1, e);
    return rc < 0 ? rc : json_put_string(o, key, buf_str(&shown), e);
}

static int json_sample(const struct sample *s, json_t *list, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (o == NULL)
        return err_oom(e);
    int rc = json_put_text(o, "path", s->path, e);
    if (rc == 0 && s->a != NULL)
        rc = json_put_text(o, "a", s->a, e);
    if (rc == 0 && s->b != NULL)
        rc = json_put_text(o, "b", s->b, e);
    return rc < 0 ? rc : json_push(list, steal_ptr(&o), e);
}

static int json_group(const struct group *g, json_t *list, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *samples = json_array();
    if (o == NULL || samples == NULL)
        return err_oom(e);
    int rc = json_put_string(o, "id", g->cause->id, e);
    if (rc < 0 || (rc = json_put_text(o, "in", g->where, e)) < 0 ||
        (rc = json_put_text(o, "field", g->field, e)) < 0 ||
        (rc = json_put_u64(o, "count", g->count, e)) < 0 ||
        (rc = json_put_u64(o, "bytes", g->bytes, e)) < 0 ||
        (rc = json_put(o, "explains_fully", json_boolean(g->cause->weight < CAUSE_SUSPICIOUS), e)) <
            0 ||
        (rc = json_put_string(o, "advice", g->cause->advice, e)) < 0)
        return rc;
    if (g->cause->command != NULL)
        rc = json_put_string(o, "command", g->cause->command, e);
    for (size_t k = 0; rc == 0 && k < g->sample_count; k++)
        rc = json_sample(&g->samples[k], samples, e);
    if (rc < 0 || (rc = json_put(o, "sample", steal_ptr(&samples), e)) < 0)
        return rc;
    return json_push(list, steal_ptr(&o), e);
}

static int json_budget(const struct explanation *x, json_t *document, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (o == NULL)
        return err_oom(e);
    int rc = json_put_u64(o, "decoded", x->budget->decoded_used, e);
    if (rc == 0)
        rc = json_put(o, "truncated", json_boolean(x->budget->hit != NULL), e);
    if (rc == 0 && x->budget->hit != NULL)
        rc = json_put_string(o, "hit", x->budget->hit, e);
    return rc < 0 ? rc : json_put(document, "budget", steal_ptr(&o), e);
}

int explanation_json(const struct explanation *x, json_t **out, struct err *e)
{
    AUTO_FREE const struct group **list = NULL;
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *causes_list = json_array();
    AUTO_JSON json_t *unexplained = json_object();
    if (o == NULL || causes_list == NULL || unexplained == NULL)
        return err_oom(e);
    int rc = sort_groups(x, &list, e);
    for (size_t i = 0; rc == 0 && i < x->count && i < EXPLANATION_GROUPS_MAX; i++)
        rc = json_group(list[i], causes_list, e);
    size_t left = x->count > EXPLANATION_GROUPS_MAX ? x->count - EXPLANATION_GROUPS_MAX : 0;
    if (rc < 0 ||
        (rc = json_put_string(o, "verdict", explanation_verdict_name(explanation_verdict(x)), e)) <
            0 ||
        (rc = json_put(o, "causes", steal_ptr(&causes_list), e)) < 0 ||
        (rc = json_put_u64(o, "groups_left_out", left, e)) < 0 ||
        (rc = json_put_u64(unexplained, "count", x->unexplained_count, e)) < 0 ||
        (rc = json_put_u64(unexplained, "bytes", x->unexplained_bytes, e)) < 0 ||
        (rc = json_put(o, "unexplained", steal_ptr(&unexplained), e)) < 0 ||
        (rc = json_budget(x, o, e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}
