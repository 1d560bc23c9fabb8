/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/step_schema.h"

#include <string.h>

#define DEFINITIONS "#/$defs/"

static int put_text(json_t *object, const char *key, const char *text, struct err *e)
{
    return text == NULL ? 0 : json_put_string(object, key, text, e);
}

static int put_number(json_t *object, const char *key, int64_t number, struct err *e)
{
    return json_put(object, key, json_integer(number), e);
}

static int put_size(json_t *object, const char *key, size_t number, struct err *e)
{
    return number == 0 ? 0 : put_number(object, key, (int64_t)number, e);
}

static int put_reference(json_t *object, const char *definition, struct err *e)
{
    AUTO_FREE char *text = NULL;
    int rc = str_format(&text, e, DEFINITIONS "%s", definition);
    return rc < 0 ? rc : json_put_string(object, "$ref", text, e);
}

/* ---- one value: each adds its members to `out`, a new object ---- */

typedef int say_value(const struct param *row, json_t *out, struct err *e);
static int say_members(const struct step_params *takes, json_t *out, struct err *e);
static int say_row(const struct param *row, json_t *out, struct err *e);

static int say_bool(const struct param *row, json_t *out, struct err *e)
{
    (void)row;
    return json_put_string(out, "type", "boolean", e);
}

static int say_number(const struct param *row, json_t *out, struct err *e)
{
    int rc = json_put_string(out, "type", "integer", e);
    if (rc < 0 || row->said == SAID_TYPE || (rc = put_number(out, "minimum", row->min, e)) < 0 ||
        row->said == SAID_FROM || (rc = put_number(out, "maximum", (int64_t)row->max, e)) < 0)
        return rc;
    return put_size(out, "multipleOf", (size_t)row->multiple, e);
}

static int say_input(const struct param *row, json_t *out, struct err *e)
{
    (void)row;
    int rc = json_put_string(out, "type", "integer", e);
    return rc < 0 ? rc : put_number(out, "minimum", 0, e);
}

static int say_text(const struct param *row, json_t *out, struct err *e)
{
    const struct param_text *t = row->text;
    int rc = json_put_string(out, "type", "string", e);
    if (rc < 0 || row->said == SAID_TYPE || (rc = put_size(out, "minLength", t->said_min, e)) < 0 ||
        (rc = put_size(out, "maxLength", t->said_max, e)) < 0)
        return rc;
    return put_text(out, "pattern", t->pattern, e);
}

static int say_choice(const struct param *row, json_t *out, struct err *e)
{
    json_t *names = json_array();
    int rc = json_put(out, "enum", names, e);
    for (size_t i = 0; rc == 0 && row->names[i] != NULL; i++)
        rc = json_push(names, json_string(row->names[i]), e);
    return rc;
}

static int say_const(const struct param *row, json_t *out, struct err *e)
{
    return json_put_string(out, "const", row->names[row->max], e);
}

static int say_digest(const struct param *row, json_t *out, struct err *e)
{
    (void)row;
    return put_reference(out, "digest", e);
}

static int say_compressor(const struct param *row, json_t *out, struct err *e)
{
    json_t *names = json_array();
    int rc = json_put(out, "enum", names, e);
    for (size_t i = 0; rc == 0 && row->compressors[i] != NULL; i++)
        rc = json_push(names, json_string(row->compressors[i]->name), e);
    return rc;
}

static int say_globs(const struct param *row, json_t *out, struct err *e)
{
    json_t *items = json_object();
    (void)row;
    int rc = json_put_string(out, "type", "array", e);
    if (rc < 0 || (rc = json_put(out, "items", items, e)) < 0 ||
        (rc = json_put_string(items, "type", "string", e)) < 0 ||
        (rc = put_number(items, "minLength", 1, e)) < 0)
        return rc;
    return put_number(items, "maxLength", GLOB_PATTERN_MAX, e);
}

static int say_object(const struct param *row, json_t *out, struct err *e)
{
    (void)row;
    return json_put_string(out, "type", "object", e);
}

static int say_one_of(const struct param_list *l, json_t *out, struct err *e)
{
    json_t *all = json_array();
    int rc = json_put(out, "oneOf", all, e);
    for (size_t i = 0; rc == 0 && i < l->object_count; i++) {
        json_t *one = json_object();
        if ((rc = json_push(all, one, e)) == 0 &&
            (rc = json_put_string(one, "type", "object", e)) == 0)
            rc = say_members(l->objects[i], one, e);
    }
    return rc;
}

static int say_items(const struct param_list *l, json_t *out, struct err *e)
{
    if (l->item != NULL)
        return say_row(l->item, out, e);
    if (l->object_count > 1)
        return say_one_of(l, out, e);
    int rc = json_put_string(out, "type", "object", e);
    return rc < 0 ? rc : say_members(l->objects[0], out, e);
}

