/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/plan/plan_file.h"

#include "attest/dsse.h"
#include "attest/statement.h"
#include "base/file.h"
#include "builder/plan/mistaken.h"

#include <string.h>

enum { URI_MAX = 4096, DOCUMENT_MAX = PLAN_BYTES_MAX };
_Static_assert((int)DOCUMENT_MAX >= (int)DSSE_DOCUMENT_MAX, "a bundle may be as large as a plan");

struct reading {
    const struct step_table *table;
    bool any; /* an outline will do */
};

static int parse_plan(const void *data, size_t len, const char *what, const struct reading *how,
                      struct plan **out, struct err *e)
{
    return how->any ? plan_parse_any(data, len, what, how->table, out, e)
                    : plan_parse(data, len, what, how->table, out, e);
}

/* ---- provenance ---- */

/* The assay-build that ran, where it is named. */
static void read_builder(const struct statement *statement, struct plan_file *out)
{
    const json_t *details = json_object_get(statement->predicate, "runDetails");
    json_t *tools = json_object_get(json_object_get(details, "builder"), "builderDependencies");
    struct jcur tool = jcur_root(json_array_get(tools, 0), "the builder");
    struct jcur set;
    struct err ignored = ERR_INIT;
    const char *hex = NULL;
    char text[DIGEST_TEXT_MAX];
    if (tool.value == NULL || jcur_open_object(&tool, &ignored) < 0 ||
        jcur_get(&tool, "digest", &set, &ignored) < 0 ||
        jcur_get_string(&set, "sha256", 64, &hex, &ignored) < 0)
        return;
    (void)text_print(text, sizeof(text), "sha256:%s", hex);
    out->has_builder = digest_parse(text, &out->builder, &ignored) == 0;
}

/* The plan's own bytes, which have the digest that the provenance names. */
static int read_plan(const struct statement *statement, struct buf *out, struct err *e)
{
    struct jcur root = jcur_root(statement->predicate, "the provenance");
    struct jcur definition;
    struct jcur internal;
    struct jcur plan;
    struct digest said;
    struct digest found;
    const char *type = NULL;
    if (strcmp(statement->predicate_type, PROVENANCE_TYPE) != 0)
        return err_set(e, ERR_INPUT, "it is a statement of type '%.200s', which carries no plan",
                       statement->predicate_type);
    int rc = jcur_get(&root, "buildDefinition", &definition, e);
    if (rc < 0 || (rc = jcur_get_string(&definition, "buildType", URI_MAX, &type, e)) < 0)
        return rc;
    if (strcmp(type, PLAN_BUILD_TYPE) != 0)
        return err_set(e, ERR_INPUT,
                       "it is the provenance of a build of type '%.200s', which has no plan", type);
    if ((rc = jcur_get(&definition, "internalParameters", &internal, e)) < 0 ||
        (rc = jcur_get(&internal, "plan", &plan, e)) < 0 || (rc = jcur_open_object(&plan, e)) < 0 ||
        (rc = jcur_get_digest(&internal, "planDigest", &said, e)) < 0 ||
        (rc = jcs_format(plan.value, out, e)) < 0 ||
        (rc = digest_bytes(DIGEST_SHA256, out->data, out->len, &found, e)) < 0)
        return rc;
    return digest_equal(&said, &found)
               ? 0
               : err_set(e, ERR_INPUT, "its plan does not have the digest that it names");
}

static int parse_statement(const void *data, size_t len, const struct reading *how,
                           struct plan_file *out, struct err *e)
{
    AUTO_STATEMENT struct statement *statement = NULL;
    AUTO_BUF bytes = BUF_INIT(PLAN_BYTES_MAX);
    int rc = statement_parse(data, len, "the statement", &statement, e);
    if (rc < 0 || (rc = read_plan(statement, &bytes, e)) < 0 ||
        (rc = parse_plan(buf_str(&bytes), bytes.len, "its plan", how, &out->plan, e)) < 0)
        return rc;
    read_builder(statement, out);
    out->carrier = PLAN_CARRIER_STATEMENT;
    return 0;
}

static int parse_bundle(const void *data, size_t len, const struct reading *how,
                        struct plan_file *out, struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    int rc = dsse_parse(data, len, "it", &envelope, e);
    if (rc < 0)
        return rc;
    if (!dsse_is_intoto(envelope))
        return err_set(e, ERR_INPUT, "what is signed is '%.200s', and no in-toto statement",
                       envelope->payload_type);
    rc = parse_statement(envelope->payload, envelope->payload_len, how, out, e);
    if (rc == 0)
        out->carrier = envelope->bundle_type != NULL ? PLAN_CARRIER_BUNDLE : PLAN_CARRIER_ENVELOPE;
    return rc;
}

/* ---- all of them ---- */

typedef int carrier_reader(const void *data, size_t len, const struct reading *how,
                           struct plan_file *out, struct err *e);

