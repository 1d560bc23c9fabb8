/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs have their digests as names, so two layouts that differ at all share few names. Here a
 * blob's path is its place: "manifest[0]", "manifest[0].config", "manifest[0].layer[0]"; what no
 * index leads to keeps its own name.
 */
#include "formats/oci/oci_object.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { DOCUMENT_MAX = 16 << 20, DEPTH_MAX = 8, BLOBS_MAX = 100000 };

struct blob {
    char *file; /* below the layout */
    bool named; /* an index leads to it */
};

struct layout {
    int fd;
    struct blob *blobs; /* by file name */
    size_t count;
    size_t room;
};

static int by_file(const void *a, const void *b)
{
    return strcmp(((const struct blob *)a)->file, ((const struct blob *)b)->file);
}

static struct blob *find_blob(const struct layout *l, const char *file)
{
    const struct blob key = {.file = (char *)(uintptr_t)file};
    return l->count == 0 ? NULL : bsearch(&key, l->blobs, l->count, sizeof(*l->blobs), by_file);
}

/* ---- the directory -------------------------------------------------------------------------- */

static int add_file(struct layout *l, const char *prefix, const char *name, struct err *e)
{
    if (l->count == BLOBS_MAX)
        return err_set(e, ERR_INPUT, "an OCI layout with more than %d files", BLOBS_MAX);
    int rc = array_grow(&l->blobs, &l->room, l->count + 1, sizeof(*l->blobs), e);
    if (rc < 0)
        return rc;
    l->blobs[l->count] = (struct blob){0};
    rc = str_format(&l->blobs[l->count].file, e, "%s%s", prefix, name);
    if (rc == 0)
        l->count++;
    return rc;
}

static int list_files(struct layout *l, int fd_taken, const char *prefix, unsigned depth,
                      struct err *e)
{
    AUTO_CLOSEDIR DIR *dir = fdopendir(fd_taken);
    int rc = 0;
    if (dir == NULL) {
        (void)close(fd_taken);
        return err_os(e, errno, "cannot read an OCI layout");
    }
    while (rc == 0) {
        struct stat st;
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL)
            return errno == 0 ? 0 : err_os(e, errno, "cannot read an OCI layout");
        if (strcmp(d->d_name, ".") == 0 || strcmp(d->d_name, "..") == 0)
            continue;
        if (fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return err_os(e, errno, "cannot stat '%.255s'", d->d_name);
        if (S_ISREG(st.st_mode)) {
            rc = add_file(l, prefix, d->d_name, e);
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            AUTO_FREE char *below = NULL;
            int fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (fd < 0)
                return err_os(e, errno, "cannot open '%.255s'", d->d_name);
            rc = str_format(&below, e, "%s%s/", prefix, d->d_name);
            if (rc < 0)
                (void)close(fd);
            else
                rc = list_files(l, fd, below, depth + 1, e);
        } else {
            return err_set(e, ERR_INPUT, "'%.255s' does not belong in an OCI layout", d->d_name);
        }
    }
    return rc;
}

/* ---- what the index leads to -------------------------------------------------------------------
 */

