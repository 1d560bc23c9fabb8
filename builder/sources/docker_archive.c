/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/docker_archive.h"

#include "base/file.h"
#include "formats/stream/decompress.h"
#include "formats/tar/tar_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { ENTRIES_MAX = 8192, LINKS_MAX = 4, MAGIC_MAX = 6 };

/* ---- what is in the archive: names, and where links lead ---------------------------------------
 */

struct member {
    char *path;
    char *target; /* a link's, clean; NULL: a file */
    bool taken;
    struct digest digest; /* when it was taken */
    uint64_t size;
    enum compression compression;
};

struct archive {
    const struct docker_request *request;
    int fd;
    uint64_t size;
    struct member *members;
    size_t count;
    size_t cap;
    struct buf manifest;
    bool has_manifest;
};

static void archive_dispose(struct archive *a)
{
    for (size_t i = 0; i < a->count; i++) {
        free(a->members[i].path);
        free(a->members[i].target);
    }
    free(a->members);
    buf_dispose(&a->manifest);
    scope_close(&a->fd);
}

static struct member *find(const struct archive *a, const char *path)
{
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->members[i].path, path) == 0)
            return &a->members[i];
    return NULL;
}

/* "ID/layer.tar" → "../OTHER/layer.tar", read as the link in that place is. */
static int link_target(const char *path, const char *link, char **out, struct err *e)
{
    const char *slash = strrchr(path, '/');
    size_t base = slash != NULL ? (size_t)(slash - path) : 0;
    while (str_starts(link, "../")) {
        if (base == 0)
            return err_set(e, ERR_INPUT, "the link '%s' leads out of the archive", path);
        while (base > 0 && path[base - 1] != '/')
            base--;
        base -= base > 0;
        link += 3;
    }
    int rc =
        base == 0 ? str_copy(out, link, e) : str_format(out, e, "%.*s/%s", (int)base, path, link);
    return rc < 0 ? rc : tar_path_clean(*out, e);
}

static int list_entry(struct archive *a, struct tar_reader *tar, const struct tar_entry *n,
                      struct err *e)
{
    struct member m = {0};
    if (n->type == TREE_DIR)
        return 0;
    if ((n->type != TREE_FILE && n->type != TREE_SYMLINK))
        return err_set(e, ERR_INPUT, "'%s' is neither a file nor a link", n->path);
    if (a->count >= ENTRIES_MAX)
        return err_set(e, ERR_INPUT, "more than %d files", ENTRIES_MAX);
    int rc = array_grow(&a->members, &a->cap, a->count + 1, sizeof(*a->members), e);
    if (rc < 0 || (rc = str_copy(&m.path, n->path, e)) < 0)
        return rc;
    if (n->hard_link)
        rc = str_copy(&m.target, n->link, e);
    else if (n->type == TREE_SYMLINK)
        rc = link_target(n->path, n->link, &m.target, e);
    a->members[a->count++] = m;
    if (rc < 0 || strcmp(n->path, "manifest.json") != 0 || m.target != NULL)
        return rc;
    if (a->has_manifest)
        return err_set(e, ERR_INPUT, "'manifest.json' is there twice");
    a->has_manifest = true;
    return tar_reader_all(tar, &a->manifest, e);
}

/* ---- one pass over the archive ------------------------------------------------------------------
 */

typedef int visit_entry(struct archive *a, struct tar_reader *tar, const struct tar_entry *n,
                        struct err *e);

static int pass(struct archive *a, visit_entry *visit, struct err *e)
{
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    enum compression kind = COMPRESSION_NONE;
    struct source_file file = {.fd = a->fd, .left = a->size};
    const struct source from = source_from_file(&file);
    const struct decompress_options options = {.threads = 1};
    int rc = compression_of_file(a->fd, &kind, e);
    if (rc < 0 || (rc = decompressor_new(kind, &from, &options, &d, e)) < 0)
        return rc;
    const struct source plain = decompressor_source(d);
    if ((rc = tar_reader_new(&plain, &tar, e)) < 0)
        return rc;
    for (;;) {
        struct tar_entry *entry = NULL;
        if ((rc = tar_reader_next(tar, &entry, e)) < 0 || entry == NULL)
            return rc;
        if ((rc = visit(a, tar, entry, e)) < 0)
            return rc;
    }
}

/* ---- taking files into the store
 * ------------------------------------------------------------------ */

