/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/compile.h"

#include "base/file.h"
#include "base/media_types.h"
#include "builder/plan/plan.h"
#include "builder/plan/plan_write.h"
#include "builder/recipe/compiler.h"

#include <string.h>

static void compiler_dispose(struct compiler *c)
{
    for (size_t i = 0; c->image_steps != NULL && i < c->image_count; i++)
        free(c->image_steps[i]);
    free(c->image_steps);
    free(c->images);
    json_decref(c->steps);
    json_decref(c->outputs);
}

bool compiler_has_kernel(const struct compiler *c)
{
    return c->recipe->system != NULL && c->recipe->system->kernel.name != NULL;
}

/* ---- small JSON ----------------------------------------------------------------------- */

static int push_string(json_t *list, const char *text, struct err *e)
{
    json_t *value = json_string(text);
    return value == NULL ? err_oom(e) : json_push(list, value, e);
}

static int string_list(const struct recipe_list *from, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < from->count; i++)
        rc = push_string(list, from->items[i], e);
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

/* What has `key` = `value` in a list of objects; NULL: nothing. */
static json_t *find_named(const json_t *list, const char *key, const char *value)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        json_t *item = json_array_get(list, i);
        const char *text = json_string_value(json_object_get(item, key));
        if (text != NULL && strcmp(text, value) == 0)
            return item;
    }
    return NULL;
}

/* Takes `in` and `params`, also on failure. */
static int push_step(struct compiler *c, const char *id, const char *kind, json_t *in_taken,
                     json_t *params_taken, struct err *e)
{
    AUTO_JSON json_t *step = NULL;
    int rc = plan_write_step(id, kind, in_taken, params_taken, &step, e);
    if (rc < 0)
        return rc;
    const json_t *same = find_named(c->steps, "id", id);
    if (same == NULL)
        return json_push(c->steps, steal_ptr(&step), e);
    if (json_equal(same, step) != 1)
        return err_set(e, ERR_INPUT, "two artifacts need different steps called '%s'", id);
    return 0;
}

int compiler_output_known(struct compiler *c, const char *suffix, const char *from,
                          const char *media_type, const char *const *digests, struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_JSON json_t *output = json_object();
    if (output == NULL)
        return err_oom(e);
    int rc = str_format(&name, e, "%s%s", c->recipe->name, suffix);
    if (rc < 0 || (rc = json_put_string(output, "name", name, e)) < 0 ||
        (rc = json_put_string(output, "from", from, e)) < 0 ||
        (rc = json_put_string(output, "mediaType", media_type, e)) < 0)
        return rc;
    if (digests != NULL)
        rc = json_put(output, "digests", json_object(), e);
    for (size_t i = 0; rc == 0 && digests != NULL && digests[i] != NULL; i += 2)
        rc = json_put_string(json_object_get(output, "digests"), digests[i], digests[i + 1], e);
    if (rc < 0)
        return rc;
    json_t *same = find_named(c->outputs, "name", name);
    /* The formats that others have it for do not make it another. */
    AUTO_JSON json_t *formats =
        same == NULL ? json_array() : json_incref(json_object_get(same, "formats"));
    if (c->format != NULL && (rc = json_push(formats, json_string(c->format), e)) < 0)
        return rc;
    if (json_array_size(formats) > 0 &&
        (rc = json_put(output, "formats", json_incref(formats), e)) < 0)
        return rc;
    if (same == NULL)
        return json_push(c->outputs, steal_ptr(&output), e);
    if (json_equal(same, output) != 1)
        return err_set(e, ERR_INPUT, "two artifacts would both be called '%s'", name);
    return 0;
}

int compiler_output(struct compiler *c, const char *suffix, const char *from,
                    const char *media_type, struct err *e)
{
    return compiler_output_known(c, suffix, from, media_type, NULL, e);
}

const char *compiler_output_step(const struct compiler *c, const char *suffix)
{
    size_t stem = strlen(c->recipe->name);
    for (size_t i = 0; i < json_array_size(c->outputs); i++) {
        const json_t *output = json_array_get(c->outputs, i);
        const char *name = json_string_value(json_object_get(output, "name"));
        if (strncmp(name, c->recipe->name, stem) == 0 && strcmp(name + stem, suffix) == 0)
            return json_string_value(json_object_get(output, "from"));
    }
    return NULL;
}

