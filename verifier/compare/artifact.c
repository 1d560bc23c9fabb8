/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/compare/artifact.h"

#include "base/file.h"
#include "base/json.h"
#include "base/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { MANIFEST_MAX = 4 * 1024 * 1024, LAYERS_MAX = 1024 };

/* Checks one blob of a layout against its descriptor and adds its size to *total. */
static int check_blob(int dirfd, const struct jcur *descriptor, struct digest *digest,
                      uint64_t *total, struct err *e)
{
    uint64_t size = 0;
    uint64_t found_size = 0;
    struct digest found;
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *path = NULL;
    int rc = jcur_get_digest(descriptor, "digest", digest, e);
    if (rc == 0)
        rc = jcur_get_u64(descriptor, "size", UINT64_MAX, &size, e);
    if (rc == 0)
        rc = str_format(&path, e, "blobs/%s/%s", digest_alg_name(digest->alg),
                        digest_hex(digest, hex));
    if (rc < 0)
        return rc;
    AUTO_CLOSE int fd = open_beneath(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0, e);
    if (fd < 0)
        return fd;
    rc = digest_fd(digest->alg, fd, &found, &found_size, e);
    if (rc < 0)
        return err_wrap(e, "cannot read '%s'", path);
    if (found_size != size || !digest_equal(digest, &found))
        return err_set(e, ERR_INPUT, "the layout's blob '%s' does not match its digest", path);
    if (!add_u64(*total, size, total))
        return err_set(e, ERR_INPUT, "the layout's sizes overflow");
    return 0;
}

static int read_manifest(int dirfd, const struct digest *digest, json_t **out, struct err *e)
{
    char hex[DIGEST_TEXT_MAX];
    AUTO_FREE char *path = NULL;
    AUTO_BUF text = BUF_INIT(MANIFEST_MAX);
    struct digest found;
    int rc =
        str_format(&path, e, "blobs/%s/%s", digest_alg_name(digest->alg), digest_hex(digest, hex));
    if (rc == 0)
        rc = file_read_at(dirfd, path, &text, e);
    /* These very bytes, not what was read a moment ago under the same name. */
    if (rc == 0)
        rc = digest_bytes(digest->alg, text.data, text.len, &found, e);
    if (rc == 0 && !digest_equal(digest, &found))
        rc = err_set(e, ERR_INPUT, "the layout's blob '%s' does not match its digest", path);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "the image's manifest", NULL, out, e);
    return rc;
}

