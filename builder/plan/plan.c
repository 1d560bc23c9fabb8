/* SPDX-License-Identifier: Apache-2.0 */
/* Strict decoding of the plan, and its canonical form. */
#include "builder/plan/plan.h"

#include "base/buf.h"
#include "base/file.h"
#include "builder/plan/mistaken.h"
#include "builder/plan/plan_internal.h"

#include <string.h>

enum {
    DIGEST_NAME_MAX = 64,
    OUTPUT_NAME_MAX = 200,
    MEDIA_TYPE_MAX = 255,
    TEXT_MAX = 4096,
    KIND_MAX = 64,
};

static const int64_t epoch_max = 253402300799; /* 9999-12-31T23:59:59Z */
static const uint64_t size_max = (UINT64_C(1) << 53) - 1;

/* One pass over a document: the plan that is filled, and where each id is. */
struct parse {
    struct plan *plan;
    size_t refs; /* of all steps so far */
    /* id -> index: inputs count from 0, steps follow them. Only looked up, never walked. */
    json_t *ids;
};

static bool is_lower_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool plan_id_valid(const char *id)
{
    size_t n = strlen(id);
    if (n == 0 || n > PLAN_ID_MAX || !is_lower_digit(id[0]))
        return false;
    for (size_t i = 1; i < n; i++)
        if (!is_lower_digit(id[i]) && strchr("._-", id[i]) == NULL)
            return false;
    return true;
}

void plan_id_lower(char *id)
{
    for (char *p = id; *p != '\0'; p++)
        if (*p >= 'A' && *p <= 'Z')
            *p = (char)(*p - 'A' + 'a');
}

/* A file name that means the same to every shell and file system. */
static bool output_name_valid(const char *name)
{
    size_t n = strlen(name);
    if (n == 0 || n > OUTPUT_NAME_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        char c = name[i];
        bool plain = is_lower_digit(c) || (c >= 'A' && c <= 'Z');
        if (!plain && (i == 0 || strchr("._+-", c) == NULL))
            return false;
    }
    return true;
}

static bool media_type_valid(const char *text)
{
    size_t slashes = 0;
    for (const char *p = text; *p != '\0'; p++) {
        if (*p == '/')
            slashes++;
        else if (!is_lower_digit(*p) && !(*p >= 'A' && *p <= 'Z') &&
                 strchr("!#$&-^_.+", *p) == NULL)
            return false;
    }
    return slashes == 1 && text[0] != '/' && !str_ends(text, "/");
}

/* ---- where an input came from ---- */

enum origin_form { ORIGIN_TEXT, ORIGIN_TEXT_OPTIONAL, ORIGIN_DIGEST, ORIGIN_GIT_ID };

struct origin_member {
    const char *key;
    enum origin_form form;
};

struct origin {
    const char *key;
    struct origin_member members[8]; /* ends with key NULL */
};

static const struct origin origins[] = {
    {"debian",
     {{"suite", ORIGIN_TEXT},
      {"component", ORIGIN_TEXT},
      {"package", ORIGIN_TEXT},
      {"version", ORIGIN_TEXT},
      {"architecture", ORIGIN_TEXT},
      {"path", ORIGIN_TEXT},
      {"release", ORIGIN_DIGEST}}},
    {"oci",
     {{"manifest", ORIGIN_DIGEST}, {"role", ORIGIN_TEXT}, {"repository", ORIGIN_TEXT_OPTIONAL}}},
    {"file", {{"name", ORIGIN_TEXT}}},
    {"docker-archive",
     {{"config", ORIGIN_DIGEST}, {"role", ORIGIN_TEXT}, {"image", ORIGIN_TEXT_OPTIONAL}}},
    {"git",
     {{"commit", ORIGIN_GIT_ID},
      {"tree", ORIGIN_GIT_ID},
      {"path", ORIGIN_TEXT_OPTIONAL},
      {"repository", ORIGIN_TEXT_OPTIONAL}}},
    {"directory", {{"name", ORIGIN_TEXT}, {"tree", ORIGIN_DIGEST}}},
    {"url", {{"path", ORIGIN_TEXT}}},
};

