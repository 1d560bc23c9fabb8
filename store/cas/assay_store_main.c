/* SPDX-License-Identifier: Apache-2.0 */
/* assay-store: look into, verify and clean the blob store. */
#include "base/cli.h"
#include "base/host.h"
#include "base/json.h"
#include "base/media_types.h"
#include "base/names.h"
#include "store/cas/store_commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- ls ---- */

static int ref_json(struct cas *cas, const struct cas_ref *ref, json_t **out, struct err *e)
{
    AUTO_JSON json_t *doc = NULL;
    int rc = store_blob_json(&ref->digest, ref->size, &doc, e);
    if (rc == 0 && ref->name != NULL)
        rc = json_put_string(doc, "name", ref->name, e);
    if (rc == 0)
        rc = json_put_string(doc, "mediaType", ref->media_type, e);
    char kept[24];
    if (rc == 0 && ref->kept != 0)
        rc = json_put_string(doc, "kept", time_format(ref->kept, kept), e);
    if (rc == 0)
        rc = json_put(doc, "pinned", json_boolean(ref->pinned), e);
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

static int run_ls(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    AUTO(cas_listing_dispose) struct cas_listing listing = {0};
    int rc = store_open(cli, CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = cas_ref_list(cas, &refs, e);
    if (rc == 0)
        rc = cas_list(cas, &listing, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    if (rc == 0)
        rc = refs_json(cas, &refs, doc, e);
    if (rc == 0)
        rc = store_counts_json(doc, "blobs", listing.count, store_total(&listing), e);
    if (rc < 0)
        return rc;
    cli_result(cli, steal_ptr(&doc));
    char text[DIGEST_TEXT_MAX];
    char size[32];
    for (size_t i = 0; i < refs.count; i++) {
        const struct cas_ref *ref = &refs.items[i];
        cli_say(cli, "%s%s\n  %s  %s  %s%s\n", ref->name == NULL ? "(no name)" : ref->name,
                ref->pinned ? "  (pinned)" : "", digest_format(&ref->digest, text),
                store_bytes(ref->size, size), ref->media_type,
                cas_has(cas, &ref->digest, NULL) ? "" : "  (missing)");
    }
    cli_say(cli, "%s, %s, %s in '%s'\n", COUNTED(refs.count, "reference"),
            COUNTED(listing.count, "blob"), store_bytes(store_total(&listing), size),
            cas_path(cas));
    return 0;
}

/* ---- get ---- */

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
    int rc = store_open(cli, CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = resolve(cas, cli_arg(cli, 0), &digest, e);
    if (rc == 0)
        rc = cas_export_output(cas, &digest, path, e);
    AUTO_JSON json_t *doc = NULL;
    if (rc == 0) {
        (void)cas_has(cas, &digest, &size);
        rc = store_blob_json(&digest, size, &doc, e);
    }
    if (rc == 0)
        rc = json_put_string(doc, "file", path, e);
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
        rc = store_open(cli, change ? CAS_CREATE : 0, &cas, e);
    if (rc == 0 && change)
        rc = cas_quota_set(cas, limit, e);
    if (rc == 0 && change) { /* as whoever opens it next sees it */
        cas_close(steal_ptr(&cas));
        rc = store_open(cli, 0, &cas, e);
    }
    if (rc == 0)
        rc = cas_quota_get(cas, &has, &limit, &used, e);
    if (rc == 0)
        rc = store_result(cas, &doc, e);
    if (rc == 0 && has)
        rc = json_put_u64(doc, "quota", limit, e);
    if (rc == 0)
        rc = json_put_u64(doc, "used", used, e);
    if (rc < 0)
        return rc;
    char a[32];
    char b[32];
    cli_result(cli, steal_ptr(&doc));
    cli_say(cli, "%s used, %s%s\n", store_bytes(used, a), has ? "of " : "no quota",
            has ? store_bytes(limit, b) : "");
    return 0;
}

/* ---- the table ---- */

static const struct cli_option ls_options[] = {CLI_OPTION_STORE};
static const struct cli_option verify_options[] = {
    CLI_OPTION_STORE,
    {"jobs", 'j', CLI_NUMBER, "N", "threads to hash with (default: one per processor)"},
    {"repair", 0, CLI_FLAG, NULL,
     "mend what is damaged or missing: from --from, or by setting wrong bytes apart"},
    {"from", 'f', CLI_LIST, "DIR", "a store or OCI layout that may have the right bytes"}};
static const struct cli_option gc_options[] = {
    CLI_OPTION_STORE,
    {"dry-run", 'n', CLI_FLAG, NULL, "say what would go, remove nothing"},
    {"all-actions", 0, CLI_FLAG, NULL, "forget every cached step, so that the next build runs all"},
    {"keep-last", 0, CLI_NUMBER, "N", "let go of plans that have N newer ones of their name"},
    {"older-than", 0, CLI_STRING, "TIME",
     "let go of earlier plans that nobody locked or fetched for so long: 90m, 30d, 2y"},
    {"drop-local", 0, CLI_FLAG, NULL, "also of those with inputs that nobody can fetch again"}};
static const struct cli_option add_options[] = {
    CLI_OPTION_STORE,
    {"name", 'n', CLI_STRING, "REF", "refer to it by this name, so that gc keeps it"},
    {"media-type", 't', CLI_STRING, "TYPE",
     "what the reference says it is (default: " MEDIA_BYTES ")"},
    {"digest", 'd', CLI_STRING, "DIGEST", "refuse the file unless it has this digest"},
    CLI_OPTIONS_NAMES};
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
     .exits =
         "5\tsomething is wrong: it is listed; with --repair: something is left; or the store is "
         "empty\n",
     .summary = "hash every blob again and list what is damaged",
     .details =
         "Every blob's bytes are hashed, on all processors, and compared with its name.\n"
         "Names that are no SHA-256 and references whose blob is missing are listed too.\n"
         "Exits with 5 when anything is found, and when there is no blob to hash. Without\n"
         "--repair nothing is changed.\n\n"
         "With --repair the right bytes take the place of wrong ones, where a directory of\n"
         "--from has them. Wrong bytes that nobody can replace are set apart in the store's\n"
         "directory 'damaged': the blob is missing then, and no longer wrong, and 'assay\n"
         "fetch PLAN' (also --from ARCHIVE), 'assay plan import' or 'assay store add' brings\n"
         "it back. What has no blob's name is moved there as it is. Exits with 5 when\n"
         "something is left.",
     .examples = "assay store verify\tcheck the default store\n"
                 "assay store verify --repair --from /mnt/backup/store\tand mend it\n"
                 "assay store verify -j 1 --json\tone thread, one document\n",
     .max_args = 0,
     .options = verify_options,
     .option_count = CLI_COUNT(verify_options),
     .run = store_run_verify},
    {.name = "gc",
     .arguments = "",
     .exits = "2\tthe command line is wrong\n"
              "7\tsomebody has the store open, or the host failed\n",
     .summary = "remove the blobs that no reference reaches",
     .details =
         "Kept is what index.json refers to, and what those blobs reach: a blob whose media\n"
         "type ends in \"json\" is read, and each \"digest\" in it is followed. All else goes,\n"
         "with the cached steps that name a removed blob and the temporary files of programs\n"
         "that died. While another program has the store open, nothing is removed (exit 7).\n"
         "What goes is named when neither a plan that goes nor a cached step tells of it, since\n"
         "it may be the only copy; with -v each removed blob is listed.\n\n"
         "Every plan that was locked, fetched or imported is referred to: the newest of its\n"
         "name as plan:NAME, earlier ones as plan:NAME@DIGEST. Earlier ones are let go only\n"
         "when --keep-last or --older-than says so (with both: those that are both), and are\n"
         "listed. Pinned ones stay. One whose inputs nobody can fetch again, such as a\n"
         "directory's or a local archive's, stays too and is named, unless --drop-local.",
     .examples = "assay store gc --dry-run -v\tsee what would go\n"
                 "assay store gc --keep-last 3 --older-than 90d\tlet go of old plans\n"
                 "assay store gc --all-actions\talso forget every cached step\n",
     .max_args = 0,
     .options = gc_options,
     .option_count = CLI_COUNT(gc_options),
     .run = store_run_gc},
    {.name = "add",
     .arguments = "[FILE]",
     .summary = "copy files into the store and print their digests",
     .details = "The store is made when it is missing. Without --name nothing refers to the blob,\n"
                "and the next 'assay store gc' removes it. With --from-file many files are stored\n"
                "at one start, each behind its digest, and the disk is waited for once for 256 of\n"
                "them; after a failure those that were printed are there.",
     .examples = "assay store add vmlinuz\tstore a file\n"
                 "find . -type f -print0 | assay store add --from-file - --null\tstore all files\n"
                 "assay store add sbom.json -n sbom/hello -t " MEDIA_JSON "\tand name it\n",
     .max_args = 1,
     .options = add_options,
     .option_count = CLI_COUNT(add_options),
     .run = store_run_add},
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
    {.name = "pin",
     .arguments = "REF|DIGEST|FILE...",
     .summary = "keep a plan or blob whatever gc is told",
     .details =
         "A reference by its name, or all references of a blob: by its digest, or by the file\n"
         "that was locked or added. A blob without a reference gets one, pin:DIGEST. A pin\n"
         "stays with its plan when a newer one takes the name, and keeps 'assay store gc'\n"
         "and rm-ref from letting it go.",
     .examples = "assay store pin hello.plan.json\tkeep what this release was built from\n"
                 "assay store pin plan:hello\tthe same, by name\n",
     .min_args = 1,
     .max_args = (size_t)-1,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = store_run_pin},
    {.name = "unpin",
     .arguments = "REF|DIGEST...",
     .summary = "take a pin off again",
     .details =
         "Of references by name, as 'assay store ls' shows them; by digest, of a blob that had\n"
         "no reference before it was pinned. What is not pinned is an error.",
     .examples = "assay store unpin plan:hello\tlet gc decide again\n",
     .min_args = 1,
     .max_args = (size_t)-1,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = store_run_unpin},
    {.name = "rm-ref",
     .arguments = "REF",
     .summary = "forget a reference; its blobs go with the next gc",
     .details =
         "Removes the name from index.json. The blobs stay until 'assay store gc'. What nobody\n"
         "can fetch again is named. A pinned reference is refused (exit 2).",
     .examples = "assay store rm-ref sbom/hello\tforget it\n",
     .min_args = 1,
     .max_args = 1,
     .options = ls_options,
     .option_count = CLI_COUNT(ls_options),
     .run = store_run_rm_ref},
};

static const struct cli_program program = {
    .name = "assay-store",
    .summary = "look into, verify and clean the blob store",
    .details =
        "The store keeps immutable blobs named by their SHA-256, in OCI image layout form:\n"
        "skopeo and umoci read it as it is, and an OCI layout of theirs can be used as a store.\n"
        "Its format is described in docs/formats/store.md.",
    .related = "assay-build assay-fetch assay-plan",
    .commands = commands,
    .command_count = CLI_COUNT(commands),
};

int main(int argc, char **argv)
{
    return cli_main(&program, argc, argv);
}
