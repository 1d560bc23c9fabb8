/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a self-contained plan. */
#include "builder/plan/plan_archive.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"
#include "builder/plan/mistaken.h"
#include "formats/tar/tar_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
    MEMBERS_MAX = PLAN_INPUTS_MAX + 16,
    DOCUMENT_MAX = 64 * 1024 * 1024, /* index.json and the manifest: a row per input */
    CHUNK = 256 * 1024,
    TAR_HEADER = 512,
};

static const char blobs[] = "blobs/sha256/";

struct member {
    struct digest digest;
    uint64_t offset;
    uint64_t size;
    bool named; /* the manifest names it */
};

struct plan_archive {
    char *path;
    int fd;
    struct member *members; /* sorted by digest once all are known */
    size_t count;
    size_t cap;
    bool has_builder;
    struct digest builder;
    bool has_layout;
    bool has_index;
    bool foreign; /* an archive of another kind, as far as can be told */
    struct buf layout;
    struct buf index;
    struct buf plan;
};

void plan_archive_close(struct plan_archive *a)
{
    if (a == NULL)
        return;
    scope_close(&a->fd);
    buf_dispose(&a->layout);
    buf_dispose(&a->index);
    buf_dispose(&a->plan);
    free(a->members);
    free(a->path);
    free(a);
}

const struct buf *plan_archive_plan(const struct plan_archive *a)
{
    return &a->plan;
}

int plan_archive_is_tar(const char *path, bool *out, struct err *e)
{
    static const char magic[] = "ustar";
    char found[sizeof(magic) - 1] = "";
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    *out = pread(fd, found, sizeof(found), 257) == (ssize_t)sizeof(found) &&
           memcmp(found, magic, sizeof(found)) == 0;
    return 0;
}

int plan_archive_is(const char *path, bool *out, struct err *e)
{
    char head[TAR_HEADER] = "{";
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    ssize_t n = pread(fd, head, sizeof(head), 0);
    *out = n > 0 && memchr("{[\" \t\r\n", head[0], 7) == NULL;
    int rc = *out ? mistaken(path, MISTAKEN_FOR_PLAN, e) : 0;
    /* A tar's header is padded with NUL bytes. */
    if (rc == 0 && *out && ((size_t)n < sizeof(head) || memchr(head, 0, sizeof(head)) == NULL))
        return err_set(e, ERR_INPUT,
                       "'%s' is no plan, nor a file that carries one: 'assay lock RECIPE -o PLAN' "
                       "makes one",
                       path);
    return rc;
}

/* ---- the tar's members -------------------------------------------------------------------------
 */

static int add_blob(struct plan_archive *a, const struct tar_entry *n, struct err *e)
{
    struct member m = {.digest = {.alg = DIGEST_SHA256}, .offset = n->offset, .size = n->size};
    const char *hex = n->path + strlen(blobs);
    if (!hex_decode(hex, strlen(hex), m.digest.bytes, DIGEST_SHA256_SIZE))
        return err_set(e, ERR_INPUT, "'%s' is no name of a blob", n->path);
    if (a->count >= MEMBERS_MAX)
        return err_set(e, ERR_INPUT, "more than %d blobs", MEMBERS_MAX);
    int rc = array_grow(&a->members, &a->cap, a->count + 1, sizeof(*a->members), e);
    if (rc == 0)
        a->members[a->count++] = m;
    return rc;
}

static int add_document(struct tar_reader *tar, const struct tar_entry *n, bool *has,
                        struct buf *out, struct err *e)
{
    if (*has)
        return err_set(e, ERR_INPUT, "'%s' is there twice", n->path);
    *has = true;
    return tar_reader_all(tar, out, e);
}

static int add_member(struct plan_archive *a, struct tar_reader *tar, const struct tar_entry *n,
                      struct err *e)
{
    if (n->type == TREE_DIR &&
        (strcmp(n->path, "blobs") == 0 || strcmp(n->path, "blobs/sha256") == 0))
        return 0;
    a->foreign = n->type != TREE_FILE || n->hard_link;
    if (a->foreign)
        return err_set(e, ERR_INPUT, "'%s' is no regular file", n->path);
    if (strcmp(n->path, "oci-layout") == 0)
        return add_document(tar, n, &a->has_layout, &a->layout, e);
    if (strcmp(n->path, "index.json") == 0)
        return add_document(tar, n, &a->has_index, &a->index, e);
    if (str_starts(n->path, blobs))
        return add_blob(a, n, e);
    a->foreign = true;
    return err_set(e, ERR_INPUT, "'%s' does not belong in it", n->path);
}

