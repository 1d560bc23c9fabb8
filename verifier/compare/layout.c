/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/compare/layout.h"

#include "base/file.h"
#include "base/json.h"
#include "base/media_types.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum { MANIFEST_MAX = 4 * 1024 * 1024, LAYERS_MAX = 1024, MARKER_MAX = 4096 };

/* The blobs that the manifest reaches, itself with them. */
struct reached {
    struct digest digests[LAYERS_MAX + 2];
    size_t count;
};

/* The first fault stays: what is read first weighs more. */
__attribute__((format(printf, 3, 4))) static int fault(struct artifact *a, enum artifact_fault kind,
                                                       const char *fmt, ...)
{
    va_list args;
    if (a->fault != ARTIFACT_SOUND)
        return 0;
    a->fault = kind;
    va_start(args, fmt);
    (void)text_vprint(a->fault_text, sizeof(a->fault_text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    return 0;
}

static int blob_path(const struct digest *digest, char **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    return str_format(out, e, "blobs/%s/%s", digest_alg_name(digest->alg), digest_hex(digest, hex));
}

/* ---- blobs ---- */

/* Hashes one blob of the layout against its descriptor. One that is missing or damaged is a fault.
 */
static int check_blob(int dirfd, const struct jcur *descriptor, struct reached *r,
                      struct artifact *a, struct err *e)
{
    struct digest *digest = &r->digests[r->count];
    uint64_t size = 0;
    uint64_t found_size = 0;
    struct digest found;
    struct err why = ERR_INIT;
    AUTO_FREE char *path = NULL;
    int rc = jcur_get_digest(descriptor, "digest", digest, e);
    if (rc == 0)
        rc = jcur_get_u64(descriptor, "size", UINT64_MAX, &size, e);
    if (rc == 0)
        rc = blob_path(digest, &path, e);
    if (rc < 0)
        return rc;
    r->count++;
    AUTO_CLOSE int fd = open_beneath(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, &why);
    if (fd < 0)
        return fault(a, ARTIFACT_DAMAGED, "the layout's blob '%s' is not there", path);
    rc = digest_fd(digest->alg, fd, &found, &found_size, e);
    if (rc < 0)
        return err_wrap(e, "cannot read '%s'", path);
    if (!add_u64(a->size, found_size, &a->size))
        return err_set(e, ERR_INPUT, "the layout's sizes overflow");
    if (found_size != size || !digest_equal(digest, &found))
        return fault(a, ARTIFACT_DAMAGED, "the layout's blob '%s' does not match its digest", path);
    return 0;
}

/* These very bytes, not what was hashed a moment ago under the same name. */
static int read_manifest(int dirfd, const struct digest *digest, json_t **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(MANIFEST_MAX);
    struct digest found;
    int rc = blob_path(digest, &path, e);
    if (rc == 0)
        rc = file_read_at(dirfd, path, &text, e);
    if (rc == 0)
        rc = digest_bytes(digest->alg, text.data, text.len, &found, e);
    if (rc == 0 && !digest_equal(digest, &found))
        rc = err_set(e, ERR_INPUT, "the layout's blob '%s' does not match its digest", path);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "the image's manifest", NULL, out, e);
    return rc;
}

static int check_parts(int dirfd, json_t *manifest, struct reached *r, struct artifact *a,
                       struct err *e)
{
    struct jcur top = jcur_root(manifest, "the image's manifest");
    struct jcur config;
    struct jcur layers;
    size_t n = 0;
    int rc = jcur_get(&top, "config", &config, e);
    if (rc == 0)
        rc = check_blob(dirfd, &config, r, a, e);
    if (rc == 0)
        rc = jcur_get(&top, "layers", &layers, e);
    if (rc == 0)
        rc = jcur_array(&layers, LAYERS_MAX, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct jcur layer = jcur_item(&layers, i);
        rc = check_blob(dirfd, &layer, r, a, e);
    }
    return rc;
}

/* What the manifest says of its parts may be nonsense: then it is the artifact that is wrong. */
static int check_manifest(int dirfd, struct reached *r, struct artifact *a, struct err *e)
{
    AUTO_JSON json_t *manifest = NULL;
    struct err why = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    int rc = read_manifest(dirfd, &a->digest, &manifest, &why);
    if (rc == 0)
        rc = check_parts(dirfd, manifest, r, a, &why);
    if (rc == -ERR_INPUT)
        return fault(a, ARTIFACT_DAMAGED, "%s", err_line(&why, line, sizeof(line)));
    if (rc < 0)
        *e = why;
    return rc;
}

/* ---- what does not belong ---- */

/* The first by name, so that it is the same one on every host. */
struct stranger {
    char name[sizeof(((struct dirent *)0)->d_name)];
    bool found;
};

static void note_stranger(struct stranger *s, const char *name)
{
    if (s->found && strcmp(name, s->name) >= 0)
        return;
    s->found = true;
    (void)text_print(s->name, sizeof(s->name), "%s", name);
}

static bool is_reached(const struct reached *r, const char *alg, const char *name)
{
    char hex[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(digest_alg_name(r->digests[i].alg), alg) == 0 &&
            strcmp(digest_hex(&r->digests[i], hex), name) == 0)
            return true;
    return false;
}

static bool is_known(const struct reached *r, const char *dir, const char *name, mode_t type)
{
    if (strcmp(dir, ".") == 0)
        return strcmp(name, "blobs") == 0 ? S_ISDIR(type)
                                          : S_ISREG(type) && (strcmp(name, "index.json") == 0 ||
                                                              strcmp(name, "oci-layout") == 0);
    if (strcmp(dir, "blobs") == 0)
        return S_ISDIR(type) && (strcmp(name, "sha256") == 0 || strcmp(name, "sha512") == 0);
    return S_ISREG(type) && is_reached(r, path_base(dir), name);
}

static int list_one(int dirfd, const char *dir, const struct reached *r, struct stranger *s,
                    struct err *e)
{
    AUTO_CLOSE int fd = open_beneath(dirfd, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, e);
    if (fd < 0)
        return fd;
    AUTO_CLOSEDIR DIR *d = fdopendir(fd);
    if (d == NULL)
        return err_os(e, errno, "cannot list the layout");
    int own = steal_fd(&fd); /* d's now */
    for (const struct dirent *entry; (errno = 0, entry = readdir(d)) != NULL;) {
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (fstatat(own, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return err_os(e, errno, "cannot list the layout");
        if (!is_known(r, dir, entry->d_name, st.st_mode))
            note_stranger(s, entry->d_name);
    }
    return errno != 0 ? err_os(e, errno, "cannot list the layout") : 0;
}

static int find_strangers(int dirfd, const struct reached *r, struct artifact *a, struct err *e)
{
    static const char *const dirs[] = {".", "blobs", "blobs/sha256", "blobs/sha512"};
    for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
        struct stranger s = {.found = false};
        struct stat st;
        if (fstatat(dirfd, dirs[i], &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISDIR(st.st_mode))
            continue; /* not there, or a stranger itself */
        int rc = list_one(dirfd, dirs[i], r, &s, e);
        if (rc < 0)
            return rc;
        if (s.found)
            return fault(a, ARTIFACT_STRANGE, "'%s%s%.200s' does not belong to the image layout",
                         i > 0 ? dirs[i] : "", i > 0 ? "/" : "", s.name);
    }
    return 0;
}

/* The file that makes the directory a layout. */
static int check_marker(int dirfd, struct artifact *a, struct err *e)
{
    AUTO_BUF text = BUF_INIT(MARKER_MAX);
    AUTO_JSON json_t *marker = NULL;
    struct err why = ERR_INIT;
    int rc = file_read_at(dirfd, "oci-layout", &text, &why);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "oci-layout", NULL, &marker, &why);
    if (rc < 0 && rc != -ERR_INPUT) {
        *e = why;
        return rc;
    }
    const char *version = json_string_value(json_object_get(marker, "imageLayoutVersion"));
    if (version == NULL || strcmp(version, "1.0.0") != 0)
        return fault(a, ARTIFACT_STRANGE, "its 'oci-layout' is not that of an image layout 1.0.0");
    return 0;
}

/* ---- the whole ---- */

static int read_index(int dirfd, json_t **out, struct jcur *root, struct jcur *list, struct err *e)
{
    AUTO_BUF text = BUF_INIT(MANIFEST_MAX);
    size_t n = 0;
    int rc = file_read_at(dirfd, "index.json", &text, e);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "the layout's index.json", NULL, out, e);
    if (rc < 0)
        return rc;
    *root = jcur_root(*out, "the layout's index.json");
    rc = jcur_get(root, "manifests", list, e);
    if (rc == 0)
        rc = jcur_array(list, LAYERS_MAX, &n, e);
    if (rc == 0 && n != 1)
        rc = err_set(e, ERR_INPUT, "the layout has %s; verify one at a time", COUNTED(n, "image"));
    return rc;
}

int layout_read(int dirfd, struct artifact *a, struct err *e)
{
    AUTO_JSON json_t *index = NULL;
    AUTO_FREE struct reached *r = calloc(1, sizeof(*r));
    struct jcur root;
    struct jcur list;
    if (r == NULL)
        return err_oom(e);
    int rc = read_index(dirfd, &index, &root, &list, e);
    if (rc < 0)
        return rc;
    struct jcur descriptor = jcur_item(&list, 0);
    if ((rc = check_blob(dirfd, &descriptor, r, a, e)) < 0)
        return rc;
    a->digest = r->digests[0];
    if (a->fault == ARTIFACT_SOUND && (rc = check_manifest(dirfd, r, a, e)) < 0)
        return rc;
    a->blobs = r->count;
    if (a->fault == ARTIFACT_SOUND && (rc = find_strangers(dirfd, r, a, e)) < 0)
        return rc;
    return check_marker(dirfd, a, e);
}

static int read_index_text(const char *dir, struct buf *text, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = path_join(&path, dir, "index.json", e);
    return rc < 0 ? rc : file_read(path, text, e);
}

/* The name in the one descriptor of an index; NULL when it has none. Borrowed. */
static const char *ref_name_of(const json_t *index)
{
    const json_t *descriptor = json_array_get(json_object_get(index, "manifests"), 0);
    return json_string_value(
        json_object_get(json_object_get(descriptor, "annotations"), OCI_REF_NAME));
}

/* The rebuild's index as it would have been written with this name, or (NULL) without one. */
static int name_index(json_t *index, const char *name, struct buf *out, struct err *e)
{
    json_t *descriptor = json_array_get(json_object_get(index, "manifests"), 0);
    json_t *annotations = json_object();
    int rc = 0;
    (void)json_object_del(descriptor, "annotations");
    if (name == NULL || descriptor == NULL) {
        json_decref(annotations);
    } else {
        rc = json_put(descriptor, "annotations", annotations, e); /* owns it */
        if (rc == 0)
            rc = json_put_string(annotations, OCI_REF_NAME, name, e);
    }
    return rc < 0 ? rc : jcs_format(index, out, e);
}

/* *name is new when it is all that index.json says otherwise than the rebuild's. */
static int find_name(const char *a, const char *b, char **name, struct err *e)
{
    AUTO_BUF theirs = BUF_INIT(MANIFEST_MAX);
    AUTO_BUF ours = BUF_INIT(MANIFEST_MAX);
    AUTO_BUF named = BUF_INIT(MANIFEST_MAX);
    AUTO_JSON json_t *index = NULL;
    AUTO_JSON json_t *rebuilt = NULL;
    int rc = read_index_text(a, &theirs, e);
    if (rc == 0)
        rc = read_index_text(b, &ours, e);
    if (rc == 0)
        rc = json_parse(buf_str(&theirs), theirs.len, "index.json", NULL, &index, e);
    if (rc == 0)
        rc = json_parse(buf_str(&ours), ours.len, "index.json", NULL, &rebuilt, e);
    const char *said = rc == 0 ? ref_name_of(index) : NULL;
    if (rc < 0 || (rc = name_index(rebuilt, said, &named, e)) < 0)
        return rc;
    bool same =
        named.len == theirs.len && memcmp(buf_str(&named), buf_str(&theirs), named.len) == 0;
    return same ? str_copy(name, said != NULL ? said : "", e) : 0;
}

void layout_difference_dispose(struct layout_difference *d)
{
    free(steal_ptr(&d->ref_name));
}

int layout_compare(const char *a, const char *b, struct layout_difference *out, struct err *e)
{
    static const char *const files[] = {"index.json", "oci-layout"};
    *out = (struct layout_difference){.file = NULL};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && out->file == NULL; i++) {
        AUTO_FREE char *one = NULL;
        AUTO_FREE char *other = NULL;
        bool same = false;
        int rc = path_join(&one, a, files[i], e);
        if (rc == 0)
            rc = path_join(&other, b, files[i], e);
        if (rc == 0)
            rc = artifact_first_difference(one, other, &same, &out->offset, e);
        if (rc == 0 && !same && i == 0)
            rc = find_name(a, b, &out->ref_name, e);
        if (rc < 0)
            return rc;
        if (!same && !(i == 0 && out->ref_name != NULL))
            out->file = files[i];
    }
    return 0;
}
