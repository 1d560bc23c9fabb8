/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/verification.h"

#include "base/file.h"
#include "base/text.h"
#include "verifier/verification_internal.h"

#include <string.h>

static void run_dispose(struct run *run)
{
    evidence_dispose(&run->provenance);
    claims_dispose(&run->claims);
    others_dispose(&run->others);
    free(steal_ptr(&run->resource_uri));
}

int run_decide(struct run *run, enum verdict_kind kind, enum err_code code, const char *id,
               const char *fmt, ...)
{
    char text[VERDICT_TEXT_MAX];
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
    verdict_reach(run->verdict, kind, code, "%s", text);
    verdict_check_add(run->verdict, id, false, "%s", text);
    run->decided = true;
    return 0;
}

/* What cannot be read is an input that is not what it should be; what can and does not hold is
 * rejected. */
static int decide_finding(struct run *run, const char *id, const struct finding *f)
{
    if (f->kind == FINDING_MALFORMED)
        return run_decide(run, VERDICT_INPUT_UNAVAILABLE, ERR_INPUT, id, "%s", f->text);
    return run_decide(run, VERDICT_REJECTED, ERR_REJECTED, id, "%s", f->text);
}

/* A step that found nothing goes on; one that found something decides. */
static int settle(struct run *run, const char *id, int rc, const struct finding *f)
{
    return rc == 0 && finding_any(f) ? decide_finding(run, id, f) : rc;
}

int run_list(struct run *run, const struct contradictions *c, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    if (c->count == 0 || run->verdict->explanation != NULL)
        return 0;
    int rc = json_put_u64(o, "count", c->count, e);
    if (rc == 0)
        rc = json_put(o, "differences", json_incref(c->list), e);
    if (rc == 0)
        run->verdict->explanation = steal_ptr(&o);
    return rc;
}

/* ---- reading ---- */

static int copy_name(char **to, const char *path, struct err *e)
{
    char *name = NULL;
    int rc = str_copy(&name, path_base(path), e);
    if (rc < 0)
        return rc;
    text_repair(name); /* names of files are bytes */
    free(*to);
    *to = name;
    return 0;
}

int run_add_evidence(struct run *run, const struct evidence *ev, struct err *e)
{
    AUTO_FREE char *name = NULL;
    json_t *descriptor = NULL;
    struct verdict *v = run->verdict;
    int rc = copy_name(&name, ev->path, e);
    if (rc == 0)
        rc = resource_descriptor(name, NULL, &ev->digest, NULL, &descriptor, e);
    if (rc < 0)
        return rc;
    if (ev->envelope != NULL) {
        v->log_entries += ev->envelope->log_entries;
        v->timestamps += ev->envelope->timestamps;
    }
    return json_push(v->attestations, descriptor, e);
}

static int read_artifact(struct run *run, struct err *e)
{
    const struct verification_options *o = run->options;
    const struct verification_target *target = run->target;
    struct verdict *v = run->verdict;
    v->attestations = json_array();
    if (v->attestations == NULL)
        return err_oom(e);
    int rc = copy_name(&v->policy_name, o->policy, e);
    if (rc == 0)
        rc = copy_name(&v->artifact_name, target->name, e);
    if (rc == 0 && target->pulled != NULL) {
        v->pulled = *target->pulled;
        rc = str_copy(&v->reference, target->name, e);
    }
    if (rc < 0)
        return rc;
    v->policy_digest = run->policy->digest;
    rc = artifact_read(target->artifact, target->name, o->scratch, &run->artifact, e);
    if (rc < 0)
        return rc;
    if (target->expected != NULL && !digest_equal(target->expected, &run->artifact.digest))
        return err_set(e, ERR_INPUT, "'%s': what was pulled is not what its digest says",
                       target->name);
    v->artifact_digest = run->artifact.digest;
    v->artifact_size = run->artifact.size;
    return 0;
}

static int read_bundle(struct run *run, const struct verification_bundle *bundle, struct err *e)
{
    struct finding f = {.kind = FINDING_NONE};
    int rc = evidence_read_as(bundle->path, bundle->name, &run->provenance, &f, e);
    if (rc == 0)
        rc = run_add_evidence(run, &run->provenance, e);
    return settle(run, "signature", rc, &f);
}

