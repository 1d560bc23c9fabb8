/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a self-contained plan: the store's blobs, named in a tree, as one canonical tar. */
#include "base/destination.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/origin.h"
#include "base/private_dir.h"
#include "builder/plan/plan_archive.h"
#include "formats/tar/tar_writer.h"

#include <string.h>

static const char layout[] = OCI_LAYOUT_BYTES;
static const char empty_config[] = "{}";

struct writer {
    const struct plan *plan;
    struct private_dir dir;
    struct cas *from; /* the store; borrowed */
    struct cas *cas;  /* the documents made here, over it */
    struct tree *tree;
    struct tree_node *blobs;
    json_t *layers;
    json_t *seen; /* digests that are in; only looked up */
};

static void writer_dispose(struct writer *w)
{
    tree_free(w->tree);
    cas_close(w->cas);
    private_dir_remove(&w->dir);
    json_decref(w->layers);
    json_decref(w->seen);
}

/* ---- the tree: files whose contents are whole blobs
 * ------------------------------------------------ */

static int add_file(struct writer *w, struct tree_node *dir, const char *name,
                    const struct digest *digest, uint64_t size, struct err *e)
{
    struct tree_inode *inode = NULL;
    struct tree_node *node = NULL;
    int rc = tree_inode_new(w->tree, TREE_FILE, &inode, e);
    if (rc < 0)
        return rc;
    inode->mode = 0644;
    memcpy(inode->content.sha256, digest->bytes, DIGEST_SHA256_SIZE);
    inode->content.size = size;
    if (size > 0 && (rc = tree_add_pack(w->tree, digest, &inode->content.pack, e)) < 0)
        return rc;
    return tree_link(w->tree, dir, name, inode, &node, e);
}

/* *is_new tells whether the blob was not in before. */
static int add_blob(struct writer *w, const struct digest *digest, uint64_t size, bool *is_new,
                    struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    *is_new = json_object_get(w->seen, digest_hex(digest, hex)) == NULL;
    if (!*is_new)
        return 0;
    int rc = json_put(w->seen, hex, json_true(), e);
    return rc < 0 ? rc : add_file(w, w->blobs, hex, digest, size, e);
}

static int add_text_blob(struct writer *w, const void *data, size_t len, struct digest *digest,
                         struct err *e)
{
    bool is_new = false;
    int rc = cas_put(w->cas, data, len, digest, e);
    return rc < 0 ? rc : add_blob(w, digest, len, &is_new, e);
}

static int add_text_file(struct writer *w, const char *name, const void *data, size_t len,
                         struct err *e)
{
    struct digest digest;
    int rc = cas_put(w->cas, data, len, &digest, e);
    return rc < 0 ? rc : add_file(w, tree_root(w->tree), name, &digest, len, e);
}

/* ---- documents
 * ------------------------------------------------------------------------------------- */

static int make_descriptor(const char *type, const struct digest *digest, uint64_t size,
                           const char *key, const char *value, json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *annotations = json_object();
    if (o == NULL || annotations == NULL)
        return err_oom(e);
    int rc = json_put_string(o, "mediaType", type, e);
    if (rc < 0 || (rc = json_put_digest(o, "digest", digest, e)) < 0 ||
        (rc = json_put_u64(o, "size", size, e)) < 0)
        return rc;
    if (key != NULL && ((rc = json_put_string(annotations, key, value, e)) < 0 ||
                        (rc = json_put(o, "annotations", steal_ptr(&annotations), e)) < 0))
        return rc;
    *out = steal_ptr(&o);
    return 0;
}

static int add_layer(struct writer *w, const char *type, const struct digest *digest, uint64_t size,
                     const char *title, struct err *e)
{
    json_t *descriptor = NULL;
    int rc = make_descriptor(type, digest, size, OCI_TITLE, title, &descriptor, e);
    return rc < 0 ? rc : json_push(w->layers, descriptor, e);
}

static int add_plan(struct writer *w, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    AUTO_FREE char *title = NULL;
    struct digest digest;
    int rc = jcs_format(w->plan->document, &bytes, e);
    if (rc < 0 || (rc = add_text_blob(w, buf_str(&bytes), bytes.len, &digest, e)) < 0 ||
        (rc = str_format(&title, e, "%s.plan.json", w->plan->name)) < 0)
        return rc;
    return add_layer(w, MEDIA_ASSAY_PLAN, &digest, bytes.len, title, e);
}

