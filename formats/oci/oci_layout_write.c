/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/oci/oci_layout_write.h"

#include "base/file.h"
#include "base/json.h"
#include "base/media_types.h"
#include "formats/oci/oci_type.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MANIFEST_MAX = 4 * 1024 * 1024,
    LAYERS_MAX = 1024,
    MANIFESTS_MAX = 4096,
    DEPTH_MAX = 3, /* of indexes in indexes */
    TEXT_MAX = 4096,
    INDEX_MAX = 65536,
};

/* ---- the blobs -------------------------------------------------------------- */

static int export_blob(struct cas *cas, const struct digest *digest, const char *dir, struct err *e)
{
    AUTO_FREE char *path = NULL;
    char hex[DIGEST_TEXT_MAX];

    int rc = path_join(&path, dir, digest_hex(digest, hex), e);
    if (rc < 0)
        return rc;
    if (access(path, F_OK) == 0)
        return 0; /* a manifest may name a layer twice */
    return cas_export_file(cas, digest, path, e);
}

static int export_descriptor(struct cas *cas, const struct jcur *descriptor, const char *dir,
                             struct err *e)
{
    struct digest digest;
    uint64_t size = 0;
    uint64_t there = 0;
    int rc;

    if ((rc = jcur_open_object(descriptor, e)) < 0 ||
        (rc = jcur_get_digest(descriptor, "digest", &digest, e)) < 0 ||
        (rc = jcur_get_u64(descriptor, "size", INT64_MAX, &size, e)) < 0)
        return rc;
    if (digest.alg != DIGEST_SHA256)
        return jcur_fail(descriptor, e, "only sha256 is taken");
    if (cas_has(cas, &digest, &there) && there != size)
        return jcur_fail(descriptor, e, "the blob has another size");
    return export_blob(cas, &digest, dir, e);
}

static int export_document(struct cas *cas, const struct digest *digest, const char *dir,
                           unsigned depth, const char **media_type, uint64_t *size, struct err *e);

/* Manifests in an index bring what they name; other things are blobs. */
static int export_item(struct cas *cas, const struct jcur *item, bool of_index, const char *dir,
                       unsigned depth, struct err *e)
{
    const char *media_type = NULL;
    struct digest digest;
    uint64_t size = 0;

    int rc = export_descriptor(cas, item, dir, e);
    if (rc < 0)
        return rc;
    if (!of_index)
        return 0;
    if ((rc = jcur_get_string(item, "mediaType", TEXT_MAX, &media_type, e)) < 0 ||
        (rc = jcur_get_digest(item, "digest", &digest, e)) < 0)
        return rc;
    if (oci_type_document(media_type) == NULL)
        return 0;
    return export_document(cas, &digest, dir, depth + 1, &media_type, &size, e);
}

static int export_items(struct cas *cas, const struct jcur *root, const char *key, const char *dir,
                        unsigned depth, struct err *e)
{
    struct jcur c;
    size_t count = 0;
    bool of_index = strcmp(key, "manifests") == 0;
    int rc;

    if ((rc = jcur_list(root, key, of_index ? MANIFESTS_MAX : LAYERS_MAX, &c, &count, e)) < 0)
        return rc;
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&c, i);
        if ((rc = export_item(cas, &item, of_index, dir, depth, e)) < 0)
            return rc;
    }
    return 0;
}

