/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/verification.h"

#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/file.h"
#include "base/media_types.h"
#include "base/version.h"
#include "verifier/compare/artifact.h"
#include "verifier/explain/machine.h"
#include "verifier/policy/claims.h"
#include "verifier/policy/policy.h"
#include "verifier/rebuild/rebuild.h"

#include <string.h>

enum { BUNDLE_MAX = 64 * 1024 * 1024 };

/* Everything that the checks of one run share. */
struct run {
    const struct verification_options *options;
    struct verdict *verdict;
    struct policy *policy;
    struct artifact artifact;
    struct dsse_envelope *envelope;
    struct statement *statement;
    const struct public_key *signer;
    const struct statement_subject *subject;
    struct claims claims;
    enum err_code code;
    bool decided; /* a verdict was reached: no later check runs */
};

static void run_dispose(struct run *run)
{
    policy_free(run->policy);
    dsse_free(run->envelope);
    statement_free(run->statement);
    claims_dispose(&run->claims);
}

/* Reaches the verdict with one more failed check. */
__attribute__((format(printf, 5, 6))) static int decide(struct run *run, enum verdict_kind kind,
                                                        enum err_code code, const char *id,
                                                        const char *fmt, ...)
{
    struct verdict *v = run->verdict;
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(v->reason, sizeof(v->reason), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    verdict_check_add(v, id, false, "%s", v->reason);
    v->kind = kind;
    run->code = code;
    run->decided = true;
    return 0;
}

/* An error that is a finding about the evidence becomes a verdict; any other stays an error. */
static int decide_error(struct run *run, int rc, const char *id, const struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    if (rc == -ERR_REJECTED)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, id, "%.500s",
                      err_line(e, line, sizeof(line)));
    if (rc == -ERR_UNDECIDED || rc == -ERR_INPUT)
        return decide(run, VERDICT_UNVERIFIABLE, e->code, id, "%.500s",
                      err_line(e, line, sizeof(line)));
    return rc;
}

/* Remembers a file as evidence, by name and digest. */
static int add_evidence(struct run *run, const char *path, const struct buf *bytes, struct err *e)
{
    struct digest digest;
    json_t *descriptor = NULL;
    int rc = digest_bytes(DIGEST_SHA256, bytes->data, bytes->len, &digest, e);
    if (rc == 0)
        rc = resource_descriptor(path_base(path), NULL, &digest, NULL, &descriptor, e);
    return rc < 0 ? rc : json_push(run->verdict->attestations, descriptor, e);
}

static int read_envelope(struct run *run, const char *path, struct dsse_envelope **out,
                         struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(BUNDLE_MAX);
    int rc = file_read(path, &bytes, e);
    if (rc == 0)
        rc = add_evidence(run, path, &bytes, e);
    if (rc == 0)
        rc = dsse_parse(buf_str(&bytes), bytes.len, path, out, e);
    return rc;
}

static int read_all(struct run *run, struct err *e)
{
    const struct verification_options *o = run->options;
    struct verdict *v = run->verdict;
    v->attestations = json_array();
    if (v->attestations == NULL)
        return err_oom(e);
    int rc = policy_read(o->policy, &run->policy, e);
    if (rc == 0)
        rc = str_copy(&v->policy_name, path_base(o->policy), e);
    if (rc < 0)
        return rc;
    v->policy_digest = run->policy->digest;
    rc = artifact_read(o->artifact, o->scratch, &run->artifact, e);
    if (rc == 0)
        rc = str_copy(&v->artifact_name, path_base(o->artifact), e);
    if (rc < 0)
        return rc;
    v->artifact_digest = run->artifact.digest;
    v->artifact_size = run->artifact.size;
    return read_envelope(run, o->bundle, &run->envelope, e);
}

static const char *implementations(const struct public_key *key)
{
    return public_key_type(key) == KEY_P256 ? "OpenSSL and Mbed TLS" : "libsodium and OpenSSL";
}