static int add_inputs(struct writer *w, struct err *e)
{
    for (size_t i = 0; i < w->plan->input_count; i++) {
        const struct plan_input *in = &w->plan->inputs[i];
        bool is_new = false;
        uint64_t size = 0;
        char text[DIGEST_TEXT_MAX];
        if (!cas_has(w->cas, &in->digest, &size) || size != in->size)
            return err_set(e, ERR_INPUT, "input '%s' (%s) is not in the store '%s'; %s", in->id,
                           digest_format(&in->digest, text), cas_path(w->from),
                           origin_mending(in->from));
        int rc = add_blob(w, &in->digest, in->size, &is_new, e);
        if (rc == 0 && is_new)
            rc = add_layer(w, MEDIA_BYTES, &in->digest, in->size, in->id, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int add_builder(struct writer *w, const char *path, struct err *e)
{
    struct digest digest;
    uint64_t size = 0;
    bool is_new = false;
    int rc = cas_import_file(w->cas, path, NULL, &digest, &size, e);
    if (rc < 0 || (rc = add_blob(w, &digest, size, &is_new, e)) < 0)
        return rc;
    return add_layer(w, MEDIA_ASSAY_BUILDER, &digest, size, "assay-build", e);
}

static int put_head(json_t *o, const char *type, struct err *e)
{
    int rc = json_put_u64(o, "schemaVersion", 2, e);
    return rc < 0 ? rc : json_put_string(o, "mediaType", type, e);
}

static int add_manifest(struct writer *w, struct digest *digest, uint64_t *size, struct err *e)
{
    AUTO_JSON json_t *manifest = json_object();
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    struct digest config;
    json_t *descriptor = NULL;
    if (manifest == NULL)
        return err_oom(e);
    int rc = add_text_blob(w, empty_config, strlen(empty_config), &config, e);
    if (rc < 0 || (rc = put_head(manifest, MEDIA_OCI_MANIFEST, e)) < 0 ||
        (rc = json_put_string(manifest, "artifactType", MEDIA_ASSAY_PLAN, e)) < 0 ||
        (rc = make_descriptor(MEDIA_OCI_EMPTY, &config, strlen(empty_config), NULL, NULL,
                              &descriptor, e)) < 0 ||
        (rc = json_put(manifest, "config", descriptor, e)) < 0 ||
        (rc = json_put(manifest, "layers", json_incref(w->layers), e)) < 0 ||
        (rc = jcs_format(manifest, &bytes, e)) < 0)
        return rc;
    *size = bytes.len;
    return add_text_blob(w, buf_str(&bytes), bytes.len, digest, e);
}

static int add_index(struct writer *w, const struct digest *manifest, uint64_t size, struct err *e)
{
    AUTO_JSON json_t *index = json_object();
    AUTO_JSON json_t *list = json_array();
    AUTO_BUF bytes = BUF_INIT(65536);
    json_t *descriptor = NULL;
    if (index == NULL || list == NULL)
        return err_oom(e);
    int rc = put_head(index, MEDIA_OCI_INDEX, e);
    if (rc < 0 ||
        (rc = make_descriptor(MEDIA_OCI_MANIFEST, manifest, size, OCI_REF_NAME, w->plan->name,
                              &descriptor, e)) < 0 ||
        (rc = json_put_string(descriptor, "artifactType", MEDIA_ASSAY_PLAN, e)) < 0 ||
        (rc = json_push(list, descriptor, e)) < 0 ||
        (rc = json_put(index, "manifests", steal_ptr(&list), e)) < 0 ||
        (rc = jcs_format(index, &bytes, e)) < 0)
        return rc;
    return add_text_file(w, "index.json", buf_str(&bytes), bytes.len, e);
}

/* ---- the tar
 * ------------------------------------------------------------------------------------------ */

static int sink_file(void *context, const void *data, size_t len, struct err *e)
{
    return destination_put(context, data, len, e);
}

static int write_tar(const struct writer *w, const char *path, uint64_t *size, struct err *e)
{
    AUTO_DESTINATION out = DESTINATION_INIT;
    AUTO_VIEW view = {0};
    const struct tar_options options = {.tree = w->tree, .cas = w->cas};
    int rc = view_build(w->tree, NULL, &view, e);
    if (rc < 0 || (rc = destination_open(&out, path, e)) < 0 ||
        (rc = tar_write(&options, &view, (struct sink){.write = sink_file, .context = &out}, e)) <
            0)
        return rc;
    *size = out.written;
    return destination_commit(&out, e);
}

static int begin(struct writer *w, struct cas *cas, const char *temp, struct err *e)
{
    AUTO_FREE char *store = NULL;
    int rc = private_dir_make(temp, &w->dir, e);
    if (rc < 0 || (rc = path_join(&store, w->dir.path, "store", e)) < 0 ||
        (rc = cas_open(store, CAS_CREATE, &w->cas, e)) < 0 || (rc = tree_new(&w->tree, e)) < 0 ||
        (rc = tree_make_dirs(w->tree, "blobs/sha256", 0, &w->blobs, e)) < 0)
        return rc;
    w->from = cas;
    cas_set_lower(w->cas, cas);
    w->layers = json_array();
    w->seen = json_object();
    return w->layers == NULL || w->seen == NULL ? err_oom(e) : 0;
}

int plan_archive_write(const struct plan_archive_parts *parts, const char *temp, const char *path,
                       uint64_t *size, struct err *e)
{
    AUTO(writer_dispose) struct writer w = {.plan = parts->plan, .dir = PRIVATE_DIR_INIT};
    struct digest manifest;
    uint64_t manifest_size = 0;
    int rc = begin(&w, parts->cas, temp, e);
    if (rc < 0 || (rc = add_plan(&w, e)) < 0 || (rc = add_inputs(&w, e)) < 0 ||
        (parts->builder != NULL && (rc = add_builder(&w, parts->builder, e)) < 0) ||
        (rc = add_manifest(&w, &manifest, &manifest_size, e)) < 0 ||
        (rc = add_index(&w, &manifest, manifest_size, e)) < 0 ||
        (rc = add_text_file(&w, "oci-layout", layout, strlen(layout), e)) < 0)
        return rc;
    return write_tar(&w, path, size, e);
}