static const char *const oci_roles[] = {"layer", "config", "manifest", NULL};

/* SHA-1's or SHA-256's hex digits. */
static bool git_id_valid(const char *text)
{
    size_t len = strlen(text);
    return (len == 40 || len == 64) && strspn(text, "0123456789abcdef") == len;
}

static int check_origin_member(const struct jcur *c, const struct origin_member *m, struct err *e)
{
    const char *text;
    struct digest digest;
    if (m->form == ORIGIN_TEXT_OPTIONAL && json_object_get(c->value, m->key) == NULL)
        return 0;
    if (m->form == ORIGIN_DIGEST)
        return jcur_get_digest(c, m->key, &digest, e);
    int rc = jcur_get_string(c, m->key, TEXT_MAX, &text, e);
    if (rc == 0 && m->form == ORIGIN_GIT_ID && !git_id_valid(text))
        return jcur_fail(c, e, "'%.64s' is no id of a git object", text);
    return rc;
}

static int check_origin_members(const struct jcur *c, const struct origin *origin, struct err *e)
{
    const char *keys[9] = {NULL};
    for (size_t i = 0; i < 8 && origin->members[i].key != NULL; i++)
        keys[i] = origin->members[i].key;
    int rc = jcur_object(c, keys, e);
    for (size_t i = 0; rc == 0 && keys[i] != NULL; i++)
        rc = check_origin_member(c, &origin->members[i], e);
    if (rc < 0)
        return rc;
    struct jcur path, role;
    size_t choice;
    if (jcur_opt(c, "path", &path) && strcmp(origin->key, "url") != 0 &&
        !relpath_valid(json_string_value(path.value)))
        return jcur_fail(&path, e, "is not a relative path");
    return jcur_opt(c, "role", &role) ? jcur_choice(&role, oci_roles, &choice, e) : 0;
}

static int check_origin(const struct jcur *c, struct err *e)
{
    enum { COUNT = sizeof(origins) / sizeof(origins[0]) };
    const char *keys[COUNT + 1] = {NULL};
    AUTO_BUF all = BUF_INIT(1024);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < COUNT; i++) {
        keys[i] = origins[i].key;
        rc = buf_addf(&all, e, "%s%s", i > 0 ? ", " : "", origins[i].key);
    }
    if (rc < 0 || (rc = jcur_object(c, keys, e)) < 0)
        return rc;
    if (json_object_size(c->value) != 1)
        return jcur_fail(c, e, "has %zu members where exactly one of %s must be",
                         json_object_size(c->value), buf_str(&all));
    for (size_t i = 0; i < COUNT; i++) {
        struct jcur inner;
        if (jcur_opt(c, origins[i].key, &inner))
            return check_origin_members(&inner, &origins[i], e);
    }
    return 0;
}

/* ---- members of the document ---- */

static int parse_id(struct parse *p, const struct jcur *c, size_t index, const char **out,
                    struct err *e)
{
    struct jcur id;
    const char *text;
    int rc = jcur_get(c, "id", &id, e);
    if (rc < 0 || (rc = jcur_string(&id, PLAN_ID_MAX, &text, e)) < 0)
        return rc;
    if (!plan_id_valid(text))
        return jcur_fail(&id, e, "'%s' is not an id ([a-z0-9][a-z0-9._-]*)", text);
    if (json_object_get(p->ids, text) != NULL)
        return jcur_fail(&id, e, "'%s' is used twice", text);
    rc = json_put_u64(p->ids, text, index, e);
    if (rc == 0)
        *out = text;
    return rc;
}

