/* SPDX-License-Identifier: Apache-2.0 */
/* Headers and records as Go's archive/tar writes them, byte for byte. */
#include "formats/tar/go_tar.h"

#include "formats/tar/tar_header.h"

#include <inttypes.h>
#include <string.h>

enum { EXTENDED_MAX = 1 << 20, RECORDS_MAX = 4200 };

int go_tar_path_clean(const char *path, char **out, struct err *e)
{
    size_t len = strlen(path);
    AUTO_FREE char *copy = malloc(len + 3);
    if (copy == NULL)
        return err_oom(e);
    bool rooted = path[0] == '/';
    size_t w = 0;
    size_t floor = 0; /* what ".." cannot take away */
    if (rooted) {
        copy[w++] = '/';
        floor = 1;
    }
    for (const char *p = path; *p != '\0';) {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 1 && p[0] == '.')) {
            /* nothing */
        } else if (n == 2 && p[0] == '.' && p[1] == '.') {
            if (w > floor) {
                w--;
                while (w > floor && copy[w] != '/')
                    w--;
            } else if (!rooted) {
                if (w > 0)
                    copy[w++] = '/';
                memcpy(copy + w, "..", 2);
                w += 2;
                floor = w;
            }
        } else {
            if (w > (rooted ? 1U : 0U))
                copy[w++] = '/';
            memcpy(copy + w, p, n);
            w += n;
        }
        p += n;
        p += *p == '/';
    }
    if (w == 0)
        copy[w++] = '.';
    copy[w] = '\0';
    *out = steal_ptr(&copy);
    return 0;
}

/* ---- records ----------------------------------------------------------------------------- */

struct records {
    struct go_tar_record items[RECORDS_MAX]; /* borrowed */
    size_t count;
    char texts[8][40]; /* of numbers and times */
    size_t text_count;
};

static bool is_ascii(const char *s)
{
    for (; *s != '\0'; s++)
        if ((unsigned char)*s >= 0x80)
            return false;
    return true;
}

static void add(struct records *r, const char *key, const char *value, size_t len)
{
    if (r->count < RECORDS_MAX)
        r->items[r->count++] = (struct go_tar_record){
            .key = (char *)(uintptr_t)key, .value = (char *)(uintptr_t)value, .len = len};
}

static bool stands(const struct go_tar_header *h, const char *key, const char *value)
{
    for (size_t i = 0; i < h->record_count; i++)
        if (strcmp(h->records[i].key, key) == 0)
            return strlen(value) == h->records[i].len &&
                   memcmp(h->records[i].value, value, h->records[i].len) == 0;
    return false;
}

static void add_text(struct records *r, const struct go_tar_header *h, const char *key,
                     const char *value, enum tar_place place)
{
    if (!is_ascii(value) || strlen(value) > tar_fields[place].len || stands(h, key, value))
        add(r, key, value, strlen(value));
}

static void add_number(struct records *r, const struct go_tar_header *h, const char *key,
                       int64_t value, enum tar_place place)
{
    char *text = r->texts[r->text_count++];
    (void)snprintf(text, sizeof(r->texts[0]), "%" PRId64, value);
    if (!tar_fits_octal(value, tar_fields[place].len) || stands(h, key, text))
        add(r, key, text, strlen(text));
}

static void format_time(const struct go_tar_time *t, char *text, size_t size)
{
    int64_t seconds = t->seconds;
    uint32_t nano = t->nanoseconds;
    const char *sign = "";
    if (nano == 0) {
        (void)snprintf(text, size, "%" PRId64, seconds);
        return;
    }
    if (seconds < 0) {
        sign = "-";
        seconds = -(seconds + 1);
        nano = 1000000000U - nano;
    }
    (void)snprintf(text, size, "%s%" PRId64 ".%09" PRIu32, sign, seconds, nano);
    for (size_t len = strlen(text); len > 0 && text[len - 1] == '0'; len--)
        text[len - 1] = '\0';
}

