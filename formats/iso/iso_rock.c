/* SPDX-License-Identifier: Apache-2.0 */
/* Rock Ridge: modes, owners, times, names, links and devices in the records of directories. */
#include "formats/iso/iso.h"

#include <inttypes.h>
#include <string.h>

enum { ENTRY_MAX = 255, NAME_PART = 250, NAME_MAX_LINUX = 253, SLACK = 5, TARGET_MAX = 1023 };
/* 1 January 1900, and the last second of 2155. */
#define TIME_MIN INT64_C(-2208988800)
#define TIME_MAX INT64_C(5869583999)

/* ---- times ------------------------------------------------------------------------ */

/* Days since 1970 to a date of the Gregorian calendar. */
static void civil(int64_t days, unsigned *year, unsigned *month, unsigned *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    unsigned doe = (unsigned)(z - era * 146097);
    unsigned yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    unsigned doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    unsigned mp = (5 * doy + 2) / 153;

    *day = doy - (153 * mp + 2) / 5 + 1;
    *month = mp < 10 ? mp + 3 : mp - 9;
    *year = (unsigned)((int64_t)yoe + era * 400) + (*month <= 2);
}

bool iso_time(int64_t seconds, uint8_t out[7])
{
    unsigned year = 0;
    unsigned month = 0;
    unsigned day = 0;

    if (seconds < TIME_MIN || seconds > TIME_MAX)
        return false;
    int64_t days = seconds >= 0 ? seconds / 86400 : -((-seconds + 86399) / 86400);
    int64_t rest = seconds - days * 86400;
    civil(days, &year, &month, &day);
    const uint8_t text[7] = {(uint8_t)(year - 1900),
                             (uint8_t)month,
                             (uint8_t)day,
                             (uint8_t)(rest / 3600),
                             (uint8_t)(rest / 60 % 60),
                             (uint8_t)(rest % 60),
                             0};
    memcpy(out, text, sizeof(text));
    return true;
}

/* ---- entries ---------------------------------------------------------------------- */

static int put(struct buf *out, const char *signature, const void *data, size_t len, struct err *e)
{
    uint8_t entry[ENTRY_MAX] = {(uint8_t)signature[0], (uint8_t)signature[1], (uint8_t)(len + 4),
                                1};

    memcpy(entry + 4, data, len);
    return buf_add(out, entry, len + 4, e);
}

static int put_name(struct buf *out, const char *name, struct err *e)
{
    /* A longer one Linux cuts, or takes for another. */
    if (strlen(name) > NAME_MAX_LINUX)
        return err_set(e, ERR_INPUT, "its name has more than %d bytes, which Linux does not read",
                       NAME_MAX_LINUX);
    for (size_t left = strlen(name); left > 0;) {
        uint8_t part[NAME_PART + 1];
        size_t len = left < NAME_PART ? left : NAME_PART;
        part[0] = len < left; /* it goes on in the next */
        memcpy(part + 1, name, len);
        int rc = put(out, "NM", part, len + 1, e);
        if (rc < 0)
            return rc;
        name += len;
        left -= len;
    }
    return 0;
}

/* The entry SL that is being filled. */
struct link {
    struct buf *out;
    uint8_t data[ENTRY_MAX - 4]; /* flags, then components */
    size_t len;
};

static int flush(struct link *l, bool more, struct err *e)
{
    l->data[0] = more;
    int rc = put(l->out, "SL", l->data, l->len, e);
    l->len = 1;
    return rc;
}

/* A component, or more of one: `going_on` when the next call has the rest of it. */
static int put_component(struct link *l, uint8_t flags, const char *text, size_t len, struct err *e)
{
    for (;;) {
        size_t room = sizeof(l->data) - l->len;
        if (room < 2 + (len < SLACK ? len : SLACK)) {
            int rc = flush(l, true, e);
            if (rc < 0)
                return rc;
            continue;
        }
        size_t part = len < room - 2 ? len : room - 2;
        l->data[l->len] = (uint8_t)(flags | (part < len ? 1 : 0));
        l->data[l->len + 1] = (uint8_t)part;
        memcpy(l->data + l->len + 2, text, part);
        l->len += 2 + part;
        text += part;
        len -= part;
        if (len == 0)
            return 0;
    }
}