/* ---- tree.layers: one step per image --------------------------------------------------- */

static int layer_params(const struct locked_layer *layer, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    if (object == NULL)
        return err_oom(e);
    int rc = json_put_string(object, "form", layer->form, e);
    if (rc == 0 && layer->compression != NULL)
        rc = json_put_string(object, "compression", layer->compression, e);
    if (rc == 0 && layer->has_diff_id)
        rc = json_put_digest(object, "diffId", &layer->diff_id, e);
    if (rc == 0 && layer->path != NULL)
        rc = json_put_string(object, "path", layer->path, e);
    if (rc == 0 && layer->mode != NULL)
        rc = json_put_string(object, "mode", layer->mode, e);
    if (rc == 0)
        *out = steal_ptr(&object);
    return rc;
}

/* include and exclude. An image found by name in a layout has no entry in the recipe (NULL). */
static int filter_params(const struct recipe_image *image, json_t *params, struct err *e)
{
    static const struct recipe_list empty = {0};
    json_t *include = NULL;
    json_t *exclude = NULL;
    int rc = string_list(image != NULL ? &image->include : &empty, &include, e);
    if (rc < 0 || (rc = json_put(params, "include", include, e)) < 0 ||
        (rc = string_list(image != NULL ? &image->exclude : &empty, &exclude, e)) < 0)
        return rc;
    return json_put(params, "exclude", exclude, e);
}

static int place_params(const struct recipe_image *image, json_t *params, struct err *e)
{
    AUTO_JSON json_t *places = json_array();
    if (places == NULL)
        return err_oom(e);
    for (size_t i = 0; image != NULL && i < image->place_count; i++) {
        AUTO_JSON json_t *place = json_object();
        if (place == NULL)
            return err_oom(e);
        int rc = json_put_string(place, "match", image->places[i].match, e);
        if (rc < 0 || (rc = json_put_string(place, "path", image->places[i].path, e)) < 0 ||
            (rc = json_push(places, steal_ptr(&place), e)) < 0)
            return rc;
    }
    return json_put(params, "place", steal_ptr(&places), e);
}

/* The parameters of tree.layers but for clamp. */
static int layers_params(const struct recipe_image *image, const struct locked_image *locked,
                         json_t *params, struct err *e)
{
    AUTO_JSON json_t *layers = json_array();
    int rc = layers == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < locked->layer_count; i++) {
        json_t *layer = NULL;
        if ((rc = layer_params(&locked->layers[i], &layer, e)) == 0)
            rc = json_push(layers, layer, e);
    }
    if (rc < 0 || (rc = json_put(params, "layers", steal_ptr(&layers), e)) < 0 ||
        (rc = place_params(image, params, e)) < 0)
        return rc;
    bool merged = image != NULL && image->kind == RECIPE_IMAGE_DEBIAN;
    return json_put(params, "usrMerged", json_boolean(merged), e);
}

/* The parameters of tree.debian but for include, exclude and clamp. */
static int rootfs_params(const struct compiler *c, const struct recipe_image *image, json_t *params,
                         struct err *e)
{
    if (json_object_update(params, image->debian.rootfs) < 0)
        return err_oom(e);
    return json_put_string(params, "architecture", c->recipe->arch, e);
}

/* tree.debian as "unpack.NAME", and tree.finish of it as "image.NAME". Takes both, also on failure.
 */
static int finished_steps(struct compiler *c, size_t index, const struct recipe_image *image,
                          json_t *in_taken, json_t *params_taken, struct err *e)
{
    static const char prefix[] = "image.";
    AUTO_FREE char *id = NULL;
    AUTO_JSON json_t *finish = json_deep_copy(image->debian.finish);
    AUTO_JSON json_t *in = json_array();
    int rc = str_format(&id, e, "unpack.%s", c->image_steps[index] + sizeof(prefix) - 1);
    if (rc < 0) {
        json_decref(in_taken);
        json_decref(params_taken);
        return rc;
    }
    rc = push_step(c, id, "tree.debian", in_taken, params_taken, e);
    if (rc == 0 && (finish == NULL || in == NULL))
        rc = err_oom(e);
    if (rc < 0 || (rc = push_string(in, id, e)) < 0 ||
        (rc = json_put_string(finish, "architecture", c->recipe->arch, e)) < 0 ||
        (rc = json_put_u64(finish, "clamp", (uint64_t)c->recipe->epoch, e)) < 0)
        return rc;
    return push_step(c, c->image_steps[index], "tree.finish", steal_ptr(&in), steal_ptr(&finish),
                     e);
}

