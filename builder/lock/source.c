/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/source.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static int store_fd(struct cas *cas, int fd, const char *name, struct digest *digest,
                    uint64_t *size, struct err *e)
{
    enum { CHUNK = 65536 };
    AUTO_CAS_WRITER struct cas_writer *writer = NULL;
    AUTO_FREE uint8_t *chunk = malloc(CHUNK);
    if (chunk == NULL)
        return err_oom(e);
    int rc = cas_writer_new(cas, NULL, CAS_SIZE_UNKNOWN, &writer, e);
    while (rc == 0) {
        ssize_t got = read(fd, chunk, CHUNK);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_os(e, errno, "cannot read '%s'", name);
        if (got == 0)
            break;
        rc = cas_writer_write(writer, chunk, (size_t)got, e);
    }
    return rc < 0 ? rc : cas_writer_commit(writer, digest, size, e);
}

/* Whether a failure to open means that the file is not there. */
static bool is_missing(int dirfd, const char *path)
{
    struct stat st;
    return fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 &&
           (errno == ENOENT || errno == ENOTDIR);
}

static int make_origin(const char *name, json_t **out, struct err *e)
{
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *file = json_object();
    if (from == NULL || file == NULL)
        return err_oom(e);
    int rc = json_put_string(file, "name", name, e);
    if (rc < 0 || (rc = json_put(from, "file", steal_ptr(&file), e)) < 0)
        return rc;
    *out = steal_ptr(&from);
    return 0;
}

/* Puts a regular file into the store and the plan's inputs; `at` is where the recipe names it. */
static int lock_blob(int fd, const char *path, const char *at, struct cas *cas, struct locked *out,
                     size_t *blob, struct err *e)
{
    struct digest digest;
    struct stat st;
    uint64_t size = 0;
    json_t *from = NULL;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "%s: the source '%s' is no regular file", at, path);
    /* Below the recipe its path means something to others; elsewhere only its name does. */
    const char *name = relpath_valid(path) ? path : path_base(path);
    int rc = store_fd(cas, fd, path, &digest, &size, e);
    if (rc < 0 || (rc = make_origin(name, &from, e)) < 0)
        return rc;
    return locked_add_blob(out, "file.", path_base(path), &digest, size, from, blob, e);
}

static int lock_fd(int fd, const struct linuxkit_file *f, size_t index, struct cas *cas,
                   struct locked *out, struct err *e)
{
    struct locked_source source = {.file = index};
    int rc = lock_blob(fd, f->text, f->at, cas, out, &source.blob, e);
    return rc < 0 ? rc : locked_add_source(out, &source, e);
}

static int lock_missing(const struct linuxkit_file *f, size_t index, struct locked *out,
                        struct err *e)
{
    const struct locked_source source = {.file = index, .dropped = true};
    if (!f->optional)
        return err_set(e, ERR_INPUT, "%s: there is no file '%s'", f->at, f->text);
    return locked_add_source(out, &source, e);
}

static int lock_below(const char *directory, const struct linuxkit_file *f, size_t index,
                      struct cas *cas, struct locked *out, struct err *e)
{
    AUTO_CLOSE int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return err_os(e, errno, "cannot open '%s'", directory);
    if (is_missing(dirfd, f->text))
        return lock_missing(f, index, out, e);
    AUTO_CLOSE int fd = open_beneath(dirfd, f->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, e);
    if (fd < 0)
        return err_wrap(e, "%s: source '%s'", f->at, f->text);
    return lock_fd(fd, f, index, cas, out, e);
}

/* "/path" or "~/path". */
static int lock_anywhere(const char *home, const struct linuxkit_file *f, size_t index,
                         struct cas *cas, struct locked *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    if (f->text[0] == '~' && home == NULL)
        return err_set(e, ERR_INPUT, "%s: source '%s': HOME is not set", f->at, f->text);
    int rc = f->text[0] == '~' ? str_format(&path, e, "%s%s", home, f->text + 1)
                               : str_copy(&path, f->text, e);
    if (rc < 0)
        return rc;
    if (is_missing(AT_FDCWD, path))
        return lock_missing(f, index, out, e);
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "%s: cannot open '%s'", f->at, f->text);
    return lock_fd(fd, f, index, cas, out, e);
}

/* Of a LinuxKit file its own directory, of a recipe the recipe's. */
static int base_directory(const struct recipe *recipe, const struct linuxkit_file *f, char **out,
                          struct err *e)
{
    const char *slash = recipe->plain && f->file != NULL ? strrchr(f->file, '/') : NULL;
    if (!recipe->plain)
        return str_copy(out, recipe->directory, e);
    if (slash == NULL)
        return str_copy(out, ".", e);
    return str_format(out, e, "%.*s", slash == f->file ? 1 : (int)(slash - f->file), f->file);
}

/* Files that an artifact takes in: below the recipe's directory. */
static int lock_artifact(const char *directory, const struct recipe_artifact *a, struct cas *cas,
                         struct locked *out, struct err *e)
{
    AUTO_CLOSE int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = dirfd < 0 ? err_os(e, errno, "cannot open '%s'", directory) : 0;
    for (size_t i = 0; rc == 0 && i < a->file_count; i++) {
        size_t blob = 0;
        if (locked_file_find(out, a->files[i]) != NULL)
            continue;
        if (is_missing(dirfd, a->files[i]))
            return err_set(e, ERR_INPUT, "%s: there is no file '%s'", a->at, a->files[i]);
        AUTO_CLOSE int fd =
            open_beneath(dirfd, a->files[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, e);
        if (fd < 0)
            return err_wrap(e, "%s: source '%s'", a->at, a->files[i]);
        if ((rc = lock_blob(fd, a->files[i], a->at, cas, out, &blob, e)) == 0)
            rc = locked_add_file(out, a->files[i], blob, e);
    }
    return rc;
}

int source_lock(const struct recipe *recipe, const char *home, struct cas *cas, struct locked *out,
                struct err *e)
{
    const struct linuxkit *lk = recipe->system;
    int rc = 0;
    for (size_t i = 0; rc == 0 && lk != NULL && i < lk->file_count; i++) {
        const struct linuxkit_file *f = &lk->files[i];
        AUTO_FREE char *directory = NULL;
        if (f->kind != LINUXKIT_FILE_SOURCE)
            continue;
        if (!relpath_valid(f->text))
            rc = lock_anywhere(home, f, i, cas, out, e);
        else if ((rc = base_directory(recipe, f, &directory, e)) == 0)
            rc = lock_below(directory, f, i, cas, out, e);
    }
    for (size_t i = 0; rc == 0 && i < recipe->artifact_count; i++)
        if (recipe->artifacts[i].file_count > 0)
            rc = lock_artifact(recipe->directory, &recipe->artifacts[i], cas, out, e);
    return rc;
}
