/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/locked.h"

#include "base/text.h"

#include <stdarg.h>
#include <string.h>

void locked_dispose(struct locked *l)
{
    for (size_t i = 0; i < l->blob_count; i++) {
        free(l->blobs[i].id);
        json_decref(l->blobs[i].from);
    }
    for (size_t i = 0; i < l->image_count; i++) {
        free(l->images[i].name);
        free(l->images[i].layers);
    }
    free(l->blobs);
    free(l->images);
    for (size_t i = 0; i < l->layout_count; i++) {
        free(l->layouts[i].media_type);
        free(l->layouts[i].blobs);
    }
    free(l->layouts);
    free(l->sources);
    free(l->files);
    json_decref(l->notes);
}

int locked_note(struct locked *l, struct err *e, const char *fmt, ...)
{
    char text[ERR_FRAME_MAX];
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    if (l->notes == NULL && (l->notes = json_array()) == NULL)
        return err_oom(e);
    return json_push(l->notes, json_string(text), e);
}

int locked_id(const char *prefix, const char *name, char **out, struct err *e)
{
    AUTO_BUF id = BUF_INIT(1024);
    int rc = buf_add_str(&id, prefix, e);
    for (const char *p = name; rc == 0 && *p != '\0' && id.len < 100; p++) {
        char c = *p;
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        rc = buf_addf(&id, e, "%c", plain ? c : '_');
    }
    if (rc < 0)
        return rc;
    *out = buf_steal(&id);
    return *out == NULL ? err_oom(e) : 0;
}

static bool id_taken(const struct locked *l, const char *id)
{
    for (size_t i = 0; i < l->blob_count; i++)
        if (strcmp(l->blobs[i].id, id) == 0)
            return true;
    return false;
}

/* The id, or id.2, id.3, … : which one depends only on what was added before, in the recipe's
 * order. */
static int unique_id(const struct locked *l, const char *prefix, const char *name, char **out,
                     struct err *e)
{
    AUTO_FREE char *id = NULL;
    int rc = locked_id(prefix, name, &id, e);
    if (rc < 0)
        return rc;
    if (!id_taken(l, id)) {
        *out = steal_ptr(&id);
        return 0;
    }
    for (size_t n = 2; n <= l->blob_count + 2; n++) {
        AUTO_FREE char *numbered = NULL;
        if ((rc = str_format(&numbered, e, "%s.%zu", id, n)) < 0)
            return rc;
        if (!id_taken(l, numbered)) {
            *out = steal_ptr(&numbered);
            return 0;
        }
    }
    return err_set(e, ERR_HOST, "no free name for the input '%s'", id);
}

int locked_add_blob(struct locked *l, const char *prefix, const char *name,
                    const struct digest *digest, uint64_t size, json_t *from_taken, size_t *index,
                    struct err *e)
{
    AUTO_JSON json_t *from = from_taken;
    for (size_t i = 0; i < l->blob_count; i++) {
        if (digest_equal(&l->blobs[i].digest, digest)) {
            *index = i;
            return 0;
        }
    }
    AUTO_FREE char *id = NULL;
    int rc = array_grow(&l->blobs, &l->blob_cap, l->blob_count + 1, sizeof(*l->blobs), e);
    if (rc < 0 || (rc = unique_id(l, prefix, name, &id, e)) < 0)
        return rc;
    struct locked_blob blob = {steal_ptr(&id), *digest, size, steal_ptr(&from)};
    *index = l->blob_count;
    l->blobs[l->blob_count++] = blob;
    return 0;
}

int locked_add_image(struct locked *l, const char *name, struct locked_image **out, struct err *e)
{
    char *copy = NULL;
    int rc = array_grow(&l->images, &l->image_cap, l->image_count + 1, sizeof(*l->images), e);
    if (rc < 0 || (rc = str_copy(&copy, name, e)) < 0)
        return rc;
    *out = &l->images[l->image_count++];
    **out = (struct locked_image){.name = copy};
    return 0;
}

const struct locked_image *locked_image_find(const struct locked *l, const char *name)
{
    for (size_t i = 0; i < l->image_count; i++)
        if (strcmp(l->images[i].name, name) == 0)
            return &l->images[i];
    return NULL;
}

int locked_add_layer(struct locked_image *image, const struct locked_layer *layer, struct err *e)
{
    int rc = array_grow(&image->layers, &image->layer_cap, image->layer_count + 1,
                        sizeof(*image->layers), e);
    if (rc < 0)
        return rc;
    image->layers[image->layer_count++] = *layer;
    return 0;
}

int locked_add_layout(struct locked *l, size_t volume, const char *media_type, size_t root,
                      struct locked_layout **out, struct err *e)
{
    char *type = NULL;
    int rc = array_grow(&l->layouts, &l->layout_cap, l->layout_count + 1, sizeof(*l->layouts), e);
    if (rc < 0 || (rc = str_copy(&type, media_type, e)) < 0)
        return rc;
    *out = &l->layouts[l->layout_count++];
    **out = (struct locked_layout){.volume = volume, .media_type = type, .root = root};
    return 0;
}

int locked_layout_push(struct locked_layout *layout, size_t blob, struct err *e)
{
    int rc = array_grow(&layout->blobs, &layout->blob_cap, layout->blob_count + 1,
                        sizeof(*layout->blobs), e);
    if (rc < 0)
        return rc;
    layout->blobs[layout->blob_count++] = blob;
    return 0;
}

int locked_add_file(struct locked *l, const char *path, size_t blob, struct err *e)
{
    int rc = array_grow(&l->files, &l->file_cap, l->file_count + 1, sizeof(*l->files), e);
    if (rc < 0)
        return rc;
    l->files[l->file_count++] = (struct locked_file){.path = path, .blob = blob};
    return 0;
}

const struct locked_blob *locked_file_find(const struct locked *l, const char *path)
{
    for (size_t i = 0; i < l->file_count; i++)
        if (strcmp(l->files[i].path, path) == 0)
            return &l->blobs[l->files[i].blob];
    return NULL;
}

int locked_add_source(struct locked *l, const struct locked_source *source, struct err *e)
{
    int rc = array_grow(&l->sources, &l->source_cap, l->source_count + 1, sizeof(*l->sources), e);
    if (rc < 0)
        return rc;
    l->sources[l->source_count++] = *source;
    return 0;
}

int locked_inputs(const struct locked *l, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < l->blob_count; i++) {
        const struct locked_blob *b = &l->blobs[i];
        AUTO_JSON json_t *input = json_object();
        if (input == NULL)
            return err_oom(e);
        int rc = json_put_string(input, "id", b->id, e);
        if (rc < 0 || (rc = json_put_string(input, "kind", "blob", e)) < 0 ||
            (rc = json_put_digest(input, "digest", &b->digest, e)) < 0 ||
            (rc = json_put_u64(input, "size", b->size, e)) < 0 ||
            (rc = json_put(input, "from", json_incref(b->from), e)) < 0 ||
            (rc = json_push(list, steal_ptr(&input), e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}