static int compare_members(const void *a, const void *b)
{
    return digest_compare(&((const struct member *)a)->digest, &((const struct member *)b)->digest);
}

static int read_members(struct plan_archive *a, uint64_t size, struct err *e)
{
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    struct source_file file = {.fd = a->fd, .left = size};
    const struct source from = source_from_file(&file);
    int rc = tar_reader_new(&from, &tar, e);
    while (rc == 0) {
        struct tar_entry *entry = NULL;
        if ((rc = tar_reader_next(tar, &entry, e)) < 0 || entry == NULL)
            break;
        rc = add_member(a, tar, entry, e);
    }
    if (rc < 0)
        return rc;
    if (a->count > 1)
        qsort(a->members, a->count, sizeof(*a->members), compare_members);
    for (size_t i = 1; i < a->count; i++)
        if (digest_equal(&a->members[i].digest, &a->members[i - 1].digest))
            return err_set(e, ERR_INPUT, "a blob is there twice");
    a->foreign = !a->has_layout || !a->has_index;
    if (a->foreign)
        return err_set(e, ERR_INPUT, "'%s' is missing",
                       a->has_layout ? "index.json" : "oci-layout");
    return 0;
}

static struct member *find(const struct plan_archive *a, const struct digest *digest)
{
    const struct member wanted = {.digest = *digest};
    return a->count == 0
               ? NULL
               : bsearch(&wanted, a->members, a->count, sizeof(*a->members), compare_members);
}

/* ---- documents
 * ------------------------------------------------------------------------------------ */

static int missing(const struct digest *digest, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    return err_set(e, ERR_INPUT, "blob %s is missing", digest_format(digest, text));
}

/* The bytes of a blob that are needed in memory, checked. */
static int read_blob(const struct plan_archive *a, const struct digest *digest, struct buf *out,
                     struct err *e)
{
    struct digest got;
    char text[DIGEST_TEXT_MAX];
    struct member *m = find(a, digest);
    if (m == NULL)
        return missing(digest, e);
    if (m->size > out->max)
        return err_set(e, ERR_INPUT, "blob %s is too large", digest_format(digest, text));
    m->named = true;
    int rc = buf_reserve(out, (size_t)m->size, e);
    if (rc < 0 || (rc = fd_pread_all(a->fd, out->data, (size_t)m->size, m->offset, a->path, e)) < 0)
        return rc;
    out->len = (size_t)m->size;
    if ((rc = buf_add(out, "", 0, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, out->data, out->len, &got, e)) < 0)
        return rc;
    return digest_equal(&got, digest)
               ? 0
               : err_set(e, ERR_INPUT, "blob %s is damaged", digest_format(digest, text));
}

/* A descriptor: of which media type, and that its blob is there with its size. */
static int read_descriptor(const struct plan_archive *a, const struct jcur *c, const char *type,
                           struct digest *out, struct err *e)
{
    const char *media = NULL;
    uint64_t size = 0;
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = jcur_get_string(c, "mediaType", 255, &media, e)) < 0 ||
        (rc = jcur_get_digest(c, "digest", out, e)) < 0 ||
        (rc = jcur_get_u64(c, "size", UINT64_C(1) << 53, &size, e)) < 0)
        return rc;
    if (type != NULL && strcmp(media, type) != 0)
        return jcur_fail(c, e, "'%.100s' where '%s' must be", media, type);
    struct member *m = find(a, out);
    if (m == NULL)
        return missing(out, e);
    if (m->size != size)
        return jcur_fail(c, e, "the blob has %llu bytes, and not %llu", (unsigned long long)m->size,
                         (unsigned long long)size);
    m->named = true;
    return 0;
}

