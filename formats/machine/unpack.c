/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/unpack.h"

#include "base/encoding.h"
#include "base/file.h"
#include "base/sparse.h"
#include "formats/stream/decompress.h"
#include "formats/tar/tar_header.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum {
    FILES_MAX = 128,    /* a machine has 75 at most */
    PIECES_MAX = 65538, /* of one sparse file: encode.tar writes no more */
    PAX_MAX = 4096,
};

/* A member of the archive: a ustar header and, for GNU's sparse files, a map of where its data lie.
 */
struct member {
    char path[264];
    uint8_t type;
    uint16_t mode;
    uint64_t stored;     /* bytes in the archive */
    uint64_t map_stored; /* those of them that were read as a sparse map */
    uint64_t size;       /* bytes of the file */
    struct {
        uint64_t offset;
        uint64_t len;
    } pieces[PIECES_MAX];
    size_t piece_count;
    /* A pax header said that the next file is sparse (GNU's format 1.0), what it is called and
     * how long it is. */
    bool announced;
    bool durable; /* files are synced */
    char name[264];
    uint64_t real_size;
};

static int tar_fail(struct err *e, const char *why)
{
    return err_set(e, ERR_INPUT, "malformed tar: %s", why);
}

/* A number of a header: octal, ended by NUL or space, or GNU's base 256. */
static bool number(const uint8_t *p, size_t len, uint64_t *out)
{
    int64_t large = 0;
    size_t first = 0;
    if (p[0] == 0x80) {
        bool fits = tar_base256(p, len, &large);
        *out = (uint64_t)large;
        return fits;
    }
    while (first < len && p[first] == ' ')
        first++;
    size_t i = first + digits_read(p + first, len - first, 8, out);
    return i > first && (i == len || p[i] == 0 || p[i] == ' ');
}

static bool number_at(const uint8_t *header, enum tar_place p, uint64_t *out)
{
    return number(tar_at(header, p), tar_fields[p].len, out);
}

static bool checksum_fits(const uint8_t *header)
{
    uint64_t wanted;
    return number_at(header, TAR_CHECKSUM, &wanted) && wanted == tar_sum(header);
}

static int read_block(const struct source *s, uint8_t *block, struct err *e)
{
    size_t got;
    int rc = source_fill(s, block, TAR_BLOCK, &got, e);
    return rc < 0 || got == TAR_BLOCK ? rc : tar_fail(e, "it ends too early");
}

/* Pieces of a sparse map, `max` of them at most; an empty one is the last. */
static int add_pieces(const uint8_t *p, size_t max, struct member *m, struct err *e)
{
    for (size_t i = 0; i < max && p[TAR_PIECE * i] != 0; i++) {
        uint64_t offset;
        uint64_t len;
        uint64_t end;
        uint64_t before = 0;
        if (m->piece_count > 0)
            before = m->pieces[m->piece_count - 1].offset + m->pieces[m->piece_count - 1].len;
        if (m->piece_count == PIECES_MAX)
            return tar_fail(e, "a sparse file of too many pieces");
        if (!number(p + TAR_PIECE * i, TAR_PIECE_NUMBER, &offset) ||
            !number(p + TAR_PIECE * i + TAR_PIECE_NUMBER, TAR_PIECE_NUMBER, &len) ||
            offset < before || !add_u64(offset, len, &end) || end > m->size)
            return tar_fail(e, "a sparse map that makes no sense");
        m->pieces[m->piece_count].offset = offset;
        m->pieces[m->piece_count++].len = len;
    }
    return 0;
}

static int read_sparse(const struct source *s, const uint8_t *header, struct member *m,
                       struct err *e)
{
    uint8_t block[TAR_BLOCK];
    uint64_t total = 0;
    m->piece_count = 0;
    if (!number_at(header, TAR_GNU_REAL_SIZE, &m->size))
        return tar_fail(e, "a sparse file without its size");
    int rc = add_pieces(tar_at(header, TAR_GNU_SPARSE), TAR_SPARSE_PIECES, m, e);
    bool more = *tar_at(header, TAR_GNU_MORE) != 0;
    while (rc == 0 && more) {
        if ((rc = read_block(s, block, e)) == 0)
            rc = add_pieces(block, TAR_SPARSE_MORE_PIECES, m, e);
        more = block[TAR_SPARSE_MORE_PIECES * TAR_PIECE] != 0;
    }
    for (size_t i = 0; rc == 0 && i < m->piece_count; i++)
        total += m->pieces[i].len; /* they do not overlap: at most m->size */
    return rc < 0 || total == m->stored ? rc : tar_fail(e, "a sparse map of another length");
}