static int check_signature(struct run *run, struct err *e)
{
    const struct policy *p = run->policy;
    int rc = policy_find_signer(p->builders, p->builder_count, run->envelope, &run->signer, e);
    if (rc < 0)
        return rc;
    if (run->signer == NULL)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "signature",
                      "no key that the policy trusts signed this provenance");
    if (strcmp(run->envelope->payload_type, MEDIA_INTOTO) != 0)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "signature",
                      "what was signed is '%.100s', not an in-toto statement",
                      run->envelope->payload_type);
    verdict_check_add(run->verdict, "signature", true, "%s (%s agree)", public_key_id(run->signer),
                      implementations(run->signer));
    return 0;
}

static int check_provenance(struct run *run, struct err *e)
{
    const struct dsse_envelope *env = run->envelope;
    char text[DIGEST_TEXT_MAX];
    int rc = statement_parse(env->payload, env->payload_len, "the statement", &run->statement, e);
    if (rc == 0)
        rc = claims_read(run->statement, &run->claims, e);
    if (rc < 0)
        return decide_error(run, rc, "provenance", e);
    verdict_check_add(run->verdict, "provenance", true, "plan %s: %zu inputs, %zu steps",
                      digest_format(&run->claims.plan_digest, text), run->claims.input_count,
                      run->claims.step_count);
    return 0;
}

/* Matching is by digest only (in-toto); the name then tells which output it is. */
static int check_subject(struct run *run)
{
    const struct statement *s = run->statement;
    char text[DIGEST_TEXT_MAX];
    for (size_t i = 0; i < s->subject_count && run->subject == NULL; i++)
        if (digest_equal(&s->subjects[i].sha256, &run->artifact.digest))
            run->subject = &s->subjects[i];
    if (run->subject == NULL)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "subject",
                      "'%.200s' is not what was signed: no subject has its digest %s",
                      run->verdict->artifact_name, digest_format(&run->artifact.digest, text));
    verdict_check_add(run->verdict, "subject", true, "signed as '%.200s'", run->subject->name);
    return 0;
}

static int check_policy(struct run *run, struct err *e)
{
    const struct policy *p = run->policy;
    const char *id = run->claims.builder_id;
    char *name = NULL;
    int rc = str_copy(&name, run->subject->name, e);
    if (rc < 0)
        return rc;
    free(run->verdict->artifact_name);
    run->verdict->artifact_name = name;
    if (!policy_covers(p, run->subject->name))
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "policy",
                      "the policy does not cover an artifact named '%.200s'", run->subject->name);
    if (policy_identity_of(p->builders, p->builder_count, id, run->signer) == NULL)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "policy",
                      "the policy does not let this key speak for the builder '%.200s'", id);
    verdict_check_add(run->verdict, "policy", true, "this key may speak for '%.200s'", id);
    return 0;
}

static int rebuild_json(const struct run *run, const struct rebuild *b, json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    int rc = json_put_digest(o, "planDigest", &run->claims.plan_digest, e);
    if (rc == 0)
        rc = json_put_digest(o, "builderDigest", &b->builder_digest, e);
    if (rc == 0)
        rc = json_put_string(o, "fences", b->fences != NULL ? b->fences : "", e);
    if (rc == 0)
        rc = json_put(o, "steps", json_incref(b->byproducts), e);
    if (rc == 0)
        *out = steal_ptr(&o);
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
    int rc = artifact_first_difference(run->artifact.path, path, &offset, e);
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
    int rc = claims_first_divergence(run->claims.byproducts, b->byproducts, &step, e);
    if (rc == 0)
        rc = locate(run, path, rebuilt, where, sizeof(where), e);
    if (rc < 0)
        return rc;
    return decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
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
    const json_t *theirs =
        digests_of(json_object_get(run->statement->document, "subject"), run->subject->name);
    const json_t *ours = digests_of(b->subjects, run->subject->name);
    const char *key;
    json_t *value;
    size_t n = 0;
    if (theirs == NULL || ours == NULL || json_object_size(theirs) != json_object_size(ours))
        return decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                      "'%.200s' has other kinds of digests in its rebuild", run->subject->name);
    text[0] = 0;
    json_object_foreach((json_t *)(uintptr_t)theirs, key, value)
    {
        const char *a = json_string_value(value);
        const char *o = json_string_value(json_object_get(ours, key));
        if (a == NULL || o == NULL || strcmp(a, o) != 0)
            return decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                          "'%.100s' was signed with %.64s %.80s, its rebuild has %.80s",
                          run->subject->name, key, a != NULL ? a : "", o != NULL ? o : "none");
        if (strcmp(key, "sha256") != 0 && n < size)
            n += text_print(text + n, size - n, "; %.64s %.64s", key, a);
    }
    return 0;
}