static int read_index(const struct plan_archive *a, struct digest *manifest, struct err *e)
{
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 16};
    AUTO_JSON json_t *layout = NULL;
    AUTO_JSON json_t *document = NULL;
    const char *version = NULL;
    struct jcur list;
    size_t count = 0;
    int rc = json_parse(buf_str(&a->layout), a->layout.len, "oci-layout", &limits, &layout, e);
    struct jcur l = jcur_root(layout, "oci-layout");
    if (rc < 0 || (rc = jcur_open_object(&l, e)) < 0 ||
        (rc = jcur_get_string(&l, "imageLayoutVersion", 32, &version, e)) < 0)
        return rc;
    if (strcmp(version, "1.0.0") != 0)
        return jcur_fail(&l, e, "the layout's version is '%s', not 1.0.0", version);
    rc = json_parse(buf_str(&a->index), a->index.len, "index.json", &limits, &document, e);
    struct jcur c = jcur_root(document, "index.json");
    if (rc < 0 || (rc = jcur_open_object(&c, e)) < 0 ||
        (rc = jcur_get(&c, "manifests", &list, e)) < 0 ||
        (rc = jcur_array(&list, 1, &count, e)) < 0)
        return rc;
    if (count != 1)
        return jcur_fail(&list, e, "there is no plan in it");
    struct jcur item = jcur_item(&list, 0);
    return read_descriptor(a, &item, MEDIA_OCI_MANIFEST, manifest, e);
}

static bool is_builder(const struct jcur *descriptor)
{
    const char *type = json_string_value(json_object_get(descriptor->value, "mediaType"));
    return type != NULL && strcmp(type, MEDIA_ASSAY_BUILDER) == 0;
}

static int set_builder(struct plan_archive *a, const struct jcur *at, const struct digest *digest,
                       struct err *e)
{
    if (a->has_builder)
        return jcur_fail(at, e, "a second builder");
    a->has_builder = true;
    a->builder = *digest;
    return 0;
}

static int read_layers(struct plan_archive *a, const struct jcur *c, struct digest *plan,
                       struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = jcur_get(c, "layers", &list, e);
    if (rc < 0 || (rc = jcur_array(&list, PLAN_INPUTS_MAX + 2, &count, e)) < 0)
        return rc;
    if (count == 0)
        return jcur_fail(&list, e, "there is no plan in it");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        struct digest digest;
        rc =
            read_descriptor(a, &item, i == 0 ? MEDIA_ASSAY_PLAN : NULL, i == 0 ? plan : &digest, e);
        if (rc == 0 && is_builder(&item))
            rc = set_builder(a, &item, &digest, e);
    }
    return rc;
}

static int read_manifest(struct plan_archive *a, const struct digest *manifest, struct digest *plan,
                         struct err *e)
{
    const struct json_limits limits = {.bytes = DOCUMENT_MAX, .depth = 16};
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);
    AUTO_JSON json_t *document = NULL;
    const char *type = NULL;
    struct jcur m;
    struct digest config;
    int rc = read_blob(a, manifest, &text, e);
    if (rc < 0 ||
        (rc = json_parse(buf_str(&text), text.len, "manifest", &limits, &document, e)) < 0)
        return rc;
    struct jcur c = jcur_root(document, "manifest");
    if ((rc = jcur_open_object(&c, e)) < 0 ||
        (rc = jcur_get_string(&c, "artifactType", 255, &type, e)) < 0)
        return rc;
    a->foreign = strcmp(type, MEDIA_ASSAY_PLAN) != 0;
    if (a->foreign)
        return jcur_fail(&c, e, "'%.100s' is no plan", type);
    if ((rc = jcur_get(&c, "config", &m, e)) < 0 ||
        (rc = read_descriptor(a, &m, NULL, &config, e)) < 0)
        return rc;
    return read_layers(a, &c, plan, e);
}

/* The archive has all that the plan needs, and nothing that nobody names. */
static int check_inputs(const struct plan_archive *a, const struct plan *plan, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < plan->input_count; i++) {
        const struct plan_input *in = &plan->inputs[i];
        const struct member *m = find(a, &in->digest);
        if (m == NULL)
            return err_set(e, ERR_INPUT, "input '%s' is missing", in->id);
        if (m->size != in->size)
            return err_set(e, ERR_INPUT, "input '%s' has %llu bytes, and not %llu", in->id,
                           (unsigned long long)m->size, (unsigned long long)in->size);
    }
    for (size_t i = 0; i < a->count; i++)
        if (!a->members[i].named)
            return err_set(e, ERR_INPUT, "blob %s does not belong in it",
                           digest_format(&a->members[i].digest, text));
    return 0;
}