static int say_list(const struct param *row, json_t *out, struct err *e)
{
    const struct param_list *l = row->list;
    AUTO_JSON json_t *items = json_object();
    size_t min = row->said == SAID_TYPE ? 0 : l->said_min;
    size_t max = row->said == SAID_ALL ? l->max : 0;
    int rc;
    if (items == NULL)
        return err_oom(e);
    if ((rc = json_put_string(out, "type", "array", e)) < 0 ||
        (rc = put_size(out, "minItems", min, e)) < 0 ||
        (rc = put_size(out, "maxItems", max, e)) < 0 ||
        (l->said_unique && (rc = json_put(out, "uniqueItems", json_true(), e)) < 0) ||
        (rc = say_items(l, items, e)) < 0)
        return rc;
    return json_put(out, "items", steal_ptr(&items), e);
}

static say_value *const sayers[PARAM_TYPES] = {
    [PARAM_TYPE_BOOL] = say_bool,     [PARAM_TYPE_U32] = say_number,
    [PARAM_TYPE_U64] = say_number,    [PARAM_TYPE_I64] = say_number,
    [PARAM_TYPE_SIZE] = say_number,   [PARAM_TYPE_TEXT] = say_text,
    [PARAM_TYPE_CHOICE] = say_choice, [PARAM_TYPE_CONST] = say_const,
    [PARAM_TYPE_DIGEST] = say_digest, [PARAM_TYPE_COMPRESSOR] = say_compressor,
    [PARAM_TYPE_GLOBS] = say_globs,   [PARAM_TYPE_INPUT] = say_input,
    [PARAM_TYPE_OBJECT] = say_object, [PARAM_TYPE_LIST] = say_list,
};

static const char *definition_of(const struct param *row)
{
    if (row->type == PARAM_TYPE_GLOBS)
        return "globs";
    if (row->type == PARAM_TYPE_TEXT && row->definition == NULL)
        return row->text->definition;
    return row->definition;
}

static int say_row(const struct param *row, json_t *out, struct err *e)
{
    const char *definition = definition_of(row);
    return definition != NULL ? put_reference(out, definition, e) : sayers[row->type](row, out, e);
}

/* ---- the members of an object ---- */

static bool by_hand(const struct param *row)
{
    return sayers[row->type] == NULL || row->said == SAID_BY_HAND;
}

static int say_required(json_t *required, const char *key, struct err *e)
{
    for (size_t i = 0; i < json_array_size(required); i++)
        if (strcmp(json_string_value(json_array_get(required, i)), key) == 0)
            return 0;
    return json_push(required, json_string(key), e);
}

static int say_member(const struct param *row, json_t *required, json_t *properties, struct err *e)
{
    json_t *value = json_object();
    int rc;
    /* What is written by hand is empty here. */
    if ((rc = json_put(properties, row->key, value, e)) < 0 ||
        (!by_hand(row) && (rc = say_row(row, value, e)) < 0) ||
        (!row->optional && (rc = say_required(required, row->key, e)) < 0) ||
        row->type != PARAM_TYPE_COMPRESSOR)
        return rc;
    value = json_object();
    if ((rc = json_put(properties, "level", value, e)) < 0 || (rc = say_input(row, value, e)) < 0)
        return rc;
    return say_required(required, "level", e);
}

static int say_members(const struct step_params *takes, json_t *out, struct err *e)
{
    int rc = json_put(out, "additionalProperties", json_false(), e);
    if (rc < 0)
        return rc;
    json_t *required = json_array();
    if ((rc = json_put(out, "required", required, e)) < 0)
        return rc;
    json_t *properties = json_object();
    if ((rc = json_put(out, "properties", properties, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < takes->row_count; i++)
        if (takes->rows[i].key != NULL)
            rc = say_member(&takes->rows[i], required, properties, e);
    return rc;
}

/* ---- what is there already ---- */

static bool has_text(const json_t *array, const json_t *text)
{
    for (size_t i = 0; i < json_array_size(array); i++)
        if (json_equal(json_array_get(array, i), text))
            return true;
    return false;
}

/* The same names, in any order; none when there is no array. */
static bool same_names(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b))
        return false;
    for (size_t i = 0; i < json_array_size(a); i++)
        if (!has_text(b, json_array_get(a, i)))
            return false;
    return true;
}

/* Whether both schemas say the same: JSON that is equal but for the order of names in "required".
 */
static bool same(json_t *a, json_t *b)
{
    const char *key;
    json_t *member;
    size_t seen = 0; /* members of both, but for "required" */
    if (json_is_array(a) && json_is_array(b)) {
        bool equal = json_array_size(a) == json_array_size(b);
        for (size_t i = 0; equal && i < json_array_size(a); i++)
            equal = same(json_array_get(a, i), json_array_get(b, i));
        return equal;
    }
    if (!json_is_object(a) || !json_is_object(b))
        return json_equal(a, b);
    const json_t *left = json_object_get(a, "required");
    const json_t *right = json_object_get(b, "required");
    bool names = (left == NULL || json_is_array(left)) && (right == NULL || json_is_array(right));
    if (names && !same_names(left, right))
        return false;
    size_t count = json_object_size(b);
    json_object_foreach(a, key, member)
    {
        if (names && strcmp(key, "required") == 0)
            continue;
        json_t *other = json_object_get(b, key);
        if (other == NULL || !same(member, other))
            return false;
        seen++;
    }
    return seen + (names && right != NULL) == count;
}