static int compare(struct run *run, const struct rebuild *b, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct artifact rebuilt;
    char digests[VERDICT_TEXT_MAX / 2];
    if (!relpath_valid(run->subject->name))
        return err_set(e, ERR_INPUT, "'%.200s' is no file name", run->subject->name);
    int rc = path_join(&path, b->artifacts, run->subject->name, e);
    if (rc == 0)
        rc = artifact_read(path, run->options->scratch, &rebuilt, e);
    if (rc < 0)
        return rc;
    if (!digest_equal(&rebuilt.digest, &run->artifact.digest))
        return explain(run, b, path, &rebuilt, e);
    rc = compare_digests(run, b, digests, sizeof(digests));
    if (rc < 0 || run->decided)
        return rc;
    verdict_check_add(run->verdict, "comparison", true, "every byte is the same%s", digests);
    run->verdict->rebuilds++;
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
        .plan_name = run->claims.plan_name,
        .jobs = o->jobs,
    };
    return rebuild_run(&rebuild, out, e);
}

/* The signed subject that a machine is the changed form of: by its name, else the only one. */
static const char *changed_subject(const struct run *run)
{
    const json_t *subjects = json_object_get(run->statement->document, "subject");
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
static void explain_stranger(struct run *run)
{
    AUTO_FREE char *path = NULL;
    struct rebuild b = {0};
    struct err e = ERR_INIT;
    struct verdict *v = run->verdict;
    char clause[VERDICT_TEXT_MAX / 2];
    const char *name = changed_subject(run);
    if (name == NULL || !relpath_valid(name) || rebuild_plan(run, &b, &e) < 0)
        return;
    if (path_join(&path, b.artifacts, name, &e) == 0 &&
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

static int check_rebuild(struct run *run, struct err *e)
{
    struct rebuild b = {0};
    int rc = rebuild_plan(run, &b, e);
    if (rc < 0)
        return decide_error(run, rc, "rebuild", e);
    verdict_check_add(run->verdict, "rebuild", true, "%.1f s in the sandbox (%s)", b.seconds,
                      b.fences != NULL ? b.fences : "");
    rc = rebuild_json(run, &b, &run->verdict->rebuild, e);
    if (rc == 0)
        rc = compare(run, &b, e);
    rebuild_dispose(&b);
    return rc;
}

/* Whether a signed verdict of another verifier counts: same artifact, same plan, reproduced. */
static bool vsa_agrees(const struct run *run, const struct statement *s)
{
    char plan[DIGEST_TEXT_MAX];
    const char *result = json_string_value(json_object_get(s->predicate, "verificationResult"));
    const char *verdict = json_string_value(json_object_get(s->predicate, "assay_verdict"));
    const char *planned = json_string_value(
        json_object_get(json_object_get(s->predicate, "assay_rebuild"), "planDigest"));
    bool same = false;
    for (size_t i = 0; i < s->subject_count; i++)
        same = same || digest_equal(&s->subjects[i].sha256, &run->artifact.digest);
    return same && strcmp(s->predicate_type, VSA_TYPE) == 0 && result != NULL &&
           strcmp(result, "PASSED") == 0 && verdict != NULL && strcmp(verdict, "reproduced") == 0 &&
           planned != NULL && strcmp(planned, digest_format(&run->claims.plan_digest, plan)) == 0;
}

/* The identity whose rebuild this attestation shows, or NULL with the reason in `why`. */
static int read_attestation(struct run *run, const char *path,
                            const struct policy_identity **identity, const char **why,
                            struct err *e)
{
    const struct policy *p = run->policy;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_STATEMENT struct statement *s = NULL;
    const struct public_key *key = NULL;
    *identity = NULL;
    int rc = read_envelope(run, path, &envelope, e);
    if (rc == 0)
        rc = policy_find_signer(p->verifiers, p->verifier_count, envelope, &key, e);
    if (rc < 0)
        return rc;
    *why = "no verifier that the policy trusts signed it";
    if (key == NULL)
        return 0;
    rc = statement_parse(envelope->payload, envelope->payload_len, path, &s, e);
    if (rc < 0)
        return rc;
    *why = "it does not say that this artifact was reproduced from this plan";
    if (!vsa_agrees(run, s))
        return 0;
    const char *id =
        json_string_value(json_object_get(json_object_get(s->predicate, "verifier"), "id"));
    *why = "its key may not speak for the verifier that it names";
    if (id != NULL)
        *identity = policy_identity_of(p->verifiers, p->verifier_count, id, key);
    return 0;
}

/* One per verifier, however many verdicts it signed. */
static int check_attestations(struct run *run, struct err *e)
{
    const struct policy *p = run->policy;
    AUTO_FREE bool *counted = array_new(p->verifier_count, sizeof(*counted));
    if (counted == NULL)
        return err_oom(e);
    for (size_t i = 0; i < run->options->attestation_count; i++) {
        const char *path = run->options->attestations[i];
        const struct policy_identity *identity;
        const char *why = "";
        int rc = read_attestation(run, path, &identity, &why, e);
        if (rc < 0)
            return rc;
        if (identity == NULL)
            return decide(run, VERDICT_REJECTED, ERR_REJECTED, "attestations",
                          "'%.200s' does not count: %s", path, why);
        if (!counted[identity - p->verifiers])
            run->verdict->rebuilds++;
        counted[identity - p->verifiers] = true;
    }
    return 0;
}

static int check_minimum(struct run *run)
{
    struct verdict *v = run->verdict;
    if (v->rebuilds < run->policy->rebuilds_minimum)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "rebuilds",
                      "the policy wants %llu rebuilds that agree, there are %llu%s",
                      (unsigned long long)run->policy->rebuilds_minimum,
                      (unsigned long long)v->rebuilds,
                      run->options->rebuild ? "" : " (--rebuild adds this verifier's own)");
    verdict_check_add(v, "rebuilds", true, "%llu agree, %llu wanted",
                      (unsigned long long)v->rebuilds,
                      (unsigned long long)run->policy->rebuilds_minimum);
    return 0;
}

static int check_all(struct run *run, struct err *e)
{
    int rc = check_signature(run, e);
    if (rc == 0 && !run->decided)
        rc = check_provenance(run, e);
    if (rc == 0 && !run->decided)
        rc = check_subject(run);
    if (rc == 0 && run->decided && run->claims.plan_name != NULL && run->subject == NULL &&
        run->artifact.machine && run->options->rebuild)
        explain_stranger(run);
    if (rc == 0 && !run->decided)
        rc = check_policy(run, e);
    if (rc == 0 && !run->decided && run->options->rebuild)
        rc = check_rebuild(run, e);
    if (rc == 0 && !run->decided)
        rc = check_attestations(run, e);
    if (rc == 0 && !run->decided)
        rc = check_minimum(run);
    return rc;
}

int verification_run(const struct verification_options *options, struct verdict *verdict,
                     enum err_code *code, struct err *e)
{
    struct run run = {.options = options, .verdict = verdict};
    int rc = read_all(&run, e);
    if (rc == 0)
        rc = check_all(&run, e);
    if (rc == 0 && !run.decided) {
        verdict->kind = VERDICT_REPRODUCED;
        (void)text_print(verdict->reason, sizeof(verdict->reason),
                         "rebuilt bit for bit from the plan that was signed");
    }
    if (rc == 0)
        *code = run.code;
    run_dispose(&run);
    return rc;
}