/* Every component, empty ones as well, so that a text comes back as it was: "a//b/". */
static int put_target(struct buf *out, const char *target, struct err *e)
{
    int rc;

    enum { CURRENT = 2, PARENT = 4, ROOT = 8 };
    struct link l = {.out = out, .len = 1};
    bool more = true;

    /* libisofs (xorriso) refuses longer ones, and isoinfo dies of the longest. */
    if (strlen(target) > TARGET_MAX)
        return err_set(e, ERR_INPUT,
                       "its target has more than %d bytes, which readers of ISO images do not read",
                       TARGET_MAX);
    if (target[0] == '/') {
        if ((rc = put_component(&l, ROOT, "", 0, e)) < 0)
            return rc;
        target++;
        more = *target != '\0';
    }
    while (more) {
        size_t len = strcspn(target, "/");
        uint8_t flags = 0;
        if (len == 1 && target[0] == '.')
            flags = CURRENT;
        if (len == 2 && target[0] == '.' && target[1] == '.')
            flags = PARENT;
        if ((rc = put_component(&l, flags, target, flags != 0 ? 0 : len, e)) < 0)
            return rc;
        more = target[len] == '/';
        target += len + 1;
    }
    return flush(&l, false, e);
}

static int put_attributes(struct buf *out, const struct tree_inode *inode, uint32_t links,
                          struct err *e)
{
    uint8_t px[32];
    uint8_t tf[22] = {0x0e}; /* changes to contents, uses, changes to attributes */

    iso_both(px, view_mode(inode), 4);
    iso_both(px + 8, links, 4);
    iso_both(px + 16, inode->uid, 4);
    iso_both(px + 24, inode->gid, 4);
    if (!iso_time(inode->mtime, tf + 1))
        return err_set(e, ERR_INPUT, "its time %" PRId64 " is outside of the years 1900 to 2155",
                       inode->mtime);
    memcpy(tf + 8, tf + 1, 7);
    memcpy(tf + 15, tf + 1, 7);
    int rc = put(out, "PX", px, sizeof(px), e);
    if (rc < 0)
        return rc;
    return put(out, "TF", tf, sizeof(tf), e);
}

static int put_device(struct buf *out, const struct tree_inode *inode, struct err *e)
{
    uint8_t pn[16];
    /* As Linux reads it: high is 0, low the number as 16 bits where it fits them. */
    uint32_t number = view_device(inode);

    int rc = view_check_device(inode, e);
    if (rc < 0)
        return rc;
    bool small = inode->major <= 0xff && inode->minor <= 0xff;
    iso_both(pn, small ? 0 : inode->major, 4);
    iso_both(pn + 8, small ? number : inode->minor, 4);
    return put(out, "PN", pn, sizeof(pn), e);
}

static int put_system(struct buf *out, struct err *e)
{
    static const uint8_t sp[] = {0xbe, 0xef, 0};
    return put(out, "SP", sp, sizeof(sp), e);
}

/* The extension that all this is: the last entry, for it is long. */
static int put_extension(struct buf *out, struct err *e)
{
    static const char id[] = "RRIP_1991A";
    static const char what[] = "THE ROCK RIDGE INTERCHANGE PROTOCOL PROVIDES SUPPORT FOR POSIX "
                               "FILE SYSTEM SEMANTICS";
    static const char source[] =
        "PLEASE CONTACT DISC PUBLISHER FOR SPECIFICATION SOURCE.  SEE PUBLISHER IDENTIFIER IN "
        "PRIMARY VOLUME DESCRIPTOR FOR CONTACT INFORMATION.";
    uint8_t er[ENTRY_MAX - 4] = {sizeof(id) - 1, sizeof(what) - 1, sizeof(source) - 1, 1};
    size_t len = 4;

    memcpy(er + len, id, sizeof(id) - 1);
    len += sizeof(id) - 1;
    memcpy(er + len, what, sizeof(what) - 1);
    len += sizeof(what) - 1;
    memcpy(er + len, source, sizeof(source) - 1);
    return put(out, "ER", er, len + sizeof(source) - 1, e);
}

int iso_rock(const struct tree_inode *inode, uint32_t links, const char *name, bool root_self,
             struct buf *out, struct err *e)
{
    int rc;

    enum { HAS_PX = 1, HAS_PN = 2, HAS_SL = 4, HAS_NM = 8, HAS_TF = 128 };
    bool device = inode->type == TREE_CHAR || inode->type == TREE_BLOCK;
    uint8_t rr = HAS_PX | HAS_TF;

    if (name != NULL)
        rr |= HAS_NM;
    if (device)
        rr |= HAS_PN;
    if (inode->type == TREE_SYMLINK)
        rr |= HAS_SL;
    if ((root_self && (rc = put_system(out, e)) < 0) || (rc = put(out, "RR", &rr, 1, e)) < 0 ||
        (rc = put_attributes(out, inode, links, e)) < 0 ||
        (device && (rc = put_device(out, inode, e)) < 0) ||
        (name != NULL && (rc = put_name(out, name, e)) < 0) ||
        (inode->type == TREE_SYMLINK && (rc = put_target(out, inode->target, e)) < 0))
        return rc;
    return root_self ? put_extension(out, e) : 0;
}
