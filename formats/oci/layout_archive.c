/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/oci/layout_archive.h"

#include "base/file.h"
#include "formats/stream/decompress.h"
#include "formats/tar/tar_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static bool wanted(const char *path)
{
    if (strcmp(path, "oci-layout") == 0 || strcmp(path, "index.json") == 0)
        return true;
    if (!str_starts(path, "blobs/sha256/"))
        return false;
    const char *name = path + strlen("blobs/sha256/");
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static int unpack_file(struct tar_reader *tar, int dirfd, const char *path, struct err *e)
{
    AUTO_CLOSE int fd =
        openat(dirfd, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? err_set(e, ERR_INPUT, "'%s' is in the archive twice", path)
                               : err_os(e, errno, "cannot make '%s'", path);
    for (;;) {
        const uint8_t *data = NULL;
        size_t len = 0;
        int rc = tar_reader_data(tar, &data, &len, e);
        if (rc < 0)
            return rc;
        if (len == 0)
            return 0;
        while (len > 0) {
            ssize_t n = write(fd, data, len);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return err_os(e, errno, "cannot write '%s'", path);
            data += n;
            len -= (size_t)n;
        }
    }
}

static int unpack(const struct source *from, int dirfd, struct err *e)
{
    AUTO_TAR_READER struct tar_reader *tar = NULL;
    int rc = tar_reader_new(from, &tar, e);
    while (rc == 0) {
        struct tar_entry *entry = NULL;
        if ((rc = tar_reader_next(tar, &entry, e)) < 0 || entry == NULL)
            break;
        if (entry->type == TREE_DIR)
            continue;
        if (entry->type != TREE_FILE || entry->hard_link)
            return err_set(e, ERR_INPUT, "'%s' is no regular file", entry->path);
        if (wanted(entry->path))
            rc = unpack_file(tar, dirfd, entry->path, e);
    }
    return rc;
}

int layout_unpack(const char *archive, const char *directory, struct err *e)
{
    enum compression kind = COMPRESSION_NONE;
    struct stat st;
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    const struct decompress_options options = {.threads = 1};
    AUTO_CLOSE int fd = open(archive, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", archive);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is neither a directory nor a file", archive);
    AUTO_CLOSE int dirfd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0 || mkdirat(dirfd, "blobs", 0700) < 0 || mkdirat(dirfd, "blobs/sha256", 0700) < 0)
        return err_os(e, errno, "cannot make a directory in '%s'", directory);
    struct source_file file = {.fd = fd, .left = (uint64_t)st.st_size};
    const struct source from = source_from_file(&file);
    int rc = compression_of_file(fd, &kind, e);
    if (rc == 0)
        rc = decompressor_new(kind, &from, &options, &d, e);
    if (rc == 0) {
        const struct source tar = decompressor_source(d);
        rc = unpack(&tar, dirfd, e);
    }
    return rc < 0 ? err_wrap(e, "OCI layout '%s'", archive) : 0;
}
