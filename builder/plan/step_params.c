/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/step_params.h"

#include <inttypes.h>
#include <string.h>

enum { KEYS_MAX = 32, COMPRESSOR_NAME_MAX = 32, LEVEL_LIMIT = 1000 };

const struct step_params step_params_none = {.rows = NULL, .row_count = 0, .size = 1};

typedef int read_value(const struct param_reading *r, const struct param *row, const struct jcur *c,
                       void *fields, struct err *e);
static read_value *const readers[PARAM_TYPES];

static void *field_of(const struct param *row, void *fields)
{
    return (char *)fields + row->offset;
}

/* ---- numbers ---- */

static int check_number(const struct param *row, const struct jcur *c, uint64_t n, struct err *e)
{
    if (row->multiple != 0 && n % row->multiple != 0)
        return jcur_fail(c, e, "%s is a multiple of %" PRIu64, row->complaint, row->multiple);
    if ((row->min > 0 && n < (uint64_t)row->min) || (row->fits != NULL && !row->fits(n)))
        return jcur_fail(c, e, "%s", row->complaint);
    return 0;
}

static int read_u64(const struct param_reading *r, const struct param *row, const struct jcur *c,
                    void *fields, struct err *e)
{
    (void)r;
    int rc = jcur_u64(c, row->max, field_of(row, fields), e);
    return rc < 0 ? rc : check_number(row, c, *(uint64_t *)field_of(row, fields), e);
}

static int read_u32(const struct param_reading *r, const struct param *row, const struct jcur *c,
                    void *fields, struct err *e)
{
    uint64_t n = 0;
    int rc = jcur_u64(c, row->max, &n, e);
    (void)r;
    *(uint32_t *)field_of(row, fields) = (uint32_t)n;
    return rc < 0 ? rc : check_number(row, c, n, e);
}

static int read_size(const struct param_reading *r, const struct param *row, const struct jcur *c,
                     void *fields, struct err *e)
{
    uint64_t n = 0;
    int rc = jcur_u64(c, row->max, &n, e);
    (void)r;
    *(size_t *)field_of(row, fields) = (size_t)n;
    return rc < 0 ? rc : check_number(row, c, n, e);
}

static int read_i64(const struct param_reading *r, const struct param *row, const struct jcur *c,
                    void *fields, struct err *e)
{
    (void)r;
    return jcur_i64(c, row->min, (int64_t)row->max, field_of(row, fields), e);
}

static int read_bool(const struct param_reading *r, const struct param *row, const struct jcur *c,
                     void *fields, struct err *e)
{
    (void)r;
    return jcur_bool(c, field_of(row, fields), e);
}

/* ---- texts ---- */

static int read_text(const struct param_reading *r, const struct param *row, const struct jcur *c,
                     void *fields, struct err *e)
{
    const struct param_text *t = row->text;
    const char *text = NULL;
    (void)r;
    int rc = jcur_string(c, t->max, &text, e);
    if (rc < 0)
        return rc;
    if (t->valid != NULL && !t->valid(text)) {
        if (t->complaint != NULL)
            return jcur_fail(c, e, "%s", t->complaint);
        return jcur_fail(c, e, "'%.*s' is %s", t->quoted > 0 ? t->quoted : INT32_MAX, text, t->is);
    }
    *(const char **)field_of(row, fields) = text;
    return 0;
}

static int read_choice(const struct param_reading *r, const struct param *row, const struct jcur *c,
                       void *fields, struct err *e)
{
    (void)r;
    return jcur_choice(c, row->names, field_of(row, fields), e);
}

static int read_const(const struct param_reading *r, const struct param *row, const struct jcur *c,
                      void *fields, struct err *e)
{
    (void)r;
    (void)c;
    (void)e;
    *(size_t *)field_of(row, fields) = (size_t)row->max;
    return 0;
}

static int read_digest(const struct param_reading *r, const struct param *row, const struct jcur *c,
                       void *fields, struct err *e)
{
    (void)r;
    return jcur_digest(c, field_of(row, fields), e);
}

