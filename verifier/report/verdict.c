/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/report/verdict.h"

#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/media_types.h"
#include "base/text.h"
#include "base/version.h"

#include <stdarg.h>
#include <string.h>

enum { STATEMENT_MAX = 1024 * 1024, BUNDLE_BYTES_MAX = 2 * 1024 * 1024 };

void verdict_dispose(struct verdict *v)
{
    free(steal_ptr(&v->artifact_name));
    free(steal_ptr(&v->policy_name));
    free(steal_ptr(&v->reference));
    json_decref(steal_ptr(&v->attestations));
    json_decref(steal_ptr(&v->rebuild));
    json_decref(steal_ptr(&v->steps));
    json_decref(steal_ptr(&v->explanation));
}

const char *verdict_name(enum verdict_kind kind)
{
    static const char *const names[] = {"reproduced",   "differs",           "build-failed",
                                        "inconclusive", "input-unavailable", "rejected"};
    return names[kind];
}

__attribute__((format(printf, 2, 0))) static void set_text(char text[VERDICT_TEXT_MAX],
                                                           const char *fmt, va_list args)
{
    (void)text_vprint(text, VERDICT_TEXT_MAX, TEXT_AS_IT_IS, fmt, args);
    text_repair(text);
}

void verdict_check_add(struct verdict *v, const char *id, bool passed, const char *fmt, ...)
{
    if (v->check_count == VERDICT_CHECKS_MAX)
        abort(); /* the checks are a fixed, short list */
    struct verdict_check *check = &v->checks[v->check_count++];
    va_list args;
    check->id = id;
    check->passed = passed;
    va_start(args, fmt);
    set_text(check->text, fmt, args);
    va_end(args);
}

void verdict_reach(struct verdict *v, enum verdict_kind kind, enum err_code code, const char *fmt,
                   ...)
{
    va_list args;
    v->kind = kind;
    v->code = code;
    va_start(args, fmt);
    set_text(v->reason, fmt, args);
    va_end(args);
}

/* ---- as JSON ---- */

/* How much of the texts goes in. */
struct measure {
    size_t text;        /* bytes of a reason, a check or a difference */
    size_t differences; /* that are listed */
    bool names;         /* of what was read as evidence, besides the digests */
};

static const struct measure whole = {VERDICT_TEXT_MAX, SIZE_MAX, true};
/* From what one wants to what always fits an entry of a log. */
static const struct measure measures[] = {
    {VERDICT_TEXT_MAX, 50, true}, {VERDICT_TEXT_MAX, 10, true}, {160, 1, false}};

static json_t *head_of(const char *text, size_t most)
{
    return json_stringn(text, text_head(text, most));
}

static int checks_json(const struct verdict *v, const struct measure *m, json_t **out,
                       struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        json_t *o = json_object();
        rc = json_push(list, o, e); /* owns it */
        if (rc == 0)
            rc = json_put_string(o, "id", c->id, e);
        if (rc == 0)
            rc = json_put(o, "passed", json_boolean(c->passed), e);
        if (rc == 0)
            rc = json_put(o, "text", head_of(c->text, m->text), e);
    }
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

static int log_evidence_json(const struct verdict *v, json_t **out, struct err *e)
{
    const struct dsse_envelope counts = {.log_entries = v->log_entries,
                                         .timestamps = v->timestamps};
    AUTO_JSON json_t *holder = json_object();
    int rc = dsse_put_log_evidence(holder, &counts, e);
    if (rc == 0)
        *out = json_incref(json_object_get(holder, "logEvidence"));
    return rc;
}

/* {count, differences, causes?, unexplained?}: the list may be shorter than the count. */
static int explanation_json(const struct verdict *v, const struct measure *m, json_t **out,
                            struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *list = json_array();
    static const char *const why[] = {"causes", "unexplained"};
    json_t *part = NULL;
    const json_t *all = json_object_get(v->explanation, "differences");
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(all) && i < m->differences; i++)
        rc = json_push(list, head_of(json_string_value(json_array_get(all, i)), m->text), e);
    if (rc == 0)
        rc = json_put(o, "count", json_incref(json_object_get(v->explanation, "count")), e);
    if (rc == 0)
        rc = json_put(o, "differences", steal_ptr(&list), e);
    for (size_t i = 0; rc == 0 && i < sizeof(why) / sizeof(why[0]); i++)
        if ((part = json_object_get(v->explanation, why[i])) != NULL)
            rc = json_put(o, why[i], json_incref(part), e);
    if (rc == 0)
        *out = steal_ptr(&o);
    return rc;
}

