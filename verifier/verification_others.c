/* SPDX-License-Identifier: Apache-2.0 */
/* Other verifiers' verdicts: which artifact each is about, and whether it counts for that one. */
#include "base/text.h"
#include "verifier/verification_internal.h"

#include <string.h>

/* What a verdict says that it is about, before anybody has looked at who says so: only good for
 * finding the artifact that it is checked against. */
struct about {
    bool known;
    struct evidence evidence;
    const char *uri; /* borrowed from the evidence */
};

static int peek(const char *path, struct about *out, struct err *e)
{
    struct finding f = {.kind = FINDING_NONE};
    int rc = evidence_read(path, &out->evidence, &f, e);
    if (rc == 0 && !finding_any(&f))
        rc = evidence_statement(&out->evidence, VSA_TYPE, "verification summary", &f, e);
    if (rc < 0 || finding_any(&f))
        return rc;
    out->uri =
        json_string_value(json_object_get(out->evidence.statement->predicate, "resourceUri"));
    out->known = out->uri != NULL;
    return 0;
}

static const char *uri_of(const struct run *run)
{
    return run->options->resource_uri != NULL ? run->options->resource_uri : run->resource_uri;
}

/* An artifact that could not be read has a name only. */
static bool is_about(const struct about *about, const struct run *run)
{
    const char *uri = uri_of(run);
    return about->known && uri != NULL && strcmp(about->uri, uri) == 0 &&
           (run->failed ||
            statement_find(about->evidence.statement, &run->artifact.digest) != NULL);
}

/* Whether a verdict is to be checked against an artifact: when it is about it, and when it is about
 * none of them, so that it is dropped by nobody. */
static bool concerns(const struct session *s, const struct about *about, const struct run *run)
{
    if (is_about(about, run))
        return true;
    for (size_t i = 0; i < s->count; i++)
        if (is_about(about, &s->runs[i]))
            return false;
    return true;
}

static int read_other(struct run *run, const struct others_question *q, const char *path,
                      struct finding *f, struct err *e)
{
    struct evidence ev = {.path = path};
    int rc = others_add(&run->others, q, path, &ev, f, e);
    if (rc == 0)
        rc = run_add_evidence(run, &ev, e);
    evidence_dispose(&ev);
    return rc;
}

static void sum_up(struct run *run, size_t given)
{
    run->verdict->rebuilds += run->others.count;
    if (given > 0)
        verdict_check_add(run->verdict, "attestations", true, "%s, by %s%s",
                          COUNTED(given, "verdict"), COUNTED(run->others.count, "other verifier"),
                          run->others.own > 0 ? "; this one's own is not counted beside its rebuild"
                                              : "");
}

/* One that was given and does not hold rejects: evidence is never dropped silently. */
static int check_attestations(const struct session *s, struct run *run, const struct about *abouts,
                              struct err *e)
{
    const struct verification_options *o = run->options;
    const struct others_question q = {
        .verifiers = run->policy->verifiers,
        .verifier_count = run->policy->verifier_count,
        .artifact = run->artifact.digest,
        .artifact_name = run->verdict->artifact_name,
        .plan = run->claims.plan_digest,
        .resource_uri = uri_of(run),
        .builders = run->policy->builders,
        .builder_count = run->policy->builder_count,
        .own_id = o->own_id,
        .own_key = o->own_key,
        .rebuilds = o->rebuild,
    };
    size_t given = 0;
    for (size_t i = 0; i < o->attestation_count; i++) {
        struct finding f = {.kind = FINDING_NONE};
        if (!concerns(s, &abouts[i], run))
            continue;
        given++;
        int rc = read_other(run, &q, o->attestations[i], &f, e);
        if (rc < 0)
            return rc;
        if (finding_any(&f))
            return run_decide(
                run, f.kind == FINDING_MALFORMED ? VERDICT_INPUT_UNAVAILABLE : VERDICT_REJECTED,
                f.kind == FINDING_MALFORMED ? ERR_INPUT : ERR_REJECTED, "attestations",
                "'%.150s' does not count: %.300s", o->attestations[i], f.text);
    }
    sum_up(run, given);
    return 0;
}

static int name_resources(struct session *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->count; i++) {
        struct run *run = &s->runs[i];
        if (run->resource_uri == NULL && run->verdict->artifact_name != NULL)
            rc = str_format(&run->resource_uri, e, "file:%s", run->verdict->artifact_name);
    }
    return rc;
}

int session_attestations(struct session *s, struct err *e)
{
    size_t count = s->options->attestation_count;
    AUTO_FREE struct about *abouts = array_new(count, sizeof(*abouts));
    if (abouts == NULL)
        return err_oom(e);
    int rc = name_resources(s, e);
    for (size_t i = 0; rc == 0 && s->count > 1 && i < count; i++)
        rc = peek(s->options->attestations[i], &abouts[i], e);
    for (size_t i = 0; rc == 0 && i < s->count; i++)
        if (!s->runs[i].failed && !s->runs[i].decided)
            rc = check_attestations(s, &s->runs[i], abouts, e);
    for (size_t i = 0; i < count; i++)
        evidence_dispose(&abouts[i].evidence);
    return rc;
}
