/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/report/verdict.h"

#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/media_types.h"
#include "base/version.h"

#include <stdarg.h>
#include <string.h>

enum { STATEMENT_MAX = 1024 * 1024 };

void verdict_dispose(struct verdict *v)
{
    free(steal_ptr(&v->artifact_name));
    free(steal_ptr(&v->policy_name));
    json_decref(steal_ptr(&v->attestations));
    json_decref(steal_ptr(&v->rebuild));
    json_decref(steal_ptr(&v->explanation));
}

const char *verdict_name(enum verdict_kind kind)
{
    static const char *const names[] = {"reproduced", "differs", "rejected", "unverifiable"};
    return names[kind];
}

void verdict_check_add(struct verdict *v, const char *id, bool passed, const char *fmt, ...)
{
    if (v->check_count == VERDICT_CHECKS_MAX)
        abort(); /* the checks are a fixed, short list */
    struct verdict_check *check = &v->checks[v->check_count++];
    check->id = id;
    check->passed = passed;
    va_list args;
    va_start(args, fmt);
    (void)text_vprint(check->text, sizeof(check->text), TEXT_AS_IT_IS, fmt, args);
    va_end(args);
}

static int checks_json(const struct verdict *v, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < v->check_count; i++) {
        const struct verdict_check *c = &v->checks[i];
        AUTO_JSON json_t *o = json_object();
        rc = json_put_string(o, "id", c->id, e);
        if (rc == 0)
            rc = json_put(o, "passed", json_boolean(c->passed), e);
        if (rc == 0)
            rc = json_put_string(o, "text", c->text, e);
        if (rc == 0)
            rc = json_push(list, steal_ptr(&o), e);
    }
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

int verdict_report(const struct verdict *v, json_t **out, struct err *e)
{
    AUTO_JSON json_t *report = json_object();
    AUTO_JSON json_t *artifact = json_object();
    json_t *checks = NULL;
    int rc = json_put_string(artifact, "name", v->artifact_name, e);
    if (rc == 0)
        rc = json_put_digest(artifact, "digest", &v->artifact_digest, e);
    if (rc == 0)
        rc = json_put_u64(artifact, "size", v->artifact_size, e);
    if (rc == 0)
        rc = json_put_string(report, "type", REPORT_TYPE, e);
    if (rc == 0)
        rc = json_put_string(report, "verdict", verdict_name(v->kind), e);
    if (rc == 0)
        rc = json_put_string(report, "reason", v->reason, e);
    if (rc == 0)
        rc = json_put(report, "artifact", steal_ptr(&artifact), e);
    if (rc == 0)
        rc = checks_json(v, &checks, e);
    if (rc == 0)
        rc = json_put(report, "checks", checks, e);
    if (rc == 0)
        rc = json_put_u64(report, "rebuilds", v->rebuilds, e);
    if (rc == 0 && v->rebuild != NULL)
        rc = json_put(report, "rebuild", json_incref(v->rebuild), e);
    if (rc == 0 && v->explanation != NULL)
        rc = json_put(report, "explanation", json_incref(v->explanation), e);
    if (rc == 0)
        *out = steal_ptr(&report);
    return rc;
}

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
    cli_say(cli, "%s\n  %s, %llu bytes\n", v->artifact_name,
            digest_format(&v->artifact_digest, text), (unsigned long long)v->artifact_size);
    for (size_t i = 0; i < v->check_count; i++)
        cli_say(cli, "  %-5s %-12s %s\n", v->checks[i].passed ? "ok" : "FAIL", v->checks[i].id,
                v->checks[i].text);
    print_explanation(v, cli);
    /* A verdict that is no success has its reason on stderr too, where every error's one line is.
     */
    if (v->kind == VERDICT_REPRODUCED)
        cli_say(cli, "verdict: reproduced (%s)\n", v->reason);
    else
        cli_say(cli, "verdict: %s\n", verdict_name(v->kind));
}

/* Members that a plain VSA has no word for: the verdict itself, its reason, each check, the
 * rebuild. */
static int extensions(const struct verdict *v, json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    json_t *checks = NULL;
    int rc = json_put_string(o, "assay_verdict", verdict_name(v->kind), e);
    if (rc == 0)
        rc = json_put_string(o, "assay_reason", v->reason, e);
    if (rc == 0)
        rc = checks_json(v, &checks, e);
    if (rc == 0)
        rc = json_put(o, "assay_checks", checks, e);
    if (rc == 0 && v->rebuild != NULL)
        rc = json_put(o, "assay_rebuild", json_incref(v->rebuild), e);
    if (rc == 0 && v->explanation != NULL)
        rc = json_put(o, "assay_explanation", json_incref(v->explanation), e);
    if (rc == 0)
        *out = steal_ptr(&o);
    return rc;
}

static int predicate(const struct verdict *v, const char *verifier_id, const char *resource_uri,
                     int64_t now, json_t **out, struct err *e)
{
    char time[21];
    AUTO_JSON json_t *more = NULL;
    AUTO_JSON json_t *version = json_object();
    AUTO_JSON json_t *levels = json_array();
    /*
     * SLSA_BUILD_REPRODUCED would claim two independently operated build platforms that the issuer
     * trusts (SLSA 1.2); one verifier's rebuild is less, and is named for what it is.
     */
    const char *level = v->kind == VERDICT_REPRODUCED ? "ASSAY_REPRODUCED" : "FAILED";
    int rc = extensions(v, &more, e);
    if (rc == 0)
        rc = json_push(levels, json_string(level), e);
    if (rc == 0)
        rc = json_put_string(version, "assay", ASSAY_VERSION, e);
    if (rc < 0)
        return rc;
    AUTO_FREE char *policy_uri = NULL;
    rc = str_format(&policy_uri, e, "file:%s", v->policy_name);
    if (rc < 0)
        return rc;
    const struct vsa vsa = {
        .verifier_id = verifier_id,
        .verifier_version = version,
        .time_verified = time_format(now, time),
        .resource_uri = resource_uri,
        .policy_uri = policy_uri,
        .policy_digest = v->policy_digest,
        .input_attestations = v->attestations,
        .passed = v->kind == VERDICT_REPRODUCED,
        .verified_levels = levels,
        .extensions = more,
    };
    return vsa_predicate(&vsa, out, e);
}

int verdict_statement(const struct verdict *v, const char *verifier_id, const char *resource_uri,
                      int64_t now, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *subjects = json_array();
    AUTO_JSON json_t *statement = NULL;
    json_t *subject = NULL;
    json_t *body = NULL;
    int rc = resource_descriptor(v->artifact_name, NULL, &v->artifact_digest, NULL, &subject, e);
    if (rc == 0)
        rc = json_push(subjects, subject, e);
    if (rc == 0)
        rc = predicate(v, verifier_id, resource_uri, now, &body, e);
    if (rc == 0)
        rc = statement_new(steal_ptr(&subjects), VSA_TYPE, body, &statement, e);
    if (rc == 0)
        rc = jcs_format(statement, out, e);
    return rc;
}

int verdict_bundle(const struct verdict *v, const char *verifier_id, const char *resource_uri,
                   int64_t now, const struct signing_key *key, struct buf *out, struct err *e)
{
    AUTO_BUF statement = BUF_INIT(STATEMENT_MAX);
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    int rc = verdict_statement(v, verifier_id, resource_uri, now, &statement, e);
    if (rc == 0)
        rc = dsse_sign(key, MEDIA_INTOTO, statement.data, statement.len, &envelope, e);
    if (rc == 0)
        rc = bundle_format(envelope, out, e);
    return rc;
}