static void add_time(struct records *r, const struct go_tar_header *h, const char *key,
                     const struct go_tar_time *t, bool always)
{
    if (!t->set)
        return;
    char *text = r->texts[r->text_count++];
    format_time(t, text, sizeof(r->texts[0]));
    if (always || !tar_fits_octal(t->seconds, tar_fields[TAR_MTIME].len) || t->nanoseconds != 0 ||
        stands(h, key, text))
        add(r, key, text, strlen(text));
}

static bool is_basic(const char *key)
{
    static const char *const basic[] = {"path",  "linkpath", "size",  "uid",   "gid",
                                        "uname", "gname",    "mtime", "atime", "ctime"};
    for (size_t i = 0; i < sizeof(basic) / sizeof(basic[0]); i++)
        if (strcmp(basic[i], key) == 0)
            return true;
    return strncmp(key, "GNU.sparse.", 11) == 0;
}

static int compare_records(const void *a, const void *b)
{
    const struct go_tar_record *x = a;
    const struct go_tar_record *y = b;
    return strcmp(x->key, y->key);
}

/* Whatever the header itself says wins; a global header keeps every record else. */
static bool keeps(const struct go_tar_header *h, const struct records *r, const char *key)
{
    if (h->type != 'g')
        return !is_basic(key);
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->items[i].key, key) == 0)
            return false;
    return true;
}

static void collect(const struct go_tar_header *h, struct records *r)
{
    add_text(r, h, "path", h->name, TAR_NAME);
    add_text(r, h, "linkpath", h->link, TAR_LINK);
    add_text(r, h, "uname", h->uname, TAR_UNAME);
    add_text(r, h, "gname", h->gname, TAR_GNAME);
    add_number(r, h, "uid", h->uid, TAR_UID);
    add_number(r, h, "gid", h->gid, TAR_GID);
    add_number(r, h, "size", h->size, TAR_SIZE);
    add_time(r, h, "mtime", &h->mtime, false);
    add_time(r, h, "atime", &h->atime, true);
    add_time(r, h, "ctime", &h->ctime, true);
    for (size_t i = 0; i < h->record_count; i++)
        if (keeps(h, r, h->records[i].key))
            add(r, h->records[i].key, h->records[i].value, h->records[i].len);
    qsort(r->items, r->count, sizeof(r->items[0]), compare_records);
}

/* "LEN KEY=VALUE\n", where LEN counts itself. */
static int format_record(const struct go_tar_record *r, struct buf *out, struct err *e)
{
    char digits[24];
    size_t rest = 3 + strlen(r->key) + r->len;
    size_t len = rest;
    size_t before = 0;
    while (before != len) {
        before = len;
        len = rest + (size_t)snprintf(digits, sizeof(digits), "%zu", before);
    }
    int rc = buf_addf(out, e, "%zu %s=", len, r->key);
    if (rc < 0 || (rc = buf_add(out, r->value, r->len, e)) < 0)
        return rc;
    return buf_add_str(out, "\n", e);
}

/* ---- blocks --------------------------------------------------------------------------------- */

/* ASCII only, cut to the field; a cut after a slash loses the slashes at its end. */
static void put_text(uint8_t *block, enum tar_place place, const char *text)
{
    uint8_t *field = block + tar_fields[place].start;
    size_t room = tar_fields[place].len;
    size_t n = 0;
    size_t len = 0;
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text >= 0x80)
            continue;
        if (n < room)
            field[n++] = (uint8_t)*text;
        len++;
    }
    if (len > room && field[room - 1] == '/') {
        while (n > 0 && field[n - 1] == '/')
            n--;
        field[n] = '\0';
    }
}

static void finish_block(uint8_t *block, char type)
{
    block[tar_fields[TAR_TYPE].start] = (uint8_t)type;
    memcpy(block + tar_fields[TAR_MAGIC].start, tar_magic_posix, sizeof(tar_magic_posix));
    tar_seal(block);
}

int go_tar_write_padding(const struct sink *to, uint64_t size, struct err *e)
{
    static const uint8_t zeros[TAR_BLOCK];
    size_t pad = (size_t)tar_padding(size);
    return pad == 0 ? 0 : sink_write(to, zeros, pad, e);
}

