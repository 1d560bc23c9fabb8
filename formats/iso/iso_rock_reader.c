/* SPDX-License-Identifier: Apache-2.0 */
/* Rock Ridge: what POSIX has and ISO 9660 has not. */
#include "base/byte_order.h"
#include "formats/iso/iso_reader.h"
#include "formats/object/inode_fields.h"

#include <string.h>
#include <time.h>

enum { CONTINUATIONS_MAX = 64, AREA_MAX = 65536, NAME_MAX_LENGTH = 4096, TARGET_MAX = 65536 };
enum { ENTRY_HEADER = 4, PX_SHORT = 36, TIME_SHORT = 7, TIME_LONG = 17 };
enum component { C_MORE = 1, C_HERE = 2, C_UP = 4, C_ROOT = 8 };

struct area {
    const struct bytes *image;
    int (*used)(void *context, uint64_t start, uint64_t len, struct err *e);
    void *context;
    struct iso_rock *out;
    bool part_goes_on;   /* of a link's target */
    uint32_t next_block; /* CE */
    uint32_t next_offset;
    uint32_t next_length;
};

void iso_rock_dispose(struct iso_rock *r)
{
    buf_dispose(&r->name);
    buf_dispose(&r->target);
}

static int damaged(const struct area *a, const char *what, struct err *e)
{
    return err_set(e, ERR_INPUT, "%s: the ISO image is damaged: %s", a->image->name, what);
}

static int64_t civil(int year, int month, int day, int hour, int minute, int second, int zone)
{
    struct tm t = {.tm_year = year - 1900,
                   .tm_mon = month - 1,
                   .tm_mday = day,
                   .tm_hour = hour,
                   .tm_min = minute,
                   .tm_sec = second};
    return (int64_t)timegm(&t) - (int64_t)zone * 15 * 60;
}

int64_t iso_short_time(const uint8_t time[7])
{
    return civil(1900 + time[0], time[1], time[2], time[3], time[4], time[5], (int8_t)time[6]);
}

/* "YYYYMMDDHHMMSSCC" and a zone. */
static int64_t long_time(const uint8_t *p)
{
    static const uint8_t lengths[] = {4, 2, 2, 2, 2, 2};
    int values[6] = {0};
    for (size_t i = 0, at = 0; i < 6; i++)
        for (size_t k = 0; k < lengths[i]; k++, at++)
            values[i] = values[i] * 10 + (p[at] >= '0' && p[at] <= '9' ? p[at] - '0' : 0);
    return civil(values[0], values[1], values[2], values[3], values[4], values[5], (int8_t)p[16]);
}

static int take_attributes(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < PX_SHORT)
        return damaged(a, "a PX entry is too short", e);
    a->out->mode = get_le32(p + 4);
    a->out->uid = get_le32(p + 20);
    a->out->gid = get_le32(p + 28);
    return 0;
}

static int take_device(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < 20)
        return damaged(a, "a PN entry is too short", e);
    uint32_t high = get_le32(p + 4);
    uint32_t low = get_le32(p + 12);
    /* Where the first is 0 the second has both, as Linux takes it. */
    a->out->device =
        high != 0 ? (uint64_t)high << 32 | low
                  : (uint64_t)(low >> 8 & 0xfff) << 32 | (low & 0xff) | (low >> 12 & 0xfff00);
    return 0;
}

static int take_name(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < 5 || memchr(p + 5, 0, len - 5) != NULL || memchr(p + 5, '/', len - 5) != NULL)
        return damaged(a, "a name is none", e);
    a->out->has_name = true;
    if (p[4] & C_HERE)
        return buf_add_str(&a->out->name, ".", e);
    if (p[4] & C_UP)
        return buf_add_str(&a->out->name, "..", e);
    return buf_add(&a->out->name, p + 5, len - 5, e);
}

static int take_component(struct area *a, uint8_t flags, const uint8_t *text, size_t len,
                          struct err *e)
{
    struct buf *out = &a->out->target;
    int rc = 0;
    bool slash = out->len > 0 && !a->part_goes_on && buf_str(out)[out->len - 1] != '/';
    if (slash)
        rc = buf_add_str(out, "/", e);
    a->part_goes_on = (flags & C_MORE) != 0;
    if (rc < 0)
        return rc;
    if (flags & C_ROOT)
        return buf_add_str(out, out->len == 0 ? "/" : "", e);
    if (flags & C_HERE)
        return buf_add_str(out, ".", e);
    return flags & C_UP ? buf_add_str(out, "..", e) : buf_add(out, text, len, e);
}

