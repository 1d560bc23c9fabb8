/* SPDX-License-Identifier: Apache-2.0 */
/* assay store gc. */
#include "base/host.h"
#include "base/json.h"
#include "store/cas/store_commands.h"

#include <inttypes.h>
#include <string.h>

static int ref_json(const struct cas_gc_ref *ref, json_t **out, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    AUTO_JSON json_t *doc = json_object();
    AUTO_JSON json_t *local = json_array();
    if (doc == NULL || local == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "name", ref->name, e);
    if (rc == 0)
        rc = json_put_digest(doc, "digest", &ref->digest, e);
    if (rc == 0 && ref->kept != 0)
        rc = json_put_string(doc, "kept", time_format(ref->kept, text), e);
    if (rc == 0)
        rc = json_put(doc, "held", json_boolean(ref->held), e);
    for (size_t i = 0; rc == 0 && i < ref->local.count; i++)
        rc = json_push(local, json_string(digest_format(&ref->local.items[i], text)), e);
    if (rc == 0)
        rc = json_put(doc, "local", steal_ptr(&local), e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

static int put_refs(const struct cas_gc_result *r, json_t *doc, struct err *e)
{
    AUTO_JSON json_t *refs = json_array();
    int rc = refs == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < r->ref_count; i++) {
        json_t *item = NULL;
        rc = ref_json(&r->refs[i], &item, e);
        if (rc == 0)
            rc = json_push(refs, item, e);
    }
    return rc == 0 ? json_put(doc, "references", steal_ptr(&refs), e) : rc;
}

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
            rc = json_put(item, "lost", json_boolean(r->lost[i]), e);
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
        rc = put_refs(r, doc, e);
    if (rc == 0)
        rc = json_put_u64(doc, "missing", r->missing_blobs, e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

/* "30d": seconds. */
static int parse_duration(const char *text, int64_t *out, struct err *e)
{
    static const struct {
        char letter;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}, {'y', 31536000}};
    int64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    for (size_t i = 0; i < digits && digits <= 9; i++)
        value = value * 10 + (text[i] - '0');
    for (size_t i = 0; value > 0 && text[digits] != '\0' && i < CLI_COUNT(units); i++)
        if (text[digits] == units[i].letter && text[digits + 1] == '\0') {
            *out = value * units[i].seconds;
            return 0;
        }
    return err_set(e, ERR_USAGE,
                   "--older-than is a number with s, m, h, d, w or y behind it, like 30d, not "
                   "'%.32s'",
                   text);
}

static int read_options(const struct cli *cli, struct cas_gc_options *out, struct err *e)
{
    const struct host *host = host_real();
    const char *older = cli_string(cli, "older-than");
    *out = (struct cas_gc_options){.dry_run = cli_flag(cli, "dry-run"),
                                   .all_actions = cli_flag(cli, "all-actions"),
                                   .keep_last = cli_number(cli, "keep-last", UINT64_MAX),
                                   .now = host->now(host->context),
                                   .drop_local = cli_flag(cli, "drop-local")};
    if (out->keep_last == UINT64_MAX)
        out->keep_last = 0;
    else if (out->keep_last == 0)
        return err_set(e, ERR_USAGE,
                       "--keep-last is 1 at least: the newest plan of a name stays "
                       "('assay store rm-ref' forgets one)");
    int rc = older != NULL ? parse_duration(older, &out->older_than, e) : 0;
    if (rc == 0 && out->drop_local && out->keep_last == 0 && out->older_than == 0)
        rc = err_set(e, ERR_USAGE, "--drop-local goes with --keep-last or --older-than");
    return rc;
}

static void say_refs(struct cli *cli, const struct cas_gc_result *r, const char *would)
{
    char text[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < r->ref_count; i++) {
        const struct cas_gc_ref *ref = &r->refs[i];
        char kept[24] = "of unknown age";
        if (ref->kept != 0)
            (void)time_format(ref->kept, kept);
        cli_say(cli, "%s %s (%s)\n", ref->held ? "kept" : would, ref->name, kept);
        for (size_t k = 0; k < ref->local.count; k++)
            cli_say(cli, "  %s %s, which nobody can fetch again\n", ref->held ? "for" : "with",
                    digest_format(&ref->local.items[k], text));
    }
}

/* With -v all that goes; what is not told of otherwise and may be the only copy, always. */
static void say_blobs(struct cli *cli, const struct cas_gc_result *r, const char *would)
{
    char text[DIGEST_TEXT_MAX];
    char size[32];
    for (size_t i = 0; i < r->removed_count; i++)
        if (r->lost[i] || cli_verbose(cli))
            cli_say(cli, "%s %s  %s%s\n", would, digest_format(&r->removed[i].digest, text),
                    store_bytes(r->removed[i].size, size),
                    r->lost[i] ? ", which cannot be fetched again by what the store knows" : "");
}

static void say_all(struct cli *cli, const struct cas_gc_options *options,
                    const struct cas_gc_result *r)
{
    const char *would = options->dry_run ? "would remove" : "removed";
    char size[32];
    size_t held = 0;
    say_refs(cli, r, would);
    for (size_t i = 0; i < r->ref_count; i++)
        held += r->refs[i].held;
    say_blobs(cli, r, would);
    cli_say(cli, "%s %s, %s and %s: %s freed\n", would, COUNTED(r->removed_count, "blob"),
            COUNTED(r->removed_actions, "action"), COUNTED(r->removed_temporary, "temporary file"),
            store_bytes(r->removed_bytes, size));
    cli_say(cli, "kept %s, %s\n", COUNTED(r->kept_blobs, "blob"), store_bytes(r->kept_bytes, size));
    if (held > 0)
        cli_say(cli,
                "%s stayed for inputs that nobody can fetch again; --drop-local lets them go\n",
                COUNTED(held, "plan"));
}

int store_run_gc(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    struct cas_gc_options options;
    AUTO(cas_gc_result_dispose) struct cas_gc_result r = {0};
    AUTO_JSON json_t *doc = NULL;
    int rc = read_options(cli, &options, e);
    if (rc == 0)
        rc = store_open(cli, CAS_KEEP_TEMPORARY, &cas, e);
    if (rc == 0)
        rc = cas_gc(cas, &options, &r, e);
    if (rc == 0)
        rc = gc_json(cas, &options, &r, &doc, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    say_all(cli, &options, &r);
    return 0;
}
