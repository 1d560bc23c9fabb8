/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/cartesi/drive_diff.h"

#include "formats/squashfs/squashfs_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum { DEPTH_MAX = 256, FILES_MAX = 1 << 20, PATH_TEXT_MAX = 4096, TEXT_MAX = 200 };
#define BYTES_MAX ((uint64_t)64 << 30)

struct walk {
    const struct drive_diff *options;
    struct drive_image *a;
    struct drive_image *b;
    struct buf path; /* of the directory that is walked, with a slash at its end */
    size_t files;
    uint64_t bytes;
};

/* The inodes of one path. */
struct pair {
    struct drive_inode a;
    struct drive_inode b;
};

static const char *const type_names[] = {
    [DRIVE_DIRECTORY] = "a directory",   [DRIVE_FILE] = "a file",
    [DRIVE_SYMLINK] = "a symbolic link", [DRIVE_BLOCK] = "a block device",
    [DRIVE_CHAR] = "a character device", [DRIVE_FIFO] = "a fifo",
    [DRIVE_SOCKET] = "a socket"};

__attribute__((format(printf, 4, 5))) static int tell(struct walk *w, const char *name,
                                                      struct err *e, const char *fmt, ...)
{
    char path[PATH_TEXT_MAX + DRIVE_NAME_MAX + 2];
    char text[TEXT_MAX];
    va_list args;
    (void)text_print(path, sizeof(path), "%.*s%s", PATH_TEXT_MAX, buf_str(&w->path), name);
    va_start(args, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    return w->options->found(w->options->context, path, text, e);
}

/* ---- one path in both ---------------------------------------------------------------- */

static int diff_fields(struct walk *w, const char *name, const struct pair *p, struct err *e)
{
    const struct drive_inode *a = &p->a;
    const struct drive_inode *b = &p->b;
    int rc = 0;
    if (a->mode != b->mode)
        rc = tell(w, name, e, "mode %04o and %04o", a->mode, b->mode);
    if (rc == 0 && (a->uid != b->uid || a->gid != b->gid))
        rc = tell(w, name, e, "owner %u:%u and %u:%u", a->uid, a->gid, b->uid, b->gid);
    if (rc == 0 && a->time != b->time)
        rc = tell(w, name, e, "time %u and %u", a->time, b->time);
    if (rc == 0 && a->device != b->device)
        rc = tell(w, name, e, "device 0x%x and 0x%x", a->device, b->device);
    return rc;
}

static int diff_target(struct walk *w, const char *name, const struct pair *p, struct err *e)
{
    AUTO_BUF a = BUF_INIT(DRIVE_TARGET_MAX + 1);
    AUTO_BUF b = BUF_INIT(DRIVE_TARGET_MAX + 1);
    int rc = drive_target_read(w->a, &p->a, &a, e);
    if (rc < 0 || (rc = drive_target_read(w->b, &p->b, &b, e)) < 0)
        return rc;
    if (a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0))
        return 0;
    return tell(w, name, e, "target '%.*s' and '%.*s'", (int)(a.len < 64 ? a.len : 64),
                a.len > 0 ? (const char *)a.data : "", (int)(b.len < 64 ? b.len : 64),
                b.len > 0 ? (const char *)b.data : "");
}

/* Bytes of one file, taken in pieces that need not end where the other image's blocks do. */
struct piece {
    struct drive_file file;
    const uint8_t *data;
    size_t len;
};

static int refill(struct piece *p, struct err *e)
{
    return p->len > 0 ? 0 : drive_file_next(&p->file, &p->data, &p->len, e);
}

static int diff_content(struct walk *w, const char *name, const struct pair *p, struct err *e)
{
    struct piece a = {0};
    struct piece b = {0};
    uint64_t at = 0;
    int rc = 0;
    drive_file_start(w->a, &p->a, &a.file);
    drive_file_start(w->b, &p->b, &b.file);
    uint64_t most = p->a.size < p->b.size ? p->a.size : p->b.size;
    if (!add_u64(w->bytes, most, &w->bytes) || w->bytes > BYTES_MAX)
        return err_set(e, ERR_INPUT, "%s: more than %d GiB of files to compare", w->a->name,
                       (int)(BYTES_MAX >> 30));
    while (at < most) {
        if ((rc = refill(&a, e)) < 0 || (rc = refill(&b, e)) < 0)
            return rc;
        size_t len = a.len < b.len ? a.len : b.len;
        if (memcmp(a.data, b.data, len) != 0) {
            while (*a.data == *b.data) {
                a.data++;
                b.data++;
                at++;
            }
            break;
        }
        a.data += len;
        b.data += len;
        a.len -= len;
        b.len -= len;
        at += len;
    }
    if (at == most && p->a.size == p->b.size)
        return 0;
    if (p->a.size != p->b.size)
        return tell(w, name, e,
                    "content: %" PRIu64 " and %" PRIu64 " bytes, different from byte %" PRIu64
                    " on",
                    p->a.size, p->b.size, at);
    return tell(w, name, e, "content: first at byte %" PRIu64 " of %" PRIu64 ": %02x and %02x", at,
                p->a.size, *a.data, *b.data);
}

