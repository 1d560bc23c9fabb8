/* SPDX-License-Identifier: Apache-2.0 */
/* index.json of a store: what parses must list, and list the same after it was written again. */
#include "base/json.h"
#include "store/cas/cas_internal.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(int rc)
{
    if (rc != 0)
        abort();
}

static void must_equal(const struct cas_ref *a, const struct cas_ref *b)
{
    if (!digest_equal(&a->digest, &b->digest) || a->size != b->size ||
        strcmp(a->media_type, b->media_type) != 0 || (a->name == NULL) != (b->name == NULL) ||
        (a->name != NULL && strcmp(a->name, b->name) != 0))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_JSON json_t *doc = NULL;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    if (cas_index_parse(data, size, "index.json", &doc, &e) != 0 ||
        cas_index_refs(doc, "index.json", &refs, &e) != 0) {
        if (e.code != ERR_INPUT)
            abort();
        return 0;
    }
    AUTO_BUF text = BUF_INIT(64 * 1024 * 1024);
    AUTO_JSON json_t *back = NULL;
    AUTO(cas_refs_dispose) struct cas_refs again = {0};
    if (jcs_format(doc, &text, &e) != 0 || text.len > CAS_INDEX_MAX)
        return 0;
    must(cas_index_parse(text.data, text.len, "index.json", &back, &e));
    must(cas_index_refs(back, "index.json", &again, &e));
    if (again.count != refs.count)
        abort();
    for (size_t i = 0; i < refs.count; i++)
        must_equal(&refs.items[i], &again.items[i]);
    return 0;
}
