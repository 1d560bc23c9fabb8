/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/evidence/others.h"

#include "base/buf.h"
#include "base/host.h"

#include <string.h>

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static int does_not(struct finding *f, const char *what)
{
    return finding_set(f, FINDING_REJECTED, "it does not say that %s", what);
}

/* ---- what it says ---- */

static bool passed_levels(const json_t *levels)
{
    bool reproduced = false;
    for (size_t i = 0; i < json_array_size(levels); i++) {
        const char *level = json_string_value(json_array_get(levels, i));
        if (level == NULL || strcmp(level, "FAILED") == 0)
            return false;
        reproduced = reproduced || strcmp(level, "ASSAY_REPRODUCED") == 0;
    }
    return reproduced;
}

/* Its own checks: none failed, and the two that make it a rebuild are among them. */
static bool passed_checks(const json_t *checks)
{
    bool rebuilt = false;
    bool compared = false;
    for (size_t i = 0; i < json_array_size(checks); i++) {
        const json_t *check = json_array_get(checks, i);
        const char *id = text_at(check, "id");
        if (!json_is_true(json_object_get(check, "passed")))
            return false;
        rebuilt = rebuilt || strcmp(id, "rebuild") == 0;
        compared = compared || strcmp(id, "comparison") == 0;
    }
    return rebuilt && compared;
}

static int check_subject(const struct statement *s, struct finding *f)
{
    const json_t *subjects = json_object_get(s->document, "subject");
    const json_t *digests = json_object_get(json_array_get(subjects, 0), "digest");
    if (json_array_size(subjects) != 1 || json_object_size(digests) != 1)
        return finding_set(f, FINDING_REJECTED, "it speaks of more than this one artifact");
    return 0;
}

static int check_words(const struct statement *s, const struct others_question *q,
                       struct finding *f)
{
    const json_t *p = s->predicate;
    char plan[DIGEST_TEXT_MAX];
    int64_t seconds;
    if (!time_parse(text_at(p, "timeVerified"), &seconds))
        return does_not(f, "when it was verified");
    if (strcmp(text_at(p, "resourceUri"), q->resource_uri) != 0)
        return finding_set(f, FINDING_REJECTED,
                           "it speaks of the resource '%.150s', not of '%.150s'",
                           text_at(p, "resourceUri"), q->resource_uri);
    if (strcmp(text_at(p, "verificationResult"), "PASSED") != 0 ||
        strcmp(text_at(p, "assay_verdict"), "reproduced") != 0)
        return does_not(f, "this artifact was reproduced");
    if (!passed_levels(json_object_get(p, "verifiedLevels")))
        return does_not(f, "the level ASSAY_REPRODUCED was reached");
    if (strcmp(text_at(json_object_get(p, "assay_rebuild"), "planDigest"),
               digest_format(&q->plan, plan)) != 0)
        return does_not(f, "it was rebuilt from this plan");
    if (!passed_checks(json_object_get(p, "assay_checks")))
        return does_not(f, "it was rebuilt and compared, and nothing failed");
    return 0;
}

/* ---- whose it is ---- */

static bool is_own(const struct others_question *q, const struct policy_signer *signer)
{
    if (q->own_id != NULL && strcmp(q->own_id, signer->identity->id) == 0)
        return true;
    return q->own_key != NULL && (public_key_equal(q->own_key, signer->key) ||
                                  policy_has_key(signer->identity, 1, q->own_key));
}

/* One verifier is one, whatever it is called and however many keys it has. */
static bool is_counted(const struct others *o, const struct policy_signer *signer)
{
    for (size_t i = 0; i < o->count; i++)
        if (o->counted[i].identity == signer->identity ||
            policy_has_key(o->counted[i].identity, 1, signer->key))
            return true;
    return false;
}

static int count(struct others *o, const struct others_question *q,
                 const struct policy_signer *signer, struct finding *f, struct err *e)
{
    if (policy_has_key(q->builders, q->builder_count, signer->key))
        return finding_set(f, FINDING_REJECTED,
                           "its key is a builder's, and who builds is no verifier with that key");
    if (q->rebuilds && is_own(q, signer)) {
        o->own++;
        return 0;
    }
    if (is_counted(o, signer)) {
        o->again++;
        return 0;
    }
    int rc = array_grow(&o->counted, &o->room, o->count + 1, sizeof(*o->counted), e);
    if (rc == 0)
        o->counted[o->count++] = *signer;
    return rc;
}

int others_add(struct others *o, const struct others_question *q, const char *path,
               struct evidence *ev, struct finding *f, struct err *e)
{
    const struct statement_subject *subject = NULL;
    const struct policy_signer *signer = NULL;
    int rc = evidence_read(path, ev, f, e);
    if (rc == 0 && !finding_any(f))
        rc = evidence_signature(ev, q->verifiers, q->verifier_count, "verifier", "it", f, e);
    if (rc == 0 && !finding_any(f))
        rc = evidence_statement(ev, VSA_TYPE, "verification summary", f, e);
    if (rc == 0 && !finding_any(f))
        rc = evidence_subject(ev, &q->artifact, q->artifact_name, &subject, f);
    if (rc == 0 && !finding_any(f))
        rc = check_subject(ev->statement, f);
    if (rc == 0 && !finding_any(f))
        rc = evidence_identity(ev,
                               text_at(json_object_get(ev->statement->predicate, "verifier"), "id"),
                               "verifier", &signer, f);
    if (rc == 0 && !finding_any(f))
        rc = check_words(ev->statement, q, f);
    if (rc < 0 || finding_any(f) || signer == NULL)
        return rc;
    return count(o, q, signer, f, e);
}

void others_dispose(struct others *o)
{
    free(steal_ptr(&o->counted));
    o->count = 0;
    o->room = 0;
}
