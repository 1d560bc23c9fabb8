/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/compare/artifact.h"

#include "base/file.h"
#include "base/tool.h"
#include "verifier/compare/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

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

static int read_directory(int fd, const char *path, const char *name, const char *scratch,
                          struct artifact *a, struct err *e)
{
    if (!has_file(fd, "oci-layout") && has_file(fd, "config.json")) {
        a->machine = true;
        return read_machine(path, scratch, a, e) < 0
                   ? err_wrap(e, "'%s' is no stored machine that can be verified", name)
                   : 0;
    }
    a->layout = true;
    return layout_read(fd, a, e) < 0
               ? err_wrap(e, "'%s' is no OCI image layout that can be verified", name)
               : 0;
}

int artifact_read(const char *path, const char *name, const char *scratch, struct artifact *out,
                  struct err *e)
{
    struct artifact a = {.path = path};
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat st;
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", name);
    if (fstat(fd, &st) != 0)
        return err_os(e, errno, "cannot read '%s'", name);
    int rc;
    if (S_ISDIR(st.st_mode)) {
        rc = read_directory(fd, path, name, scratch, &a, e);
        if (rc < 0)
            return rc;
    } else if (S_ISREG(st.st_mode)) {
        rc = digest_fd(DIGEST_SHA256, fd, &a.digest, &a.size, e);
        if (rc < 0)
            return err_wrap(e, "'%s'", name);
    } else {
        return err_set(e, ERR_INPUT, "'%s' is neither a regular file nor a directory", name);
    }
    *out = a;
    return 0;
}

int artifact_first_difference(const char *a, const char *b, bool *same, uint64_t *offset,
                              struct err *e)
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
            *same = i == least && na == nb;
            *offset = at;
            return 0;
        }
    }
}
