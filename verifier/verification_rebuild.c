/* SPDX-License-Identifier: Apache-2.0 */
/* The rebuild of a verification: run, kept for the verdict, compared, explained. */
#include "base/destination.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/text.h"
#include "verifier/compare/layout.h"
#include "verifier/evidence/needs.h"
#include "verifier/explain/machine.h"
#include "verifier/explain/rebuilt.h"
#include "verifier/rebuild/rebuild.h"
#include "verifier/verification_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* ---- the rebuild ---- */

/* The digest of the assay-build that the provenance says ran. */
static bool signed_builder(const struct claims *c, struct digest *out)
{
    out->alg = DIGEST_SHA256;
    return c->builder_sha256 != NULL &&
           hex_decode(c->builder_sha256, strlen(c->builder_sha256), out->bytes, DIGEST_SHA256_SIZE);
}

/* With --only the rest of what was signed was not compared, and the verdict has to say so. */
static int put_extent(const struct run *run, const struct shared_rebuild *shared, json_t *rebuild,
                      struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (shared->names == NULL)
        return 0;
    int rc = json_put_u64(o, "outputs", json_array_size(shared->names), e);
    if (rc == 0)
        rc = json_put_u64(o, "ofOutputs",
                          json_array_size(json_object_get(run->claims.document, "outputs")), e);
    if (rc == 0)
        rc = json_put_u64(o, "steps", json_array_size(rebuild_byproducts(&shared->rebuild)), e);
    if (rc == 0)
        rc = json_put_u64(o, "ofSteps", run->claims.step_count, e);
    return rc == 0 ? json_put(rebuild, "partial", steal_ptr(&o), e) : rc;
}

/* The verdict names the list of the steps' digests; the list stands beside it. */
static int keep_rebuild(struct run *run, const struct shared_rebuild *shared, struct err *e)
{
    const struct rebuild *b = &shared->rebuild;
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
        rc = put_extent(run, shared, o, e);
    if (rc == 0)
        v->rebuild = steal_ptr(&o);
    return rc;
}

/* A stored machine, or what may be one packed: the explanation finds out. */
static bool maybe_machine(const struct artifact *a, const char *name)
{
    return a->machine || (!a->layout && str_ends(name, ".cartesi.tar"));
}