static int parse_inputs(struct parse *p, const struct jcur *c, struct err *e)
{
    static const char *const keys[] = {"id", "kind", "digest", "size", "from", NULL};
    static const char *const kinds[] = {"blob", NULL};
    size_t count, kind;
    int rc = jcur_array(c, PLAN_INPUTS_MAX, &count, e);
    if (rc < 0)
        return rc;
    struct plan_input *inputs = array_new(count, sizeof(*inputs));
    if (count > 0 && inputs == NULL)
        return err_oom(e);
    p->plan->inputs = inputs;
    p->plan->input_count = count;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(c, i), k, from;
        if ((rc = jcur_object(&item, keys, e)) < 0 ||
            (rc = parse_id(p, &item, i, &inputs[i].id, e)) < 0 ||
            (rc = jcur_get(&item, "kind", &k, e)) < 0 ||
            (rc = jcur_choice(&k, kinds, &kind, e)) < 0 ||
            (rc = jcur_get_digest(&item, "digest", &inputs[i].digest, e)) < 0 ||
            (rc = jcur_get_u64(&item, "size", size_max, &inputs[i].size, e)) < 0 ||
            (rc = jcur_get(&item, "from", &from, e)) < 0 || (rc = check_origin(&from, e)) < 0)
            return rc;
        if (inputs[i].digest.alg != DIGEST_SHA256)
            return jcur_fail(&item, e, "the digest is not a sha256 one");
        inputs[i].from = from.value;
    }
    return 0;
}

/* The value that a reference names: an input or an earlier step, and of the kind that the step
 * takes. */
static int parse_ref(const struct parse *p, const struct jcur *c, const struct step_kind *kind,
                     struct plan_ref *out, struct err *e)
{
    const char *text;
    int rc = jcur_string(c, PLAN_ID_MAX, &text, e);
    if (rc < 0)
        return rc;
    const json_t *found = json_object_get(p->ids, text);
    if (found == NULL)
        return jcur_fail(c, e, "'%s' is no input and no earlier step", text);
    size_t index = (size_t)json_integer_value(found);
    out->is_step = index >= p->plan->input_count;
    out->index = out->is_step ? index - p->plan->input_count : index;
    enum value_kind gives = out->is_step ? p->plan->steps[out->index].kind->gives : VALUE_BLOB;
    if (kind->takes != VALUE_ANY && kind->takes != gives)
        return jcur_fail(c, e, "'%s' is a %s, and %s takes %ss", text,
                         gives == VALUE_TREE ? "tree" : "blob", kind->name,
                         kind->takes == VALUE_TREE ? "tree" : "blob");
    return 0;
}

static int parse_refs(struct parse *p, const struct jcur *c, struct plan_step *step, struct err *e)
{
    size_t count;
    int rc = jcur_array(c, PLAN_INPUTS_MAX, &count, e);
    if (rc < 0)
        return rc;
    if (count < step->kind->min_inputs || count > step->kind->max_inputs)
        return jcur_fail(c, e, "%s takes %zu to %zu inputs, not %zu", step->kind->name,
                         step->kind->min_inputs, step->kind->max_inputs, count);
    p->refs += count;
    if (p->refs > PLAN_REFS_MAX)
        return jcur_fail(c, e, "the steps have more than %d inputs in all", PLAN_REFS_MAX);
    step->in = array_new(count, sizeof(*step->in));
    if (count > 0 && step->in == NULL)
        return err_oom(e);
    step->in_count = count;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(c, i);
        rc = parse_ref(p, &item, step->kind, &step->in[i], e);
    }
    return rc;
}

static int parse_kind(const struct parse *p, const struct jcur *c, const struct step_kind **out,
                      struct err *e)
{
    const char *name;
    int rc = jcur_string(c, KIND_MAX, &name, e);
    if (rc < 0)
        return rc;
    *out = step_kind_find(p->plan->table, name);
    if (*out != NULL)
        return 0;
    return jcur_fail(c, e, "there is no step kind '%s'", name);
}

static int parse_step(struct parse *p, const struct jcur *c, size_t index, struct err *e)
{
    static const char *const keys[] = {"id", "kind", "in", "params", NULL};
    struct plan_step *step = &p->plan->steps[index];
    struct jcur kind, in, params;
    int rc;
    if ((rc = jcur_object(c, keys, e)) < 0 || (rc = jcur_get(c, "kind", &kind, e)) < 0 ||
        (rc = parse_kind(p, &kind, &step->kind, e)) < 0 || (rc = jcur_get(c, "in", &in, e)) < 0 ||
        (rc = parse_refs(p, &in, step, e)) < 0 || (rc = jcur_get(c, "params", &params, e)) < 0 ||
        (rc = step_params_check(step->kind->params, &params, step->in_count, e)) < 0)
        return rc;
    step->params = params.value;
    /* The id last, so that a step cannot refer to itself. */
    return parse_id(p, c, p->plan->input_count + index, &step->id, e);
}