static int image_step(struct compiler *c, size_t index, struct err *e)
{
    const char *name = c->images[index].name;
    const struct locked_image *locked = locked_image_find(c->locked, name);
    const struct recipe_image *image = recipe_image_find(c->recipe, name);
    bool rootfs =
        image != NULL && image->kind == RECIPE_IMAGE_DEBIAN && image->debian.rootfs != NULL;
    AUTO_JSON json_t *in = json_array();
    AUTO_JSON json_t *params = json_object();
    if (locked == NULL)
        return err_set(e, ERR_INPUT, "the image '%s' is not locked", name);
    int rc = in == NULL || params == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < locked->layer_count; i++)
        rc = push_string(in, c->locked->blobs[locked->layers[i].blob].id, e);
    if (rc == 0)
        rc = rootfs ? rootfs_params(c, image, params, e) : layers_params(image, locked, params, e);
    if (rc < 0 || (rc = filter_params(image, params, e)) < 0 ||
        (rc = json_put_u64(params, "clamp", (uint64_t)c->recipe->epoch, e)) < 0 ||
        (c->recipe->expansion != 0 &&
         (rc = json_put_u64(params, "expansion", c->recipe->expansion, e)) < 0))
        return rc;
    if (rootfs && image->debian.finish != NULL)
        return finished_steps(c, index, image, steal_ptr(&in), steal_ptr(&params), e);
    return push_step(c, c->image_steps[index], rootfs ? "tree.debian" : "tree.layers",
                     steal_ptr(&in), steal_ptr(&params), e);
}

static bool step_taken(const struct compiler *c, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(c->image_steps[i], id) == 0)
            return true;
    return false;
}

/* "image.NAME"; numbered when two names look the same in the plan's alphabet. */
static int name_image_step(struct compiler *c, size_t index, struct err *e)
{
    AUTO_FREE char *id = NULL;
    AUTO_FREE char *free_id = NULL;
    int rc = locked_id("image.", c->images[index].name, &id, e);
    if (rc == 0)
        rc = str_copy(&free_id, id, e);
    for (size_t n = 2; rc == 0 && step_taken(c, index, free_id); n++) {
        free(steal_ptr(&free_id));
        rc = str_format(&free_id, e, "%s.%zu", id, n);
    }
    if (rc == 0)
        c->image_steps[index] = steal_ptr(&free_id);
    return rc;
}

static int image_steps(struct compiler *c, struct err *e)
{
    int rc = 0;
    c->image_steps = array_new(c->image_count + 1, sizeof(*c->image_steps));
    if (c->image_steps == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < c->image_count; i++)
        if ((rc = name_image_step(c, i, e)) == 0)
            rc = image_step(c, i, e);
    return rc;
}

/* ---- tree.linuxkit ------------------------------------------------------------------------ */

static int kernel_document(const struct linuxkit *lk, json_t **out, struct err *e)
{
    AUTO_JSON json_t *kernel = json_object();
    if (kernel == NULL)
        return err_oom(e);
    int rc = json_put_string(kernel, "image", lk->kernel.name, e);
    if (rc < 0 || (rc = json_put_string(kernel, "binary", lk->kernel_binary, e)) < 0 ||
        (rc = json_put_string(kernel, "cmdline", lk->cmdline, e)) < 0 ||
        (rc = json_put_string(kernel, "tar", lk->kernel_tar != NULL ? lk->kernel_tar : "none", e)) <
            0 ||
        (lk->ucode != NULL && (rc = json_put_string(kernel, "ucode", lk->ucode, e)) < 0))
        return rc;
    *out = steal_ptr(&kernel);
    return 0;
}

