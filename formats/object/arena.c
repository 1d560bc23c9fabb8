/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/arena.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 * 1024, ALIGN = sizeof(max_align_t) };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room;
    max_align_t data[];
};

static int add_chunk(struct arena *a, size_t size, struct err *e)
{
    size_t room = size > CHUNK ? size : CHUNK;
    struct arena_chunk *c = room > SIZE_MAX / 2 ? NULL : malloc(sizeof(*c) + room);
    if (c == NULL)
        return err_oom(e);
    c->room = room;
    c->next = a->chunks;
    a->chunks = c;
    a->used = 0;
    a->total += room;
    return 0;
}

int arena_take(struct arena *a, size_t size, void **out, struct err *e)
{
    if (size > SIZE_MAX / 4)
        return err_oom(e);
    size_t rounded = (size + ALIGN - 1) / ALIGN * ALIGN;
    if (a->chunks == NULL || a->chunks->room - a->used < rounded) {
        int rc = add_chunk(a, rounded, e);
        if (rc < 0)
            return rc;
    }
    *out = (uint8_t *)a->chunks->data + a->used;
    a->used += rounded;
    return 0;
}

int arena_copy(struct arena *a, const void *data, size_t len, const uint8_t **out, struct err *e)
{
    void *to = NULL;
    int rc = len == SIZE_MAX ? err_oom(e) : arena_take(a, len + 1, &to, e);
    if (rc < 0)
        return rc;
    if (len > 0)
        memcpy(to, data, len);
    ((uint8_t *)to)[len] = 0;
    *out = to;
    return 0;
}

void arena_dispose(struct arena *a)
{
    while (a->chunks != NULL) {
        struct arena_chunk *next = a->chunks->next;
        free(a->chunks);
        a->chunks = next;
    }
    *a = (struct arena)ARENA_INIT;
}