/* Why: causes, behind what the clause says already. */
static int explain_by_causes(struct run *run, const char *path, char *text, size_t size,
                             struct err *e)
{
    struct verdict *v = run->verdict;
    char clause[VERDICT_TEXT_MAX / 4];
    int rc = explain_rebuilt(run->artifact.path, path, run->options->scratch, &v->explanation, e);
    if (rc < 0)
        return rc;
    explain_causes_clause(v->explanation, clause, sizeof(clause));
    size_t n = strlen(text);
    if (clause[0] != 0)
        (void)text_print(text + n, size - n, "; why: %s", clause);
    return 0;
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
    bool packed =
        rebuilt->layout || run->artifact.layout || rebuilt->machine || run->artifact.machine;
    if (text[0] != 0)
        return 0;
    int rc = packed ? 0 : artifact_first_difference(run->artifact.path, path, &same, &offset, e);
    if (rc == 0 && !packed)
        (void)text_print(text, size, " at byte %llu (%llu bytes here, %llu rebuilt)",
                         (unsigned long long)offset, (unsigned long long)run->artifact.size,
                         (unsigned long long)rebuilt->size);
    if (rc < 0 || v->explanation != NULL || rebuilt->machine || run->artifact.machine)
        return rc;
    return explain_by_causes(run, path, text, size, e);
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
static int compare_provenance(struct run *run, const struct shared_rebuild *shared, struct err *e)
{
    AUTO(contradictions_dispose) struct contradictions found = {0};
    /* A copy: what is filled in from this provenance must not be there for another's. */
    AUTO_JSON json_t *rebuilt = json_deep_copy(shared->rebuild.statement);
    char clause[VERDICT_TEXT_MAX];
    if (rebuilt == NULL)
        return err_oom(e);
    int rc = shared->names != NULL ? claims_fill(run->provenance.statement, rebuilt, e) : 0;
    if (rc == 0)
        rc = claims_compare(run->provenance.statement, rebuilt, &found, e);
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
    int rc = artifact_read(path, path, run->options->scratch, out, &why);
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

/* A builder that leaves out a step of the artifact's has not shown how it came about. */
static int check_steps(struct run *run, const struct rebuild *b, struct err *e)
{
    AUTO_JSON json_t *needs = json_object();
    const json_t *steps = json_object_get(run->claims.document, "steps");
    const json_t *made = rebuild_byproducts(b);
    int rc =
        needs == NULL ? err_oom(e) : needs_add(run->claims.document, run->subject->name, needs, e);
    size_t at = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(steps); i++) {
        AUTO_FREE char *name = NULL;
        const char *id = json_string_value(json_object_get(json_array_get(steps, i), "id"));
        rc = str_format(&name, e, "step/%s", id != NULL ? id : "");
        if (rc == 0 && json_object_get(needs, name) != NULL &&
            claims_descriptor(made, &at, name) == NULL)
            return run_decide(run, VERDICT_BUILD_FAILED, ERR_INPUT, "rebuild",
                              "the rebuild says nothing of '%.128s', which '%.128s' needs", name,
                              run->subject->name);
    }
    return rc;
}

/* What was not built is not known to be what was signed. */
static void describe_rest(const struct run *run, const struct shared_rebuild *shared, char *text,
                          size_t size)
{
    size_t steps = run->claims.step_count;
    size_t made = json_array_size(rebuild_byproducts(&shared->rebuild));
    size_t outputs = json_array_size(json_object_get(run->claims.document, "outputs"));
    size_t built = json_array_size(shared->names);
    text[0] = 0;
    if (shared->names != NULL && (made < steps || built < outputs))
        (void)text_print(text, size, "; not compared: %s and %s of the plan",
                         COUNTED(outputs > built ? outputs - built : 0, "artifact"),
                         COUNTED(steps > made ? steps - made : 0, "step"));
}

static int compare(struct run *run, const struct shared_rebuild *shared, struct err *e)
{
    const struct rebuild *b = &shared->rebuild;
    AUTO_FREE char *path = NULL;
    AUTO(layout_difference_dispose) struct layout_difference layout = {.file = NULL};
    struct artifact rebuilt = {.path = NULL};
    char digests[VERDICT_TEXT_MAX / 2];
    char same[VERDICT_TEXT_MAX / 2];
    char builder[VERDICT_TEXT_MAX / 4];
    char rest[VERDICT_TEXT_MAX / 4];
    bool read = false;
    int rc = path_join(&path, b->artifacts, run->subject->name, e);
    if (rc == 0)
        rc = read_rebuilt(run, path, &rebuilt, &read, e);
    if (rc < 0 || !read)
        return rc;
    if (!digest_equal(&rebuilt.digest, &run->artifact.digest))
        return explain(run, b, path, &rebuilt, e);
    rc = check_steps(run, b, e);
    if (rc == 0 && !run->decided)
        rc = compare_digests(run, b, digests, sizeof(digests));
    if (rc == 0 && !run->decided && run->artifact.layout && rebuilt.layout)
        rc = compare_layout(run, path, &layout, e);
    if (rc == 0 && !run->decided)
        rc = compare_provenance(run, shared, e);
    if (rc < 0 || run->decided)
        return rc;
    describe_sameness(&run->artifact, &rebuilt, layout.ref_name, same, sizeof(same));
    describe_builder(run, b, builder, sizeof(builder));
    describe_rest(run, shared, rest, sizeof(rest));
    verdict_check_add(run->verdict, "comparison", true, "%s%s%s%s", same, digests, builder, rest);
    run->verdict->rebuilt_here = true;
    run->verdict->rebuilds += !run_is_builder(run);
    return 0;
}

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

/* ---- one rebuild for all artifacts of a plan ---- */

static int add_name(json_t *names, const char *name, struct err *e)
{
    for (size_t i = 0; i < json_array_size(names); i++)
        if (strcmp(json_string_value(json_array_get(names, i)), name) == 0)
            return 0;
    return json_push(names, json_string(name), e);
}

/* What of a plan is asked for: the subjects of all artifacts that it is rebuilt for. */
static int collect_names(const struct session *s, const struct digest *plan, json_t *names,
                         struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        const struct run *run = &s->runs[i];
        const char *name = run->stranger                           ? changed_subject(run)
                           : run->subject != NULL && !run->decided ? run->subject->name
                                                                   : NULL;
        if (name != NULL && digest_equal(&run->claims.plan_digest, plan))
            rc = add_name(names, name, e);
    }
    return rc;
}

/* Beside the place where the artifacts are to stay, so that they need only a name. */
static int keep_parent(const struct session *s, char **out, struct err *e)
{
    const char *directory = s->options->keep != NULL ? s->options->keep->directory : NULL;
    return directory != NULL ? destination_parent(directory, out, e) : 0;
}

static int rebuild_plan(struct session *s, const struct run *run, struct shared_rebuild *out,
                        struct err *e)
{
    const struct verification_options *o = s->options;
    AUTO_FREE char *place = NULL;
    AUTO_JSON json_t *names = o->only ? json_array() : NULL;
    int rc = o->only && names == NULL ? err_oom(e) : keep_parent(s, &place, e);
    if (rc == 0 && o->only)
        rc = collect_names(s, &run->claims.plan_digest, names, e);
    if (rc < 0)
        return rc;
    const struct rebuild_options rebuild = {
        .builder = o->builder,
        .store = o->store,
        .materials = o->materials,
        .scratch = o->scratch,
        .place = place,
        .plan = run->claims.plan.data,
        .plan_len = run->claims.plan.len,
        .document = run->claims.document,
        .only = names,
        .plan_name = run->claims.plan_name,
        .jobs = o->jobs,
        .progress = !o->quiet,
    };
    rc = rebuild_run(&rebuild, &out->rebuild, e);
    if (rc < 0)
        return rc;
    out->plan = run->claims.plan_digest;
    out->names = steal_ptr(&names);
    return 0;
}

