/* SPDX-License-Identifier: Apache-2.0 */
/* assay store verify: what is damaged, and mending it. */
#include "base/json.h"
#include "base/progress.h"
#include "base/workers.h"
#include "store/cas/store_commands.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

struct verify {
    struct cas *cas;
    struct cas_listing listing;
    bool *bad;
    bool repair;
    const char *const *places; /* to repair from */
    size_t place_count;
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

static int check_places(const struct verify *v, struct err *e)
{
    struct stat st;
    if (!v->repair && v->place_count > 0)
        return err_set(e, ERR_USAGE, "--from goes with --repair");
    for (size_t i = 0; i < v->place_count; i++) {
        if (stat(v->places[i], &st) != 0 || !S_ISDIR(st.st_mode))
            return err_set(e, ERR_INPUT,
                           "--from '%s': there is no such store or OCI layout ('assay fetch PLAN "
                           "--from' takes a plan's inputs from an archive, too)",
                           v->places[i]);
    }
    return 0;
}

/* Mends one that is damaged or missing; *left: it is not right afterwards. */
static int repair(struct cli *cli, const struct verify *v, const struct digest *digest, json_t *doc,
                  bool *left, struct err *e)
{
    static const char *const says[] = {[CAS_MENDED] = "mended",
                                       [CAS_SET_APART] = "set apart in 'damaged', nobody has it",
                                       [CAS_MISSING] = "missing, nobody has it"};
    static const char *const keys[] = {
        [CAS_MENDED] = "mended", [CAS_SET_APART] = "setApart", [CAS_MISSING] = "missing"};
    enum cas_repaired how = CAS_MISSING;
    char text[DIGEST_TEXT_MAX];
    int rc = v->repair ? cas_repair(v->cas, digest, v->places, v->place_count, &how, e) : 0;
    *left = !v->repair || how != CAS_MENDED;
    if (rc < 0 || !v->repair)
        return rc;
    return verify_finding(cli, doc, keys[how], digest_format(digest, text), says[how], e);
}

/* What is no blob goes out of the blobs' way, as it is: it may be somebody's. */
static int repair_stranger(struct cli *cli, const struct verify *v, const char *name, json_t *doc,
                           size_t *findings, struct err *e)
{
    AUTO_FREE char *shown = NULL;
    int rc = str_copy(&shown, name, e);
    if (rc < 0)
        return rc;
    text_repair(shown); /* names of files are bytes */
    rc = verify_finding(cli, doc, "misnamed", shown, "misnamed", e);
    *findings += !v->repair;
    if (rc == 0 && v->repair)
        rc = cas_move_stranger(v->cas, name, e);
    return rc < 0 || !v->repair
               ? rc
               : verify_finding(cli, doc, "moved", shown, "moved to 'damaged', no blob's name", e);
}

static int verify_report(struct cli *cli, const struct verify *v, const struct cas_refs *refs,
                         json_t *doc, size_t *findings, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    bool left = false;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < v->listing.count; i++) {
        const struct digest *digest = &v->listing.blobs[i].digest;
        if (!v->bad[i])
            continue;
        rc = verify_finding(cli, doc, "damaged", digest_format(digest, text), "damaged", e);
        if (rc == 0)
            rc = repair(cli, v, digest, doc, &left, e);
        *findings += left;
    }
    for (size_t i = 0; rc == 0 && i < v->listing.stranger_count; i++) {
        rc = repair_stranger(cli, v, v->listing.strangers[i], doc, findings, e);
    }
    for (size_t i = 0; rc == 0 && i < refs->count; i++) {
        const struct cas_ref *ref = &refs->items[i];
        uint64_t size = 0;
        if (is_bad(v, &ref->digest) || (cas_has(v->cas, &ref->digest, &size) && size == ref->size))
            continue;
        rc = verify_finding(cli, doc, "badReferences", digest_format(&ref->digest, text),
                            "referenced, but missing or of another size", e);
        left = true;
        if (rc == 0 && !cas_has(v->cas, &ref->digest, NULL))
            rc = repair(cli, v, &ref->digest, doc, &left, e);
        *findings += left;
    }
    return rc;
}

static int verify_result(const struct verify *v, json_t **out, struct err *e)
{
    static const char *const lists[] = {"damaged",  "misnamed", "badReferences", "mended",
                                        "setApart", "missing",  "moved"};
    AUTO_JSON json_t *doc = NULL;
    int rc = store_result(v->cas, &doc, e);
    if (rc == 0)
        rc = store_counts_json(doc, "checked", v->listing.count, store_total(&v->listing), e);
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

int store_run_verify(struct cli *cli, struct err *e)
{
    AUTO_CAS struct cas *cas = NULL;
    AUTO(cas_refs_dispose) struct cas_refs refs = {0};
    struct verify v = {.repair = cli_flag(cli, "repair")};
    v.places = cli_list(cli, "from", &v.place_count);
    if (cli_number(cli, "jobs", 1) > 1024)
        return err_set(e, ERR_USAGE, "--jobs is at most 1024");
    int rc = check_places(&v, e);
    if (rc == 0)
        rc = store_open(cli, v.repair ? 0 : CAS_READ_ONLY, &cas, e);
    if (rc == 0)
        rc = cas_ref_list(cas, &refs, e);
    if (rc < 0)
        return rc;
    v.cas = cas;
    AUTO_JSON json_t *doc = NULL;
    size_t findings = 0;
    rc = verify_blobs(cli, &v, e);
    if (rc == 0)
        rc = verify_result(&v, &doc, e);
    if (rc == 0)
        rc = verify_report(cli, &v, &refs, doc, &findings, e);
    if (rc == 0 && v.listing.count == 0 && findings == 0)
        rc = err_set(e, ERR_INPUT, "store '%s' holds no blob: nothing was verified", cas_path(cas));
    char size[32];
    if (rc == 0) {
        cli_result(cli, steal_ptr(&doc));
        cli_say(cli, "%s hashed, %s, %s\n", COUNTED(v.listing.count, "blob"),
                store_bytes(store_total(&v.listing), size), COUNTED(findings, "finding"));
        if (findings != 0)
            rc = err_set(e, ERR_INPUT, "store '%s' has %s; %s", cas_path(cas),
                         COUNTED(findings, "damaged, misnamed or missing blob"),
                         v.repair ? "'assay fetch PLAN' fetches what a plan needs"
                                  : "'assay store verify --repair' mends what it can");
    }
    cas_listing_dispose(&v.listing);
    free(v.bad);
    return rc;
}