/* A manifest or an index, and everything below it. */
static int export_document(struct cas *cas, const struct digest *digest, const char *dir,
                           unsigned depth, const char **media_type, uint64_t *size, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(MANIFEST_MAX);
    AUTO_JSON json_t *document = NULL;
    struct jcur c;
    const char *type = NULL;
    int rc;

    if ((rc = cas_get(cas, digest, &bytes, e)) < 0 ||
        (rc = json_parse(bytes.data, bytes.len, "image manifest", NULL, &document, e)) < 0)
        return rc;
    struct jcur root = jcur_root(document, "image manifest");
    if ((rc = jcur_open_object(&root, e)) < 0)
        return rc;
    bool is_index = jcur_opt(&root, "manifests", &c);
    if (is_index && depth == DEPTH_MAX)
        return err_set(e, ERR_INPUT, "indexes nested deeper than %d", DEPTH_MAX);
    if (jcur_opt(&root, "mediaType", &c) && (rc = jcur_string(&c, TEXT_MAX, &type, e)) < 0)
        return rc;
    if (!is_index && ((rc = jcur_get(&root, "config", &c, e)) < 0 ||
                      (rc = export_descriptor(cas, &c, dir, e)) < 0))
        return rc;
    if ((rc = export_items(cas, &root, is_index ? "manifests" : "layers", dir, depth, e)) < 0)
        return rc;
    /* OCI 1.0 documents may leave their type out. */
    *media_type = type != NULL ? oci_type_document(type)
                  : is_index   ? MEDIA_OCI_INDEX
                               : MEDIA_OCI_MANIFEST;
    *size = bytes.len;
    return *media_type != NULL ? 0 : jcur_fail(&root, e, "'%.100s' is no manifest", type);
}

/* ---- index.json ------------------------------------------------------------- */

static int index_document(const struct digest *manifest, uint64_t size, const char *media_type,
                          const char *ref_name, json_t **out, struct err *e)
{
    AUTO_JSON json_t *index = json_object();
    AUTO_JSON json_t *descriptor = json_object();
    AUTO_JSON json_t *manifests = json_array();
    int rc;

    if (index == NULL || descriptor == NULL || manifests == NULL)
        return err_oom(e);
    if ((rc = json_put_string(descriptor, "mediaType", media_type, e)) < 0 ||
        (rc = json_put_digest(descriptor, "digest", manifest, e)) < 0 ||
        (rc = json_put_u64(descriptor, "size", size, e)) < 0)
        return rc;
    if (ref_name != NULL) {
        json_t *annotations = json_object();
        if ((rc = json_put(descriptor, "annotations", annotations, e)) < 0 ||
            (rc = json_put_string(annotations, OCI_REF_NAME, ref_name, e)) < 0)
            return rc;
    }
    if ((rc = json_push(manifests, steal_ptr(&descriptor), e)) < 0 ||
        (rc = json_put_u64(index, "schemaVersion", 2, e)) < 0 ||
        (rc = json_put_string(index, "mediaType", MEDIA_OCI_INDEX, e)) < 0 ||
        (rc = json_put(index, "manifests", steal_ptr(&manifests), e)) < 0)
        return rc;
    *out = steal_ptr(&index);
    return 0;
}

static int write_index(const char *dir, const struct digest *manifest, uint64_t size,
                       const char *media_type, const char *ref_name, struct err *e)
{
    AUTO_JSON json_t *index = NULL;
    AUTO_BUF text = BUF_INIT(INDEX_MAX);
    AUTO_FREE char *index_path = NULL;
    AUTO_FREE char *layout_path = NULL;
    int rc;

    if ((rc = index_document(manifest, size, media_type, ref_name, &index, e)) < 0 ||
        (rc = jcs_format(index, &text, e)) < 0 ||
        (rc = path_join(&index_path, dir, "index.json", e)) < 0 ||
        (rc = path_join(&layout_path, dir, "oci-layout", e)) < 0 ||
        (rc = file_replace(index_path, text.data, text.len, MODE_BY_UMASK, e)) < 0)
        return rc;
    return file_replace(layout_path, OCI_LAYOUT_BYTES, strlen(OCI_LAYOUT_BYTES), MODE_BY_UMASK, e);
}

/* ---- the directory ---------------------------------------------------------- */

static int make_dir(const char *path, struct err *e)
{
    if (mkdir(path, 0777) != 0)
        return err_os(e, errno, "cannot make directory '%s'", path);
    return 0;
}