static int parse_steps(struct parse *p, const struct jcur *c, struct err *e)
{
    size_t count;
    int rc = jcur_array(c, PLAN_STEPS_MAX, &count, e);
    if (rc < 0)
        return rc;
    if (count == 0)
        return jcur_fail(c, e, "there are no steps");
    if (p->plan->table == NULL)
        return 0;
    p->plan->steps = array_new(count, sizeof(*p->plan->steps));
    if (p->plan->steps == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(c, i);
        p->plan->step_count = i + 1;
        rc = parse_step(p, &item, i, e);
    }
    /* What another version's steps look like, that version knows. */
    return rc == -ERR_INPUT && !plan_is_ours(p->plan) ? plan_other_steps(p->plan, e) : rc;
}

/* The step of that id, which must give a blob. */
static int find_blob_step(const struct parse *p, const struct jcur *c, size_t *out, struct err *e)
{
    const char *id;
    int rc = jcur_string(c, PLAN_ID_MAX, &id, e);
    if (rc < 0)
        return rc;
    *out = 0;
    if (p->plan->table == NULL)
        return 0;
    const json_t *found = json_object_get(p->ids, id);
    size_t index = (size_t)json_integer_value(found);
    if (found == NULL || index < p->plan->input_count)
        return jcur_fail(c, e, "'%s' is no step", id);
    *out = index - p->plan->input_count;
    if (p->plan->steps[*out].kind->gives != VALUE_BLOB)
        return jcur_fail(c, e, "step '%s' gives a tree, which is not a file", id);
    return 0;
}

/* Names that in-toto's digest sets can have besides "sha256". */
static bool digest_name_valid(const char *name)
{
    size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
    return n >= 1 && n <= DIGEST_NAME_MAX && name[n] == '\0' && strcmp(name, "sha256") != 0;
}

static int parse_digests(const struct parse *p, const struct jcur *c, struct plan_output *out,
                         struct err *e)
{
    const char *name;
    json_t *value;
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    json_object_foreach(c->value, name, value)
    {
        struct jcur step;
        if (out->digest_count == PLAN_DIGESTS_MAX)
            return jcur_fail(c, e, "more than %d digests", PLAN_DIGESTS_MAX);
        if (!digest_name_valid(name))
            return jcur_fail(c, e, "'%.64s' is no name of a digest", name);
        struct plan_digest *d = &out->digests[out->digest_count++];
        d->name = name;
        if ((rc = jcur_get(c, name, &step, e)) < 0 ||
            (rc = find_blob_step(p, &step, &d->step, e)) < 0)
            return rc;
    }
    return out->digest_count > 0 ? 0 : jcur_fail(c, e, "there are no digests");
}

static int parse_formats(const struct jcur *c, struct plan_output *out, struct err *e)
{
    const char *name;
    size_t count;
    int rc = jcur_array(c, PLAN_FORMATS_MAX, &count, e);
    if (rc == 0 && count == 0)
        return jcur_fail(c, e, "there are no formats");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(c, i);
        if ((rc = jcur_string(&item, PLAN_ID_MAX, &name, e)) < 0)
            return rc;
        if (name[0] == '\0' ||
            strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789+-") != strlen(name))
            return jcur_fail(&item, e, "'%s' is no name of a format", name);
    }
    out->formats = c->value;
    return rc;
}