static int read_compressor(const struct param_reading *r, const struct param *row,
                           const struct jcur *c, void *fields, struct err *e)
{
    struct param_compression *out = field_of(row, fields);
    struct jcur level;
    const char *name = NULL;
    uint64_t number = 0;
    size_t i = 0;
    (void)r;
    int rc = jcur_string(c, COMPRESSOR_NAME_MAX, &name, e);
    if (rc < 0)
        return rc;
    if (!compressor_find(row->compressors, name, &i))
        return jcur_fail(c, e, "no compressor of that kind of step is called '%s'", name);
    if ((rc = jcur_get(c->up, "level", &level, e)) < 0 ||
        (rc = jcur_u64(&level, LEVEL_LIMIT, &number, e)) < 0)
        return rc;
    const struct compressor *z = row->compressors[i];
    if (number < (uint64_t)z->level_min || number > (uint64_t)z->level_max)
        return jcur_fail(&level, e, "'%s' has levels %d to %d, not %" PRIu64, name, z->level_min,
                         z->level_max, number);
    *out = (struct param_compression){.index = i, .level = (int)number};
    return 0;
}

/* ---- inputs ---- */

static int read_input(const struct param_reading *r, const struct param *row, const struct jcur *c,
                      void *fields, struct err *e)
{
    uint64_t last = r->input_count == 0 ? 0 : r->input_count - 1;
    uint64_t index = 0;
    int rc = jcur_u64(c, row->in_range ? last : UINT32_MAX, &index, e);
    if (rc < 0)
        return rc;
    if (!row->in_range && index >= r->input_count)
        return jcur_fail(c, e, "there is no such input");
    if (row->once && r->used[index])
        return jcur_fail(c, e, "the input is used twice");
    r->used[index] = true;
    *(size_t *)field_of(row, fields) = (size_t)index;
    return 0;
}

/* ---- what has parts ---- */

static int read_globs(const struct param_reading *r, const struct param *row, const struct jcur *c,
                      void *fields, struct err *e)
{
    (void)r;
    return glob_list_parse(c, field_of(row, fields), e);
}

static int read_object(const struct param_reading *r, const struct param *row, const struct jcur *c,
                       void *fields, struct err *e)
{
    (void)r;
    int rc = row->check != NULL ? row->check(c, e) : jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    *(json_t **)field_of(row, fields) = c->value;
    return 0;
}

static int read_members(const struct param_reading *r, const struct step_params *takes,
                        const struct jcur *object, void *fields, struct err *e);

static int read_item(const struct param_reading *r, const struct param_list *l,
                     const struct jcur *c, void *item, struct err *e)
{
    size_t which = 0;
    if (l->item != NULL)
        return readers[l->item->type](r, l->item, c, item, e);
    int rc = l->pick != NULL ? l->pick(r, c, &which, e) : 0;
    return rc < 0 ? rc : read_members(r, l->objects[which], c, item, e);
}

static int read_list(const struct param_reading *r, const struct param *row, const struct jcur *c,
                     void *fields, struct err *e)
{
    const struct param_list *l = row->list;
    size_t count = 0;
    int rc = jcur_array(c, l->max, &count, e);
    if (rc < 0)
        return rc;
    if (l->per_input != NULL && count != r->input_count)
        return jcur_fail(c, e, "%zu %s for %zu inputs", count, l->per_input, r->input_count);
    char *items = array_new(count, l->item_size);
    if (items == NULL)
        return err_oom(e);
    memcpy(field_of(row, fields), &items, sizeof(items)); /* a T *, whatever T is */
    memcpy((char *)fields + row->count_offset, &count, sizeof(count));
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(c, i);
        rc = read_item(r, l, &item, items + i * l->item_size, e);
        if (rc == 0 && l->after != NULL)
            rc = l->after(l, &item, items, i, e);
    }
    return rc;
}

static int read_other(const struct param_reading *r, const struct param *row, const struct jcur *c,
                      void *fields, struct err *e)
{
    return row->read(r, c, field_of(row, fields), e);
}

static int read_nothing(const struct param_reading *r, const struct param *row,
                        const struct jcur *c, void *fields, struct err *e)
{
    (void)r;
    (void)row;
    (void)c;
    (void)fields;
    (void)e;
    return 0;
}