/* ---- what was signed ---- */

static const char *implementations(const struct public_key *key)
{
    return public_key_type(key) == KEY_P256 ? "OpenSSL and Mbed TLS" : "libsodium and OpenSSL";
}

/* Keys besides the first; one may stand there for several builders. */
static size_t count_others(const struct policy_signers *signers)
{
    size_t n = 0;
    for (size_t i = 1; i < signers->count; i++) {
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || public_key_equal(signers->items[i].key, signers->items[k].key);
        n += !again;
    }
    return n;
}

static int check_signature(struct run *run, struct err *e)
{
    const struct policy *p = run->policy;
    struct evidence *ev = &run->provenance;
    struct finding f = {.kind = FINDING_NONE};
    int rc = evidence_signature(ev, p->builders, p->builder_count, "key", "this provenance", &f, e);
    if (rc < 0 || finding_any(&f))
        return settle(run, "signature", rc, &f);
    const struct public_key *key = ev->signers.items[0].key;
    size_t more = count_others(&ev->signers);
    size_t bundles = run->target->bundle_count;
    char also[256] = "";
    if (more > 0)
        (void)text_print(also, sizeof(also), "; %zu more that the policy trusts", more);
    if (bundles > 1)
        (void)text_print(also + strlen(also), sizeof(also) - strlen(also),
                         "; of %zu bundles '%.160s'", bundles, path_base(ev->path));
    verdict_check_add(run->verdict, "signature", true, "%s (%s agree)%s", public_key_id(key),
                      implementations(key), also);
    return 0;
}

static int check_provenance(struct run *run, struct err *e)
{
    char text[DIGEST_TEXT_MAX];
    struct finding f = {.kind = FINDING_NONE};
    const struct claims *c = &run->claims;
    int rc = evidence_statement(&run->provenance, PROVENANCE_TYPE, "build provenance", &f, e);
    if (rc == 0 && !finding_any(&f))
        rc = claims_read(run->provenance.statement, &run->claims, &f, e);
    if (rc == 0)
        rc = run_list(run, &c->contradictions, e);
    if (rc < 0 || finding_any(&f))
        return settle(run, "provenance", rc, &f);
    const char *passed = json_string_value(json_array_get(c->contradictions.passed, 0));
    size_t more = json_array_size(c->contradictions.passed);
    verdict_check_add(run->verdict, "provenance", true, "plan %s: %s, %s%s%.100s%s",
                      digest_format(&c->plan_digest, text), COUNTED(c->input_count, "input"),
                      COUNTED(c->step_count, "step"), passed != NULL ? "; not compared: " : "",
                      passed != NULL ? passed : "", more > 1 ? " and others" : "");
    return 0;
}

/* Matching is by digest only (in-toto); the name then tells which output it is. */
static int check_subject(struct run *run, struct err *e)
{
    struct verdict *v = run->verdict;
    const struct artifact *a = &run->artifact;
    struct finding f = {.kind = FINDING_NONE};
    int rc = evidence_subject(&run->provenance, &a->digest, v->artifact_name, &run->subject, &f);
    if (rc < 0 || finding_any(&f))
        return settle(run, "subject", rc, &f);
    if ((rc = copy_name(&v->artifact_name, run->subject->name, e)) < 0)
        return rc;
    if (a->fault == ARTIFACT_DAMAGED)
        return run_decide(run, VERDICT_INPUT_UNAVAILABLE, ERR_INPUT, "subject", "%s",
                          a->fault_text);
    if (a->fault == ARTIFACT_STRANGE)
        return run_decide(run, VERDICT_REJECTED, ERR_REJECTED, "subject", "%s", a->fault_text);
    verdict_check_add(v, "subject", true, "signed as '%.200s'", run->subject->name);
    return 0;
}

