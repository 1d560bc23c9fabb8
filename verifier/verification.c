#include "verifier/verification.h"

#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/file.h"
#include "base/version.h"
#include "verifier/compare/artifact.h"
#include "verifier/policy/claims.h"
#include "verifier/policy/policy.h"
#include "verifier/rebuild/rebuild.h"

#include <stdio.h>
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
    if (vsnprintf(v->reason, sizeof(v->reason), fmt, args) < 0)
        v->reason[0] = 0;
    va_end(args);
    verdict_check_add(v, id, false, "%s", v->reason);
    v->kind = kind;
    run->code = code;
    run->decided = true;
    return 0;
}

/* An error that is a finding about the evidence becomes a verdict; any other stays an error. */
static int decide_error(struct run *run, int r, const char *id, const struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    if (r == -ERR_REJECTED)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, id, "%.500s",
                      err_line(e, line, sizeof(line)));
    if (r == -ERR_UNDECIDED || r == -ERR_INPUT)
        return decide(run, VERDICT_UNVERIFIABLE, e->code, id, "%.500s",
                      err_line(e, line, sizeof(line)));
    return r;
}

/* Remembers a file as evidence, by name and digest. */
static int add_evidence(struct run *run, const char *path, const struct buf *bytes, struct err *e)
{
    struct digest digest;
    json_t *descriptor = NULL;
    int r = digest_bytes(DIGEST_SHA256, bytes->data, bytes->len, &digest, e);
    if (r == 0)
        r = resource_descriptor(path_base(path), NULL, &digest, NULL, &descriptor, e);
    return r < 0 ? r : json_push(run->verdict->attestations, descriptor, e);
}

static int read_envelope(struct run *run, const char *path, struct dsse_envelope **out,
                         struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(BUNDLE_MAX);
    int r = file_read(path, &bytes, e);
    if (r == 0)
        r = add_evidence(run, path, &bytes, e);
    if (r == 0)
        r = dsse_parse(buf_str(&bytes), bytes.len, path, out, e);
    return r;
}

static int read_all(struct run *run, struct err *e)
{
    const struct verification_options *o = run->options;
    struct verdict *v = run->verdict;
    v->attestations = json_array();
    if (v->attestations == NULL)
        return err_oom(e);
    int r = policy_read(o->policy, &run->policy, e);
    if (r == 0)
        r = str_copy(&v->policy_name, path_base(o->policy), e);
    if (r < 0)
        return r;
    v->policy_digest = run->policy->digest;
    r = artifact_read(o->artifact, &run->artifact, e);
    if (r == 0)
        r = str_copy(&v->artifact_name, path_base(o->artifact), e);
    if (r < 0)
        return r;
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
    int r = policy_find_signer(p->builders, p->builder_count, run->envelope, &run->signer, e);
    if (r < 0)
        return r;
    if (run->signer == NULL)
        return decide(run, VERDICT_REJECTED, ERR_REJECTED, "signature",
                      "no key that the policy trusts signed this provenance");
    if (strcmp(run->envelope->payload_type, DSSE_INTOTO_TYPE) != 0)
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
    int r = statement_parse(env->payload, env->payload_len, "the statement", &run->statement, e);
    if (r == 0)
        r = claims_read(run->statement, &run->claims, e);
    if (r < 0)
        return decide_error(run, r, "provenance", e);
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
    int r = str_copy(&name, run->subject->name, e);
    if (r < 0)
        return r;
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
    int r = json_put_digest(o, "planDigest", &run->claims.plan_digest, e);
    if (r == 0)
        r = json_put_digest(o, "builderDigest", &b->builder_digest, e);
    if (r == 0)
        r = json_put_string(o, "fences", b->fences != NULL ? b->fences : "", e);
    if (r == 0)
        r = json_put(o, "steps", json_incref(b->byproducts), e);
    if (r == 0)
        *out = steal_ptr(&o);
    return r;
}