/* dir/PaxHeaders.0/base, cut to the field. */
static int extended_name(const struct go_tar_header *h, char **out, struct err *e)
{
    AUTO_FREE char *joined = NULL;
    const char *name = h->name;
    if (h->type == 'g')
        return str_copy(out, *name != '\0' ? name : "GlobalHead.0.0", e);
    const char *slash = strrchr(name, '/');
    int dir = slash == NULL ? 0 : (int)(slash - name) + 1;
    int rc = str_format(&joined, e, "%.*sPaxHeaders.0/%s", dir, name, name + dir);
    return rc < 0 ? rc : go_tar_path_clean(joined, out, e);
}

static int write_records(const struct sink *to, const struct go_tar_header *h,
                         const struct records *r, struct err *e)
{
    uint8_t block[TAR_BLOCK] = {0};
    AUTO_BUF text = BUF_INIT(EXTENDED_MAX);
    AUTO_FREE char *name = NULL;
    int rc = extended_name(h, &name, e);
    for (size_t i = 0; rc == 0 && i < r->count; i++)
        rc = format_record(&r->items[i], &text, e);
    if (rc < 0)
        return rc;
    char cut[101] = {0};
    size_t n = 0;
    for (const char *p = name; *p != '\0' && n < 100; p++)
        if ((unsigned char)*p < 0x80)
            cut[n++] = *p;
    while (n > 0 && cut[n - 1] == '/')
        n--;
    memcpy(block, cut, n);
    tar_put(block, TAR_MODE, 0);
    tar_put(block, TAR_UID, 0);
    tar_put(block, TAR_GID, 0);
    tar_put(block, TAR_SIZE, (int64_t)text.len);
    tar_put(block, TAR_MTIME, 0);
    finish_block(block, h->type == 'g' ? 'g' : 'x');
    if ((rc = sink_write(to, block, TAR_BLOCK, e)) < 0 ||
        (rc = sink_write(to, text.data, text.len, e)) < 0)
        return rc;
    return go_tar_write_padding(to, text.len, e);
}

int go_tar_write_header(const struct sink *to, const struct go_tar_header *h, struct err *e)
{
    uint8_t block[TAR_BLOCK] = {0};
    AUTO_FREE struct records *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return err_oom(e);
    if (!tar_fits_octal(h->mode, tar_fields[TAR_MODE].len) ||
        !tar_fits_octal(h->major, tar_fields[TAR_MAJOR].len) ||
        !tar_fits_octal(h->minor, tar_fields[TAR_MINOR].len))
        return err_set(
            e, ERR_INPUT,
            "'%.200s': a mode or device number that tar cannot say, which is above 2097151",
            h->name);
    if (h->type == 'g' && (h->mtime.set || h->size != 0))
        return err_set(e, ERR_INPUT,
                       "'%.200s' is a global header, which can have no time and no content",
                       h->name);
    if (strchr("0346S", h->type) != NULL && str_ends(h->name, "/"))
        return err_set(e, ERR_INPUT, "'%.200s': only a directory may end with a slash", h->name);
    collect(h, r);
    int rc = r->count == 0 && h->type != 'g' ? 0 : write_records(to, h, r, e);
    if (rc < 0 || h->type == 'g')
        return rc;
    put_text(block, TAR_NAME, h->name);
    tar_put(block, TAR_MODE, h->mode);
    tar_put(block, TAR_UID, h->uid);
    tar_put(block, TAR_GID, h->gid);
    tar_put(block, TAR_SIZE, h->size);
    tar_put(block, TAR_MTIME, h->mtime.set ? h->mtime.seconds : 0);
    put_text(block, TAR_LINK, h->link);
    put_text(block, TAR_UNAME, h->uname);
    put_text(block, TAR_GNAME, h->gname);
    tar_put(block, TAR_MAJOR, h->major);
    tar_put(block, TAR_MINOR, h->minor);
    finish_block(block, h->type);
    return sink_write(to, block, TAR_BLOCK, e);
}