static int read_archive(struct plan_archive *a, uint64_t size, const struct step_table *table,
                        struct err *e)
{
    AUTO_PLAN struct plan *plan = NULL;
    struct digest manifest;
    struct digest digest;
    int rc = read_members(a, size, e);
    if (rc < 0 || (rc = read_index(a, &manifest, e)) < 0 ||
        (rc = read_manifest(a, &manifest, &digest, e)) < 0 ||
        (rc = read_blob(a, &digest, &a->plan, e)) < 0)
        return rc;
    rc = plan_parse_any(buf_str(&a->plan), a->plan.len, "its plan", table, &plan, e);
    if (rc < 0)
        return rc;
    return check_inputs(a, plan, e);
}

/* What is wrong with it, and for an archive of another kind what takes that. */
static int refuse(const struct plan_archive *a, const char *path, struct err *e)
{
    const struct err why = *e;
    char line[ERR_FRAME_MAX];
    if (!a->foreign)
        return err_wrap(e, "'%s' is no self-contained plan", path);
    return err_set(e, ERR_INPUT,
                   "'%s' is no self-contained plan: %s; 'assay diff A B' compares other archives",
                   path, err_line(&why, line, sizeof(line)));
}

int plan_archive_open(const char *path, const struct step_table *table, struct plan_archive **out,
                      struct err *e)
{
    AUTO_PLAN_ARCHIVE struct plan_archive *a = calloc(1, sizeof(*a));
    struct stat st;
    if (a == NULL)
        return err_oom(e);
    a->layout.max = 4096;
    a->index.max = DOCUMENT_MAX;
    a->plan.max = PLAN_BYTES_MAX;
    a->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (a->fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (fstat(a->fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is no regular file", path);
    int rc = str_copy(&a->path, path, e);
    if (rc == 0 && (rc = read_archive(a, (uint64_t)st.st_size, table, e)) < 0)
        rc = refuse(a, path, e);
    if (rc == 0)
        *out = steal_ptr(&a);
    return rc;
}

/* ---- inputs
 * ------------------------------------------------------------------------------------------ */

static int supply(const struct plan_archive *a, const struct member *m, struct cas *cas,
                  uint8_t *chunk, struct err *e)
{
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    struct digest digest;
    int rc = cas_writer_new(cas, &m->digest, m->size, &writer, e);
    for (uint64_t done = 0; rc == 0 && done < m->size;) {
        size_t len = m->size - done < CHUNK ? (size_t)(m->size - done) : CHUNK;
        if ((rc = fd_pread_all(a->fd, chunk, len, m->offset + done, a->path, e)) == 0)
            rc = cas_writer_write(writer, chunk, len, e);
        done += len;
    }
    return rc < 0 ? rc : cas_writer_commit(writer, &digest, NULL, e);
}

int plan_archive_supply(struct plan_archive *a, const struct plan *plan, struct cas *cas,
                        struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    for (size_t i = 0; i < plan->input_count; i++) {
        const struct plan_input *in = &plan->inputs[i];
        const struct member *m = find(a, &in->digest);
        bool there = false;
        int rc = m == NULL ? 0 : cas_holds(cas, &in->digest, m->size, NULL, &there, e);
        if (rc < 0)
            return rc;
        if (m == NULL || there)
            continue;
        rc = supply(a, m, cas, chunk, e);
        if (rc < 0)
            return err_wrap(e, "input '%s' of '%s'", in->id, a->path);
    }
    return 0;
}

/* ---- the builder ---- */

bool plan_archive_builder(const struct plan_archive *a, struct digest *out)
{
    if (a->has_builder)
        *out = a->builder;
    return a->has_builder;
}

int plan_archive_supply_builder(const struct plan_archive *a, struct cas *cas, uint64_t *size,
                                struct err *e)
{
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    bool there = false;
    if (chunk == NULL)
        return err_oom(e);
    if (!a->has_builder)
        return err_set(e, ERR_INPUT,
                       "'%s' carries no builder ('assay plan export --with-builder' puts one in)",
                       a->path);
    const struct member *m = find(a, &a->builder);
    *size = m->size;
    int rc = cas_holds(cas, &a->builder, m->size, NULL, &there, e);
    if (rc == 0 && !there)
        rc = supply(a, m, cas, chunk, e);
    return rc < 0 ? err_wrap(e, "the builder of '%s'", a->path) : 0;
}
