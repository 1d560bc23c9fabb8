/* SPDX-License-Identifier: Apache-2.0 */
/* assay store gc. */
#include "base/json.h"
#include "store/cas/store_commands.h"

#include <inttypes.h>
#include <stdio.h>

static int gc_json(const struct cas *cas, const struct cas_gc_options *options,
                   const struct cas_gc_result *r, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    AUTO_JSON json_t *blobs = json_array();
    int rc = blobs == NULL ? err_oom(e) : store_result(cas, &doc, e);
    for (size_t i = 0; rc == 0 && i < r->removed_count; i++) {
        json_t *item = NULL;
        rc = store_blob_json(&r->removed[i].digest, r->removed[i].size, &item, e);
        if (rc == 0)
            rc = json_push(blobs, item, e);
    }
    if (rc == 0)
        rc = json_put(doc, "dryRun", json_boolean(options->dry_run), e);
    if (rc == 0)
        rc = store_counts_json(doc, "kept", r->kept_blobs, r->kept_bytes, e);
    if (rc == 0)
        rc = json_put(doc, "removed", steal_ptr(&blobs), e);
    if (rc == 0)
        rc = json_put_u64(doc, "removedBytes", r->removed_bytes, e);
    if (rc == 0)
        rc = json_put_u64(doc, "removedActions", r->removed_actions, e);
    if (rc == 0)
        rc = json_put_u64(doc, "removedTemporary", r->removed_temporary, e);
    if (rc == 0)
        rc = json_put_u64(doc, "missing", r->missing_blobs, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

int store_run_gc(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    const struct cas_gc_options options = {.dry_run = cli_flag(cli, "dry-run"),
                                           .all_actions = cli_flag(cli, "all-actions")};
    AUTO(cas_gc_result_dispose) struct cas_gc_result r = {0};
    AUTO_JSON json_t *doc = NULL;
    int rc = store_open(cli, CAS_KEEP_TEMPORARY, &cas, e);
    if (rc == 0)
        rc = cas_gc(cas, &options, &r, e);
    if (rc == 0)
        rc = gc_json(cas, &options, &r, &doc, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    const char *would = options.dry_run ? "would remove" : "removed";
    char text[DIGEST_TEXT_MAX];
    char size[32];
    for (size_t i = 0; i < r.removed_count && cli_verbose(cli); i++)
        cli_say(cli, "%s %s  %s\n", would, digest_format(&r.removed[i].digest, text),
                store_bytes(r.removed[i].size, size));
    cli_say(cli, "%s %zu blob%s, %" PRIu64 " action%s and %" PRIu64 " temporary file%s: %s freed\n",
            would, r.removed_count, store_plural(r.removed_count), r.removed_actions,
            store_plural(r.removed_actions), r.removed_temporary, store_plural(r.removed_temporary),
            store_bytes(r.removed_bytes, size));
    cli_say(cli, "kept %" PRIu64 " blob%s, %s\n", r.kept_blobs, store_plural(r.kept_blobs),
            store_bytes(r.kept_bytes, size));
    return 0;
}