/* What the tables leave open is as it was. */
static int keep_by_hand(json_t *made, const json_t *now, struct err *e)
{
    const json_t *before = json_object_get(now, "properties");
    json_t *after = json_object_get(made, "properties");
    const char *key;
    json_t *value;
    int rc = 0;
    json_object_foreach(after, key, value)
    {
        json_t *old = json_object_get(before, key);
        if (json_object_size(value) == 0 && old != NULL)
            rc = json_put(after, key, json_incref(old), e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- the document ---- */

static int update_definitions(json_t *definitions, const struct step_params *takes, struct err *e);

static int update_definition(json_t *definitions, const struct param *row, struct err *e)
{
    const char *name = definition_of(row);
    if (name == NULL || by_hand(row))
        return 0;
    AUTO_JSON json_t *made = json_object();
    if (made == NULL)
        return err_oom(e);
    int rc = sayers[row->type](row, made, e);
    if (rc < 0 || same(json_object_get(definitions, name), made))
        return rc;
    return json_put(definitions, name, steal_ptr(&made), e);
}

static int update_items(json_t *definitions, const struct param_list *l, struct err *e)
{
    int rc = l->item != NULL ? update_definition(definitions, l->item, e) : 0;
    for (size_t i = 0; rc == 0 && i < l->object_count; i++)
        rc = update_definitions(definitions, l->objects[i], e);
    return rc;
}

static int update_definitions(json_t *definitions, const struct step_params *takes, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < takes->row_count; i++) {
        const struct param *row = &takes->rows[i];
        rc = update_definition(definitions, row, e);
        if (rc == 0 && row->type == PARAM_TYPE_LIST && !by_hand(row))
            rc = update_items(definitions, row->list, e);
    }
    return rc;
}

/* How many inputs there are, where it says anything of that. */
static int update_inputs(json_t *in, const struct step_kind *kind, struct err *e)
{
    int rc = 0;
    if (json_object_get(in, "minItems") != NULL)
        rc = put_number(in, "minItems", (int64_t)kind->min_inputs, e);
    if (rc == 0 && json_object_get(in, "maxItems") != NULL)
        rc = put_number(in, "maxItems", (int64_t)kind->max_inputs, e);
    return rc;
}

/* A definition without parameters, and where steps refer to it. */
static int add_kind(json_t *definitions, const struct step_kind *kind, struct err *e)
{
    AUTO_JSON json_t *reference = json_object();
    json_t *step = json_object_get(definitions, "step");
    json_t *names =
        json_object_get(json_object_get(json_object_get(step, "properties"), "kind"), "enum");
    json_t *all = json_object_get(step, "allOf");
    if (!json_is_array(names) || !json_is_array(all))
        return err_set(e, ERR_INPUT, "this is no schema of plans: its steps have no kinds");
    int rc =
        json_put(definitions, kind->name,
                 json_pack("{s:{s:{s:{s:s}}},s:{s:{s:{},s:{s:I,s:I}}}}", "if", "properties", "kind",
                           "const", kind->name, "then", "properties", "params", "in", "minItems",
                           (json_int_t)kind->min_inputs, "maxItems", (json_int_t)kind->max_inputs),
                 e);
    if (rc < 0 || reference == NULL || (rc = put_reference(reference, kind->name, e)) < 0 ||
        (rc = json_push(names, json_string(kind->name), e)) < 0)
        return reference == NULL ? err_oom(e) : rc;
    return json_push(all, steal_ptr(&reference), e);
}

static int update_kind(json_t *definitions, const struct step_kind *kind, struct err *e)
{
    AUTO_JSON json_t *made = json_object();
    int rc = 0;
    if (made == NULL)
        return err_oom(e);
    if (json_object_get(definitions, kind->name) == NULL &&
        (rc = add_kind(definitions, kind, e)) < 0)
        return rc;
    json_t *then = json_object_get(json_object_get(definitions, kind->name), "then");
    json_t *step = json_object_get(then, "properties");
    json_t *now = json_object_get(step, "params");
    if (now == NULL)
        return err_set(e, ERR_INPUT, "this is no schema of plans: '%s' has no parameters",
                       kind->name);
    if ((rc = say_members(kind->params, made, e)) < 0 || (rc = keep_by_hand(made, now, e)) < 0 ||
        (rc = update_definitions(definitions, kind->params, e)) < 0 ||
        (rc = update_inputs(json_object_get(step, "in"), kind, e)) < 0 || same(now, made))
        return rc;
    return json_put(step, "params", steal_ptr(&made), e);
}

int step_schema_update(json_t *schema, const struct step_table *table, struct err *e)
{
    json_t *definitions = json_object_get(schema, "$defs");
    if (definitions == NULL)
        return err_set(e, ERR_INPUT, "this is no schema of plans: it has no definitions");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < table->kind_count; i++)
        rc = update_kind(definitions, table->kinds[i], e);
    return rc;
}