/* The same members with and without the prefix of an extension. */
static int put_findings(const struct verdict *v, const struct measure *m, const char *const keys[5],
                        json_t *o, struct err *e)
{
    json_t *part = NULL;
    int rc = json_put_string(o, keys[0], verdict_name(v->kind), e);
    if (rc == 0)
        rc = json_put(o, keys[1], head_of(v->reason, m->text), e);
    if (rc == 0)
        rc = checks_json(v, m, &part, e);
    if (rc == 0)
        rc = json_put(o, keys[2], part, e);
    if (rc == 0)
        rc = log_evidence_json(v, &part, e);
    if (rc == 0)
        rc = json_put(o, keys[3], part, e);
    if (rc == 0 && v->explanation != NULL) {
        rc = explanation_json(v, m, &part, e);
        if (rc == 0)
            rc = json_put(o, keys[4], part, e);
    }
    return rc;
}

/* Where the artifact was pulled from, and what the reference named then. */
static int put_source(const struct verdict *v, const char *key, json_t *to, struct err *e)
{
    json_t *source = NULL;
    if (v->reference == NULL)
        return 0;
    source = json_object();
    int rc = json_put(to, key, source, e); /* owns it */
    if (rc == 0)
        rc = json_put_string(source, "reference", v->reference, e);
    return rc < 0 ? rc : json_put_digest(source, "digest", &v->pulled, e);
}

static int put_artifact(const struct verdict *v, json_t *report, struct err *e)
{
    json_t *artifact = json_object();
    int rc = json_put(report, "artifact", artifact, e); /* owns it */
    if (rc == 0)
        rc = json_put_string(artifact, "name", v->artifact_name, e);
    if (rc == 0)
        rc = json_put_digest(artifact, "digest", &v->artifact_digest, e);
    if (rc == 0)
        rc = json_put_u64(artifact, "size", v->artifact_size, e);
    return rc;
}

/* The rebuild of the verdict, and the list that the verdict only names. */
static int put_rebuild(const struct verdict *v, json_t *report, struct err *e)
{
    AUTO_JSON json_t *rebuild = NULL;
    if (v->rebuild == NULL)
        return 0;
    rebuild = json_copy(v->rebuild);
    int rc = json_put(rebuild, "steps", json_incref(v->steps), e);
    return rc < 0 ? rc : json_put(report, "rebuild", steal_ptr(&rebuild), e);
}

int verdict_report(const struct verdict *v, json_t **out, struct err *e)
{
    static const char *const keys[] = {"verdict", "reason", "checks", "logEvidence", "explanation"};
    AUTO_JSON json_t *report = json_object();
    int rc = json_put_string(report, "type", ASSAY_URI "report/v1", e);
    if (rc == 0)
        rc = put_findings(v, &whole, keys, report, e);
    if (rc == 0)
        rc = json_put(report, "exit", json_integer(v->code), e);
    if (rc == 0)
        rc = put_artifact(v, report, e);
    if (rc == 0)
        rc = put_source(v, "source", report, e);
    if (rc == 0)
        rc = json_put_u64(report, "rebuilds", v->rebuilds, e);
    if (rc == 0)
        rc = put_rebuild(v, report, e);
    if (rc == 0)
        *out = steal_ptr(&report);
    return rc;
}

/* ---- for people ---- */

enum { LINES_PRINTED = 10 };

static void print_explanation(const struct verdict *v, const struct cli *cli)
{
    const json_t *list = json_object_get(v->explanation, "differences");
    json_int_t count = json_integer_value(json_object_get(v->explanation, "count"));
    size_t n = json_array_size(list) < LINES_PRINTED ? json_array_size(list) : LINES_PRINTED;
    for (size_t i = 0; i < n; i++)
        cli_say(cli, "  %-5s %-12s %s\n", "", i == 0 ? "differences" : "",
                json_string_value(json_array_get(list, i)));
    if (count > (json_int_t)n)
        cli_say(cli, "  %-5s %-12s … and %lld more\n", "", "", (long long)(count - (json_int_t)n));
}

void verdict_print(const struct verdict *v, const struct cli *cli)
{
    char text[DIGEST_TEXT_MAX];
    cli_say(cli, "%s\n  %s, %s\n", v->artifact_name, digest_format(&v->artifact_digest, text),
            COUNTED(v->artifact_size, "byte"));
    if (v->reference != NULL)
        cli_say(cli, "  pulled from %s, manifest %s\n", v->reference,
                digest_format(&v->pulled, text));
    for (size_t i = 0; i < v->check_count; i++)
        cli_say(cli, "  %-5s %-12s %s\n", v->checks[i].passed ? "ok" : "FAIL", v->checks[i].id,
                v->checks[i].text);
    print_explanation(v, cli);
    if (v->log_entries + v->timestamps > 0)
        cli_say(cli, "log evidence: not checked (log entries: %zu, time stamps: %zu)\n",
                v->log_entries, v->timestamps);
    /* A verdict that is no success has its reason on stderr too, where every error's one line is.
     */
    if (v->kind == VERDICT_REPRODUCED)
        cli_say(cli, "verdict: reproduced (%s)\n", v->reason);
    else
        cli_say(cli, "verdict: %s\n", verdict_name(v->kind));
}

/* ---- signed ---- */

/* Members that a plain VSA has no word for: the verdict itself, its reason, each check, the
 * rebuild. */