static int check_policy(struct run *run)
{
    const struct policy *p = run->policy;
    const char *id = run->claims.builder_id;
    struct finding f = {.kind = FINDING_NONE};
    if (!policy_covers(p, run->subject->name))
        return run_decide(run, VERDICT_REJECTED, ERR_REJECTED, "policy",
                          "the policy does not cover an artifact named '%.200s'",
                          run->subject->name);
    int rc = evidence_identity(&run->provenance, id, "builder", &run->signer, &f);
    if (rc < 0 || finding_any(&f))
        return settle(run, "policy", rc, &f);
    verdict_check_add(run->verdict, "policy", true, "%s may speak for '%.200s'",
                      public_key_id(run->signer->key), id);
    return 0;
}

/* ---- the end ---- */

bool run_is_builder(const struct run *run)
{
    const struct public_key *key = run->options->own_key;
    return key != NULL && policy_has_key(run->policy->builders, run->policy->builder_count, key);
}

static int check_minimum(struct run *run)
{
    struct verdict *v = run->verdict;
    bool not_counted = v->rebuilt_here && run_is_builder(run);
    if (v->rebuilds < run->policy->rebuilds_minimum)
        return run_decide(run, VERDICT_REJECTED, ERR_REJECTED, "rebuilds",
                          "the policy wants %s in agreement, and there is %llu%s",
                          COUNTED(run->policy->rebuilds_minimum, "rebuild"),
                          (unsigned long long)v->rebuilds,
                          not_counted ? " (this verifier's own does not count: its key is a "
                                        "builder's; sign with another)"
                          : run->options->rebuild ? ""
                                                  : " (--rebuild adds this verifier's own)");
    verdict_check_add(
        v, "rebuilds", true, "%llu in agreement, %llu wanted%s", (unsigned long long)v->rebuilds,
        (unsigned long long)run->policy->rebuilds_minimum,
        not_counted ? "; this verifier's own is not counted: its key is a builder's" : "");
    return 0;
}

/* One bundle, and all of it that needs no rebuild. */
static int check_bundle(struct run *run, const struct verification_bundle *bundle, struct err *e)
{
    int rc = read_bundle(run, bundle, e);
    if (rc == 0 && !run->decided)
        rc = check_signature(run, e);
    if (rc == 0 && !run->decided)
        rc = check_provenance(run, e);
    if (rc == 0 && !run->decided)
        rc = check_subject(run, e);
    run->stranger = rc == 0 && run->decided && run->artifact.machine && run->subject == NULL &&
                    run->claims.document != NULL;
    if (rc == 0 && !run->decided && run->subject != NULL)
        rc = check_policy(run);
    return rc;
}

/* As if no bundle had been looked at. */
static int forget_bundle(struct run *run, struct err *e)
{
    struct verdict *v = run->verdict;
    evidence_dispose(&run->provenance);
    claims_dispose(&run->claims);
    run->provenance = (struct evidence){.path = NULL};
    run->claims = (struct claims){.builder_id = NULL};
    run->subject = NULL;
    run->signer = NULL;
    run->decided = false;
    run->stranger = false;
    v->check_count = 0;
    v->log_entries = 0;
    v->timestamps = 0;
    json_decref(steal_ptr(&v->explanation));
    (void)json_array_clear(v->attestations);
    return copy_name(&v->artifact_name, run->target->name, e);
}

/* The one that comes furthest, of equals the one that says something bad; else the first. */
static int check_bundles(struct run *run, struct err *e)
{
    const struct verification_target *target = run->target;
    size_t best = 0;
    size_t most = 0;
    enum err_code code = ERR_NONE;
    for (size_t i = 0; i < target->bundle_count; i++) {
        int rc = i > 0 ? forget_bundle(run, e) : 0;
        if (rc == 0)
            rc = check_bundle(run, &target->bundles[i], e);
        if (rc < 0 || !run->decided)
            return rc;
        const struct verdict *v = run->verdict;
        if (v->check_count > most || (v->check_count == most && v->code < code)) {
            best = i;
            most = v->check_count;
            code = v->code;
        }
    }
    if (target->bundle_count < 2)
        return 0;
    int rc = forget_bundle(run, e);
    return rc < 0 ? rc : check_bundle(run, &target->bundles[best], e);
}

