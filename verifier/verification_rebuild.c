/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild of a verification: run, kept for the verdict, compared, explained. */
#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/text.h"
#include "verifier/compare/layout.h"
#include "verifier/evidence/needs.h"
#include "verifier/explain/machine.h"
#include "verifier/rebuild/rebuild.h"
#include "verifier/verification_internal.h"

#include <string.h>

/* ---- the rebuild ---- */

/* The digest of the assay-build that the provenance says ran. */
static bool signed_builder(const struct claims *c, struct digest *out)
{
    out->alg = DIGEST_SHA256;
    return c->builder_sha256 != NULL &&
           hex_decode(c->builder_sha256, strlen(c->builder_sha256), out->bytes, DIGEST_SHA256_SIZE);
}

/* The verdict names the list of the steps' digests; the list stands beside it. */
static int keep_rebuild(struct run *run, const struct rebuild *b, struct err *e)
{
    struct verdict *v = run->verdict;
    AUTO_JSON json_t *o = json_object();
    AUTO_BUF list = BUF_INIT(16 * 1024 * 1024);
    struct digest digest;
    v->steps = json_incref((json_t *)(uintptr_t)rebuild_byproducts(b));
    int rc = verdict_steps(v, &list, e);
    if (rc == 0)
        rc = digest_bytes(DIGEST_SHA256, list.data, list.len, &digest, e);
    if (rc == 0)
        rc = json_put_digest(o, "planDigest", &run->claims.plan_digest, e);
    if (rc == 0)
        rc = json_put_digest(o, "builderDigest", &b->builder_digest, e);
    if (rc == 0)
        rc = json_put_string(o, "fences", b->fences, e);
    if (rc == 0)
        rc = json_put_digest(o, "stepsDigest", &digest, e);
    if (rc == 0)
        rc = json_put_u64(o, "stepCount", json_array_size(v->steps), e);
    if (rc == 0 && signed_builder(&run->claims, &digest))
        rc = json_put_digest(o, "signedBuilderDigest", &digest, e);
    if (rc == 0)
        v->rebuild = steal_ptr(&o);
    return rc;
}

/* A stored machine, or what may be one packed: the explanation finds out. */
static bool maybe_machine(const struct artifact *a, const char *name)
{
    return a->machine || (!a->layout && str_ends(name, ".cartesi.tar"));
}

/* Where the artifact and its rebuild differ, as a clause; what can be told of the bytes, or in the
 * guest's terms. */
static int locate(struct run *run, const char *path, const struct artifact *rebuilt, char *text,
                  size_t size, struct err *e)
{
    struct verdict *v = run->verdict;
    uint64_t offset = 0;
    bool same = false;
    text[0] = 0;
    if (maybe_machine(rebuilt, v->artifact_name)) {
        char clause[VERDICT_TEXT_MAX / 2];
        int rc =
            explain_machine(run->artifact.path, path, run->options->scratch, &v->explanation, e);
        if (rc < 0)
            return rc;
        explain_clause(v->explanation, clause, sizeof(clause));
        if (clause[0] != 0)
            (void)text_print(text, size, ": %.220s", clause);
    }
    if (text[0] != 0 || rebuilt->layout || run->artifact.layout || rebuilt->machine ||
        run->artifact.machine)
        return 0;
    int rc = artifact_first_difference(run->artifact.path, path, &same, &offset, e);
    if (rc == 0)
        (void)text_print(text, size, " at byte %llu (%llu bytes here, %llu rebuilt)",
                         (unsigned long long)offset, (unsigned long long)run->artifact.size,
                         (unsigned long long)rebuilt->size);
    return rc;
}

