/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of assay-store have in common. */
#include "store/cas/store_commands.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>

int store_open(const struct cli *cli, unsigned flags, struct cas **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = cli_store_path(cli, &path, e);
    return rc == 0 ? cas_open(path, flags, out, e) : rc;
}

/* "12.3 MiB" into `text`; returns it. */
const char *store_bytes(uint64_t bytes, char text[32])
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    uint64_t scale = 1;
    while (unit + 1 < CLI_COUNT(units) && bytes / scale >= 1024) {
        scale *= 1024;
        unit++;
    }
    if (unit == 0)
        (void)snprintf(text, 32, "%" PRIu64 " %s", bytes, bytes == 1 ? "byte" : units[0]);
    else
        (void)snprintf(text, 32, "%.1f %s", (double)bytes / (double)scale, units[unit]);
    return text;
}

/* A new object that begins with the store's path. */
int store_result(const struct cas *cas, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "store", cas_path(cas), e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

int store_blob_json(const struct digest *digest, uint64_t size, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_digest(doc, "digest", digest, e);
    if (rc == 0)
        rc = json_put_u64(doc, "size", size, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

int store_counts_json(json_t *doc, const char *key, uint64_t count, uint64_t bytes, struct err *e)
{
    AUTO_JSON json_t *counts = json_object();
    if (counts == NULL)
        return err_oom(e);
    int rc = json_put_u64(counts, "count", count, e);
    if (rc == 0)
        rc = json_put_u64(counts, "bytes", bytes, e);
    return rc == 0 ? json_put(doc, key, steal_ptr(&counts), e) : rc;
}

uint64_t store_total(const struct cas_listing *listing)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < listing->count; i++)
        bytes += listing->blobs[i].size;
    return bytes;
}
