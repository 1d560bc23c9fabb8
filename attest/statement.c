/* SPDX-License-Identifier: Apache-2.0 */
/* Reading in-toto statements (docs/formats/attestations.md, "Statement"). */
#include "attest/statement.h"
#include "base/encoding.h"

#include <string.h>

static const struct json_limits limits = {.bytes = STATEMENT_BYTES_MAX,
                                          .depth = STATEMENT_DEPTH_MAX};

enum { DIGESTS_MAX = 32, DIGEST_VALUE_MAX = 1024 };

/* The members of a DigestSet: text each; a sha256 in its one spelling. */
static int read_digests(const struct jcur *set, struct digest *sha256, bool *found, struct err *e)
{
    const char *algorithm;
    json_t *value;
    const char *text;
    int rc = jcur_open_object(set, e);
    if (rc < 0)
        return rc;
    size_t count = json_object_size(set->value);
    if (count == 0 || count > DIGESTS_MAX)
        return jcur_fail(set, e, "%zu digests, 1 to %d are allowed", count, DIGESTS_MAX);
    json_object_foreach(set->value, algorithm, value)
    {
        struct jcur member = {.value = value, .up = set, .key = algorithm};
        if ((rc = jcur_string(&member, DIGEST_VALUE_MAX, &text, e)) < 0)
            return rc;
        if (strcmp(algorithm, "sha256") != 0)
            continue;
        if (!hex_decode(text, strlen(text), sha256->bytes, DIGEST_SHA256_SIZE))
            return jcur_fail(&member, e, "not 64 lower-case hex digits");
        sha256->alg = DIGEST_SHA256;
        *found = true;
    }
    return 0;
}

static int read_subject(const struct jcur *c, struct statement *s, struct err *e)
{
    struct statement_subject subject = {.name = ""};
    struct jcur member;
    bool found = false;
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    if (jcur_opt(c, "name", &member) &&
        (rc = jcur_string(&member, STATEMENT_NAME_MAX, &subject.name, e)) < 0)
        return rc;
    if ((rc = jcur_get(c, "digest", &member, e)) < 0 ||
        (rc = read_digests(&member, &subject.sha256, &found, e)) < 0)
        return rc;
    if (found)
        s->subjects[s->subject_count++] = subject;
    return 0;
}

static int read_subjects(const struct jcur *root, struct statement *s, struct err *e)
{
    struct jcur subjects;
    size_t count;
    int rc = jcur_get(root, "subject", &subjects, e);
    if (rc < 0 || (rc = jcur_array(&subjects, STATEMENT_SUBJECTS_MAX, &count, e)) < 0)
        return rc;
    if (count == 0)
        return jcur_fail(&subjects, e, "a statement has at least one subject");
    if ((s->subjects = array_new(count, sizeof(*s->subjects))) == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&subjects, i);
        rc = read_subject(&item, s, e);
    }
    return rc;
}

static int read_predicate(const struct jcur *root, struct statement *s, struct err *e)
{
    struct jcur member;
    int rc = jcur_get(root, "predicateType", &member, e);
    if (rc < 0 || (rc = jcur_string(&member, STATEMENT_NAME_MAX, &s->predicate_type, e)) < 0)
        return rc;
    if (s->predicate_type[0] == '\0')
        return jcur_fail(&member, e, "the type is empty");
    if (!jcur_opt(root, "predicate", &member) || json_is_null(member.value)) {
        s->predicate = json_object(); /* absent = empty */
        return s->predicate == NULL ? err_oom(e) : 0;
    }
    if ((rc = jcur_open_object(&member, e)) < 0)
        return rc;
    s->predicate = json_incref(member.value);
    return 0;
}

static int read_statement(struct statement *s, const char *what, struct err *e)
{
    static const char *const types[] = {STATEMENT_TYPE, STATEMENT_TYPE_V01, NULL};
    struct jcur root = jcur_root(s->document, what);
    struct jcur type;
    size_t which;
    int rc;
    if ((rc = jcur_open_object(&root, e)) < 0 || (rc = jcur_get(&root, "_type", &type, e)) < 0 ||
        (rc = jcur_choice(&type, types, &which, e)) < 0 || (rc = read_subjects(&root, s, e)) < 0)
        return rc;
    return read_predicate(&root, s, e);
}

int statement_parse(const void *data, size_t len, const char *what, struct statement **out,
                    struct err *e)
{
    AUTO_STATEMENT struct statement *s = array_new(1, sizeof(*s));
    if (s == NULL)
        return err_oom(e);
    int rc = json_parse(data, len, what, &limits, &s->document, e);
    if (rc < 0 || (rc = read_statement(s, what, e)) < 0)
        return rc;
    *out = steal_ptr(&s);
    return 0;
}

void statement_free(struct statement *s)
{
    if (s == NULL)
        return;
    free(s->subjects);
    json_decref(s->predicate);
    json_decref(s->document);
    free(s);
}

const struct statement_subject *statement_find(const struct statement *s,
                                               const struct digest *digest)
{
    for (size_t i = 0; i < s->subject_count; i++)
        if (digest_equal(&s->subjects[i].sha256, digest))
            return &s->subjects[i];
    return NULL;
}