/* Names where, and the first step that diverged. */
static int explain(struct run *run, const struct rebuild *b, const char *path,
                   const struct artifact *rebuilt, struct err *e)
{
    const char *step = NULL;
    char where[VERDICT_TEXT_MAX / 2];
    AUTO_JSON json_t *needs = json_object();
    int rc =
        needs == NULL ? err_oom(e) : needs_add(run->claims.document, run->subject->name, needs, e);
    if (rc < 0)
        return rc;
    claims_first_divergence(run->claims.byproducts, rebuild_byproducts(b), needs, &step);
    rc = locate(run, path, rebuilt, where, sizeof(where), e);
    if (rc < 0)
        return rc;
    return run_decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                      "'%.80s' differs from its rebuild%s; first step that diverged: %.120s",
                      run->subject->name, where,
                      step != NULL ? step : "none, so the file was changed after the build");
}

/* The digests of the subject with this name, as a statement has them. Borrowed. */
static const json_t *digests_of(const json_t *subjects, const char *name)
{
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const json_t *s = json_array_get(subjects, i);
        const char *text = json_string_value(json_object_get(s, "name"));
        if (text != NULL && strcmp(text, name) == 0)
            return json_object_get(s, "digest");
    }
    return NULL;
}

/* What else was signed of it: a machine's root hash, the root of a dm-verity tree. */
static int compare_digests(struct run *run, const struct rebuild *b, char *text, size_t size)
{
    const json_t *theirs = digests_of(
        json_object_get(run->provenance.statement->document, "subject"), run->subject->name);
    const json_t *ours = digests_of(rebuild_subjects(b), run->subject->name);
    const char *key;
    json_t *value;
    size_t n = 0;
    if (theirs == NULL || ours == NULL || json_object_size(theirs) != json_object_size(ours))
        return run_decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                          "'%.200s' has other kinds of digests in its rebuild", run->subject->name);
    text[0] = 0;
    json_object_foreach((json_t *)(uintptr_t)theirs, key, value)
    {
        const char *a = json_string_value(value);
        const char *o = json_string_value(json_object_get(ours, key));
        if (a == NULL || o == NULL || strcmp(a, o) != 0)
            return run_decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                              "'%.100s' was signed with %.64s %.80s, its rebuild has %.80s",
                              run->subject->name, key, a != NULL ? a : "", o != NULL ? o : "none");
        if (strcmp(key, "sha256") != 0 && n < size)
            n += text_print(text + n, size - n, "; %.64s %.64s", key, a);
    }
    return 0;
}

/* An image's digest is its manifest's: the rest of the layout is looked at here. */
static int compare_layout(struct run *run, const char *path, struct layout_difference *d,
                          struct err *e)
{
    int rc = layout_compare(run->artifact.path, path, d, e);
    if (rc < 0 || d->file == NULL)
        return rc;
    return run_decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                      "'%.80s' has the rebuild's manifest and blobs, but its %s differs from the "
                      "rebuild's at byte %llu",
                      run->subject->name, d->file, (unsigned long long)d->offset);
}

/* What was compared, and no more than that. */
static void describe_sameness(const struct artifact *a, const struct artifact *rebuilt,
                              const char *ref_name, char *text, size_t size)
{
    unsigned long long bytes = a->size;
    if (a->layout && rebuilt->layout && ref_name != NULL)
        (void)text_print(
            text, size,
            "every byte is the same but the name '%.60s' in index.json: oci-layout and "
            "%s of %s",
            ref_name, COUNTED(a->blobs, "blob"), COUNTED(bytes, "byte"));
    else if (a->layout && rebuilt->layout)
        (void)text_print(text, size, "every byte is the same: index.json, oci-layout and %s of %s",
                         COUNTED(a->blobs, "blob"), COUNTED(bytes, "byte"));
    else if (rebuilt->layout)
        (void)text_print(text, size,
                         "the image's manifest is the same, %llu bytes; nothing else of the image "
                         "was given",
                         bytes);
    else if (a->machine)
        (void)text_print(text, size, "every byte is the same, %llu in its packed form", bytes);
    else
        (void)text_print(text, size, "every byte is the same, %llu of them", bytes);
}