static int fill(struct cas *cas, const struct digest *manifest, const char *ref_name,
                const char *dir, struct err *e)
{
    AUTO_FREE char *blobs = NULL;
    AUTO_FREE char *sha256 = NULL;
    const char *media_type = NULL;
    uint64_t size = 0;
    int rc;

    if ((rc = path_join(&blobs, dir, "blobs", e)) < 0 ||
        (rc = path_join(&sha256, blobs, "sha256", e)) < 0 || (rc = make_dir(blobs, e)) < 0 ||
        (rc = make_dir(sha256, e)) < 0 ||
        (rc = export_document(cas, manifest, sha256, 0, &media_type, &size, e)) < 0 ||
        (rc = export_blob(cas, manifest, sha256, e)) < 0 ||
        (rc = write_index(dir, manifest, size, media_type, ref_name, e)) < 0)
        return rc;
    if ((rc = dir_sync(sha256, e)) < 0 || (rc = dir_sync(blobs, e)) < 0)
        return rc;
    if (chmod(dir, mode_by_umask(0777)) != 0)
        return err_os(e, errno, "cannot set the mode of '%s'", dir);
    return dir_sync(dir, e);
}

/* Whether what has the name may go: a layout, or a directory with nothing in it. */
static int check_replaceable(const char *path, bool *there, struct err *e)
{
    AUTO_FREE char *layout = NULL;
    struct stat st;

    *there = lstat(path, &st) == 0;
    if (!*there)
        return errno == ENOENT ? 0 : err_os(e, errno, "cannot look at '%s'", path);
    int rc = path_join(&layout, path, "oci-layout", e);
    if (rc < 0)
        return rc;
    if (S_ISDIR(st.st_mode) && (access(layout, F_OK) == 0 || rmdir(path) == 0)) {
        *there = access(path, F_OK) == 0;
        return 0;
    }
    return err_set(e, ERR_USAGE, "cannot write '%s': something that is no OCI layout has the name",
                   path);
}

/* Puts `temp` in the place of `path`; what was there ends up under `temp`'s name and is removed. */
static int swap_in(const char *temp, const char *path, const char *parent, struct err *e)
{
    bool there = false;

    int rc = check_replaceable(path, &there, e);
    if (rc < 0)
        return rc;
    if (renameat2(AT_FDCWD, temp, AT_FDCWD, path, there ? RENAME_EXCHANGE : 0) != 0) {
        /* No exchange on this file system: there is an instant without the directory. */
        if (!there || (errno != EINVAL && errno != ENOSYS))
            return err_os(e, errno, "cannot rename to '%s'", path);
        if ((rc = dir_remove(path, e)) < 0)
            return rc;
        if (rename(temp, path) != 0)
            return err_os(e, errno, "cannot rename to '%s'", path);
    }
    return dir_sync(parent, e);
}

static int parent_of(const char *path, char **out, struct err *e)
{
    const char *slash = strrchr(path, '/');

    if (slash == NULL)
        return str_copy(out, ".", e);
    return str_format(out, e, "%.*s", slash == path ? 1 : (int)(slash - path), path);
}

int oci_layout_export(struct cas *cas, const struct digest *manifest, const char *ref_name,
                      const char *path, struct err *e)
{
    AUTO_FREE char *parent = NULL;
    AUTO_FREE char *temp = NULL;
    int rc;

    if ((rc = parent_of(path, &parent, e)) < 0 ||
        (rc = dir_make_temp(parent, ".oci-layout-", &temp, e)) < 0)
        return rc;
    rc = fill(cas, manifest, ref_name, temp, e);
    if (rc == 0)
        rc = swap_in(temp, path, parent, e);
    struct err ignored = ERR_INIT;
    (void)dir_remove(temp, &ignored);
    return rc < 0 ? err_wrap(e, "cannot write the image '%s'", path) : 0;
}

int oci_blob_path(const char *layout, const struct digest *digest, char **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    if (digest->alg != DIGEST_SHA256)
        return err_set(e, ERR_INPUT, "only sha256 digests are supported in an OCI layout");
    return str_format(out, e, "%s/blobs/sha256/%s", layout, digest_hex(digest, hex));
}