/* One number and its newline, block by block. */
struct map_reader {
    const struct source *source;
    struct member *member;
    size_t at;
    uint8_t block[TAR_BLOCK];
};

static int map_number(struct map_reader *m, uint64_t *out, struct err *e)
{
    uint64_t v = 0;
    for (size_t digits = 0;; digits++) {
        if (m->at == TAR_BLOCK) {
            if (m->member->stored - m->member->map_stored < TAR_BLOCK)
                return tar_fail(e, "a sparse map without an end");
            int rc = read_block(m->source, m->block, e);
            if (rc < 0)
                return rc;
            m->member->map_stored += TAR_BLOCK;
            m->at = 0;
        }
        uint8_t c = m->block[m->at++];
        if (c == '\n' && digits > 0)
            break;
        if (c < '0' || c > '9' || digits == 18)
            return tar_fail(e, "a sparse map that is none");
        v = v * 10 + (uint64_t)(c - '0');
    }
    *out = v;
    return 0;
}

/* Format 1.0: the map stands before the pieces, in decimal. */
static int read_map(const struct source *s, struct member *m, struct err *e)
{
    struct map_reader reader = {.source = s, .member = m, .at = TAR_BLOCK};
    uint64_t count = 0;
    uint64_t before = 0;
    uint64_t total = 0;
    memcpy(m->path, m->name, sizeof(m->path));
    m->size = m->real_size;
    m->announced = false;
    m->piece_count = 0;
    int rc = map_number(&reader, &count, e);
    if (rc == 0 && count > PIECES_MAX)
        return tar_fail(e, "a sparse file of too many pieces");
    for (uint64_t i = 0; rc == 0 && i < count; i++) {
        uint64_t offset = 0;
        uint64_t len = 0;
        uint64_t end;
        if ((rc = map_number(&reader, &offset, e)) < 0 || (rc = map_number(&reader, &len, e)) < 0)
            return rc;
        if (offset < before || !add_u64(offset, len, &end) || end > m->size)
            return tar_fail(e, "a sparse map that makes no sense");
        m->pieces[m->piece_count].offset = offset;
        m->pieces[m->piece_count++].len = len;
        before = end;
        total += len;
    }
    for (size_t i = reader.at; rc == 0 && i < TAR_BLOCK; i++)
        if (reader.block[i] != 0)
            return tar_fail(e, "a sparse map that goes on behind its end");
    return rc < 0 || total == m->stored - m->map_stored
               ? rc
               : tar_fail(e, "a sparse map of another length");
}

/* The next member; *end at the two zero blocks. */
static int read_member(const struct source *s, struct member *m, bool *end, struct err *e)
{
    uint8_t header[TAR_BLOCK];
    const uint8_t *type = tar_at(header, TAR_TYPE);
    uint64_t mode;
    int rc = read_block(s, header, e);
    if (rc < 0)
        return rc;
    *end = tar_is_zero(header);
    if (*end)
        return 0;
    if (!checksum_fits(header) || memcmp(tar_at(header, TAR_MAGIC), "ustar", 5) != 0)
        return tar_fail(e, "a header that is none");
    if (!number_at(header, TAR_MODE, &mode) || !number_at(header, TAR_SIZE, &m->stored) ||
        m->stored > INT64_MAX - TAR_BLOCK)
        return tar_fail(e, "a header with a bad number");
    m->map_stored = 0;
    m->mode = (uint16_t)(mode & 0777);
    m->type = *type == 0 ? '0' : *type;
    const char *prefix = (const char *)tar_at(header, TAR_PREFIX);
    bool prefixed = tar_at(header, TAR_MAGIC)[5] == 0 && *prefix != 0; /* POSIX, not GNU */
    snprintf(m->path, sizeof(m->path), "%.*s%s%.*s", prefixed ? tar_fields[TAR_PREFIX].len : 0,
             prefix, prefixed ? "/" : "", tar_fields[TAR_NAME].len,
             (const char *)tar_at(header, TAR_NAME));
    m->size = m->stored;
    m->pieces[0].offset = 0;
    m->pieces[0].len = m->size;
    m->piece_count = 1;
    if (m->announced && m->type != '0')
        return tar_fail(e, "a sparse file that is none");
    if (m->announced)
        return read_map(s, m, e);
    return m->type == 'S' ? read_sparse(s, header, m, e) : 0;
}

