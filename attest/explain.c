/* SPDX-License-Identifier: Apache-2.0 */
/* A summary in plain words. */
#include "attest/summary.h"

#include <string.h>

enum {
    SHORT_DIGEST = 7 + 12, /* "sha256:" and twelve digits */
    LABEL_WIDTH = 13,
    NAME_WIDTH_MAX = 48,
    VALUE_MAX = 200,
};

struct text {
    struct buf *out;
    struct err *e;
    int rc; /* the first failure; later additions do nothing */
};

static void add(struct text *t, const char *words)
{
    if (t->rc == 0)
        t->rc = buf_add_str(t->out, words, t->e);
}

/* Words of the attestation itself: at most `most` bytes of them. */
static void add_quoted_head(struct text *t, const char *words, size_t most)
{
    if (t->rc == 0)
        t->rc = buf_sayf(t->out, t->e, "%.*s", (int)text_head(words, most), words);
}

static void add_quoted(struct text *t, const char *words)
{
    if (t->rc == 0)
        t->rc = buf_sayf(t->out, t->e, "%s", words);
}

static const char *text_at(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The same, filled up with spaces to a width in bytes. */
static void add_padded(struct text *t, const char *words, size_t width)
{
    add_quoted(t, words);
    for (size_t i = strlen(words); i < width; i++)
        add(t, " ");
}

/* At most `most` bytes of it, and whether that is all. */
static bool add_head(struct text *t, const char *words, size_t most)
{
    add_quoted_head(t, words, most);
    return words[text_head(words, most)] == '\0';
}

static void add_label(struct text *t, const char *label)
{
    add(t, "  ");
    add_padded(t, label, LABEL_WIDTH);
}

/* "  label     value" when the member is there. */
static void add_field(struct text *t, const char *label, const json_t *object, const char *key)
{
    const char *value = text_at(object, key);
    if (value == NULL)
        return;
    add_label(t, label);
    add_quoted(t, value);
    add(t, "\n");
}

static size_t widest_name(const json_t *rows)
{
    size_t widest = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const char *name = text_at(json_array_get(rows, i), "name");
        size_t len = name != NULL ? strlen(name) : 0;
        widest = len > widest && len <= NAME_WIDTH_MAX ? len : widest;
    }
    return widest;
}

/* One line a descriptor: name, digest (its head only, unless `whole`), uri. */
static void add_rows(struct text *t, const json_t *rows, bool whole)
{
    size_t width = widest_name(rows);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *name = text_at(row, "name");
        const char *digest = text_at(row, "digest");
        const char *uri = text_at(row, "uri");
        add(t, "    ");
        if (width > 0)
            add_padded(t, name != NULL ? name : "", width + 2);
        if (digest == NULL)
            add(t, "(no digest)");
        else if (!add_head(t, digest, whole ? STATEMENT_NAME_MAX : SHORT_DIGEST))
            add(t, "…");
        if (uri != NULL) {
            add(t, "  ");
            add_quoted(t, uri);
        }
        add(t, "\n");
    }
}

static void add_table(struct text *t, const json_t *object, const char *key, const char *one,
                      const char *many, bool whole)
{
    const json_t *rows = json_object_get(object, key);
    size_t count = json_array_size(rows);
    char head[160];
    if (count == 0)
        return;
    (void)snprintf(head, sizeof(head), "  %zu %s:\n", count, count == 1 ? one : many);
    add(t, head);
    add_rows(t, rows, whole);
}

static void add_line(struct text *t, const char *label, const char *value)
{
    add_label(t, label);
    add(t, add_head(t, value, VALUE_MAX) ? "\n" : "… (--json shows all)\n");
}

/* A value on one line: text as it is, all else as JSON; long ones are cut. */
static void add_value(struct text *t, const char *label, const json_t *value)
{
    if (json_is_string(value)) {
        add_line(t, label, json_string_value(value));
        return;
    }
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    if (text != NULL)
        add_line(t, label, text);
    else if (t->rc == 0)
        t->rc = err_oom(t->e);
    free(text);
}

/* Rows of {id, passed, text}: the checks of a verifier. */
static bool is_checks(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *row = json_array_get(value, i);
        if (text_at(row, "id") == NULL || text_at(row, "text") == NULL ||
            !json_is_boolean(json_object_get(row, "passed")))
            return false;
    }
    return json_array_size(value) > 0;
}

static void add_extension(struct text *t, const char *name, const json_t *value)
{
    if (!is_checks(value)) {
        add_value(t, name, value);
        return;
    }
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *row = json_array_get(value, i);
        add_label(t, i == 0 ? name : "");
        add(t, json_is_true(json_object_get(row, "passed")) ? "ok    " : "FAIL  ");
        add_padded(t, text_at(row, "id"), LABEL_WIDTH);
        add_quoted(t, text_at(row, "text"));
        add(t, "\n");
    }
}