static int take_link(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    int rc = len < 5 ? damaged(a, "an SL entry is too short", e) : 0;
    for (size_t at = 5; rc == 0 && at < len; at += 2 + (size_t)p[at + 1]) {
        if (len - at < 2 || p[at + 1] > len - at - 2)
            return damaged(a, "a link's target is cut short", e);
        rc = take_component(a, p[at], p + at + 2, p[at + 1], e);
    }
    return rc;
}

static int take_times(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < 5)
        return damaged(a, "a TF entry is too short", e);
    size_t size = p[4] & 0x80 ? TIME_LONG : TIME_SHORT;
    size_t at = 5;
    for (size_t i = 0; i < 7; i++) {
        if (!(p[4] & 1U << i))
            continue;
        if (len - at < size)
            return damaged(a, "a TF entry is too short", e);
        a->out->times[i] = size == TIME_LONG ? long_time(p + at) : iso_short_time(p + at);
        a->out->has_time[i] = true;
        at += size;
    }
    return 0;
}

static int take_continuation(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < 28)
        return damaged(a, "a CE entry is too short", e);
    a->next_block = get_le32(p + 4);
    a->next_offset = get_le32(p + 12);
    a->next_length = get_le32(p + 20);
    return 0;
}

static int take_child(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    if (len < 12)
        return damaged(a, "a CL entry is too short", e);
    a->out->child = get_le32(p + 4);
    return 0;
}

static int take_moved(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    (void)p;
    (void)len;
    (void)e;
    a->out->relocated = true;
    return 0;
}

static int take_entry(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    static const struct {
        char name[2];
        int (*take)(struct area *a, const uint8_t *p, size_t len, struct err *e);
    } entries[] = {{"PX", take_attributes}, {"PN", take_device}, {"NM", take_name},
                   {"SL", take_link},       {"TF", take_times},  {"CE", take_continuation},
                   {"CL", take_child},      {"RE", take_moved}};
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        if (memcmp(p, entries[i].name, 2) == 0) {
            a->out->there = true;
            return entries[i].take(a, p, len, e);
        }
    return 0;
}

static int take_area(struct area *a, const uint8_t *p, size_t len, struct err *e)
{
    int rc = 0;
    while (rc == 0 && len >= ENTRY_HEADER && p[0] != 0) {
        size_t size = p[2];
        if (size < ENTRY_HEADER || size > len)
            return damaged(a, "an entry of the system use area is cut short", e);
        if (memcmp(p, "ST", 2) == 0)
            break;
        rc = take_entry(a, p, size, e);
        p += size;
        len -= size;
    }
    return rc;
}

int iso_rock_read(const struct bytes *image, const uint8_t *area, size_t len, size_t skip,
                  int (*used)(void *context, uint64_t start, uint64_t len, struct err *e),
                  void *context, struct iso_rock *out, struct err *e)
{
    struct area a = {.image = image, .used = used, .context = context, .out = out};
    out->name.max = NAME_MAX_LENGTH;
    out->target.max = TARGET_MAX;
    int rc = skip > len ? 0 : take_area(&a, area + skip, len - skip, e);
    for (unsigned i = 0; rc == 0 && a.next_length > 0; i++) {
        AUTO_FREE uint8_t *more = NULL;
        size_t size = a.next_length;
        uint64_t at = (uint64_t)a.next_block * ISO_SECTOR + a.next_offset;
        if (i == CONTINUATIONS_MAX || size > AREA_MAX)
            return damaged(&a, "a record goes on for ever", e);
        more = malloc(size);
        if (more == NULL)
            return err_oom(e);
        a.next_length = 0;
        if ((rc = bytes_read(image, at, more, size, e)) == 0 &&
            (rc = used(context, at, size, e)) == 0)
            rc = take_area(&a, more, size, e);
    }
    return rc;
}