/* All that needs nothing of other artifacts. */
static int check_alone(struct run *run, struct err *e)
{
    int rc = read_artifact(run, e);
    if (rc == 0 && run->target->bundle_count == 0)
        rc = run_decide(run, VERDICT_INPUT_UNAVAILABLE, ERR_INPUT, "signature",
                        "no provenance: the registry has no signed bundle that can be had for it");
    else if (rc == 0)
        rc = check_bundles(run, e);
    if (rc == 0)
        rc = str_format(&run->resource_uri, e, "file:%s", run->verdict->artifact_name);
    return rc;
}

static int check_rebuilds(struct session *s, struct run *run, struct err *e)
{
    int rc = 0;
    if (!run->decided && s->options->rebuild)
        rc = run_rebuild(s, run, e);
    else if (run->stranger && s->options->rebuild)
        run_explain_stranger(s, run);
    if (rc == 0 && !run->decided)
        rc = check_minimum(run);
    return rc;
}

/* Who reproduced it: a verifier that did not build says that it did not. */
static void reach_reproduced(const struct run *run)
{
    struct verdict *v = run->verdict;
    const struct others *o = &run->others;
    const char *first = o->count > 0 ? o->counted[0].identity->id : "";
    const char *others = COUNTED(o->count, "other trusted verifier");
    if (v->rebuilt_here && o->count == 0)
        verdict_reach(v, VERDICT_REPRODUCED, ERR_NONE,
                      "rebuilt bit for bit from the plan that was signed");
    else if (v->rebuilt_here)
        verdict_reach(v, VERDICT_REPRODUCED, ERR_NONE,
                      "rebuilt bit for bit from the plan that was signed, here and by %s", others);
    else
        verdict_reach(v, VERDICT_REPRODUCED, ERR_NONE,
                      "not rebuilt here; rebuilt bit for bit by the word of %s: %.200s%s", others,
                      first, o->count > 1 ? " and others" : "");
}

/* A mistake with one artifact is that one's outcome; whatever else goes wrong ends it for all. */
static int settle_alone(struct run *run, struct verification_outcome *outcome, int rc,
                        const struct err *why, struct err *e)
{
    if (rc == 0)
        return 0;
    run->failed = true;
    if (rc == -ERR_INPUT) {
        outcome->failure = *why;
        return 0;
    }
    *e = *why;
    return rc;
}

static int check_session(struct session *s, struct verification_outcome *outcomes, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct err why = ERR_INIT;
        s->runs[i].failed = outcomes[i].failure.code != ERR_NONE;
        if (s->runs[i].failed)
            continue;
        rc = check_alone(&s->runs[i], &why);
        rc = settle_alone(&s->runs[i], &outcomes[i], rc, &why, e);
    }
    if (rc == 0)
        rc = session_attestations(s, e);
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct run *run = &s->runs[i];
        if (!run->failed)
            rc = check_rebuilds(s, run, e);
        if (rc == 0 && !run->failed && !run->decided)
            reach_reproduced(run);
    }
    return rc;
}

static void session_dispose(struct session *s)
{
    for (size_t i = 0; i < s->count; i++)
        run_dispose(&s->runs[i]);
    session_dispose_rebuilds(s);
    free(s->runs);
    policy_free(s->policy);
}

int verification_run(const struct verification_options *options,
                     const struct verification_target *targets, size_t count,
                     struct verification_outcome *outcomes, struct err *e)
{
    AUTO(session_dispose) struct session s = {.options = options};
    if (options->attestation_count > VERIFICATION_ATTESTATIONS_MAX)
        return err_set(e, ERR_USAGE, "at most %d --attestation can be counted at once",
                       VERIFICATION_ATTESTATIONS_MAX);
    int rc = policy_read(options->policy, &s.policy, e);
    if (rc < 0)
        return rc;
    s.runs = array_new(count, sizeof(*s.runs));
    s.rebuilds = array_new(count, sizeof(*s.rebuilds));
    if (s.runs == NULL || s.rebuilds == NULL)
        return err_oom(e);
    s.count = count;
    for (size_t i = 0; i < count; i++)
        s.runs[i] = (struct run){.options = options,
                                 .target = &targets[i],
                                 .policy = s.policy,
                                 .verdict = &outcomes[i].verdict};
    rc = check_session(&s, outcomes, e);
    if (rc == 0)
        session_keep(&s);
    return rc;
}