static void explain_provenance(struct text *t, const json_t *p)
{
    add(t, "The signer claims: this builder made these files from these inputs.\n");
    add_field(t, "builder", p, "builder");
    add_field(t, "build type", p, "buildType");
    add_field(t, "plan", p, "plan");
    add_field(t, "started", p, "startedOn");
    add_field(t, "finished", p, "finishedOn");
    if (json_object_get(p, "parameters") != NULL)
        add_value(t, "parameters", json_object_get(p, "parameters"));
    add_table(t, p, "inputs", "input", "inputs", false);
    add_table(t, p, "tools", "tool of the builder", "tools of the builder", false);
    add_table(t, p, "byproducts", "byproduct (a step's result)", "byproducts (the steps' results)",
              false);
}

static void explain_verification(struct text *t, json_t *v)
{
    const char *result = text_at(v, "result");
    const char *key;
    json_t *value;
    add(t, "The signer claims: this verifier looked at the resource under this policy, and it ");
    if (result != NULL && strcmp(result, "PASSED") == 0)
        add(t, "passed.\n");
    else if (result != NULL && strcmp(result, "FAILED") == 0)
        add(t, "FAILED.\n");
    else
        add(t, "does not say with what result.\n");
    add_field(t, "verifier", v, "verifier");
    add_field(t, "resource", v, "resource");
    add_field(t, "time", v, "time");
    add_field(t, "policy", json_object_get(v, "policy"), "uri");
    add_field(t, "", json_object_get(v, "policy"), "digest");
    if (json_object_get(v, "levels") != NULL)
        add_value(t, "levels", json_object_get(v, "levels"));
    json_object_foreach(v, key, value) if (str_starts(key, "assay_"))
        add_extension(t, key + 6, value);
    add_table(t, v, "inputs", "attestation that it looked at", "attestations that it looked at",
              false);
}

/* What a predicate is called, by its type. */
static const char *predicate_name(const char *type)
{
    static const struct {
        const char *prefix;
        const char *name;
    } names[] = {
        {PROVENANCE_TYPE, "SLSA build provenance"},
        {VSA_TYPE, "SLSA verification summary"},
        {"https://slsa.dev/provenance/", "SLSA build provenance of another version"},
        {"https://spdx.dev/Document", "software bill of materials (SPDX)"},
        {"https://cyclonedx.org/bom", "software bill of materials (CycloneDX)"},
        {"https://in-toto.io/attestation/svr/", "simple verification result"},
        {"https://in-toto.io/attestation/test-result/", "test result"},
        {"https://in-toto.io/attestation/vulns", "vulnerability scan"},
        {"https://in-toto.io/attestation/link/", "in-toto link"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (str_starts(type, names[i].prefix))
            return names[i].name;
    return "of a kind that Assay does not know";
}

static void explain_statement(struct text *t, const json_t *statement)
{
    const char *type = text_at(statement, "predicateType");
    const json_t *provenance = json_object_get(statement, "provenance");
    json_t *verification = json_object_get(statement, "verification");
    add(t, "In-toto statement: ");
    add(t, predicate_name(type != NULL ? type : ""));
    add(t, "\n");
    add_field(t, "predicate", statement, "predicateType");
    add_table(t, statement, "subjects", "subject, the file that it speaks of",
              "subjects, the files that it speaks of", true);
    if (provenance != NULL)
        explain_provenance(t, provenance);
    else if (verification != NULL)
        explain_verification(t, verification);
}

static void explain_envelope(struct text *t, const json_t *summary)
{
    const json_t *signatures = json_object_get(summary, "signatures");
    if (text_at(summary, "mediaType") != NULL)
        add(t, "Sigstore bundle with a signed DSSE envelope\n");
    else
        add(t, "DSSE envelope\n");
    add_field(t, "format", summary, "mediaType");
    add_field(t, "payload", summary, "payloadType");
    add_field(t, "", summary, "payloadDigest");
    for (size_t i = 0; i < json_array_size(signatures); i++) {
        const char *keyid = text_at(json_array_get(signatures, i), "keyid");
        add(t, "  signed by    ");
        add_quoted(t, keyid != NULL && keyid[0] != '\0' ? keyid : "(no key named)");
        add(t, "  (a hint: nothing was checked)\n");
    }
    if (json_array_size(signatures) == 0)
        add(t, "  signed by    nobody\n");
    const json_t *evidence = json_object_get(summary, "logEvidence");
    if (evidence != NULL)
        add_field(t, "log evidence", evidence, "status");
}

int summary_explain(const json_t *summary, struct buf *out, struct err *e)
{
    struct text t = {.out = out, .e = e};
    const json_t *statement = json_object_get(summary, "statement");
    if (json_object_get(summary, "signatures") != NULL)
        explain_envelope(&t, summary);
    else
        add(&t, "Unsigned statement: anybody can have written it\n");
    if (statement != NULL)
        explain_statement(&t, statement);
    else
        add(&t, "The payload is no in-toto statement; Assay cannot say what it claims\n");
    return t.rc;
}