static int add_member(struct object *o, const char *path, const char *file, struct err *e)
{
    struct layout *l = o->state;
    struct stat st;
    struct blob *b = find_blob(l, file);
    if (b == NULL)
        return err_set(e, ERR_INPUT, "%s: '%.255s' is missing in the layout", o->name, file);
    if (fstatat(l->fd, file, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_os(e, errno, "cannot stat '%.255s'", file);
    b->named = true;
    const struct member m = {.path = path,
                             .type = MEMBER_PART,
                             .has_content = true,
                             .size = (uint64_t)st.st_size,
                             .cookie = (uint64_t)(b - l->blobs)};
    return object_member(o, &m, e);
}

static int read_document(struct object *o, const char *file, json_t **out, struct err *e)
{
    const struct layout *l = o->state;
    AUTO_BUF text = BUF_INIT(DOCUMENT_MAX);
    int rc = file_read_at(l->fd, file, &text, e);
    return rc < 0 ? rc : json_parse(buf_str(&text), text.len, file, NULL, out, e);
}

static int walk_descriptor(struct object *o, const json_t *descriptor, const char *path,
                           unsigned depth, struct err *e);

static int walk_list(struct object *o, const json_t *list, const char *path, const char *name,
                     unsigned depth, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        AUTO_FREE char *below = NULL;
        rc = str_format(&below, e, "%s%s%s[%zu]", path, path[0] != 0 ? "." : "", name, i);
        if (rc == 0)
            rc = walk_descriptor(o, json_array_get(list, i), below, depth + 1, e);
    }
    return rc;
}

static int walk_document(struct object *o, const json_t *document, const char *path, unsigned depth,
                         struct err *e)
{
    AUTO_FREE char *config = NULL;
    const json_t *descriptor = json_object_get(document, "config");
    int rc = walk_list(o, json_object_get(document, "manifests"), path, "manifest", depth, e);
    if (rc == 0)
        rc = walk_list(o, json_object_get(document, "layers"), path, "layer", depth, e);
    if (rc < 0 || !json_is_object(descriptor))
        return rc;
    rc = str_format(&config, e, "%s.config", path);
    return rc < 0 ? rc : walk_descriptor(o, descriptor, config, depth + 1, e);
}

static int walk_descriptor(struct object *o, const json_t *descriptor, const char *path,
                           unsigned depth, struct err *e)
{
    const char *text = json_string_value(json_object_get(descriptor, "digest"));
    struct digest digest;
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *file = NULL;
    AUTO_JSON json_t *document = NULL;
    struct err none = ERR_INIT;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: indexes nest deeper than %d", o->name, DEPTH_MAX);
    int rc = text == NULL ? err_set(e, ERR_INPUT, "%s: a descriptor has no digest", o->name)
                          : digest_parse(text, &digest, e);
    if (rc < 0 || (rc = str_format(&file, e, "blobs/%s/%s", digest_alg_name(digest.alg),
                                   digest_hex(&digest, hex))) < 0)
        return rc;
    /* What an index names and the layout has not (another platform) is no fault of the layout. */
    if (find_blob(o->state, file) == NULL)
        return object_field(o,
                            (struct field){path, FIELD_CHECKSUM, FIELD_TEXT, 0,
                                           (const uint8_t *)text, strlen(text)},
                            e);
    const char *type = json_string_value(json_object_get(descriptor, "mediaType"));
    if ((rc = add_member(o, path, file, e)) < 0 || type == NULL || strstr(type, "json") == NULL ||
        read_document(o, file, &document, &none) < 0)
        return rc;
    return walk_document(o, document, path, depth, e);
}

/* A blob may have several places: it is a member at each. */
static int open_layout(struct object *o, struct err *e)
{
    struct layout *l = o->state;
    AUTO_JSON json_t *index = NULL;
    int fd = openat(l->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open '%s'", o->name);
    int rc = list_files(l, fd, "", 0, e);
    if (rc < 0)
        return rc;
    if (l->count > 1)
        qsort(l->blobs, l->count, sizeof(*l->blobs), by_file);
    if ((rc = read_document(o, "index.json", &index, e)) < 0 ||
        (rc = walk_document(o, index, "", 0, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < l->count; i++)
        if (!l->blobs[i].named)
            rc = add_member(o, l->blobs[i].file, l->blobs[i].file, e);
    return rc;
}

static int slice(struct object *o, const struct member *m, struct bytes **out, struct err *e)
{
    const struct layout *l = o->state;
    int fd = open_beneath(l->fd, l->blobs[m->cookie].file,
                          O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0, e);
    return fd < 0 ? fd : bytes_of_fd(fd, m->path, out, e);
}

static void close_layout(struct object *o)
{
    struct layout *l = o->state;
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++)
        free(l->blobs[i].file);
    free(l->blobs);
    scope_close(&l->fd);
    free(l);
}

static const struct object_kind object_kind_oci = {
    .name = "oci-layout",
    .open = open_layout,
    .slice = slice,
    .close = close_layout,
};

int oci_object_open(const char *path, struct budget *budget, struct object **out, struct err *e)
{
    struct layout *l = calloc(1, sizeof(*l));
    struct stat st;
    *out = NULL;
    if (l == NULL)
        return err_oom(e);
    l->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->fd < 0 || fstatat(l->fd, "oci-layout", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode) || fstatat(l->fd, "index.json", &st, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(st.st_mode)) {
        scope_close(&l->fd);
        free(l);
        return 0;
    }
    return object_open(&object_kind_oci, NULL, path, l, budget, out, e);
}