/* By a member that such a document has and a plan has not; NULL: it is none. */
static carrier_reader *reader_for(const void *data, size_t len)
{
    static const struct {
        const char *member;
        carrier_reader *read;
    } carriers[] = {
        {"dsseEnvelope", parse_bundle},
        {"payloadType", parse_bundle},
        {"predicateType", parse_statement},
    };
    const struct json_limits limits = {.bytes = DSSE_DOCUMENT_MAX, .depth = STATEMENT_DEPTH_MAX};
    AUTO_JSON json_t *document = NULL;
    struct err ignored = ERR_INIT;
    if (json_parse(data, len, "it", &limits, &document, &ignored) < 0)
        return NULL;
    for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++)
        if (json_object_get(document, carriers[i].member) != NULL)
            return carriers[i].read;
    return NULL;
}

static int parse_document(const void *data, size_t len, const char *what, const struct reading *how,
                          struct plan_file *out, struct err *e)
{
    struct plan_file f = {.carrier = PLAN_CARRIER_NONE};
    struct err why = ERR_INIT;
    int rc = parse_plan(data, len, what, how, &f.plan, &why);
    carrier_reader *read = rc == -ERR_INPUT ? reader_for(data, len) : NULL;
    if (read == NULL) {
        if (rc < 0)
            *e = why;
    } else if ((rc = read(data, len, how, &f, e)) < 0) {
        rc = err_wrap(e, "%s", what);
    }
    if (rc == 0)
        *out = f;
    else
        plan_file_dispose(&f);
    return rc;
}

int plan_file_parse(const void *data, size_t len, const char *what, const struct step_table *table,
                    struct plan_file *out, struct err *e)
{
    const struct reading how = {.table = table};
    return parse_document(data, len, what, &how, out, e);
}

static int read_archive(const char *path, const struct reading *how, struct plan_file *out,
                        struct err *e)
{
    struct plan_file f = {.carrier = PLAN_CARRIER_ARCHIVE};
    int rc = plan_archive_open(path, how->table, &f.archive, e);
    if (rc < 0)
        return rc;
    const struct buf *bytes = plan_archive_plan(f.archive);
    rc = parse_plan(buf_str(bytes), bytes->len, "its plan", how, &f.plan, e);
    f.has_builder = plan_archive_builder(f.archive, &f.builder);
    if (rc == 0)
        *out = f;
    else
        plan_file_dispose(&f);
    return rc;
}

static int read_document(const char *path, const struct reading *how, struct plan_file *out,
                         struct err *e)
{
    AUTO_BUF data = BUF_INIT(DOCUMENT_MAX);
    AUTO_FREE char *what = NULL;
    int rc = mistaken(path, MISTAKEN_FOR_PLAN, e);
    if (rc < 0 || (rc = file_read(path, &data, e)) < 0 ||
        (rc = str_format(&what, e, "plan '%s'", path)) < 0)
        return rc;
    return parse_document(buf_str(&data), data.len, what, how, out, e);
}

static int read_file(const char *path, const struct reading *how, struct plan_file *out,
                     struct err *e)
{
    bool is_archive = false;
    int rc = plan_archive_is(path, &is_archive, e);
    if (rc < 0)
        return rc;
    return is_archive ? read_archive(path, how, out, e) : read_document(path, how, out, e);
}

int plan_file_read(const char *path, const struct step_table *table, struct plan_file *out,
                   struct err *e)
{
    const struct reading how = {.table = table};
    return read_file(path, &how, out, e);
}

int plan_file_read_any(const char *path, const struct step_table *table, struct plan_file *out,
                       struct err *e)
{
    const struct reading how = {.table = table, .any = true};
    return read_file(path, &how, out, e);
}

void plan_file_dispose(struct plan_file *f)
{
    plan_archive_close(steal_ptr(&f->archive));
    plan_free(steal_ptr(&f->plan));
}

int plan_file_bytes(const struct plan_file *f, struct buf *out, struct err *e)
{
    return jcs_format(f->plan->document, out, e);
}

/* ---- what is said of it ---- */

static const struct {
    const char *name;
    const char *caveat;
} carriers[] = {
    [PLAN_CARRIER_NONE] = {"plan", NULL},
    [PLAN_CARRIER_ARCHIVE] = {"archive", NULL},
    [PLAN_CARRIER_STATEMENT] = {"statement", "unverified: from provenance that is not signed"},
    [PLAN_CARRIER_ENVELOPE] = {"envelope", "unverified: from an envelope whose signature is not "
                                           "checked here ('assay verify' does)"},
    [PLAN_CARRIER_BUNDLE] = {"bundle", "unverified: from a bundle whose signature is not checked "
                                       "here ('assay verify' does)"},
};

const char *plan_file_carrier(const struct plan_file *f)
{
    return carriers[f->carrier].name;
}

const char *plan_file_caveat(const struct plan_file *f)
{
    return carriers[f->carrier].caveat;
}

void plan_file_warn(const struct plan_file *f, const struct cli *cli, const char *path)
{
    if (plan_file_caveat(f) != NULL)
        cli_warn(cli, "the plan of '%s' is %s", path, plan_file_caveat(f));
}
