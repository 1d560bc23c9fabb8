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

static int lock_one(int dirfd, const struct linuxkit_file *f, size_t index, struct cas *cas,
                    struct locked *out, struct err *e)
{
    struct locked_source source = {.file = index};
    struct digest digest;
    struct stat st;
    uint64_t size = 0;
    json_t *from = NULL;
    int rc = 0;
    if (is_missing(dirfd, f->text)) {
        if (!f->optional)
            return err_set(e, ERR_INPUT, "%s: there is no file '%s'", f->at, f->text);
        source.dropped = true;
        return locked_add_source(out, &source, e);
    }
    AUTO_CLOSE int fd = open_beneath(dirfd, f->text, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, e);
    if (fd < 0)
        return err_wrap(e, "%s: source '%s'", f->at, f->text);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "%s: the source '%s' is no regular file", f->at, f->text);
    if ((rc = store_fd(cas, fd, f->text, &digest, &size, e)) < 0 ||
        (rc = make_origin(f->text, &from, e)) < 0 ||
        (rc = locked_add_blob(out, "file.", path_base(f->text), &digest, size, from, &source.blob,
                              e)) < 0)
        return rc;
    return locked_add_source(out, &source, e);
}

int source_lock(const struct recipe *recipe, struct cas *cas, struct locked *out, struct err *e)
{
    const struct linuxkit *lk = recipe->system;
    AUTO_CLOSE int dirfd = -1;
    for (size_t i = 0; lk != NULL && i < lk->file_count; i++) {
        if (lk->files[i].kind != LINUXKIT_FILE_SOURCE)
            continue;
        if (dirfd < 0)
            dirfd = open(recipe->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
            return err_os(e, errno, "cannot open '%s'", recipe->directory);
        int rc = lock_one(dirfd, &lk->files[i], i, cas, out, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}
