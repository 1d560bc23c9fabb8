/* SPDX-License-Identifier: Apache-2.0 */
/* assay-store: look into, verify and clean the blob store. */
#include "base/cli.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/progress.h"
#include "base/workers.h"
#include "store/cas/cas.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static int open_store(const struct cli *cli, unsigned flags, struct cas **out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    int rc = cli_store_path(cli, &path, e);
    return rc == 0 ? cas_open(path, flags, out, e) : rc;
}

/* "12.3 MiB" into `text`; returns it. */
static const char *format_bytes(uint64_t bytes, char text[32])
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

static const char *plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

/* A new object that begins with the store's path. */
static int new_result(const struct cas *cas, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = json_object();
    if (doc == NULL)
        return err_oom(e);
    int rc = json_put_string(doc, "store", cas_path(cas), e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

static int blob_json(const struct digest *digest, uint64_t size, json_t **out, struct err *e)
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

/* ---- ls ---- */

static int ref_json(struct cas *cas, const struct cas_ref *ref, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    int rc = blob_json(&ref->digest, ref->size, &doc, e);
    if (rc == 0 && ref->name != NULL)
        rc = json_put_string(doc, "name", ref->name, e);
    if (rc == 0)
        rc = json_put_string(doc, "mediaType", ref->media_type, e);
    if (rc == 0)
        rc = json_put(doc, "present", json_boolean(cas_has(cas, &ref->digest, NULL)), e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

static int refs_json(struct cas *cas, const struct cas_refs *refs, json_t *doc, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < refs->count; i++) {
        json_t *item = NULL;
        rc = ref_json(cas, &refs->items[i], &item, e);
        if (rc == 0)
            rc = json_push(list, item, e);
    }
    return rc == 0 ? json_put(doc, "references", steal_ptr(&list), e) : rc;
}

static int counts_json(json_t *doc, const char *key, uint64_t count, uint64_t bytes, struct err *e)
{
    AUTO_JSON json_t *counts = json_object();
    if (counts == NULL)
        return err_oom(e);
    int rc = json_put_u64(counts, "count", count, e);
    if (rc == 0)
        rc = json_put_u64(counts, "bytes", bytes, e);
    return rc == 0 ? json_put(doc, key, steal_ptr(&counts), e) : rc;
}

static uint64_t total_bytes(const struct cas_listing *listing)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < listing->count; i++)
        bytes += listing->blobs[i].size;
    return bytes;
}

static int run_ls(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    int rc = open_store(cli, CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = cas_ref_list(cas, &refs, e);
    if (rc == 0)
        rc = cas_list(cas, &listing, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = new_result(cas, &doc, e);
    if (rc == 0)
        rc = refs_json(cas, &refs, doc, e);
    if (rc == 0)
        rc = counts_json(doc, "blobs", listing.count, total_bytes(&listing), e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    char text[DIGEST_TEXT_MAX];
    char size[32];
    for (size_t i = 0; i < refs.count; i++) {
        const struct cas_ref *ref = &refs.items[i];
        cli_say(cli, "%s\n  %s  %s  %s%s\n", ref->name == NULL ? "(no name)" : ref->name,
                digest_format(&ref->digest, text), format_bytes(ref->size, size), ref->media_type,
                cas_has(cas, &ref->digest, NULL) ? "" : "  (missing)");
    }
    cli_say(cli, "%zu reference%s, %zu blob%s, %s in '%s'\n", refs.count, plural(refs.count),
            listing.count, plural(listing.count), format_bytes(total_bytes(&listing), size),
            cas_path(cas));
    return 0;
}

/* ---- verify ---- */

struct verify {
    struct cas *cas;
    struct cas_listing listing;
    bool *bad;
    struct progress *progress;
    atomic_uint_fast64_t done;
};

static int verify_one(void *context, size_t i, struct err *e)
{
    struct verify *v = context;
    const struct cas_blob *blob = &v->listing.blobs[i];
    int rc = cas_check(v->cas, &blob->digest, &v->bad[i], e);
    uint64_t done = atomic_fetch_add(&v->done, 1) + 1;
    progress_show(v->progress, "verifying blobs", done, v->listing.count);
    return rc;
}

/* Adds to the list `key` of the document what `text` says, and tells it to people. */
static int verify_finding(struct cli *cli, json_t *doc, const char *key, const char *text,
                          const char *says, struct err *e)
{
    json_t *list = json_object_get(doc, key);
    json_t *item = json_string(text);
    cli_say(cli, "%s: %s\n", says, text);
    return item == NULL ? err_oom(e) : json_push(list, item, e);
}

/* Whether the blob is in the list of damaged ones already. */
static bool is_bad(const struct verify *v, const struct digest *digest)
{
    for (size_t i = 0; i < v->listing.count; i++) {
        if (v->bad[i] && digest_equal(&v->listing.blobs[i].digest, digest))
            return true;
    }
    return false;
}

static int verify_report(struct cli *cli, const struct verify *v, const struct cas_refs *refs,
                         json_t *doc, size_t *findings, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < v->listing.count; i++) {
        if (!v->bad[i])
            continue;
        *findings += 1;
        rc = verify_finding(cli, doc, "damaged", digest_format(&v->listing.blobs[i].digest, text),
                            "damaged", e);
    }
    for (size_t i = 0; rc == 0 && i < v->listing.stranger_count; i++) {
        *findings += 1;
        rc = verify_finding(cli, doc, "misnamed", v->listing.strangers[i], "misnamed", e);
    }
    for (size_t i = 0; rc == 0 && i < refs->count; i++) {
        const struct cas_ref *ref = &refs->items[i];
        uint64_t size = 0;
        if (cas_has(v->cas, &ref->digest, &size) && (size == ref->size || is_bad(v, &ref->digest)))
            continue;
        *findings += 1;
        rc = verify_finding(cli, doc, "badReferences", digest_format(&ref->digest, text),
                            "referenced, but missing or of another size", e);
    }
    return rc;
}

static int verify_result(const struct verify *v, json_t **out, struct err *e)
{
    static const char *const lists[] = {"damaged", "misnamed", "badReferences"};
    AUTO_JSON json_t *doc = NULL;
    int rc = new_result(v->cas, &doc, e);
    if (rc == 0)
        rc = counts_json(doc, "checked", v->listing.count, total_bytes(&v->listing), e);
    for (size_t i = 0; rc == 0 && i < CLI_COUNT(lists); i++)
        rc = json_put(doc, lists[i], json_array(), e);
    if (rc == 0)
        *out = steal_ptr(&doc);
    return rc;
}

static int verify_blobs(struct cli *cli, struct verify *v, struct err *e)
{
    int rc = cas_list(v->cas, &v->listing, e);
    if (rc < 0)
        return rc;
    v->bad = array_new(v->listing.count + 1, sizeof(*v->bad));
    if (v->bad == NULL)
        return err_oom(e);
    unsigned jobs = (unsigned)cli_number(cli, "jobs", workers_default());
    v->progress = progress_start(!cli_quiet(cli) && !cli_json(cli));
    rc = workers_run(jobs == 0 ? 1 : jobs, v->listing.count, verify_one, v, e);
    progress_end(v->progress);
    return rc;
}

static int run_verify(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    if (cli_number(cli, "jobs", 1) > 1024)
        return err_set(e, ERR_USAGE, "--jobs is at most 1024");
    int rc = open_store(cli, CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = cas_ref_list(cas, &refs, e);
    if (rc < 0)
        return rc;
    struct verify v = {.cas = cas};
    AUTO_JSON json_t *doc = NULL;
    size_t findings = 0;
    rc = verify_blobs(cli, &v, e);
    if (rc == 0)
        rc = verify_result(&v, &doc, e);
    if (rc == 0)
        rc = verify_report(cli, &v, &refs, doc, &findings, e);
    char size[32];
    if (rc == 0) {
        cli_result(cli, steal_ptr(&doc));
        cli_say(cli, "%zu blob%s hashed, %s, %zu finding%s\n", v.listing.count,
                plural(v.listing.count), format_bytes(total_bytes(&v.listing), size), findings,
                plural(findings));
        if (findings != 0)
            rc = err_set(e, ERR_INPUT, "store '%s' has %zu damaged, misnamed or missing blob%s",
                         cas_path(cas), findings, plural(findings));
    }
    cas_listing_dispose(&v.listing);
    free(v.bad);
    return rc;
}

/* ---- gc ---- */

static int gc_json(const struct cas *cas, const struct cas_gc_options *options,
                   const struct cas_gc_result *r, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    AUTO_JSON json_t *blobs = json_array();
    int rc = blobs == NULL ? err_oom(e) : new_result(cas, &doc, e);
    for (size_t i = 0; rc == 0 && i < r->removed_count; i++) {
        json_t *item = NULL;
        rc = blob_json(&r->removed[i].digest, r->removed[i].size, &item, e);
        if (rc == 0)
            rc = json_push(blobs, item, e);
    }
    if (rc == 0)
        rc = json_put(doc, "dryRun", json_boolean(options->dry_run), e);
    if (rc == 0)
        rc = counts_json(doc, "kept", r->kept_blobs, r->kept_bytes, e);
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

static int run_gc(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    const struct cas_gc_options options = {.dry_run = cli_flag(cli, "dry-run"),
                                           .all_actions = cli_flag(cli, "all-actions")};
    AUTO(cas_gc_result_dispose) struct cas_gc_result r = {0};
    AUTO_JSON json_t *doc = NULL;
    int rc = open_store(cli, CAS_KEEP_TEMPORARY, &cas, e);
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
                format_bytes(r.removed[i].size, size));
    cli_say(cli, "%s %zu blob%s, %" PRIu64 " action%s and %" PRIu64 " temporary file%s: %s freed\n",
            would, r.removed_count, plural(r.removed_count), r.removed_actions,
            plural(r.removed_actions), r.removed_temporary, plural(r.removed_temporary),
            format_bytes(r.removed_bytes, size));
    cli_say(cli, "kept %" PRIu64 " blob%s, %s\n", r.kept_blobs, plural(r.kept_blobs),
            format_bytes(r.kept_bytes, size));
    return 0;
}

/* ---- add, get, rm-ref ---- */

static int run_add(struct cli *cli, struct err *e)
{
    const char *name = cli_string(cli, "name");
    const char *media_type = cli_string(cli, "media-type");
    const char *wanted = cli_string(cli, "digest");
    if (media_type != NULL && name == NULL)
        return err_set(e, ERR_USAGE, "--media-type says what --name refers to: give both");
    struct digest expected = {0};
    int rc = wanted != NULL ? digest_parse(wanted, &expected, e) : 0;
    if (rc < 0)
        return err_recode(e, ERR_USAGE);
    AUTO_CAS struct cas *cas = NULL;
    struct digest digest;
    uint64_t size = 0;
    rc = open_store(cli, CAS_CREATE, &cas, e);
    if (rc == 0)
        rc = cas_import_file(cas, cli_arg(cli, 0), wanted != NULL ? &expected : NULL, &digest,
                             &size, e);
    if (rc == 0 && name != NULL)
        rc =
            cas_ref_set(cas, name, media_type != NULL ? media_type : MEDIA_BYTES, &digest, size, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = blob_json(&digest, size, &doc, e);
    if (rc == 0 && name != NULL)
        rc = json_put_string(doc, "name", name, e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    char text[DIGEST_TEXT_MAX];
    cli_say(cli, "%s\n", digest_format(&digest, text));
    return 0;
}

/* A digest as it is, or what a reference of that name says. */
static int resolve(struct cas *cas, const char *what, struct digest *out, struct err *e)
{
    if (str_starts(what, "sha256:"))
        return digest_parse(what, out, e);
    bool found = false;
    int rc = cas_ref_get(cas, what, &found, out, NULL, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_INPUT, "no reference '%s' in store '%s'", what, cas_path(cas));
    return rc;
}

static int run_get(struct cli *cli, struct err *e)
{
    const char *path = cli_string(cli, "output");
    if (path == NULL)
        return err_set(e, ERR_USAGE, "where to? give -o FILE");
    AUTO_CAS struct cas *cas = NULL;
    struct digest digest;
    uint64_t size = 0;
    int rc = open_store(cli, CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = resolve(cas, cli_arg(cli, 0), &digest, e);
    if (rc == 0)
        rc = cas_export_output(cas, &digest, path, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0) {
        (void)cas_has(cas, &digest, &size);
        rc = blob_json(&digest, size, &doc, e);
    }
    if (rc == 0)
        rc = json_put_string(doc, "file", path, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

static int run_rm_ref(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    const char *name = cli_arg(cli, 0);
    bool found = false;
    int rc = open_store(cli, 0, &cas, e);
    if (rc == 0)
        rc = cas_ref_remove(cas, name, &found, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_INPUT, "no reference '%s' in store '%s'", name, cas_path(cas));
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = new_result(cas, &doc, e);
    if (rc == 0)
        rc = json_put_string(doc, "removed", name, e);
    if (rc == 0)
        cli_result(cli, steal_ptr(&doc));
    return rc;
}

/* ---- quota ---- */

/* "20G", "512M", "1000": a number of bytes, with K, M, G or T (of 1024 each); "none" is 0. */
static int parse_bytes(const char *text, uint64_t *out, struct err *e)
{
    static const char units[] = "KMGT";
    uint64_t value = 0;
    size_t digits = strspn(text, "0123456789");
    const char *unit = text[digits] != 0 ? strchr(units, text[digits]) : NULL;
    bool good = digits > 0 && digits <= 18 &&
                (text[digits] == 0 || (unit != NULL && text[digits + 1] == 0));
    for (size_t i = 0; good && i < digits; i++)
        value = value * 10 + (uint64_t)(text[i] - '0');
    for (ptrdiff_t i = 0; good && unit != NULL && i <= unit - units; i++)
        good = !__builtin_mul_overflow(value, (uint64_t)1024, &value);
    if (strcmp(text, "none") == 0)
        value = 0;
    else if (!good || value == 0)
        return err_set(e, ERR_USAGE,
                       "a quota is a number of bytes like 500M or 20G, or none, not '%.32s'", text);
    *out = value;
    return 0;
}

static int run_quota(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO_JSON json_t *doc = NULL;
    uint64_t limit = 0;
    uint64_t used = 0;
    bool has = false;
    bool change = cli_arg_count(cli) > 0;
    int rc = change ? parse_bytes(cli_arg(cli, 0), &limit, e) : 0;
    if (rc == 0)
        rc = open_store(cli, change ? CAS_CREATE : 0, &cas, e);
    if (rc == 0 && change)
        rc = cas_quota_set(cas, limit, e);
    if (rc == 0 && change) { /* as whoever opens it next sees it */
        cas_close(steal_ptr(&cas));
        rc = open_store(cli, 0, &cas, e);
    }
    if (rc == 0)
        rc = cas_quota_get(cas, &has, &limit, &used, e);
    if (rc == 0)
        rc = new_result(cas, &doc, e);
    if (rc == 0 && has)
        rc = json_put_u64(doc, "quota", limit, e);
    if (rc == 0)
        rc = json_put_u64(doc, "used", used, e);
    if (rc < 0)
        return rc;
    char a[32];
    char b[32];
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "%s used, %s%s\n", format_bytes(used, a), has ? "of " : "no quota",
            has ? format_bytes(limit, b) : "");
    return 0;
}

/* ---- the table ---- */

static const struct cli_option ls_options[] = {CLI_OPTION_STORE};
static const struct cli_option verify_options[] = {
    CLI_OPTION_STORE,
    {"jobs", 'j', CLI_NUMBER, "N", "threads to hash with (default: one per processor)"}};
static const struct cli_option gc_options[] = {
    CLI_OPTION_STORE,
    {"dry-run", 'n', CLI_FLAG, NULL, "say what would go, remove nothing"},
    {"all-actions", 0, CLI_FLAG, NULL,
     "forget every cached step, so that the next build runs all"}};
static const struct cli_option add_options[] = {
    CLI_OPTION_STORE,
    {"name", 'n', CLI_STRING, "REF", "refer to it by this name, so that gc keeps it"},
    {"media-type", 't', CLI_STRING, "TYPE",
     "what the reference says it is (default: " MEDIA_BYTES ")"},
    {"digest", 'd', CLI_STRING, "DIGEST", "refuse the file unless it has this digest"}};
static const struct cli_option get_options[] = {
    CLI_OPTION_STORE,
    {"output", 'o', CLI_OUTPUT, "FILE", "the file to write, whole or not at all"}};

static const struct cli_command commands[] = {
    {.name = "ls",
     .arguments = "",
     .summary = "list the references, and count the blobs",
     .details = "Shows every descriptor of the store's index.json with its digest, size and media\n"
                "type. Nothing is hashed; 'assay store verify' does that.",
     .examples = "assay store ls\tlist the default store\n"
                 "assay store ls -s ./layout --json\tany OCI image layout is a store\n",
     .max_args = 0,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = run_ls},
    {.name = "verify",
     .arguments = "",
     .summary = "hash every blob again and list what is damaged",
     .details = "Every blob's bytes are hashed, on all processors, and compared with its name.\n"
                "Names that are no SHA-256 and references whose blob is missing are listed too.\n"
                "Exits with 5 when anything is found. Nothing is changed: a damaged blob is\n"
                "replaced when the right bytes are added or fetched again.",
     .examples = "assay store verify\tcheck the default store\n"
                 "assay store verify -j 1 --json\tone thread, one document\n",
     .max_args = 0,
     .options = verify_options,
     .option_count = CLI_COUNT(verify_options),
     .run = run_verify},
    {.name = "gc",
     .arguments = "",
     .summary = "remove the blobs that no reference reaches",
     .details =
         "Kept is what index.json refers to, and what those blobs reach: a blob whose media\n"
         "type ends in \"json\" is read, and each \"digest\" in it is followed. All else goes,\n"
         "with the cached steps that name a removed blob and the temporary files of programs\n"
         "that died. While another program has the store open, nothing is removed (exit 7).\n"
         "With -v each removed blob is listed.",
     .examples = "assay store gc --dry-run -v\tsee what would go\n"
                 "assay store gc --all-actions\talso forget every cached step\n",
     .max_args = 0,
     .options = gc_options,
     .option_count = CLI_COUNT(gc_options),
     .run = run_gc},
    {.name = "add",
     .arguments = "FILE",
     .summary = "copy a file into the store and print its digest",
     .details = "The store is made when it is missing. Without --name nothing refers to the blob,\n"
                "and the next 'assay store gc' removes it.",
     .examples = "assay store add vmlinuz\tstore a file\n"
                 "assay store add sbom.json -n sbom/hello -t " MEDIA_JSON "\tand name it\n",
     .min_args = 1,
     .max_args = 1,
     .options = add_options,
     .option_count = CLI_COUNT(add_options),
     .run = run_add},
    {.name = "get",
     .arguments = "DIGEST|REF",
     .summary = "write a blob to a file, verified",
     .details = "The file appears, whole, only when the bytes match the digest.",
     .examples = "assay store get sha256:2cf2… -o hello.txt\tby digest\n"
                 "assay store get sbom/hello -o sbom.json\tby reference\n",
     .min_args = 1,
     .max_args = 1,
     .options = get_options,
     .option_count = CLI_COUNT(get_options),
     .run = run_get},
    {.name = "quota",
     .arguments = "[BYTES|none]",
     .summary = "show or set the most that the store's blobs may have together",
     .details =
         "BYTES is a number, or one with K, M, G or T behind it (of 1024 each). A blob that\n"
         "would not fit is refused (exit 7) before it is in the store, by every program that\n"
         "uses the store; 'assay store gc' makes room. A quota below what is used refuses all\n"
         "that is new.",
     .examples = "assay store quota 20G\tkeep the store below 20 GiB\n"
                 "assay store quota\twhat is used\n",
     .max_args = 1,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = run_quota},
    {.name = "rm-ref",
     .arguments = "REF",
     .summary = "forget a reference; its blobs go with the next gc",
     .details = "Removes the name from index.json. The blobs stay until 'assay store gc'.",
     .examples = "assay store rm-ref sbom/hello\tforget it\n",
     .min_args = 1,
     .max_args = 1,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = run_rm_ref},
};

static const struct cli_program program = {
    .name = "assay-store",
    .summary = "look into, verify and clean the blob store",
    .details =
        "The store keeps immutable blobs named by their SHA-256, in OCI image layout form:\n"
        "skopeo and umoci read it as it is, and an OCI layout of theirs can be used as a store.\n"
        "Its format is described in docs/formats/store.md.",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