static read_value *const readers[PARAM_TYPES] = {
    [PARAM_TYPE_BOOL] = read_bool,     [PARAM_TYPE_U32] = read_u32,
    [PARAM_TYPE_U64] = read_u64,       [PARAM_TYPE_I64] = read_i64,
    [PARAM_TYPE_SIZE] = read_size,     [PARAM_TYPE_TEXT] = read_text,
    [PARAM_TYPE_CHOICE] = read_choice, [PARAM_TYPE_CONST] = read_const,
    [PARAM_TYPE_DIGEST] = read_digest, [PARAM_TYPE_COMPRESSOR] = read_compressor,
    [PARAM_TYPE_GLOBS] = read_globs,   [PARAM_TYPE_INPUT] = read_input,
    [PARAM_TYPE_OBJECT] = read_object, [PARAM_TYPE_LIST] = read_list,
    [PARAM_TYPE_OTHER] = read_other,   [PARAM_TYPE_THERE] = read_nothing,
};

/* ---- the object ---- */

/* An object with no keys but those of the rows. */
static int check_keys(const struct step_params *takes, const struct jcur *object, struct err *e)
{
    const char *keys[KEYS_MAX + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < takes->row_count && count + 1 < KEYS_MAX; i++) {
        if (takes->rows[i].key != NULL)
            keys[count++] = takes->rows[i].key;
        if (takes->rows[i].type == PARAM_TYPE_COMPRESSOR)
            keys[count++] = "level";
    }
    return jcur_object(object, keys, e);
}

static void leave_out(const struct param *row, void *fields)
{
    if (row->type == PARAM_TYPE_INPUT)
        *(size_t *)field_of(row, fields) = PARAM_NO_INPUT;
    if (row->type == PARAM_TYPE_U64)
        *(uint64_t *)field_of(row, fields) = row->absent;
}

static int read_row(const struct param_reading *r, const struct param *row,
                    const struct jcur *object, void *fields, struct err *e)
{
    struct jcur c;
    if (row->type == PARAM_TYPE_RULE)
        return row->rule(r, object, fields, e);
    if (row->key == NULL)
        return readers[row->type](r, row, object, fields, e);
    if (row->optional && !jcur_opt(object, row->key, &c)) {
        leave_out(row, fields);
        return 0;
    }
    int rc = jcur_get(object, row->key, &c, e);
    return rc < 0 ? rc : readers[row->type](r, row, &c, fields, e);
}

static int read_members(const struct param_reading *r, const struct step_params *takes,
                        const struct jcur *object, void *fields, struct err *e)
{
    int rc = check_keys(takes, object, e);
    for (size_t i = 0; rc == 0 && i < takes->row_count; i++)
        rc = read_row(r, &takes->rows[i], object, fields, e);
    return rc;
}

int step_params_read(const struct step_params *takes, const struct jcur *params, size_t input_count,
                     void *out, struct err *e)
{
    AUTO_FREE bool *used = array_new(input_count, sizeof(*used));
    const struct param_reading r = {.params = out, .input_count = input_count, .used = used};
    memset(out, 0, takes->size);
    return used == NULL ? err_oom(e) : read_members(&r, takes, params, out, e);
}

static void dispose_list(const struct param *row, void *fields)
{
    const struct param_list *l = row->list;
    char *items = NULL;
    size_t count = 0;
    memcpy(&items, field_of(row, fields), sizeof(items));
    memcpy(&count, (char *)fields + row->count_offset, sizeof(count));
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < l->object_count; k++)
            step_params_dispose(l->objects[k], items + i * l->item_size);
    free(items);
    memset(field_of(row, fields), 0, sizeof(items));
    memset((char *)fields + row->count_offset, 0, sizeof(count));
}

void step_params_dispose(const struct step_params *takes, void *params)
{
    for (size_t i = 0; i < takes->row_count; i++) {
        const struct param *row = &takes->rows[i];
        void *field = field_of(row, params);
        if (row->type == PARAM_TYPE_LIST)
            dispose_list(row, params);
        if (row->type == PARAM_TYPE_GLOBS) {
            glob_list_free(*(struct glob_list **)field);
            *(struct glob_list **)field = NULL;
        }
    }
    if (takes->dispose != NULL)
        takes->dispose(params);
}

int step_params_check(const struct step_params *takes, const struct jcur *params,
                      size_t input_count, struct err *e)
{
    AUTO_FREE void *out = malloc(takes->size);
    if (out == NULL)
        return err_oom(e);
    int rc = step_params_read(takes, params, input_count, out, e);
    step_params_dispose(takes, out);
    return rc;
}