static int file_document(const struct linuxkit_file *f, json_t **out, struct err *e)
{
    static const char *const keys[] = {"contents", "source", "directory", "symlink"};
    AUTO_JSON json_t *file = json_object();
    if (file == NULL)
        return err_oom(e);
    int rc = json_put_string(file, "path", f->path[0] != '\0' ? f->path : "/", e);
    if (rc == 0 && f->kind == LINUXKIT_FILE_DIRECTORY)
        rc = json_put(file, keys[f->kind], json_true(), e);
    else if (rc == 0) /* a source's bytes are an input: where they were is nobody's business */
        rc = json_put_string(file, keys[f->kind],
                             f->kind == LINUXKIT_FILE_SOURCE ? path_base(f->text) : f->text, e);
    if (rc == 0 && f->has_mode) {
        char mode[8];
        (void)snprintf(mode, sizeof(mode), "%04o", (unsigned)f->mode);
        rc = json_put_string(file, "mode", mode, e);
    }
    if (rc == 0 && f->has_owner)
        rc = json_put_u64(file, "uid", f->uid, e);
    if (rc == 0 && f->has_owner)
        rc = json_put_u64(file, "gid", f->gid, e);
    if (rc == 0)
        *out = steal_ptr(&file);
    return rc;
}

static const struct locked_source *find_source(const struct locked *l, size_t file)
{
    for (size_t i = 0; i < l->source_count; i++)
        if (l->sources[i].file == file)
            return &l->sources[i];
    return NULL;
}