static enum compression compression_of(const uint8_t *p, size_t len)
{
    if (len >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        return COMPRESSION_GZIP;
    if (len >= 4 && memcmp(p, "\x28\xb5\x2f\xfd", 4) == 0)
        return COMPRESSION_ZSTD;
    if (len >= 6 && memcmp(p,
                           "\xfd"
                           "7zXZ",
                           6) == 0)
        return COMPRESSION_XZ;
    return COMPRESSION_NONE;
}

/* "blobs/sha256/HEX" and "HEX.json" say what their bytes must be. */
static bool named_digest(const char *path, struct digest *out)
{
    char text[DIGEST_TEXT_MAX];
    struct err ignored = ERR_INIT;
    const char *base = path_base(path);
    size_t len = strlen(base);
    bool named = len == 64 || (len == 69 && str_ends(base, ".json"));
    if (!named)
        return false;
    (void)snprintf(text, sizeof(text), "sha256:%.64s", base);
    return digest_parse(text, out, &ignored) == 0;
}

static int take_entry(struct archive *a, struct tar_reader *tar, const struct tar_entry *n,
                      struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct digest named;
    uint8_t magic[MAGIC_MAX] = {0};
    size_t seen = 0;
    struct member *m = find(a, n->path);
    if (n->type == TREE_DIR || m == NULL || !m->taken || m->target != NULL)
        return 0;
    if (m->digest.alg != 0)
        return err_set(e, ERR_INPUT, "'%s' is there twice", n->path);
    int rc = cas_writer_new(a->request->cas, named_digest(n->path, &named) ? &named : NULL,
                            CAS_SIZE_UNKNOWN, &writer, e);
    while (rc == 0) {
        const uint8_t *data = NULL;
        size_t len = 0;
        if ((rc = tar_reader_data(tar, &data, &len, e)) < 0 || len == 0)
            break;
        for (size_t i = 0; i < len && seen < MAGIC_MAX; i++)
            magic[seen++] = data[i];
        rc = cas_writer_write(writer, data, len, e);
    }
    if (rc == 0)
        rc = cas_writer_commit(writer, &m->digest, &m->size, e);
    m->compression = compression_of(magic, seen);
    return rc < 0 ? err_wrap(e, "'%s'", n->path) : 0;
}

/* The file that a path of the manifest leads to. */
static int follow(const struct archive *a, const char *path, struct member **out, struct err *e)
{
    struct member *m = find(a, path);
    for (unsigned i = 0; m != NULL && m->target != NULL && i < LINKS_MAX; i++)
        m = find(a, m->target);
    if (m == NULL || m->target != NULL)
        return err_set(e, ERR_INPUT, "'%s' is not in the archive", path);
    *out = m;
    return 0;
}

static int choose(struct archive *a, const struct docker_image *image, struct err *e)
{
    struct member *m = NULL;
    int rc = follow(a, image->config, &m, e);
    if (rc == 0)
        m->taken = true;
    for (size_t i = 0; rc == 0 && i < image->layer_count; i++)
        if ((rc = follow(a, image->layers[i], &m, e)) == 0)
            m->taken = true;
    return rc;
}

/* ---- the configuration
 * ------------------------------------------------------------------------------- */

static int check_platform(const struct jcur *c, const char *wanted, struct err *e)
{
    const char *os = NULL;
    const char *arch = NULL;
    AUTO_FREE char *plain = NULL;
    int rc = jcur_get_string(c, "os", 64, &os, e);
    if (rc < 0 || (rc = jcur_get_string(c, "architecture", 64, &arch, e)) < 0 ||
        (rc = str_format(&plain, e, "%s/%s", os, arch)) < 0)
        return rc;
    size_t len = strlen(plain);
    if (strncmp(plain, wanted, len) == 0 && (wanted[len] == '\0' || wanted[len] == '/'))
        return 0;
    return jcur_fail(c, e, "the image is for %s, not for %s", plain, wanted);
}

static int read_config(const struct archive *a, const struct member *m, json_t **out,
                       struct jcur *root, struct jcur *rootfs, struct jcur *diff_ids, size_t *count,
                       struct err *e)
{
    const struct json_limits limits = {.bytes = DOCKER_DOCUMENT_MAX, .depth = 32};
    AUTO_BUF text = BUF_INIT(DOCKER_DOCUMENT_MAX);
    int rc = cas_get(a->request->cas, &m->digest, &text, e);
    if (rc < 0 || (rc = json_parse(buf_str(&text), text.len, m->path, &limits, out, e)) < 0)
        return rc;
    *root = jcur_root(*out, m->path);
    if ((rc = jcur_open_object(root, e)) < 0 ||
        (rc = check_platform(root, a->request->platform, e)) < 0 ||
        (rc = jcur_get(root, "rootfs", rootfs, e)) < 0 || (rc = jcur_open_object(rootfs, e)) < 0)
        return rc;
    return jcur_list(rootfs, "diff_ids", DOCKER_LAYERS_MAX, diff_ids, count, e);
}

static int make_origin(const struct archive *a, const struct digest *config, const char *role,
                       json_t **out, struct err *e)
{
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *archive = json_object();
    if (from == NULL || archive == NULL)
        return err_oom(e);
    int rc = json_put_digest(archive, "config", config, e);
    if (rc == 0 && a->request->image != NULL)
        rc = json_put_string(archive, "image", a->request->image, e);
    if (rc < 0 || (rc = json_put_string(archive, "role", role, e)) < 0 ||
        (rc = json_put(from, "docker-archive", steal_ptr(&archive), e)) < 0)
        return rc;
    *out = steal_ptr(&from);
    return 0;
}

static int add_layer(const struct archive *a, const struct digest *config, const struct member *m,
                     const struct jcur *diff, struct locked *out, struct locked_image *image,
                     struct err *e)
{
    AUTO_FREE char *id = NULL;
    json_t *from = NULL;
    struct locked_layer layer = {
        .form = "tar", .compression = compression_names[m->compression], .has_diff_id = true};
    int rc = jcur_digest(diff, &layer.diff_id, e);
    if (rc < 0)
        return rc;
    if (m->compression == COMPRESSION_NONE && !digest_equal(&layer.diff_id, &m->digest))
        return jcur_fail(diff, e, "the layer '%s' does not match its diff_id", m->path);
    if ((rc = str_format(&id, e, "%s.%zu", a->request->name, image->layer_count)) < 0 ||
        (rc = make_origin(a, config, "layer", &from, e)) < 0 ||
        (rc = locked_add_blob(out, "docker.", id, &m->digest, m->size, from, &layer.blob, e)) < 0)
        return rc;
    return locked_add_layer(image, &layer, e);
}

static int add_config(const struct archive *a, const struct member *config, struct locked *out,
                      struct locked_image *image, struct err *e)
{
    AUTO_FREE char *id = NULL;
    json_t *from = NULL;
    int rc = str_format(&id, e, "%s.config", a->request->name);
    if (rc < 0 || (rc = make_origin(a, &config->digest, "config", &from, e)) < 0)
        return rc;
    rc =
        locked_add_blob(out, "docker.", id, &config->digest, config->size, from, &image->config, e);
    image->has_config = rc == 0;
    return rc;
}

static int add_image(const struct archive *a, const struct docker_image *image, struct locked *out,
                     struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    struct member *config = NULL;
    struct locked_image *locked = NULL;
    struct jcur root;
    struct jcur rootfs;
    struct jcur diff_ids;
    size_t count = 0;
    int rc = follow(a, image->config, &config, e);
    if (rc < 0 ||
        (rc = read_config(a, config, &document, &root, &rootfs, &diff_ids, &count, e)) < 0)
        return rc;
    if (count != image->layer_count)
        return jcur_fail(&diff_ids, e, "%zu diff_ids for %zu layers", count, image->layer_count);
    if ((rc = locked_add_image(out, a->request->name, &locked, e)) < 0 ||
        (a->request->keep_config && (rc = add_config(a, config, out, locked, e)) < 0))
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur diff = jcur_item(&diff_ids, i);
        struct member *m = NULL;
        if ((rc = follow(a, image->layers[i], &m, e)) == 0)
            rc = add_layer(a, &config->digest, m, &diff, out, locked, e);
    }
    return rc;
}