/* `len` bytes to `fd` at `offset`; fd -1 skips them. */
static int copy_piece(const struct source *s, int fd, uint64_t offset, uint64_t len,
                      const char *name, struct err *e)
{
    uint8_t data[65536];
    while (len > 0) {
        size_t want = len < sizeof(data) ? (size_t)len : sizeof(data);
        size_t got;
        int rc = source_fill(s, data, want, &got, e);
        if (rc == 0 && got < want)
            rc = tar_fail(e, "it ends too early");
        if (rc == 0 && fd >= 0)
            rc = sparse_write(fd, data, want, offset, name, e);
        if (rc < 0)
            return rc;
        offset += want;
        len -= want;
    }
    return 0;
}

static int skip_padding(const struct source *s, uint64_t stored, struct err *e)
{
    return copy_piece(s, -1, 0, tar_padding(stored), "", e);
}

static int unpack_file(const struct source *s, const struct member *m, int dirfd, struct err *e)
{
    const char *name = path_base(m->path);
    if (name[0] == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return tar_fail(e, "a file without a name");
    AUTO_CLOSE int fd =
        openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return errno == EEXIST ? err_set(e, ERR_INPUT, "'%s' is in the tar twice", name)
                               : err_os(e, errno, "cannot create '%s'", name);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < m->piece_count; i++)
        rc = copy_piece(s, fd, m->pieces[i].offset, m->pieces[i].len, name, e);
    if (rc == 0)
        rc = skip_padding(s, m->stored, e);
    if (rc == 0 &&
        (m->size > INT64_MAX || ftruncate(fd, (off_t)m->size) != 0 ||
         fchmod(fd, mode_by_umask(m->mode | 0400)) != 0 || (m->durable && fsync(fd) != 0)))
        rc = err_os(e, errno, "cannot write '%s'", name);
    return rc;
}

/* The records of a pax header that say what the next file is. */
static int read_record(struct member *m, const char *key, const char *value, unsigned *seen,
                       struct err *e)
{
    static const char *const keys[] = {"GNU.sparse.major", "GNU.sparse.minor", "GNU.sparse.name",
                                       "GNU.sparse.realsize"};
    size_t i = 0;
    while (i < 4 && strcmp(key, keys[i]) != 0)
        i++;
    if (i == 4)
        return strcmp(key, "path") != 0 && strcmp(key, "size") != 0 &&
                       strncmp(key, "GNU.sparse", 10) != 0
                   ? 0
                   : tar_fail(e, "a pax header that renames or resizes its file");
    size_t digits = strspn(value, "0123456789");
    bool fine = (*seen & 1U << i) == 0;
    *seen |= 1U << i;
    if (i == 0 || i == 1)
        fine = fine && strcmp(value, i == 0 ? "1" : "0") == 0;
    else if (i == 2)
        fine = fine && value[0] != 0 &&
               (size_t)snprintf(m->name, sizeof(m->name), "%s", value) < sizeof(m->name);
    else
        fine = fine && digits > 0 && digits <= 18 && value[digits] == 0;
    if (i == 3 && fine)
        m->real_size = strtoull(value, NULL, 10);
    return fine ? 0 : tar_fail(e, "a pax header of a sparse file that makes no sense");
}

/* "LEN KEY=VALUE\n" one after another. */
static int read_records(struct member *m, char *text, size_t len, struct err *e)
{
    unsigned seen = 0;
    while (len > 0) {
        size_t digits = strspn(text, "0123456789");
        size_t n = digits > 0 && digits < 5 ? (size_t)strtoul(text, NULL, 10) : 0;
        if (n < digits + 4 || n > len || text[digits] != ' ' || text[n - 1] != '\n')
            return tar_fail(e, "a pax header that is none");
        text[n - 1] = 0;
        char *key = text + digits + 1;
        char *value = strchr(key, '=');
        if (value == NULL || strlen(text) != n - 1)
            return tar_fail(e, "a pax header that is none");
        *value++ = 0;
        int rc = read_record(m, key, value, &seen, e);
        if (rc < 0)
            return rc;
        text += n;
        len -= n;
    }
    if (seen != 0 && seen != 15)
        return tar_fail(e, "a sparse file of a format that is not read");
    m->announced = seen != 0;
    return 0;
}