/* Files in order; an optional source that was not there leaves no trace. */
static int files_document(struct compiler *c, json_t *in, json_t *sources, json_t **out,
                          struct err *e)
{
    const struct linuxkit *lk = c->recipe->system;
    AUTO_JSON json_t *files = json_array();
    if (files == NULL)
        return err_oom(e);
    for (size_t i = 0; i < lk->file_count; i++) {
        json_t *file = NULL;
        int rc = 0;
        if (lk->files[i].kind == LINUXKIT_FILE_SOURCE) {
            const struct locked_source *s = find_source(c->locked, i);
            if (s == NULL)
                return err_set(e, ERR_INPUT, "the source '%s' is not locked", lk->files[i].text);
            if (s->dropped)
                continue;
            if ((rc = push_string(in, c->locked->blobs[s->blob].id, e)) < 0 ||
                (rc = json_push(sources, json_integer((json_int_t)json_array_size(files)), e)) < 0)
                return rc;
        }
        if ((rc = file_document(&lk->files[i], &file, e)) < 0 ||
            (rc = json_push(files, file, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&files);
    return 0;
}

/* The entries of onboot, onshutdown or services, or the volumes, as they were written. */
static int put_entries(json_t *document, const char *key, const json_t *entry, struct err *e)
{
    json_t *list = json_object_get(document, key);
    if (list == NULL) {
        int rc = json_put(document, key, json_array(), e);
        if (rc < 0)
            return rc;
        list = json_object_get(document, key);
    }
    return json_push(list, json_deep_copy(entry), e);
}

/* The document of the step: normal form, defaults filled in (docs/formats/linuxkit-strict.md). */
static int system_document(struct compiler *c, json_t *in, json_t *sources, json_t **out,
                           struct err *e)
{
    const struct linuxkit *lk = c->recipe->system;
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *init = json_array();
    json_t *kernel = NULL;
    json_t *files = NULL;
    int rc = document == NULL || init == NULL ? err_oom(e) : 0;
    if (rc == 0 && lk->kernel.name != NULL && (rc = kernel_document(lk, &kernel, e)) == 0)
        rc = json_put(document, "kernel", kernel, e);
    for (size_t i = 0; rc == 0 && i < lk->init_count; i++)
        rc = push_string(init, lk->init[i].name, e);
    if (rc == 0)
        rc = json_put(document, "init", steal_ptr(&init), e);
    for (size_t i = 0; rc == 0 && i < lk->volume_count; i++)
        rc = put_entries(document, "volumes", lk->volumes[i].entry, e);
    for (size_t i = 0; rc == 0 && i < lk->container_count; i++)
        rc = put_entries(document, lk->containers[i].list, lk->containers[i].entry, e);
    if (rc < 0 || (rc = files_document(c, in, sources, &files, e)) < 0 ||
        (rc = json_put(document, "files", files, e)) < 0)
        return rc;
    *out = steal_ptr(&document);
    return 0;
}

/* The kernel out of its compression, as an input beside its image. */
static int push_decompressed(struct compiler *c, json_t *in, json_t *params, struct err *e)
{
    const struct linuxkit *lk = c->recipe->system;
    if (!c->recipe->decompress_kernel || lk->kernel.name == NULL)
        return 0;
    const char *image = compiler_image(c, lk->kernel.name);
    if (image == NULL)
        return err_set(e, ERR_INPUT, "the image '%s' is not locked", lk->kernel.name);
    int rc = compiler_extract(c, "kernel.packed", image, lk->kernel_binary, e);
    if (rc < 0 ||
        (rc = compiler_step(c, "kernel.unpacked", "kernel.decompress", "kernel.packed",
                            json_object(), e)) < 0 ||
        (rc = push_string(in, "kernel.unpacked", e)) < 0)
        return rc;
    return json_put(params, "decompressed", json_true(), e);
}

static bool runs(const struct linuxkit *lk, const char *image)
{
    for (size_t i = 0; i < lk->container_count; i++)
        if (strcmp(lk->containers[i].image.name, image) == 0)
            return true;
    return false;
}

/* The configurations of the images that containers run, where there are any. */
static int push_configs(struct compiler *c, json_t *in, json_t *configs, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->system_image_count; i++) {
        const struct locked_image *locked = locked_image_find(c->locked, c->images[i].name);
        if (locked == NULL || !locked->has_config || !runs(c->recipe->system, c->images[i].name))
            continue;
        if ((rc = push_string(in, c->locked->blobs[locked->config].id, e)) == 0)
            rc = json_push(configs, json_integer((json_int_t)i), e);
    }
    return rc;
}

/* A blob of a layout: its number among those that are inputs already, or the next one. */
static int push_layout_blob(struct compiler *c, size_t blob, json_t *in, json_t *numbers,
                            json_t **number, struct err *e)
{
    const char *id = c->locked->blobs[blob].id;
    const json_t *known = json_object_get(numbers, id);
    uint64_t next = json_object_size(numbers);
    int rc = 0;
    if (known == NULL &&
        ((rc = json_put_u64(numbers, id, next, e)) < 0 || (rc = push_string(in, id, e)) < 0))
        return rc;
    *number = json_integer(known != NULL ? json_integer_value(known) : (json_int_t)next);
    return *number == NULL ? err_oom(e) : 0;
}

static int push_layout(struct compiler *c, const struct locked_layout *l, json_t *in,
                       json_t *numbers, json_t *layouts, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *blobs = json_array();
    json_t *number = NULL;
    if (object == NULL || blobs == NULL)
        return err_oom(e);
    int rc = json_put_u64(object, "volume", l->volume, e);
    if (rc < 0 || (rc = json_put_string(object, "mediaType", l->media_type, e)) < 0 ||
        (rc = push_layout_blob(c, l->root, in, numbers, &number, e)) < 0 ||
        (rc = json_put(object, "root", number, e)) < 0)
        return rc;
    for (size_t i = 0; i < l->blob_count; i++)
        if ((rc = push_layout_blob(c, l->blobs[i], in, numbers, &number, e)) < 0 ||
            (rc = json_push(blobs, number, e)) < 0)
            return rc;
    if ((rc = json_put(object, "blobs", steal_ptr(&blobs), e)) < 0)
        return rc;
    return json_push(layouts, steal_ptr(&object), e);
}

static int push_layouts(struct compiler *c, json_t *in, json_t *layouts, struct err *e)
{
    AUTO_JSON json_t *numbers = json_object();
    int rc = numbers == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < c->locked->layout_count; i++)
        rc = push_layout(c, &c->locked->layouts[i], in, numbers, layouts, e);
    return rc;
}

static int system_step(struct compiler *c, struct err *e)
{
    AUTO_JSON json_t *in = json_array();
    AUTO_JSON json_t *images = json_array();
    AUTO_JSON json_t *configs = json_array();
    AUTO_JSON json_t *layouts = json_array();
    AUTO_JSON json_t *sources = json_array();
    AUTO_JSON json_t *params = json_object();
    json_t *document = NULL;
    if (in == NULL || images == NULL || configs == NULL || layouts == NULL || sources == NULL ||
        params == NULL)
        return err_oom(e);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->system_image_count; i++)
        if ((rc = push_string(in, c->image_steps[i], e)) == 0)
            rc = push_string(images, c->images[i].name, e);
    if (rc < 0 || (rc = push_decompressed(c, in, params, e)) < 0 ||
        (rc = push_configs(c, in, configs, e)) < 0 || (rc = push_layouts(c, in, layouts, e)) < 0 ||
        (rc = system_document(c, in, sources, &document, e)) < 0 ||
        (rc = json_put(params, "document", document, e)) < 0 ||
        (rc = json_put(params, "images", steal_ptr(&images), e)) < 0 ||
        (rc = json_put(params, "configs", steal_ptr(&configs), e)) < 0 ||
        (rc = json_put(params, "layouts", steal_ptr(&layouts), e)) < 0 ||
        (rc = json_put(params, "sources", steal_ptr(&sources), e)) < 0 ||
        (rc = json_put_u64(params, "epoch", (uint64_t)c->recipe->epoch, e)) < 0)
        return rc;
    c->system_step = "system";
    return push_step(c, c->system_step, "tree.linuxkit", steal_ptr(&in), steal_ptr(&params), e);
}

