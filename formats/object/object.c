/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/object.h"

#include "formats/object/hard_links.h"
#include "formats/object/spool.h"

#include <inttypes.h>
#include <string.h>

enum { SHOWN_MAX = 80, FIELDS_MAX = 65536 };

/* ---- filling ----------------------------------------------------------------------- */

static int copy_field(struct object *o, const struct field *from, struct field *out, struct err *e)
{
    const uint8_t *name = NULL;
    uint64_t before = o->arena.total;
    *out = *from;
    int rc = arena_copy(&o->arena, from->name, strlen(from->name), &name, e);
    out->name = (const char *)name;
    if (rc == 0 && field_has_bytes(from))
        rc = arena_copy(&o->arena, from->data, from->len, &out->data, e);
    return rc < 0 ? rc : budget_memory(o->budget, o->arena.total - before, e);
}

int object_field(struct object *o, struct field field, struct err *e)
{
    if (o->field_count == FIELDS_MAX)
        return err_set(e, ERR_INPUT, "%s: too many fields", o->name);
    int rc = array_grow(&o->fields, &o->field_room, o->field_count + 1, sizeof(*o->fields), e);
    if (rc == 0)
        rc = copy_field(o, &field, &o->fields[o->field_count], e);
    if (rc == 0)
        o->field_count++;
    return rc;
}

int object_member_field(struct object *o, struct field field, struct err *e)
{
    if (o->pending_count == FIELDS_MAX)
        return err_set(e, ERR_INPUT, "%s: a member has too many fields", o->name);
    int rc =
        array_grow(&o->pending, &o->pending_room, o->pending_count + 1, sizeof(*o->pending), e);
    if (rc == 0)
        rc = copy_field(o, &field, &o->pending[o->pending_count], e);
    if (rc == 0)
        o->pending_count++;
    return rc;
}

static int by_field_name(const void *a, const void *b)
{
    return strcmp(((const struct field *)a)->name, ((const struct field *)b)->name);
}

/* A name stands once: whoever says a thing twice could say two things. */
static int settle_fields(const struct object *o, struct field *fields, size_t count, struct err *e)
{
    if (count > 1)
        qsort(fields, count, sizeof(*fields), by_field_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(fields[i - 1].name, fields[i].name) == 0)
            return err_set(e, ERR_INPUT, "%s: the field '%.64s' is there twice", o->name,
                           fields[i].name);
    return 0;
}

int object_member(struct object *o, const struct member *m, struct err *e)
{
    const uint8_t *path = NULL;
    void *fields = NULL;
    uint64_t before = o->arena.total;
    size_t room = o->member_room;
    size_t size = o->pending_count * sizeof(struct field);
    int rc = budget_members(o->budget, o->member_count + 1, e);
    if (rc < 0 ||
        (rc = array_grow(&o->members, &o->member_room, o->member_count + 1, sizeof(*o->members),
                         e)) < 0 ||
        (rc = budget_memory(o->budget, (o->member_room - room) * sizeof(*o->members), e)) < 0 ||
        (rc = settle_fields(o, o->pending, o->pending_count, e)) < 0 ||
        (rc = arena_copy(&o->arena, m->path, strlen(m->path), &path, e)) < 0 ||
        (rc = arena_take(&o->arena, size, &fields, e)) < 0 ||
        (rc = budget_memory(o->budget, o->arena.total - before, e)) < 0)
        return rc;
    struct member *out = &o->members[o->member_count];
    *out = *m;
    out->path = (const char *)path;
    if (size > 0)
        memcpy(fields, o->pending, size);
    out->fields = fields;
    out->field_count = o->pending_count;
    out->position = o->member_count++;
    o->pending_count = 0;
    return 0;
}

static int by_path(const void *a, const void *b)
{
    const struct member *x = a;
    const struct member *y = b;
    int order = strcmp(x->path, y->path);
    if (order != 0)
        return order;
    return x->position < y->position ? -1 : x->position > y->position;
}

static void settle_members(struct object *o)
{
    if (o->member_count > 1)
        qsort(o->members, o->member_count, sizeof(*o->members), by_path);
    for (size_t i = 1; i < o->member_count; i++)
        if (strcmp(o->members[i - 1].path, o->members[i].path) == 0)
            o->members[i].nth = o->members[i - 1].nth + 1;
}