/* Everything but what is in a directory. */
static int diff_inodes(struct walk *w, const char *name, const struct pair *p, struct err *e)
{
    if (p->a.type != p->b.type)
        return tell(w, name, e, "%s and %s", type_names[p->a.type], type_names[p->b.type]);
    int rc = diff_fields(w, name, p, e);
    if (rc == 0 && p->a.type == DRIVE_FILE)
        rc = diff_content(w, name, p, e);
    if (rc == 0 && p->a.type == DRIVE_SYMLINK)
        rc = diff_target(w, name, p, e);
    return rc;
}

/* ---- directories ------------------------------------------------------------------------ */

static int diff_directory(struct walk *w, const struct pair *p, unsigned depth, struct err *e);

static int diff_entry(struct walk *w, const struct drive_entry *a, const struct drive_entry *b,
                      unsigned depth, struct err *e)
{
    struct pair p;
    size_t before = w->path.len;
    int rc = drive_inode_read(w->a, a->reference, &p.a, e);
    if (rc < 0 || (rc = drive_inode_read(w->b, b->reference, &p.b, e)) < 0 ||
        (rc = diff_inodes(w, a->name, &p, e)) < 0 || p.a.type != DRIVE_DIRECTORY ||
        p.b.type != DRIVE_DIRECTORY)
        return rc;
    if ((rc = buf_addf(&w->path, e, "%s/", a->name)) < 0 ||
        (rc = diff_directory(w, &p, depth + 1, e)) < 0)
        return rc;
    buf_cut(&w->path, before);
    return 0;
}

static int diff_lists(struct walk *w, const struct drive_entry *a, size_t a_count,
                      const struct drive_entry *b, size_t b_count, unsigned depth, struct err *e)
{
    size_t i = 0;
    size_t k = 0;
    int rc = 0;
    while (rc == 0 && (i < a_count || k < b_count)) {
        int order = i == a_count ? 1 : k == b_count ? -1 : strcmp(a[i].name, b[k].name);
        if (order < 0)
            rc = tell(w, a[i++].name, e, "only in the first");
        else if (order > 0)
            rc = tell(w, b[k++].name, e, "only in the second");
        else
            rc = diff_entry(w, &a[i++], &b[k++], depth, e);
    }
    return rc;
}

static int diff_directory(struct walk *w, const struct pair *p, unsigned depth, struct err *e)
{
    AUTO_FREE struct drive_entry *a = NULL;
    AUTO_FREE struct drive_entry *b = NULL;
    size_t a_count = 0;
    size_t b_count = 0;
    if (depth > DEPTH_MAX)
        return err_set(e, ERR_INPUT, "%s: directories are nested over %d deep", w->a->name,
                       DEPTH_MAX);
    int rc = drive_directory_read(w->a, &p->a, FILES_MAX - w->files, &a, &a_count, e);
    if (rc < 0)
        return rc;
    w->files += a_count;
    if ((rc = drive_directory_read(w->b, &p->b, FILES_MAX - w->files, &b, &b_count, e)) < 0)
        return rc;
    w->files += b_count;
    return diff_lists(w, a, a_count, b, b_count, depth, e);
}

static int known_bytes(int fd, uint64_t length, const char *name, struct bytes **out, bool *known,
                       struct err *e)
{
    AUTO_BYTES *whole = NULL;
    uint8_t head[4096];
    size_t got = 0;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (copy < 0)
        return err_os(e, errno, "cannot read %s", name);
    int rc = bytes_of_fd(copy, name, &whole, e);
    if (rc < 0 || (rc = bytes_slice(whole, 0, length, name, out, e)) < 0 ||
        (rc = bytes_peek(*out, 0, head, sizeof(head), &got, e)) < 0)
        return rc;
    *known = drive_is_squashfs(head, got);
    return 0;
}

int drive_diff(int a, uint64_t a_length, int b, uint64_t b_length, const char *name,
               const struct drive_diff *options, bool *compared, struct err *e)
{
    AUTO_BYTES *bytes_a = NULL;
    AUTO_BYTES *bytes_b = NULL;
    AUTO_DRIVE_IMAGE first = {0};
    AUTO_DRIVE_IMAGE second = {0};
    struct walk w = {.options = options,
                     .a = &first,
                     .b = &second,
                     .path = BUF_INIT(DEPTH_MAX * DRIVE_NAME_MAX)};
    struct pair root;
    bool known = false;
    *compared = false;
    int rc = known_bytes(a, a_length, name, &bytes_a, &known, e);
    if (rc < 0 || !known || (rc = known_bytes(b, b_length, name, &bytes_b, &known, e)) < 0 ||
        !known)
        return rc;
    if ((rc = drive_image_open(bytes_a, name, &first, e)) == 0 &&
        (rc = drive_image_open(bytes_b, name, &second, e)) == 0 &&
        (rc = drive_inode_read(&first, first.root, &root.a, e)) == 0 &&
        (rc = drive_inode_read(&second, second.root, &root.b, e)) == 0 &&
        (rc = buf_add_str(&w.path, "/", e)) == 0 && (rc = diff_inodes(&w, "", &root, e)) == 0 &&
        root.a.type == DRIVE_DIRECTORY && root.b.type == DRIVE_DIRECTORY)
        rc = diff_directory(&w, &root, 0, e);
    buf_dispose(&w.path);
    *compared = rc == 0;
    return rc;
}
