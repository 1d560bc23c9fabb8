/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a view with the same bytes, which an image needs to have once only. */
#ifndef ASSAY_FORMATS_TREE_SAME_CONTENT_H
#define ASSAY_FORMATS_TREE_SAME_CONTENT_H

#include "formats/tree/view.h"

struct same_content {
    const struct view *view;
    uint32_t *slots; /* open addressing over inodes, by their contents' digests */
    size_t slot_count;
    /* Whether the second may stand for the first, whose bytes it has. NULL: it may. */
    bool (*fits)(const void *context, uint32_t inode, uint32_t first);
    const void *context;
};

int same_content_init(struct same_content *s, const struct view *v, struct err *e);
void same_content_dispose(struct same_content *s);
#define AUTO_SAME_CONTENT AUTO(same_content_dispose) struct same_content

/* The first file that was asked for with these bytes and fits: itself, when there was none. */
uint32_t same_content_first(struct same_content *s, uint32_t inode);

#endif
