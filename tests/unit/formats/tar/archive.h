/* SPDX-License-Identifier: Apache-2.0 */
/* Makes small tar and deb archives for the tests of formats/tar and formats/layers. */
#ifndef ASSAY_TESTS_UNIT_FORMATS_TAR_ARCHIVE_H
#define ASSAY_TESTS_UNIT_FORMATS_TAR_ARCHIVE_H

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

/* Entries are written short: what is not said is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

struct entry {
    const char *name;
    char type; /* '0' file, '1' hard link, '2' symlink, '5' directory, … */
    const char *link;
    const char *data; /* files, and the bodies of x, g, L, K */
    size_t data_len;  /* 0 = strlen(data) */
    unsigned mode;    /* 0 = 0644, directories 0755 */
    unsigned uid;
    unsigned mtime;
    unsigned size;     /* states this size instead of the data's */
    const char *magic; /* "" = V7, "gnu", NULL = ustar */
};

static inline void archive_add(struct buf *out, const void *data, size_t len)
{
    struct err oom;
    if (buf_add(out, data, len, &oom) < 0)
        abort();
}

static inline void archive_zeros(struct buf *out, size_t len)
{
    static const uint8_t zeros[1024];
    for (; len > 0; len -= len < sizeof(zeros) ? len : sizeof(zeros))
        archive_add(out, zeros, len < sizeof(zeros) ? len : sizeof(zeros));
}

/* Puts the checksum into the header block at `at`. */
static inline void archive_sum(struct buf *out, size_t at)
{
    uint8_t *h = out->data + at;
    unsigned sum = 0;
    memset(h + 148, ' ', 8);
    for (size_t i = 0; i < 512; i++)
        sum += h[i];
    (void)snprintf((char *)h + 148, 8, "%06o", sum & 0777777);
}

static inline void archive_field(uint8_t *h, size_t at, const char *text, size_t max)
{
    size_t len = strlen(text);
    memcpy(h + at, text, len < max ? len : max);
}

static inline void archive_entry(struct buf *out, const struct entry *n)
{
    uint8_t h[512] = {0};
    size_t len = n->data == NULL ? 0 : n->data_len > 0 ? n->data_len : strlen(n->data);
    unsigned mode = n->mode > 0 ? n->mode : n->type == '5' ? 0755 : 0644;
    char field[16];
    archive_field(h, 0, n->name, 100);
    (void)snprintf(field, sizeof(field), "%07o", mode & 07777777);
    archive_field(h, 100, field, 8);
    (void)snprintf(field, sizeof(field), "%07o", n->uid & 07777777);
    archive_field(h, 108, field, 8);
    archive_field(h, 116, "0000000", 8);
    (void)snprintf(field, sizeof(field), "%011o", n->size > 0 ? n->size : (unsigned)len);
    archive_field(h, 124, field, 12);
    (void)snprintf(field, sizeof(field), "%011o", n->mtime);
    archive_field(h, 136, field, 12);
    h[156] = (uint8_t)n->type;
    if (n->link != NULL)
        archive_field(h, 157, n->link, 100);
    if (n->magic == NULL)
        memcpy(h + 257, "ustar\00000", 8);
    else if (n->magic[0] != 0)
        memcpy(h + 257, "ustar  ", 8);
    size_t at = out->len;
    archive_add(out, h, sizeof(h));
    archive_sum(out, at);
    archive_add(out, n->data != NULL ? n->data : "", len);
    archive_zeros(out, (512 - len % 512) % 512);
}

static inline void archive_end(struct buf *out)
{
    archive_zeros(out, 1024);
}

/* Entries up to one without a name, and the end. */
static inline void archive_make(struct buf *out, const struct entry *entries)
{
    for (; entries->name != NULL; entries++)
        archive_entry(out, entries);
    archive_end(out);
}

/* The body of an extended header: "KEY=VALUE" records with their lengths. One of four that are
 * kept. */
#define P(...) pax_body((const char *const[]){__VA_ARGS__, NULL})
static inline const char *pax_body(const char *const *records)
{
    static char bodies[4][4096];
    static unsigned next;
    char *body = bodies[next++ % 4];
    size_t at = 0;
    for (; *records != NULL; records++) {
        size_t len = strlen(*records) + 3; /* a digit, the space and the newline */
        len += len >= 10;
        len += len >= 100;
        at += (size_t)snprintf(body + at, sizeof(bodies[0]) - at, "%zu %s\n", len, *records);
    }
    return body;
}

/* One member of an ar archive. */
static inline void archive_member(struct buf *out, const char *name, const void *data, size_t len)
{
    char header[61];
    (void)snprintf(header, sizeof(header), "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0,
                   "100644", len);
    archive_add(out, header, 60);
    archive_add(out, data, len);
    if (len % 2 != 0)
        archive_add(out, "\n", 1);
}

static inline void archive_deb(struct buf *out, const char *data_name, const struct buf *data)
{
    archive_add(out, "!<arch>\n", 8);
    archive_member(out, "debian-binary", "2.0\n", 4);
    archive_member(out, "control.tar.xz", "odd", 3);
    archive_member(out, data_name, data->data, data->len);
}

#endif
