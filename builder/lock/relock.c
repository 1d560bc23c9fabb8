/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/relock.h"

#include "builder/plan/show.h"
#include "formats/stream/decompress.h"

#include <string.h>

int relock_init(struct relock *r, const struct plan *plan, const struct recipe *recipe,
                const char *const *names, size_t name_count, struct err *e)
{
    *r = (struct relock){plan, recipe, names, name_count, array_new(name_count + 1, sizeof(bool))};
    return r->used == NULL ? err_oom(e) : 0;
}

void relock_dispose(struct relock *r)
{
    free(r->used);
}

bool relock_moves(struct relock *r, const char *name)
{
    for (size_t i = 0; i < r->name_count; i++) {
        if (strcmp(r->names[i], name) != 0)
            continue;
        r->used[i] = true;
        return true;
    }
    return false;
}

/* ---- images, as the plan's tree.layers steps have them ----------------------------------------
 */

static const struct plan_step *find_system(const struct plan *plan)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (strcmp(plan->steps[i].kind->name, "tree.linuxkit") == 0)
            return &plan->steps[i];
    return NULL;
}

/* The image's place among those of the system's step, or the number of them. */
static size_t system_index(const struct plan_step *system, const char *name)
{
    const json_t *images = json_object_get(system->params, "images");
    size_t i = 0;
    while (i < json_array_size(images) &&
           strcmp(json_string_value(json_array_get(images, i)), name) != 0)
        i++;
    return i;
}

/* By the names that the system's step gives its inputs, else by the id that compiling gives it. */
static int find_image(const struct plan *plan, const char *name, const struct plan_step **out,
                      struct err *e)
{
    const struct plan_step *system = find_system(plan);
    size_t at = plan->step_count;
    AUTO_FREE char *id = NULL;
    int rc = locked_id("image.", name, &id, e);
    if (rc < 0)
        return rc;
    size_t k = system != NULL ? system_index(system, name) : 0;
    if (system != NULL && k < json_array_size(json_object_get(system->params, "images")) &&
        k < system->in_count && system->in[k].is_step)
        at = system->in[k].index;
    for (size_t i = 0; at == plan->step_count && i < plan->step_count; i++)
        if (strcmp(plan->steps[i].id, id) == 0)
            at = i;
    *out = NULL;
    if (at < plan->step_count && strcmp(plan->steps[at].kind->name, "tree.layers") == 0)
        *out = &plan->steps[at];
    return 0;
}

/* The input that is the configuration of the system's image `index`; NULL when it needs none. */
static const struct plan_input *find_config(const struct plan *plan, const char *name)
{
    const struct plan_step *system = find_system(plan);
    if (system == NULL)
        return NULL;
    size_t images = json_array_size(json_object_get(system->params, "images"));
    size_t index = system_index(system, name);
    const json_t *configs = json_object_get(system->params, "configs");
    for (size_t i = 0; i < json_array_size(configs) && images + i < system->in_count; i++) {
        const struct plan_ref *ref = &system->in[images + i];
        if ((size_t)json_integer_value(json_array_get(configs, i)) == index && !ref->is_step)
            return &plan->inputs[ref->index];
    }
    return NULL;
}

/* The input's id is made anew, as it was made first: "oci." and "base.0". */
static int keep_input(const struct plan_input *in, struct locked *out, size_t *index, struct err *e)
{
    const char *dot = strchr(in->id, '.');
    AUTO_FREE char *prefix = NULL;
    json_t *from = json_deep_copy(in->from);
    if (from == NULL)
        return err_oom(e);
    int rc = str_format(&prefix, e, "%.*s", dot != NULL ? (int)(dot - in->id + 1) : 0, in->id);
    if (rc < 0) {
        json_decref(from);
        return rc;
    }
    return locked_add_blob(out, prefix, dot != NULL ? dot + 1 : in->id, &in->digest, in->size, from,
                           index, e);
}

static const char *static_compression(const char *name)
{
    for (size_t i = 0; name != NULL && compression_names[i] != NULL; i++)
        if (strcmp(compression_names[i], name) == 0)
            return compression_names[i];
    return NULL;
}

/* The step's parameters were checked when the plan was read. */
static int keep_layer(const struct plan *plan, const struct plan_ref *ref, const json_t *params,
                      struct locked *out, struct locked_image *image, struct err *e)
{
    static const char *const forms[] = {"tar", "deb", "file"};
    const char *form = json_string_value(json_object_get(params, "form"));
    const char *diff_id = json_string_value(json_object_get(params, "diffId"));
    struct locked_layer layer = {
        .compression =
            static_compression(json_string_value(json_object_get(params, "compression"))),
        .path = json_string_value(json_object_get(params, "path")),
        .mode = json_string_value(json_object_get(params, "mode")),
        .has_diff_id = diff_id != NULL,
    };
    for (size_t i = 0; form != NULL && i < sizeof(forms) / sizeof(forms[0]); i++)
        if (strcmp(forms[i], form) == 0)
            layer.form = forms[i];
    if (layer.form == NULL || ref->is_step)
        return err_set(e, ERR_UNDECIDED, "the plan has a layer of a form that is not known here");
    int rc = diff_id != NULL ? digest_parse(diff_id, &layer.diff_id, e) : 0;
    if (rc < 0 || (rc = keep_input(&plan->inputs[ref->index], out, &layer.blob, e)) < 0)
        return rc;
    return locked_add_layer(image, &layer, e);
}

static const json_t *entry_of(const json_t *recipe, const char *name)
{
    return json_object_get(json_object_get(recipe, "images"), name);
}

