/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/same_content.h"

#include <string.h>

int same_content_init(struct same_content *s, const struct view *v, struct err *e)
{
    *s = (struct same_content){.view = v, .slot_count = 1024};
    while (s->slot_count < 2 * v->inode_count)
        s->slot_count *= 2;
    s->slots = array_new(s->slot_count, sizeof(*s->slots));
    if (s->slots == NULL)
        return err_oom(e);
    memset(s->slots, 0xff, s->slot_count * sizeof(*s->slots));
    return 0;
}

void same_content_dispose(struct same_content *s)
{
    free(s->slots);
    *s = (struct same_content){0};
}

uint32_t same_content_first(struct same_content *s, uint32_t inode)
{
    const struct tree_content *c = &s->view->inodes[inode].inode->content;
    uint64_t h = 0;

    memcpy(&h, c->sha256, sizeof(h));
    for (size_t i = (size_t)h & (s->slot_count - 1);; i = (i + 1) & (s->slot_count - 1)) {
        uint32_t first = s->slots[i];
        if (first == UINT32_MAX) {
            s->slots[i] = inode;
            return inode;
        }
        const struct tree_content *other = &s->view->inodes[first].inode->content;
        if (other->size == c->size && memcmp(other->sha256, c->sha256, DIGEST_SHA256_SIZE) == 0 &&
            (s->fits == NULL || s->fits(s->context, inode, first)))
            return first;
    }
}