/* ---- the whole
 * ----------------------------------------------------------------------------------------- */

static int open_archive(struct archive *a, struct err *e)
{
    struct stat st;
    a->fd = open(a->request->archive, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (a->fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open it");
    if (fstat(a->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "it is no regular file");
    a->size = (uint64_t)st.st_size;
    return 0;
}

static int lock_archive(struct archive *a, struct locked *out, struct err *e)
{
    AUTO(docker_image_dispose) struct docker_image image = {0};
    int rc = open_archive(a, e);
    if (rc < 0 || (rc = pass(a, list_entry, e)) < 0)
        return rc;
    if (!a->has_manifest)
        return err_set(e, ERR_INPUT, "there is no 'manifest.json' in it");
    if ((rc = docker_manifest_parse(buf_str(&a->manifest), a->manifest.len, a->request->image,
                                    &image, e)) < 0 ||
        (rc = choose(a, &image, e)) < 0 || (rc = pass(a, take_entry, e)) < 0)
        return rc;
    return add_image(a, &image, out, e);
}

int docker_lock(const struct docker_request *request, struct locked *out, struct err *e)
{
    AUTO(archive_dispose) struct archive a = {
        .request = request, .fd = -1, .manifest = BUF_INIT(DOCKER_DOCUMENT_MAX)};
    int rc = lock_archive(&a, out, e);
    return rc < 0 ? err_wrap(e, "docker archive '%s'", request->archive) : 0;
}