/* ---- what artifacts are compiled with ------------------------------------------------------- */

const char *compiler_image(const struct compiler *c, const char *name)
{
    for (size_t i = 0; i < c->image_count; i++)
        if (strcmp(c->images[i].name, name) == 0)
            return c->image_steps[i];
    return NULL;
}

int compiler_step_inputs(struct compiler *c, const char *id, const char *kind,
                         const char *const *inputs, json_t *params_taken, struct err *e)
{
    AUTO_JSON json_t *params = params_taken;
    AUTO_JSON json_t *in = json_array();
    int rc = in == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && inputs[i] != NULL; i++)
        rc = push_string(in, inputs[i], e);
    return rc < 0 ? rc : push_step(c, id, kind, steal_ptr(&in), steal_ptr(&params), e);
}

int compiler_step(struct compiler *c, const char *id, const char *kind, const char *input,
                  json_t *params, struct err *e)
{
    const char *const inputs[] = {input, NULL};
    return compiler_step_inputs(c, id, kind, inputs, params, e);
}

int compiler_extract(struct compiler *c, const char *id, const char *tree, const char *path,
                     struct err *e)
{
    AUTO_JSON json_t *params = json_object();
    int rc = params == NULL ? err_oom(e) : json_put_string(params, "path", path, e);
    return rc < 0 ? rc : compiler_step(c, id, "extract.file", tree, steal_ptr(&params), e);
}

int compiler_files(struct compiler *c, const char *id, const char *const *inputs, json_t *files,
                   struct err *e)
{
    AUTO_JSON json_t *list = files;
    AUTO_JSON json_t *params = json_object();
    if (params == NULL)
        return err_oom(e);
    int rc = json_put_u64(params, "epoch", (uint64_t)c->recipe->epoch, e);
    if (rc < 0 || (rc = json_put(params, "files", steal_ptr(&list), e)) < 0)
        return rc;
    return compiler_step_inputs(c, id, "tree.files", inputs, steal_ptr(&params), e);
}

/* Takes the value, also on failure. */
static int push_file(json_t *files, const char *path, const char *key, json_t *value_taken,
                     struct err *e)
{
    AUTO_JSON json_t *value = value_taken;
    AUTO_JSON json_t *file = json_object();
    if (file == NULL || value == NULL)
        return err_oom(e);
    int rc = json_put_string(file, "path", path, e);
    if (rc < 0 || (rc = json_put_string(file, "mode", "0644", e)) < 0 ||
        (rc = json_put(file, key, steal_ptr(&value), e)) < 0)
        return rc;
    return json_push(files, steal_ptr(&file), e);
}

int compiler_file_input(json_t *files, const char *path, size_t input, struct err *e)
{
    return push_file(files, path, "input", json_integer((json_int_t)input), e);
}

int compiler_file_text(json_t *files, const char *path, const char *text, struct err *e)
{
    return push_file(files, path, "text", json_string(text), e);
}