static int extensions(const struct verdict *v, const struct measure *m, json_t **out, struct err *e)
{
    static const char *const keys[] = {"assay_verdict", "assay_reason", "assay_checks",
                                       "assay_log_evidence", "assay_explanation"};
    AUTO_JSON json_t *o = json_object();
    int rc = o == NULL ? err_oom(e) : put_findings(v, m, keys, o, e);
    if (rc == 0 && v->rebuild != NULL)
        rc = json_put(o, "assay_rebuild", json_incref(v->rebuild), e);
    if (rc == 0)
        rc = put_source(v, "assay_source", o, e);
    if (rc == 0)
        *out = steal_ptr(&o);
    return rc;
}

static int inputs_json(const struct verdict *v, const struct measure *m, json_t **out,
                       struct err *e)
{
    AUTO_JSON json_t *list = json_deep_copy(v->attestations);
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; !m->names && i < json_array_size(list); i++)
        (void)json_object_del(json_array_get(list, i), "name");
    *out = steal_ptr(&list);
    return 0;
}

static int levels_json(const struct verdict *v, json_t **out, struct err *e)
{
    /*
     * SLSA_BUILD_REPRODUCED would claim two independently operated build platforms that the issuer
     * trusts (SLSA 1.2); one verifier's rebuild is less, and is named for what it is. So is the
     * word of others alone.
     */
    const char *level = v->kind != VERDICT_REPRODUCED ? "FAILED"
                        : v->rebuilt_here             ? "ASSAY_REPRODUCED"
                                                      : "ASSAY_REPRODUCED_BY_OTHERS";
    *out = json_array();
    return json_push(*out, json_string(level), e);
}

static int predicate(const struct verdict *v, const struct verdict_signer *signer,
                     const struct measure *m, json_t **out, struct err *e)
{
    char time[21];
    AUTO_JSON json_t *more = NULL;
    AUTO_JSON json_t *version = json_object();
    AUTO_JSON json_t *levels = NULL;
    AUTO_JSON json_t *inputs = NULL;
    AUTO_FREE char *policy_uri = NULL;
    int rc = extensions(v, m, &more, e);
    if (rc == 0)
        rc = levels_json(v, &levels, e);
    if (rc == 0)
        rc = inputs_json(v, m, &inputs, e);
    if (rc == 0)
        rc = json_put_string(version, "assay", ASSAY_VERSION, e);
    if (rc == 0)
        rc = str_format(&policy_uri, e, "file:%s", v->policy_name);
    if (rc < 0)
        return rc;
    const struct vsa vsa = {
        .verifier_id = signer->verifier_id,
        .verifier_version = version,
        .time_verified = time_format(signer->now, time),
        .resource_uri = signer->resource_uri,
        .policy_uri = policy_uri,
        .policy_digest = v->policy_digest,
        .input_attestations = inputs,
        .passed = v->kind == VERDICT_REPRODUCED,
        .verified_levels = levels,
        .extensions = more,
    };
    return vsa_predicate(&vsa, out, e);
}

static int statement(const struct verdict *v, const struct verdict_signer *signer,
                     const struct measure *m, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *subjects = json_array();
    AUTO_JSON json_t *document = NULL;
    json_t *subject = NULL;
    json_t *body = NULL;
    int rc = resource_descriptor(v->artifact_name, NULL, &v->artifact_digest, NULL, &subject, e);
    if (rc == 0)
        rc = json_push(subjects, subject, e);
    if (rc == 0)
        rc = predicate(v, signer, m, &body, e);
    if (rc == 0)
        rc = statement_new(steal_ptr(&subjects), VSA_TYPE, body, &document, e);
    return rc < 0 ? rc : jcs_format(document, out, e);
}

static int bundle(const struct verdict *v, const struct verdict_signer *signer,
                  const struct measure *m, struct buf *out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(STATEMENT_MAX);
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    int rc = statement(v, signer, m, &text, e);
    if (rc == 0)
        rc = dsse_sign(signer->key, MEDIA_INTOTO, text.data, text.len, &envelope, e);
    if (rc == 0)
        rc = bundle_format(envelope, out, e);
    return rc < 0 ? rc : buf_add_str(out, "\n", e);
}

int verdict_bundle(const struct verdict *v, const struct verdict_signer *signer, size_t max,
                   struct buf *out, struct err *e)
{
    for (size_t i = 0; i < sizeof(measures) / sizeof(measures[0]); i++) {
        AUTO_BUF made = BUF_INIT(BUNDLE_BYTES_MAX);
        int rc = bundle(v, signer, &measures[i], &made, e);
        if (rc < 0)
            return rc;
        if (made.len <= max)
            return buf_add(out, made.data, made.len, e);
    }
    return err_set(e, ERR_USAGE,
                   "the verdict has more than %zu bytes: give a shorter "
                   "--verifier-id or --resource-uri",
                   max);
}

int verdict_steps(const struct verdict *v, struct buf *out, struct err *e)
{
    return v->steps == NULL ? 0 : jcs_format(v->steps, out, e);
}
