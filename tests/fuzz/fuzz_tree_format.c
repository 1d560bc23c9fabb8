/* SPDX-License-Identifier: Apache-2.0 */
/* A tree's serialisation and, after a NUL, its locations: what parses is what would be written. */
#include "formats/tree/tree_format.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool held)
{
    if (!held)
        abort();
}

static int put_buf(void *context, const void *data, size_t len, struct err *e)
{
    return buf_add(context, data, len, e);
}

static void must_format(const struct tree *t, const void *data, size_t len)
{
    struct err e = ERR_INIT;
    AUTO_BUF out = BUF_INIT((size_t)1 << 26);
    struct tree_sink sink = {.context = &out, .put = put_buf};
    must(tree_format(t, &sink, &e) == 0);
    must(out.len == len && memcmp(out.data, data, len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_TREE struct tree *t = NULL;
    AUTO_TREE struct tree *copy = NULL;
    const uint8_t *nul = size > 0 ? memchr(data, 0, size) : NULL;
    size_t len = nul != NULL ? (size_t)(nul - data) : size;
    if (tree_parse(data, len, &t, &e) < 0)
        return 0;
    must_format(t, data, len);
    must(tree_copy(t, &copy, &e) == 0);
    must_format(copy, data, len);
    (void)tree_find(t, "a/b/../c", true);
    if (nul != NULL)
        (void)tree_parse_locations(t, nul + 1, size - len - 1, &e);
    return 0;
}