/* The rebuild of this artifact's plan: the one that is there, or a new one. Borrowed. */
static int find_rebuild(struct session *s, const struct run *run, const struct shared_rebuild **out,
                        struct err *e)
{
    for (size_t i = 0; i < s->rebuild_count; i++)
        if (digest_equal(&s->rebuilds[i].plan, &run->claims.plan_digest)) {
            *out = &s->rebuilds[i];
            return 0;
        }
    struct shared_rebuild *fresh = &s->rebuilds[s->rebuild_count];
    int rc = rebuild_plan(s, run, fresh, e);
    if (rc < 0)
        return rc;
    s->rebuild_count++;
    *out = fresh;
    return 0;
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

/* How much of the plan was built, when that is not what was asked for, or not all. */
static void describe_extent(const struct run *run, const struct shared_rebuild *shared, char *text,
                            size_t size)
{
    size_t all = json_array_size(json_object_get(run->claims.document, "outputs"));
    size_t built = json_array_size(shared->names);
    text[0] = 0;
    if (shared->names != NULL && built < all)
        (void)text_print(text, size, "; %zu of %s and %zu of %s were built", built,
                         COUNTED(all, "artifact"),
                         json_array_size(rebuild_byproducts(&shared->rebuild)),
                         COUNTED(run->claims.step_count, "step"));
    else if (shared->names == NULL && all > 1)
        (void)text_print(text, size,
                         "; all %zu artifacts of the plan (--only builds what is asked)", all);
}

int run_rebuild(struct session *s, struct run *run, struct err *e)
{
    const struct shared_rebuild *shared = NULL;
    char extent[VERDICT_TEXT_MAX / 2];
    int rc = find_rebuild(s, run, &shared, e);
    if (rc < 0)
        return rc;
    const struct rebuild *b = &shared->rebuild;
    if (b->end != REBUILD_DONE)
        return decide_end(run, b);
    describe_extent(run, shared, extent, sizeof(extent));
    verdict_check_add(run->verdict, "rebuild", true, "%.1f s in the sandbox (%s)%s", b->seconds,
                      b->fences, extent);
    rc = keep_rebuild(run, shared, e);
    return rc < 0 ? rc : compare(run, shared, e);
}

/* ---- a machine that is not what was signed ---- */

/*
 * A machine that is not what was signed is rejected, whatever a rebuild would
 * give; but its owner wants to know what became of it. Best effort: the verdict is there.
 */
void run_explain_stranger(struct session *s, struct run *run)
{
    AUTO_FREE char *path = NULL;
    const struct shared_rebuild *shared = NULL;
    struct err e = ERR_INIT;
    struct verdict *v = run->verdict;
    char clause[VERDICT_TEXT_MAX / 2];
    const char *name = changed_subject(run);
    if (name == NULL || find_rebuild(s, run, &shared, &e) < 0)
        return;
    if (shared->rebuild.end == REBUILD_DONE &&
        path_join(&path, shared->rebuild.artifacts, name, &e) == 0 &&
        explain_machine(run->artifact.path, path, run->options->scratch, &v->explanation, &e) ==
            0 &&
        v->explanation != NULL) {
        explain_clause(v->explanation, clause, sizeof(clause));
        size_t n = strlen(v->reason);
        (void)text_print(v->reason + n, sizeof(v->reason) - n,
                         "; against the rebuild of '%.80s': %s", name, clause);
    }
}

/* ---- what stays ---- */

/* One plan's artifacts take the directory's name; those of several have a directory each in it. */
static int keep_all(struct session *s, const char *directory, struct err *e)
{
    size_t count = 0;
    int rc = 0;
    for (size_t i = 0; i < s->rebuild_count; i++)
        count += s->rebuilds[i].rebuild.end == REBUILD_DONE;
    if (count > 1 && mkdir(directory, 0777) != 0)
        return err_os(e, errno, "cannot make the directory '%s'", directory);
    for (size_t i = 0; rc == 0 && i < s->rebuild_count; i++) {
        AUTO_FREE char *path = NULL;
        char hex[DIGEST_TEXT_MAX];
        struct rebuild *b = &s->rebuilds[i].rebuild;
        if (b->end != REBUILD_DONE)
            continue;
        rc = count == 1 ? str_copy(&path, directory, e)
                        : str_format(&path, e, "%s/%.12s", directory,
                                     strchr(digest_format(&s->rebuilds[i].plan, hex), ':') + 1);
        if (rc == 0)
            rc = rebuild_keep(b, path, e);
    }
    if (rc == 0)
        s->options->keep->done = count > 0;
    return rc;
}

void session_keep(struct session *s)
{
    struct verification_keep *keep = s->options->keep;
    if (keep != NULL && keep->directory != NULL && s->options->rebuild)
        (void)keep_all(s, keep->directory, &keep->failure);
}

void session_dispose_rebuilds(struct session *s)
{
    for (size_t i = 0; i < s->rebuild_count; i++) {
        json_decref(s->rebuilds[i].names);
        rebuild_dispose(&s->rebuilds[i].rebuild);
    }
    free(steal_ptr(&s->rebuilds));
    s->rebuild_count = 0;
}