static int parse_output(struct parse *p, const struct jcur *c, struct plan_output *out,
                        struct err *e)
{
    static const char *const keys[] = {"name", "from", "mediaType", "digests", "formats", NULL};
    struct jcur name, from, media, digests, formats;
    int rc;
    if ((rc = jcur_object(c, keys, e)) < 0 || (rc = jcur_get(c, "name", &name, e)) < 0 ||
        (rc = jcur_string(&name, OUTPUT_NAME_MAX, &out->name, e)) < 0 ||
        (rc = jcur_get(c, "from", &from, e)) < 0 ||
        (rc = jcur_get(c, "mediaType", &media, e)) < 0 ||
        (rc = jcur_string(&media, MEDIA_TYPE_MAX, &out->media_type, e)) < 0)
        return rc;
    size_t stem = strlen(p->plan->name);
    if (!output_name_valid(out->name))
        return jcur_fail(&name, e, "'%s' is not a plain file name", out->name);
    if (strncmp(out->name, p->plan->name, stem) == 0 &&
        strcmp(out->name + stem, ".provenance.json") == 0)
        return jcur_fail(&name, e, "'%s' is the name of the plan's own provenance", out->name);
    if (!media_type_valid(out->media_type))
        return jcur_fail(&media, e, "'%s' is not a media type", out->media_type);
    if ((rc = find_blob_step(p, &from, &out->step, e)) < 0)
        return rc;
    if (jcur_opt(c, "digests", &digests) && (rc = parse_digests(p, &digests, out, e)) < 0)
        return rc;
    return jcur_opt(c, "formats", &formats) ? parse_formats(&formats, out, e) : 0;
}

bool plan_output_wanted(const struct plan_output *o, const struct plan_choice *choice)
{
    const char *format = choice->format;
    bool named = choice->name_count == 0;
    for (size_t i = 0; !named && i < choice->name_count; i++)
        named = strcmp(o->name, choice->names[i]) == 0;
    if (!named)
        return false;
    for (size_t i = 0; format != NULL && i < json_array_size(o->formats); i++)
        if (strcmp(json_string_value(json_array_get(o->formats, i)), format) == 0)
            return true;
    return format == NULL;
}

static int parse_outputs(struct parse *p, const struct jcur *c, struct err *e)
{
    size_t count;
    int rc = jcur_array(c, PLAN_OUTPUTS_MAX, &count, e);
    if (rc < 0)
        return rc;
    if (count == 0)
        return jcur_fail(c, e, "there are no outputs");
    p->plan->outputs = array_new(count, sizeof(*p->plan->outputs));
    if (p->plan->outputs == NULL)
        return err_oom(e);
    p->plan->output_count = count;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(c, i);
        if ((rc = parse_output(p, &item, &p->plan->outputs[i], e)) < 0)
            return rc;
        for (size_t j = 0; j < i; j++)
            if (strcmp(p->plan->outputs[j].name, p->plan->outputs[i].name) == 0)
                return jcur_fail(&item, e, "the name '%s' is used twice", p->plan->outputs[i].name);
    }
    return 0;
}

/* ---- the document ---- */

static int parse_head(struct plan *plan, const struct jcur *c, struct err *e)
{
    static const char *const keys[] = {"type",      "name",   "arch",  "epoch",   "recipe",
                                       "toolchain", "inputs", "steps", "outputs", NULL};
    static const char *const types[] = {PLAN_TYPE, NULL};
    static const char *const archs[] = {"riscv64", "amd64", "arm64", NULL};
    struct jcur type, name, arch, epoch, recipe;
    size_t choice;
    int rc;
    if ((rc = jcur_object(c, keys, e)) < 0 || (rc = jcur_get(c, "type", &type, e)) < 0 ||
        (rc = jcur_choice(&type, types, &choice, e)) < 0 ||
        (rc = jcur_get(c, "name", &name, e)) < 0 ||
        (rc = jcur_string(&name, PLAN_ID_MAX, &plan->name, e)) < 0 ||
        (rc = jcur_get(c, "arch", &arch, e)) < 0 ||
        (rc = jcur_choice(&arch, archs, &choice, e)) < 0 ||
        (rc = jcur_get(c, "epoch", &epoch, e)) < 0 ||
        (rc = jcur_i64(&epoch, 0, epoch_max, &plan->epoch, e)) < 0 ||
        (rc = jcur_get(c, "recipe", &recipe, e)) < 0 || (rc = jcur_open_object(&recipe, e)) < 0)
        return rc;
    if (!plan_id_valid(plan->name))
        return jcur_fail(&name, e, "'%s' is not a name ([a-z0-9][a-z0-9._-]*)", plan->name);
    plan->arch = archs[choice];
    plan->recipe = recipe.value;
    return 0;
}