int compiler_kernel_outputs(struct compiler *c, struct err *e)
{
    int rc = compiler_extract(c, "kernel", c->system_step, "boot/kernel", e);
    if (rc < 0 || (rc = compiler_output(c, "-kernel", "kernel", MEDIA_ASSAY_KERNEL, e)) < 0 ||
        c->recipe->system->cmdline[0] == '\0')
        return rc;
    if ((rc = compiler_extract(c, "cmdline", c->system_step, "boot/cmdline", e)) < 0)
        return rc;
    return compiler_output(c, "-cmdline", "cmdline", MEDIA_BYTES, e);
}

int compiler_tree_params(const struct compiler *c, const struct recipe_artifact *a,
                         bool without_boot, json_t **out, struct err *e)
{
    static const char *const boot[] = {"boot/**"};
    const struct recipe_list without = {.items = (const char **)(uintptr_t)boot,
                                        .count = without_boot && compiler_has_kernel(c)};
    AUTO_JSON json_t *params = json_deep_copy(a->options);
    json_t *exclude = NULL;
    if (params == NULL)
        return err_oom(e);
    int rc = string_list(&without, &exclude, e);
    if (rc < 0 || (rc = json_put(params, "exclude", exclude, e)) < 0)
        return rc;
    *out = steal_ptr(&params);
    return 0;
}

int compiler_initrd(struct compiler *c, const char *id, const struct recipe_artifact *a,
                    struct err *e)
{
    const struct linuxkit *lk = c->recipe->system;
    AUTO_JSON json_t *params = NULL;
    int rc = compiler_tree_params(c, a, true, &params, e);
    if (rc == 0 && lk != NULL && lk->kernel.name != NULL && lk->ucode != NULL)
        rc = json_put_string(params, "prepend", "boot/ucode.cpio", e);
    return rc < 0 ? rc
                  : compiler_step(c, id, "encode.initrd", c->system_step, steal_ptr(&params), e);
}

/* ---- the document ------------------------------------------------------------------------------
 */

static int make_steps(struct compiler *c, struct err *e)
{
    const struct recipe *r = c->recipe;
    int rc = recipe_images_used(r, &c->images, &c->image_count, &c->system_image_count, e);
    if (rc < 0 || (rc = image_steps(c, e)) < 0)
        return rc;
    if (r->system == NULL)
        c->system_step = c->image_steps[0];
    else if ((rc = system_step(c, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < r->artifact_count; i++) {
        c->format = r->artifacts[i].kind->name;
        rc = r->artifacts[i].kind->compile(c, &r->artifacts[i], e);
    }
    return rc;
}

static int assemble(struct compiler *c, json_t **out, struct err *e)
{
    const struct recipe *r = c->recipe;
    AUTO_JSON json_t *plan = json_object();
    json_t *toolchain = NULL;
    json_t *inputs = NULL;
    if (plan == NULL)
        return err_oom(e);
    int rc = json_put_string(plan, "type", PLAN_TYPE, e);
    if (rc < 0 || (rc = json_put_string(plan, "name", r->name, e)) < 0 ||
        (rc = json_put_string(plan, "arch", r->arch, e)) < 0 ||
        (rc = json_put_u64(plan, "epoch", (uint64_t)r->epoch, e)) < 0 ||
        (rc = json_put(plan, "recipe", json_deep_copy(r->document), e)) < 0 ||
        (rc = plan_toolchain(c->steps, c->table, &toolchain, e)) < 0 ||
        (rc = json_put(plan, "toolchain", toolchain, e)) < 0 ||
        (rc = locked_inputs(c->locked, &inputs, e)) < 0 ||
        (rc = json_put(plan, "inputs", inputs, e)) < 0 ||
        (rc = json_put(plan, "steps", json_incref(c->steps), e)) < 0 ||
        (rc = json_put(plan, "outputs", json_incref(c->outputs), e)) < 0)
        return rc;
    *out = steal_ptr(&plan);
    return 0;
}

int recipe_compile(const struct recipe *recipe, const struct locked *locked,
                   const struct step_table *table, json_t **out, struct err *e)
{
    AUTO(compiler_dispose) struct compiler c = {.recipe = recipe, .locked = locked, .table = table};
    c.steps = json_array();
    c.outputs = json_array();
    if (c.steps == NULL || c.outputs == NULL)
        return err_oom(e);
    int rc = make_steps(&c, e);
    return rc < 0 ? rc : assemble(&c, out, e);
}