int object_open(const struct object_kind *kind, struct bytes *bytes, const char *name, void *state,
                struct budget *budget, struct object **out, struct err *e)
{
    AUTO_OBJECT *o = calloc(1, sizeof(*o));
    if (o == NULL)
        return err_oom(e);
    o->kind = kind;
    o->bytes = bytes == NULL ? NULL : bytes_keep(bytes);
    o->name = name;
    o->budget = budget;
    o->state = state;
    int rc = kind->open(o, e);
    if (rc == 0)
        rc = settle_fields(o, o->fields, o->field_count, e);
    if (rc < 0)
        return rc;
    settle_members(o);
    if ((rc = hard_links_join(o, e)) < 0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}

void object_close(struct object *o)
{
    if (o == NULL)
        return;
    if (o->kind->close != NULL)
        o->kind->close(o);
    uint64_t held = o->arena.total + o->member_room * sizeof(*o->members);
    o->budget->memory_used -= held < o->budget->memory_used ? held : o->budget->memory_used;
    arena_dispose(&o->arena);
    free(o->fields);
    free(o->members);
    free(o->pending);
    bytes_drop(o->bytes);
    free(o);
}

/* ---- contents ------------------------------------------------------------------------- */

static int spool_content(struct object *o, const struct member *m, struct bytes **out,
                         struct err *e)
{
    AUTO_SPOOL s;
    spool_init(&s, o->budget);
    if (o->kind->content == NULL)
        return err_set(e, ERR_INPUT, "%s: '%.255s' has no content", o->name, m->path);
    int rc = o->kind->content(o, m, spool_sink(&s), e);
    if (rc == 0 && s.size != m->size)
        rc = err_set(e, ERR_INPUT, "%s: '%.255s' has %" PRIu64 " bytes and should have %" PRIu64,
                     o->name, m->path, s.size, m->size);
    return rc < 0 ? rc : spool_bytes(&s, m->path, out, e);
}

int object_content(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    struct bytes *slice = NULL;
    if (!m->has_content)
        return err_set(e, ERR_INPUT, "%s: '%.255s' has no content", o->name, m->path);
    int rc = o->kind->slice == NULL ? 0 : o->kind->slice(o, m, &slice, e);
    if (rc < 0)
        return rc;
    if (slice == NULL)
        return spool_content(o, m, out, e);
    *out = slice;
    return 0;
}

/* ---- fields ----------------------------------------------------------------------------- */

const struct field *field_find(const struct field *fields, size_t count, const char *name)
{
    size_t low = 0;
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(fields[middle].name, name);
        if (order == 0)
            return &fields[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool field_equal(const struct field *a, const struct field *b)
{
    if (field_has_bytes(a) != field_has_bytes(b) || (field_has_bytes(a) && a->form != b->form))
        return false;
    if (!field_has_bytes(a))
        return a->number == b->number;
    return a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}

static int show_text(const struct field *f, struct buf *out, struct err *e)
{
    const char *quote = f->form == FIELD_TEXT ? "'" : "";
    int rc = buf_add_str(out, quote, e);
    for (size_t i = 0; rc == 0 && i < f->len && i < SHOWN_MAX; i++) {
        uint8_t c = f->data[i];
        rc = c >= 0x20 && c < 0x7f && c != '\'' && c != '\\' ? buf_add(out, &c, 1, e)
                                                             : buf_addf(out, e, "\\x%02x", c);
    }
    return rc < 0 ? rc : buf_addf(out, e, "%s%s", f->len > SHOWN_MAX ? "…" : "", quote);
}

static int show_bytes(const struct field *f, struct buf *out, struct err *e)
{
    enum { MOST = 20 };
    int rc = f->len == 0 ? buf_add_str(out, "(empty)", e) : 0;
    for (size_t i = 0; rc == 0 && i < f->len && i < MOST; i++)
        rc = buf_addf(out, e, i > 0 ? " %02x" : "%02x", f->data[i]);
    if (rc == 0 && f->len > MOST)
        rc = buf_addf(out, e, " … (%zu bytes)", f->len);
    return rc;
}

static int show_seconds(int64_t seconds, struct buf *out, struct err *e)
{
    static const int64_t year_10000 = 253402300800;
    char text[32];
    if (seconds < 0 || seconds >= year_10000)
        return buf_addf(out, e, "%" PRId64 " s", seconds);
    return buf_add_str(out, time_format(seconds, text), e);
}

int field_show(const struct field *f, struct buf *out, struct err *e)
{
    switch (f->form) {
    case FIELD_TEXT:
    case FIELD_LITERAL:
        return show_text(f, out, e);
    case FIELD_BYTES:
        return show_bytes(f, out, e);
    case FIELD_OCTAL:
        return buf_addf(out, e, "%04" PRIo64, f->number);
    case FIELD_SIGNED:
        return buf_addf(out, e, "%" PRId64, (int64_t)f->number);
    case FIELD_SECONDS:
        return show_seconds((int64_t)f->number, out, e);
    default:
        return buf_addf(out, e, "%" PRIu64, f->number);
    }
}