static int parse_document(struct plan *plan, const char *what, struct err *e)
{
    struct parse p = {.plan = plan};
    AUTO_JSON json_t *ids = json_object();
    if (ids == NULL)
        return err_oom(e);
    p.ids = ids;
    struct jcur root = jcur_root(plan->document, what), toolchain, inputs, steps, outputs;
    int rc;
    if ((rc = parse_head(plan, &root, e)) < 0 ||
        (rc = jcur_get(&root, "toolchain", &toolchain, e)) < 0 ||
        (rc = plan_parse_toolchain(plan, &toolchain, e)) < 0 ||
        (rc = jcur_get(&root, "inputs", &inputs, e)) < 0 ||
        (rc = parse_inputs(&p, &inputs, e)) < 0 || (rc = jcur_get(&root, "steps", &steps, e)) < 0 ||
        (rc = parse_steps(&p, &steps, e)) < 0 ||
        (rc = jcur_get(&root, "outputs", &outputs, e)) < 0 ||
        (rc = parse_outputs(&p, &outputs, e)) < 0)
        return rc;
    return plan_check_libraries(plan, &toolchain, e);
}

/* One value has one form: otherwise one build could have many identities. */
static int check_canonical(const json_t *document, const uint8_t *data, size_t len,
                           const char *what, struct err *e)
{
    AUTO_BUF canonical = BUF_INIT(PLAN_BYTES_MAX);
    int rc = jcs_format(document, &canonical, e);
    if (rc < 0)
        return rc;
    size_t i = 0;
    while (i < len && i < canonical.len && data[i] == canonical.data[i])
        i++;
    if (i != len || i != canonical.len)
        return err_set(e, ERR_INPUT, "%s: is not in canonical form (RFC 8785), first at byte %zu",
                       what, i);
    return 0;
}

int plan_parse(const void *data, size_t len, const char *what, const struct step_table *table,
               struct plan **out, struct err *e)
{
    static const struct json_limits limits = {.bytes = PLAN_BYTES_MAX, .depth = PLAN_DEPTH_MAX};
    AUTO_PLAN struct plan *plan = calloc(1, sizeof(*plan));
    if (plan == NULL)
        return err_oom(e);
    plan->table = table;
    int rc = json_parse(data, len, what, &limits, &plan->document, e);
    if (rc < 0 || (rc = parse_document(plan, what, e)) < 0 ||
        (rc = check_canonical(plan->document, data, len, what, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, data, len, &plan->digest, e)) < 0)
        return rc;
    *out = steal_ptr(&plan);
    return 0;
}

int plan_parse_any(const void *data, size_t len, const char *what, const struct step_table *table,
                   struct plan **out, struct err *e)
{
    struct err why = ERR_INIT;
    int rc = plan_parse(data, len, what, table, out, &why);
    if (rc == -ERR_UNDECIDED)
        return plan_parse(data, len, what, NULL, out, e);
    if (rc < 0)
        *e = why;
    return rc;
}

int plan_read(const char *path, const struct step_table *table, struct plan **out, struct err *e)
{
    AUTO_BUF data = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_FREE char *what = NULL;
    int rc = mistaken(path, MISTAKEN_FOR_PLAN, e);
    if (rc < 0 || (rc = file_read(path, &data, e)) < 0 ||
        (rc = str_format(&what, e, "plan '%s'", path)) < 0)
        return rc;
    return plan_parse(buf_str(&data), data.len, what, table, out, e);
}

void plan_free(struct plan *plan)
{
    if (plan == NULL)
        return;
    for (size_t i = 0; i < plan->step_count; i++)
        free(plan->steps[i].in);
    free(plan->inputs);
    free(plan->steps);
    free(plan->outputs);
    json_decref(plan->document);
    free(plan);
}

int plan_format(json_t *document, const struct step_table *table, struct buf *out, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_PLAN struct plan *plan = NULL;
    int rc = jcs_format(document, &bytes, e);
    if (rc < 0 || (rc = plan_parse(buf_str(&bytes), bytes.len, "plan", table, &plan, e)) < 0)
        return rc;
    return buf_add(out, bytes.data, bytes.len, e);
}
