/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/compressed/xz_fields.h"

#include <lzma.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_MAX = 16 << 20 };

static int add_number(struct object *o, const char *name, uint64_t number, struct err *e)
{
    return object_field(o, (struct field){name, FIELD_COMPRESSOR, FIELD_NUMBER, number, NULL, 0},
                        e);
}

/* The dictionary of the first block. */
static int add_dictionary(struct object *o, const lzma_stream_flags *flags, const uint8_t *head,
                          size_t len, struct err *e)
{
    lzma_filter filters[LZMA_FILTERS_MAX + 1];
    lzma_block block = {.version = 0, .check = flags->check, .filters = filters};
    int rc = 0;
    if (len == 0 || head[0] == 0)
        return 0;
    block.header_size = lzma_block_header_size_decode(head[0]);
    if (block.header_size > len || lzma_block_header_decode(&block, NULL, head) != LZMA_OK)
        return 0;
    for (size_t i = 0; filters[i].id != LZMA_VLI_UNKNOWN; i++) {
        if (filters[i].id == LZMA_FILTER_LZMA2)
            rc = add_number(o, "dictionary.level",
                            ((const lzma_options_lzma *)filters[i].options)->dict_size, e);
        free(filters[i].options);
    }
    return rc;
}

/* From the index, which stands in front of the footer. */
static int add_blocks(struct object *o, struct err *e)
{
    uint8_t footer[LZMA_STREAM_HEADER_SIZE];
    lzma_stream_flags flags;
    lzma_index *index = NULL;
    uint64_t memory = INDEX_MAX;
    size_t at = 0;
    if (o->bytes->size < 2 * (uint64_t)sizeof(footer))
        return 0;
    uint64_t end = o->bytes->size - sizeof(footer);
    int rc = bytes_read(o->bytes, end, footer, sizeof(footer), e);
    if (rc < 0 || lzma_stream_footer_decode(&flags, footer) != LZMA_OK ||
        flags.backward_size > INDEX_MAX || flags.backward_size > end)
        return rc;
    AUTO_FREE uint8_t *room = malloc((size_t)flags.backward_size);
    if (room == NULL)
        return err_oom(e);
    if ((rc = bytes_read(o->bytes, end - flags.backward_size, room, (size_t)flags.backward_size,
                         e)) < 0 ||
        lzma_index_buffer_decode(&index, &memory, NULL, room, &at, (size_t)flags.backward_size) !=
            LZMA_OK)
        return rc;
    rc = add_number(o, "blocks", lzma_index_block_count(index), e);
    lzma_index_end(index, NULL);
    return rc;
}

int xz_fields(struct object *o, const uint8_t *head, size_t len, struct err *e)
{
    lzma_stream_flags flags;
    if (len < LZMA_STREAM_HEADER_SIZE || lzma_stream_header_decode(&flags, head) != LZMA_OK)
        return 0;
    int rc = add_number(o, "check", (uint64_t)flags.check, e);
    if (rc == 0)
        rc = add_dictionary(o, &flags, head + LZMA_STREAM_HEADER_SIZE,
                            len - LZMA_STREAM_HEADER_SIZE, e);
    return rc < 0 ? rc : add_blocks(o, e);
}
