/* SPDX-License-Identifier: Apache-2.0 */
#include "base/origin.h"

#include <stddef.h>

static const struct origin_row {
    const char *kind;
    const char *member; /* NULL: any of this kind */
    bool fetched;
    const char *mending;
} rows[] = {
    {"oci", "repository", true, "'assay fetch PLAN' fetches it"},
    {"debian", NULL, true, "'assay fetch PLAN' fetches it"},
    {"url", NULL, false, "'assay fetch PLAN --url URL' fetches it"},
    {"git", NULL, false, "'assay fetch PLAN --git REPOSITORY' fetches it"},
};
static const struct origin_row local = {NULL, NULL, false,
                                        "'assay fetch PLAN --from STORE' takes it from another "
                                        "store or an archive, and 'assay lock' of "
                                        "its recipe from where it was, if it is the same there"};

static const struct origin_row *row_of(const json_t *from)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const json_t *kind = json_object_get(from, rows[i].kind);
        if (kind != NULL && (rows[i].member == NULL || json_object_get(kind, rows[i].member)))
            return &rows[i];
    }
    return &local;
}

bool origin_is_fetched(const json_t *from)
{
    return row_of(from)->fetched;
}

const char *origin_mending(const json_t *from)
{
    return row_of(from)->mending;
}