static int read_layout(int dirfd, struct artifact *a, struct err *e)
{
    AUTO_BUF text = BUF_INIT(MANIFEST_MAX);
    AUTO_JSON json_t *index = NULL;
    AUTO_JSON json_t *manifest = NULL;
    struct jcur list;
    size_t n = 0;
    int rc = file_read_at(dirfd, "index.json", &text, e);
    if (rc == 0)
        rc = json_parse(buf_str(&text), text.len, "the layout's index.json", NULL, &index, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(index, "the layout's index.json");
    rc = jcur_get(&root, "manifests", &list, e);
    if (rc == 0)
        rc = jcur_array(&list, LAYERS_MAX, &n, e);
    if (rc == 0 && n != 1)
        rc = err_set(e, ERR_INPUT, "the layout has %zu images; verify one at a time", n);
    if (rc < 0)
        return rc;
    struct jcur descriptor = jcur_item(&list, 0);
    struct digest part;
    rc = check_blob(dirfd, &descriptor, &a->digest, &a->size, e);
    if (rc == 0)
        rc = read_manifest(dirfd, &a->digest, &manifest, e);
    if (rc < 0)
        return rc;
    struct jcur top = jcur_root(manifest, "the image's manifest");
    struct jcur config;
    struct jcur layers;
    rc = jcur_get(&top, "config", &config, e);
    if (rc == 0)
        rc = check_blob(dirfd, &config, &part, &a->size, e);
    if (rc == 0)
        rc = jcur_get(&top, "layers", &layers, e);
    if (rc == 0)
        rc = jcur_array(&layers, LAYERS_MAX, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct jcur layer = jcur_item(&layers, i);
        rc = check_blob(dirfd, &layer, &part, &a->size, e);
    }
    return rc;
}

static bool has_file(int dirfd, const char *name)
{
    struct stat st;
    return fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

static int digest_packed(const char *directory, const char *scratch, const char *packed,
                         struct artifact *a, struct err *e)
{
    enum { OUTPUT_MAX = 65536 };
    AUTO_BUF output = BUF_INIT(OUTPUT_MAX);
    const char *const argv[] = {"pack", directory, "-o", packed, NULL};
    int rc = tool_run("assay-cartesi", argv, scratch, &output, NULL, e);
    if (rc < 0)
        return rc;
    AUTO_CLOSE int fd = open(packed, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_os(e, errno, "cannot open '%s'", packed);
    return digest_fd(DIGEST_SHA256, fd, &a->digest, &a->size, e);
}

/* By the program that knows machines: this one does not. */
static int read_machine(const char *path, const char *scratch, struct artifact *a, struct err *e)
{
    AUTO_FREE char *directory = NULL;
    AUTO_FREE char *packed = NULL;
    struct err ignored = ERR_INIT;
    int rc = dir_make_temp(scratch, "assay-pack.", &directory, e);
    if (rc < 0)
        return rc;
    rc = path_join(&packed, directory, "machine.tar", e);
    if (rc == 0)
        rc = digest_packed(path, scratch, packed, a, e);
    (void)dir_remove(directory, &ignored);
    return rc;
}

static int read_directory(int fd, const char *path, const char *scratch, struct artifact *a,
                          struct err *e)
{
    if (!has_file(fd, "oci-layout") && has_file(fd, "config.json")) {
        a->machine = true;
        return read_machine(path, scratch, a, e) < 0
                   ? err_wrap(e, "'%s' is no stored machine that can be verified", path)
                   : 0;
    }
    a->layout = true;
    return read_layout(fd, a, e) < 0
               ? err_wrap(e, "'%s' is no OCI image layout that can be verified", path)
               : 0;
}

int artifact_read(const char *path, const char *scratch, struct artifact *out, struct err *e)
{
    struct artifact a = {.path = path};
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot read '%s'", path);
    int rc;
    if (S_ISDIR(st.st_mode)) {
        rc = read_directory(fd, path, scratch, &a, e);
        if (rc < 0)
            return rc;
    } else if (S_ISREG(st.st_mode)) {
        rc = digest_fd(DIGEST_SHA256, fd, &a.digest, &a.size, e);
        if (rc < 0)
            return err_wrap(e, "'%s'", path);
    } else {
        return err_set(e, ERR_INPUT, "'%s' is neither a regular file nor a directory", path);
    }
    *out = a;
    return 0;
}

int artifact_first_difference(const char *a, const char *b, uint64_t *offset, struct err *e)
{
    enum { CHUNK = 65536 };
    AUTO_FCLOSE FILE *fa = fopen(a, "re");
    AUTO_FCLOSE FILE *fb = fopen(b, "re");
    AUTO_FREE uint8_t *ba = malloc(CHUNK);
    AUTO_FREE uint8_t *bb = malloc(CHUNK);
    if (ba == NULL || bb == NULL)
        return err_oom(e);
    if (fa == NULL || fb == NULL)
        return err_os(e, errno, "cannot open '%s'", fa == NULL ? a : b);
    uint64_t at = 0;
    for (;;) {
        size_t na = fread(ba, 1, CHUNK, fa);
        size_t nb = fread(bb, 1, CHUNK, fb);
        if (ferror(fa) || ferror(fb))
            return err_set(e, ERR_HOST, "cannot read '%s'", ferror(fa) ? a : b);
        size_t least = na < nb ? na : nb;
        size_t i = 0;
        while (i < least && ba[i] == bb[i])
            i++;
        at += i;
        if (i < least || na != nb || na == 0) {
            *offset = at;
            return 0;
        }
    }
}
