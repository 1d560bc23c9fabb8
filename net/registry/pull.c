/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/pull.h"

#include "base/destination.h"
#include "base/file.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { WANTED_MAX = 65536 };

struct list {
    struct wanted *items;
    size_t count;
    size_t cap;
};

static void list_dispose(struct list *l)
{
    free(l->items);
}

static int list_add(struct list *l, const struct image_descriptor *d, struct err *e)
{
    if (image_type_is_foreign(d->media_type))
        return err_set(e, ERR_INPUT,
                       "'%.100s' is no layer that can be taken: its bytes are kept elsewhere",
                       d->media_type);
    if (l->count == WANTED_MAX)
        return err_set(e, ERR_INPUT, "more than %d blobs", WANTED_MAX);
    int rc = array_grow(&l->items, &l->cap, l->count + 1, sizeof(*l->items), e);
    if (rc < 0)
        return rc;
    bool document = image_type_is_document(d->media_type);
    if (document && d->size > REGISTRY_DOCUMENT_MAX)
        return err_set(e, ERR_INPUT, "a manifest of %llu bytes: more than %d are not read",
                       (unsigned long long)d->size, REGISTRY_DOCUMENT_MAX);
    l->items[l->count++] = (struct wanted){d->digest, d->size, document};
    return 0;
}

static int read_image(struct cas *cas, const struct digest *digest, struct image *out,
                      struct err *e)
{
    AUTO_BUF text = BUF_INIT(REGISTRY_DOCUMENT_MAX);
    char what[DIGEST_TEXT_MAX];
    int rc = cas_get(cas, digest, &text, e);
    return rc < 0 ? rc : image_parse(buf_str(&text), text.len, digest_format(digest, what), out, e);
}

/* The documents below an index are fetched together; then each is looked into. */
static int gather(struct repository *repository, const struct image *image, struct list *blobs,
                  unsigned depth, struct err *e)
{
    struct cas *cas = endpoint_client(repository->endpoints[0])->cas;
    AUTO(list_dispose) struct list documents = {0};
    int rc = image->is_index ? 0 : list_add(blobs, &image->config, e);
    if (image->is_index && depth == IMAGE_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "indexes nested deeper than %d", IMAGE_DEPTH_MAX);
    for (size_t i = 0; rc == 0 && i < image->count; i++) {
        const struct image_descriptor *d = &image->items[i];
        bool document = image->is_index && image_type_is_document(d->media_type);
        rc = list_add(document ? &documents : blobs, d, e);
    }
    if (rc < 0 || (rc = repository_fetch_all(repository, documents.items, documents.count, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < documents.count; i++) {
        AUTO_IMAGE below = {0};
        rc = read_image(cas, &documents.items[i].digest, &below, e);
        if (rc == 0)
            rc = gather(repository, &below, blobs, depth + 1, e);
    }
    return rc;
}

static int fetch_document(struct repository *repository, const struct digest *digest,
                          struct image *out, struct err *e)
{
    const struct wanted wanted = {*digest, CAS_SIZE_UNKNOWN, true};
    int rc = repository_fetch_all(repository, &wanted, 1, e);
    return rc < 0 ? rc : read_image(endpoint_client(repository->endpoints[0])->cas, digest, out, e);
}

int pull_fetch(struct repository *repository, const char *platform, struct digest *root,
               struct image *image, struct err *e)
{
    AUTO(list_dispose) struct list blobs = {0};
    AUTO_IMAGE top = {0};
    struct digest digest = *root;
    int rc = fetch_document(repository, &digest, &top, e);
    for (unsigned i = 0; rc == 0 && top.is_index && platform != NULL; i++) {
        const struct image_descriptor *chosen = NULL;
        if (i == IMAGE_DEPTH_MAX)
            return err_set(e, ERR_INPUT, "indexes nested deeper than %d", IMAGE_DEPTH_MAX);
        if ((rc = image_choose(&top, platform, &chosen, e)) < 0)
            return rc;
        digest = chosen->digest;
        image_dispose(&top);
        rc = fetch_document(repository, &digest, &top, e);
    }
    if (rc < 0 || (rc = gather(repository, &top, &blobs, 0, e)) < 0 ||
        (rc = repository_fetch_all(repository, blobs.items, blobs.count, e)) < 0)
        return rc;
    *root = digest;
    *image = top;
    top = (struct image){0};
    return 0;
}

/* ---- files ------------------------------------------------------------------------------------
 */

int pull_file_name(const struct image_descriptor *file, char **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    const char *title = file->title;
    if (title == NULL)
        return str_copy(out, digest_hex(&file->digest, hex), e);
    if (!relpath_valid(title) || strchr(title, '/') != NULL || strlen(title) > 255)
        return err_set(e, ERR_INPUT, "'%.255s' is no name for a file", title);
    for (const char *p = title; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            return err_set(e, ERR_INPUT, "'%.255s' is no name for a file", title);
    return str_copy(out, title, e);
}

static bool is_directory(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The name, or the manifest's digest and the name. */
static int take_name(const struct image_descriptor *file, const struct digest *manifest,
                     json_t *taken, char **out, struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *other = NULL;
    char hex[DIGEST_TEXT_MAX];
    int rc = pull_file_name(file, &name, e);
    if (rc == 0 && json_object_get(taken, name) != NULL) {
        if (manifest == NULL)
            return err_set(e, ERR_INPUT, "the artifact has two files called '%s'", name);
        rc = str_format(&other, e, "%.12s-%s", digest_hex(manifest, hex), name);
        if (rc == 0 && json_object_get(taken, other) != NULL)
            return err_set(e, ERR_INPUT, "the artifact has two files called '%s'", name);
    }
    char **best = other != NULL ? &other : &name;
    if (rc < 0 || (rc = json_put(taken, *best, json_true(), e)) < 0)
        return rc;
    *out = steal_ptr(best);
    return 0;
}

/* Writes it under that name in the directory; without a digest only asks whether it may. */
static int export_inside(struct cas *cas, const struct digest *digest, const char *directory,
                         const char *name, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, directory, name, e);
    if (rc == 0)
        rc = destination_check_inside(path, e);
    return rc == 0 && digest != NULL ? cas_export_file(cas, digest, path, e) : rc;
}

int pull_export_among(struct cas *cas, const struct image *image, const struct digest *manifest,
                      const char *directory, json_t *taken, struct err *e)
{
    AUTO_FREE char **names = array_new(image->count + 1, sizeof(*names));
    int rc = names != NULL ? dir_make(directory, e) : err_oom(e);
    /* All names, and what has them, are judged before the first file is written. */
    size_t count = 0;
    for (; rc == 0 && count < image->count; count += rc == 0)
        rc = take_name(&image->items[count], manifest, taken, &names[count], e);
    for (size_t i = 0; rc == 0 && i < image->count; i++)
        rc = export_inside(cas, NULL, directory, names[i], e);
    for (size_t i = 0; rc == 0 && i < image->count; i++)
        rc = export_inside(cas, &image->items[i].digest, directory, names[i], e);
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    return rc;
}

int pull_export(struct cas *cas, const struct image *image, const char *path, struct err *e)
{
    AUTO_JSON json_t *taken = json_object();
    if (taken == NULL)
        return err_oom(e);
    if (image->count == 1 && !is_directory(path))
        return cas_export_output(cas, &image->items[0].digest, path, e);
    return pull_export_among(cas, image, NULL, path, taken, e);
}