/* The rebuild makes the true provenance: whatever else was signed has to be in it. */
static int compare_provenance(struct run *run, const struct rebuild *b, struct err *e)
{
    AUTO(contradictions_dispose) struct contradictions found = {0};
    char clause[VERDICT_TEXT_MAX];
    int rc = claims_compare(run->provenance.statement, b->statement, &found, e);
    if (rc == 0)
        rc = run_list(run, &found, e);
    if (rc < 0 || found.count == 0)
        return rc;
    contradictions_clause(&found, clause, sizeof(clause));
    return run_decide(run, VERDICT_REJECTED, ERR_REJECTED, "comparison",
                      "the artifact is the rebuild's, but the provenance is not: %s", clause);
}

static int read_rebuilt(struct run *run, const char *path, struct artifact *out, bool *read,
                        struct err *e)
{
    struct err why = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    int rc = artifact_read(path, run->options->scratch, out, &why);
    *read = rc == 0 && out->fault == ARTIFACT_SOUND;
    if (rc == 0 && *read)
        return 0;
    if (rc != 0 && rc != -ERR_INPUT) {
        *e = why;
        return rc;
    }
    return run_decide(run, VERDICT_BUILD_FAILED, ERR_INPUT, "rebuild",
                      "the rebuild gave no '%.100s': %.300s", run->subject->name,
                      rc == 0 ? out->fault_text : err_line(&why, line, sizeof(line)));
}

/* Two builds of one version of assay-build are two files: that is said, and no more
 * (docs/formats/verdict.md, "Another file of assay-build"). */
static void describe_builder(const struct run *run, const struct rebuild *b, char *text,
                             size_t size)
{
    struct digest theirs;
    text[0] = 0;
    if (signed_builder(&run->claims, &theirs) && !digest_equal(&theirs, &b->builder_digest))
        (void)text_print(text, size, "; by another file of assay-build than the signed %.12s…",
                         run->claims.builder_sha256);
}

static int compare(struct run *run, const struct rebuild *b, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO(layout_difference_dispose) struct layout_difference layout = {.file = NULL};
    struct artifact rebuilt = {.path = NULL};
    char digests[VERDICT_TEXT_MAX / 2];
    char same[VERDICT_TEXT_MAX / 2];
    char builder[VERDICT_TEXT_MAX / 4];
    bool read = false;
    int rc = path_join(&path, b->artifacts, run->subject->name, e);
    if (rc == 0)
        rc = read_rebuilt(run, path, &rebuilt, &read, e);
    if (rc < 0 || !read)
        return rc;
    if (!digest_equal(&rebuilt.digest, &run->artifact.digest))
        return explain(run, b, path, &rebuilt, e);
    rc = compare_digests(run, b, digests, sizeof(digests));
    if (rc == 0 && !run->decided && run->artifact.layout && rebuilt.layout)
        rc = compare_layout(run, path, &layout, e);
    if (rc == 0 && !run->decided)
        rc = compare_provenance(run, b, e);
    if (rc < 0 || run->decided)
        return rc;
    describe_sameness(&run->artifact, &rebuilt, layout.ref_name, same, sizeof(same));
    describe_builder(run, b, builder, sizeof(builder));
    verdict_check_add(run->verdict, "comparison", true, "%s%s%s", same, digests, builder);
    run->verdict->rebuilt_here = true;
    run->verdict->rebuilds += !run_is_builder(run);
    return 0;
}

static int rebuild_plan(const struct run *run, struct rebuild *out, struct err *e)
{
    const struct verification_options *o = run->options;
    const struct rebuild_options rebuild = {
        .builder = o->builder,
        .store = o->store,
        .materials = o->materials,
        .scratch = o->scratch,
        .plan = run->claims.plan.data,
        .plan_len = run->claims.plan.len,
        .document = run->claims.document,
        .plan_name = run->claims.plan_name,
        .jobs = o->jobs,
    };
    return rebuild_run(&rebuild, out, e);
}