/* Members other than files: directories, and pax headers. */
static int skip_member(const struct source *s, struct member *m, struct err *e)
{
    char text[PAX_MAX + 1];
    size_t got;
    if (m->type == '5')
        return m->stored == 0 ? 0 : tar_fail(e, "a directory with content");
    if (m->type != 'x')
        return err_set(e, ERR_INPUT, "'%s' is neither a regular file nor a directory", m->path);
    if (m->stored > PAX_MAX)
        return tar_fail(e, "a pax header that is too long");
    int rc = source_fill(s, text, (size_t)m->stored, &got, e);
    if (rc < 0)
        return rc;
    text[got] = 0;
    if (got != m->stored || strlen(text) != got)
        return tar_fail(e, "a pax header with a NUL");
    rc = read_records(m, text, got, e);
    return rc < 0 ? rc : skip_padding(s, m->stored, e);
}

/* Nothing but zeros follows; reading to the end also checks the compression's own sum. */
static int check_end(const struct source *s, struct err *e)
{
    static const uint8_t zeros[TAR_BLOCK];
    uint8_t block[TAR_BLOCK];
    size_t got;
    do {
        int rc = source_fill(s, block, TAR_BLOCK, &got, e);
        if (rc < 0)
            return rc;
        if (memcmp(block, zeros, got) != 0)
            return tar_fail(e, "something follows its end");
    } while (got > 0);
    return 0;
}

static int unpack_members(const struct source *s, int dirfd, struct member *m, struct err *e)
{
    char directory[sizeof(m->path)] = "";
    size_t files = 0;
    for (;;) {
        bool end;
        int rc = read_member(s, m, &end, e);
        if (rc < 0)
            return rc;
        if (end && m->announced)
            return tar_fail(e, "a header of a file that does not follow");
        if (end)
            return check_end(s, e);
        if (m->type != '0' && m->type != 'S') {
            if ((rc = skip_member(s, m, e)) < 0)
                return rc;
            continue;
        }
        size_t prefix = (size_t)(path_base(m->path) - m->path);
        if (files == 0)
            memcpy(directory, m->path, prefix);
        if (strlen(directory) != prefix || strncmp(directory, m->path, prefix) != 0)
            return err_set(e, ERR_INPUT, "'%s' is not in the directory of the others", m->path);
        if (++files > FILES_MAX)
            return err_set(e, ERR_INPUT, "more than %d files", FILES_MAX);
        if ((rc = unpack_file(s, m, dirfd, e)) < 0)
            return rc;
    }
}

static int unpack(int fd, uint64_t size, const char *into, bool durable, struct err *e)
{
    /* Zeros become holes, so a long run of them costs no disk: the total is the limit. */
    const struct decompress_options options = {.threads = 1, .free_max = DECOMPRESS_TOTAL_MAX};
    AUTO_DECOMPRESSOR struct decompressor *d = NULL;
    AUTO_CLOSE int dirfd = open(into, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dirfd < 0)
        return err_os(e, errno, "cannot open '%s'", into);
    struct source_file whole = {.fd = fd, .left = size};
    struct source file = source_from_file(&whole);
    enum compression kind = COMPRESSION_NONE;
    int rc = compression_of_file(fd, &kind, e);
    if (rc == 0)
        rc = decompressor_new(kind, &file, &options, &d, e);
    if (rc < 0)
        return rc;
    struct source plain = decompressor_source(d);
    struct member *member = calloc(1, sizeof(*member));
    if (member != NULL)
        member->durable = durable;
    rc = member == NULL ? err_oom(e) : unpack_members(&plain, dirfd, member, e);
    free(member);
    return rc;
}

int machine_unpack_into(int fd, uint64_t size, const char *into, struct err *e)
{
    return unpack(fd, size, into, true, e);
}

int machine_unpack(const char *path, const char *scratch, char **out, struct err *e)
{
    AUTO_FREE char *into = NULL;
    struct stat st;
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, ERR_INPUT, "'%s' is neither a directory nor a regular file", path);
    int rc = dir_make_temp(scratch, "assay-cartesi-", &into, e);
    if (rc < 0)
        return rc;
    rc = unpack(fd, (uint64_t)st.st_size, into, false, e);
    if (rc < 0) {
        struct err ignored = ERR_INIT;
        (void)dir_remove(into, &ignored);
        return err_wrap(e, "cannot unpack '%s'", path);
    }
    *out = steal_ptr(&into);
    return 0;
}