/* What the recipe says of an image besides where it comes from may change: it is not locked. */
static bool same_entry(const json_t *a, const json_t *b, const char *name)
{
    static const char *const choosing[] = {"include", "exclude", "place"};
    const json_t *x = entry_of(a, name);
    const json_t *y = entry_of(b, name);
    if (x == NULL || y == NULL)
        return x == y;
    AUTO_JSON json_t *left = json_copy((json_t *)(uintptr_t)x);
    AUTO_JSON json_t *right = json_copy((json_t *)(uintptr_t)y);
    for (size_t i = 0; i < sizeof(choosing) / sizeof(choosing[0]); i++) {
        (void)json_object_del(left, choosing[i]);
        (void)json_object_del(right, choosing[i]);
    }
    return left != NULL && right != NULL && json_equal(left, right);
}

int relock_keep(const struct relock *r, const char *name, struct locked *out, struct err *e)
{
    const struct plan_step *step = NULL;
    const struct plan_input *config = find_config(r->plan, name);
    struct locked_image *image = NULL;
    int rc = find_image(r->plan, name, &step, e);
    if (rc < 0)
        return rc;
    if (step == NULL)
        return err_set(e, ERR_INPUT, "the plan has no image '%s': add --update '%s'", name, name);
    if (!same_entry(r->plan->recipe, r->recipe->document, name))
        return err_set(e, ERR_INPUT,
                       "the recipe says something else of image '%s' than when it was locked: add "
                       "--update '%s'",
                       name, name);
    if ((rc = locked_add_image(out, name, &image, e)) < 0)
        return rc;
    if (config != NULL && (rc = keep_input(config, out, &image->config, e)) == 0)
        image->has_config = true;
    const json_t *layers = json_object_get(step->params, "layers");
    for (size_t i = 0; rc == 0 && i < step->in_count; i++)
        rc = keep_layer(r->plan, &step->in[i], json_array_get(layers, i), out, image, e);
    return rc;
}

/* ---- local files
 * ---------------------------------------------------------------------------------- */

static const struct plan_input *find_file(const struct plan *plan, const char *name)
{
    for (size_t i = 0; i < plan->input_count; i++) {
        const char *has = json_string_value(
            json_object_get(json_object_get(plan->inputs[i].from, "file"), "name"));
        if (has != NULL && strcmp(has, name) == 0)
            return &plan->inputs[i];
    }
    return NULL;
}

static bool plan_has(const struct plan *plan, const struct digest *digest)
{
    for (size_t i = 0; i < plan->input_count; i++)
        if (digest_equal(&plan->inputs[i].digest, digest))
            return true;
    return false;
}

static int settle_blob(struct relock *r, struct locked_blob *b, bool moved, struct err *e)
{
    const char *name = json_string_value(json_object_get(json_object_get(b->from, "file"), "name"));
    bool may_move = moved || (name != NULL && relock_moves(r, name));
    if (may_move || plan_has(r->plan, &b->digest))
        return 0;
    const struct plan_input *old = name != NULL ? find_file(r->plan, name) : NULL;
    if (old == NULL)
        return err_set(e, ERR_INPUT, "the plan does not have input '%s': add --update '%s'", b->id,
                       name != NULL ? name : b->id);
    b->digest = old->digest;
    b->size = old->size;
    return 0;
}

int relock_settle(struct relock *r, struct locked *locked, const bool *moved, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < locked->blob_count; i++)
        rc = settle_blob(r, &locked->blobs[i], moved[i], e);
    for (size_t i = 0; rc == 0 && i < r->name_count; i++)
        if (!r->used[i])
            rc =
                err_set(e, ERR_USAGE, "--update '%s': the recipe has no image or file of that name",
                        r->names[i]);
    return rc;
}

/* ---- what moved
 * ----------------------------------------------------------------------------------- */

/* A Release file is new every day; a package moved when its version or bytes did. */
static bool counts(const json_t *change)
{
    const char *part = json_string_value(json_object_get(change, "part"));
    const char *path = json_string_value(json_object_get(change, "path"));
    return strcmp(part, "toolchain") != 0 &&
           (path == NULL || strcmp(path, "from.debian.release") != 0);
}

int relock_report(const struct plan *before, const struct plan *after, json_t **out, size_t *count,
                  struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *all = NULL;
    AUTO_JSON json_t *moved = json_array();
    AUTO_JSON json_t *changes = json_array();
    size_t i;
    json_t *change;
    if (document == NULL || moved == NULL || changes == NULL)
        return err_oom(e);
    int rc = plan_diff(before, after, &all, e);
    json_array_foreach(all, i, change)
    {
        const char *part = json_string_value(json_object_get(change, "part"));
        json_t *id = json_object_get(change, "id");
        if (rc < 0 || !counts(change))
            continue;
        bool again = json_array_size(moved) > 0 &&
                     json_equal(json_array_get(moved, json_array_size(moved) - 1), id);
        if (strcmp(part, "input") == 0 && id != NULL && !again)
            rc = json_push(moved, json_incref(id), e);
        if (rc == 0)
            rc = json_push(changes, json_incref(change), e);
    }
    if (rc < 0 || (rc = json_put_digest(document, "plan", &before->digest, e)) < 0)
        return rc;
    *count = json_array_size(changes);
    if ((rc = json_put(document, "moved", steal_ptr(&moved), e)) < 0 ||
        (rc = json_put(document, "changes", steal_ptr(&changes), e)) < 0)
        return rc;
    *out = steal_ptr(&document);
    return 0;
}