/* Names the first step that diverged, and the first byte. */
static int explain(struct run *run, const struct rebuild *b, const char *path,
                   const struct artifact *rebuilt, struct err *e)
{
    const char *step = NULL;
    uint64_t offset = 0;
    int r = claims_first_divergence(run->claims.byproducts, b->byproducts, &step, e);
    if (r == 0 && !rebuilt->layout && !run->artifact.layout)
        r = artifact_first_difference(run->artifact.path, path, &offset, e);
    if (r < 0)
        return r;
    char where[VERDICT_TEXT_MAX / 4] = "";
    if (!rebuilt->layout && !run->artifact.layout)
        snprintf(where, sizeof(where), " at byte %llu (%llu bytes here, %llu rebuilt)",
                 (unsigned long long)offset, (unsigned long long)run->artifact.size,
                 (unsigned long long)rebuilt->size);
    return decide(run, VERDICT_DIFFERS, ERR_DIFFERS, "comparison",
                  "'%.100s' differs from its rebuild%s; first step that diverged: %.150s",
                  run->subject->name, where,
                  step != NULL ? step : "none, so the file was changed after the build");
}

static int compare(struct run *run, const struct rebuild *b, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct artifact rebuilt;
    if (!relpath_valid(run->subject->name))
        return err_set(e, ERR_INPUT, "'%.200s' is no file name", run->subject->name);
    int r = path_join(&path, b->artifacts, run->subject->name, e);
    if (r == 0)
        r = artifact_read(path, &rebuilt, e);
    if (r < 0)
        return r;
    if (!digest_equal(&rebuilt.digest, &run->artifact.digest))
        return explain(run, b, path, &rebuilt, e);
    verdict_check_add(run->verdict, "comparison", true, "every byte is the same");
    run->verdict->rebuilds++;
    return 0;
}

static int check_rebuild(struct run *run, struct err *e)
{
    const struct verification_options *o = run->options;
    const struct rebuild_options rebuild = {
        .builder = o->builder,
        .store = o->store,
        .scratch = o->scratch,
        .plan = run->claims.plan.data,
        .plan_len = run->claims.plan.len,
        .plan_name = run->claims.plan_name,
        .jobs = o->jobs,
    };
    struct rebuild b = {0};
    int r = rebuild_run(&rebuild, &b, e);
    if (r < 0)
        return decide_error(run, r, "rebuild", e);
    verdict_check_add(run->verdict, "rebuild", true, "%.1f s in the sandbox (%s)", b.seconds,
                      b.fences != NULL ? b.fences : "");
    r = rebuild_json(run, &b, &run->verdict->rebuild, e);
    if (r == 0)
        r = compare(run, &b, e);
    rebuild_dispose(&b);
    return r;
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
    int r = read_envelope(run, path, &envelope, e);
    if (r == 0)
        r = policy_find_signer(p->verifiers, p->verifier_count, envelope, &key, e);
    if (r < 0)
        return r;
    *why = "no verifier that the policy trusts signed it";
    if (key == NULL)
        return 0;
    r = statement_parse(envelope->payload, envelope->payload_len, path, &s, e);
    if (r < 0)
        return r;
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
        int r = read_attestation(run, path, &identity, &why, e);
        if (r < 0)
            return r;
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
    int r = check_signature(run, e);
    if (r == 0 && !run->decided)
        r = check_provenance(run, e);
    if (r == 0 && !run->decided)
        r = check_subject(run);
    if (r == 0 && !run->decided)
        r = check_policy(run, e);
    if (r == 0 && !run->decided && run->options->rebuild)
        r = check_rebuild(run, e);
    if (r == 0 && !run->decided)
        r = check_attestations(run, e);
    if (r == 0 && !run->decided)
        r = check_minimum(run);
    return r;
}

int verification_run(const struct verification_options *options, struct verdict *verdict,
                     enum err_code *code, struct err *e)
{
    struct run run = {.options = options, .verdict = verdict};
    int r = read_all(&run, e);
    if (r == 0)
        r = check_all(&run, e);
    if (r == 0 && !run.decided) {
        verdict->kind = VERDICT_REPRODUCED;
        snprintf(verdict->reason, sizeof(verdict->reason),
                 "rebuilt bit for bit from the plan that was signed");
    }
    if (r == 0)
        *code = run.code;
    run_dispose(&run);
    return r;
}