static int decide_end(struct run *run, const struct rebuild *b)
{
    static const struct {
        enum verdict_kind kind;
        enum err_code code;
    } ends[] = {
        [REBUILD_FAILED] = {VERDICT_BUILD_FAILED, ERR_INPUT},
        [REBUILD_NO_INPUT] = {VERDICT_INPUT_UNAVAILABLE, ERR_INPUT},
        [REBUILD_UNDECIDED] = {VERDICT_INCONCLUSIVE, ERR_UNDECIDED},
        [REBUILD_HOST_FAILED] = {VERDICT_INCONCLUSIVE, ERR_HOST},
    };
    struct digest signer;
    char text[DIGEST_TEXT_MAX];
    if (b->end != REBUILD_UNDECIDED || !signed_builder(&run->claims, &signer) ||
        digest_equal(&signer, &b->builder_digest) ||
        strstr(b->reason, digest_format(&signer, text)) != NULL)
        return run_decide(run, ends[b->end].kind, ends[b->end].code, "rebuild", "%s", b->reason);
    return run_decide(run, ends[b->end].kind, ends[b->end].code, "rebuild",
                      "%.360s; the signer's builder is %s", b->reason,
                      digest_format(&signer, text));
}

int run_rebuild(struct run *run, struct err *e)
{
    struct rebuild b = {.end = REBUILD_DONE};
    int rc = rebuild_plan(run, &b, e);
    if (rc < 0)
        return rc;
    if (b.end != REBUILD_DONE) {
        rc = decide_end(run, &b);
    } else {
        verdict_check_add(run->verdict, "rebuild", true, "%.1f s in the sandbox (%s)", b.seconds,
                          b.fences);
        rc = keep_rebuild(run, &b, e);
        if (rc == 0)
            rc = compare(run, &b, e);
    }
    rebuild_dispose(&b);
    return rc;
}

/* ---- a machine that is not what was signed ---- */

/* The signed subject that a machine is the changed form of: by its name, else the only one. */
static const char *changed_subject(const struct run *run)
{
    const json_t *subjects = json_object_get(run->provenance.statement->document, "subject");
    const char *only = NULL;
    size_t machines = 0;
    for (size_t i = 0; i < json_array_size(subjects); i++) {
        const json_t *s = json_array_get(subjects, i);
        const char *name = json_string_value(json_object_get(s, "name"));
        const char *type = json_string_value(json_object_get(s, "mediaType"));
        if (name == NULL || type == NULL || strcmp(type, MEDIA_ASSAY_CARTESI_MACHINE) != 0)
            continue;
        if (strcmp(name, run->verdict->artifact_name) == 0)
            return name;
        only = name;
        machines++;
    }
    return machines == 1 ? only : NULL;
}

/*
 * A machine that is not what was signed is rejected, whatever a rebuild would
 * give; but its owner wants to know what became of it. Best effort: the verdict is there.
 */
void run_explain_stranger(struct run *run)
{
    AUTO_FREE char *path = NULL;
    struct rebuild b = {.end = REBUILD_FAILED};
    struct err e = ERR_INIT;
    struct verdict *v = run->verdict;
    char clause[VERDICT_TEXT_MAX / 2];
    const char *name = changed_subject(run);
    if (name == NULL || rebuild_plan(run, &b, &e) < 0)
        return;
    if (b.end == REBUILD_DONE && path_join(&path, b.artifacts, name, &e) == 0 &&
        explain_machine(run->artifact.path, path, run->options->scratch, &v->explanation, &e) ==
            0 &&
        v->explanation != NULL) {
        explain_clause(v->explanation, clause, sizeof(clause));
        size_t n = strlen(v->reason);
        (void)text_print(v->reason + n, sizeof(v->reason) - n,
                         "; against the rebuild of '%.80s': %s", name, clause);
    }
    rebuild_dispose(&b);
}
