/* SPDX-License-Identifier: Apache-2.0 */
/* Sparse files as Go's archive/tar reads them: GNU's old format, and the formats 0.0, 0.1 and 1.0
 * in extended records. Records of another version mean nothing to it. */
#include "formats/tar/go_tar_internal.h"

#include "base/encoding.h"
#include "formats/tar/tar_header.h"

#include <string.h>

static const char *record_of(const struct go_tar_header *h, const char *key)
{
    for (size_t i = 0; i < h->record_count; i++)
        if (strcmp(h->records[i].key, key) == 0)
            return h->records[i].value;
    return "";
}

/* Format 0.0 says a piece in two records; the map of 0.1 has the same numbers in one. */
int go_tar_sparse_record(struct buf *map, const char *key, const char *value, bool *taken,
                         struct err *e)
{
    bool offset = strcmp(key, "GNU.sparse.offset") == 0;
    size_t numbers = 0;
    *taken = offset || strcmp(key, "GNU.sparse.numbytes") == 0;
    if (!*taken)
        return 0;
    for (size_t i = 0; i < map->len; i++)
        numbers += map->data[i] == ',';
    numbers += map->len > 0;
    if (offset != (numbers % 2 == 0) || *value == '\0' || strchr(value, ',') != NULL)
        return err_set(e, ERR_INPUT, "the extended records of a sparse file are out of order");
    return buf_addf(map, e, "%s%s", map->len > 0 ? "," : "", value);
}

static int read_old(struct go_tar_reader *r, struct go_tar_header *h, const uint8_t *header,
                    struct err *e)
{
    uint8_t block[TAR_BLOCK];
    if (memcmp(tar_at(header, TAR_MAGIC), tar_magic_gnu, sizeof(tar_magic_gnu)) != 0)
        return err_set(e, ERR_INPUT, "a sparse file that is not GNU tar's");
    if (!tar_number(header, TAR_GNU_REAL_SIZE, &h->size) || h->size < 0)
        return err_set(e, ERR_INPUT, "the size of a sparse file is none");
    int rc = tar_map_add_fields(&h->map, tar_at(header, TAR_GNU_SPARSE), TAR_SPARSE_PIECES, e);
    bool more = *tar_at(header, TAR_GNU_MORE) != 0;
    while (rc == 0 && more) {
        if ((rc = go_tar_read_exact(&r->from, block, TAR_BLOCK, e)) < 0)
            return rc;
        rc = tar_map_add_fields(&h->map, block, TAR_SPARSE_MORE_PIECES, e);
        more = block[TAR_SPARSE_MORE_PIECES * TAR_PIECE] != 0;
    }
    return rc;
}

static int decimal(const char *text, uint64_t *out, struct err *e)
{
    size_t len = strlen(text);
    if (len == 0 || digits_read(text, len, 10, out) != len || *out > INT64_MAX)
        return err_set(e, ERR_INPUT, "a sparse file's record is no number");
    return 0;
}

/* Format 1.0 has its map in whole blocks before the content. */
static int read_blocks(struct go_tar_reader *r, struct go_tar_header *h, struct err *e)
{
    struct tar_map_text text = {0};
    uint8_t block[TAR_BLOCK];
    bool done = false;
    while (!done) {
        if (r->left < TAR_BLOCK)
            return err_set(e, ERR_INPUT, "the map of a sparse file is cut short");
        int rc = go_tar_read_exact(&r->from, block, TAR_BLOCK, e);
        if (rc < 0 || (rc = tar_map_add_block(&h->map, &text, block, &done, e)) < 0)
            return rc;
        r->left -= TAR_BLOCK;
    }
    return 0;
}

static int read_text(struct go_tar_header *h, struct err *e)
{
    const char *map = record_of(h, "GNU.sparse.map");
    uint64_t count = 0;
    int rc = decimal(record_of(h, "GNU.sparse.numblocks"), &count, e);
    if (rc < 0 || (rc = tar_map_add_text(&h->map, (const uint8_t *)map, strlen(map), e)) < 0)
        return rc;
    return count == h->map.count
               ? 0
               : err_set(e, ERR_INPUT, "a sparse file has not as many pieces as it says");
}

static int read_records(struct go_tar_reader *r, struct go_tar_header *h, bool blocks,
                        struct err *e)
{
    const char *name = record_of(h, "GNU.sparse.name");
    const char *size = record_of(h, "GNU.sparse.size");
    uint64_t number = (uint64_t)h->size;
    int rc = 0;
    if (*size == '\0')
        size = record_of(h, "GNU.sparse.realsize");
    if ((*name != '\0' && (rc = go_tar_header_rename(&h->name, name, e)) < 0) ||
        (*size != '\0' && (rc = decimal(size, &number, e)) < 0))
        return rc;
    h->size = (int64_t)number;
    return blocks ? read_blocks(r, h, e) : read_text(h, e);
}

int go_tar_sparse(struct go_tar_reader *r, struct go_tar_header *h, const uint8_t *header,
                  struct err *e)
{
    const char *major = record_of(h, "GNU.sparse.major");
    const char *minor = record_of(h, "GNU.sparse.minor");
    bool old = h->type == 'S';
    bool one = strcmp(major, "1") == 0 && strcmp(minor, "0") == 0;
    bool zero = strcmp(major, "0") == 0 && (strcmp(minor, "0") == 0 || strcmp(minor, "1") == 0);
    bool guessed = *major == '\0' && *minor == '\0' && *record_of(h, "GNU.sparse.map") != '\0';
    if (!old && !one && !zero && !guessed)
        return 0;
    if (!go_tar_has_content(h->type))
        return err_set(e, ERR_INPUT, "'%.200s': a sparse file that is no file", h->name);
    int rc = old ? read_old(r, h, header, e) : read_records(r, h, one, e);
    if (rc < 0 || (rc = tar_map_close(&h->map, (uint64_t)h->size, r->left, e)) < 0)
        return err_wrap(e, "'%.200s'", h->name);
    r->map = &h->map;
    return 0;
}
