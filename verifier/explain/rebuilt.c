/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/rebuilt.h"

#include "base/json.h"
#include "base/text.h"
#include "base/tool.h"
#include "verifier/explain/machine.h"

#include <string.h>

enum { REPORT_MAX = 64 * 1024 * 1024, DIFFERENCE_MAX = 400, CAUSES_SAID = 4 };

/* It may take as long, and no longer; what was found until then is told. */
static const char seconds_max[] = "300";

/* "time.mtime: etc/motd: 2026-11-29T10:00:00Z → 2026-11-30T10:00:00Z" */
static int push_sample(json_t *list, const json_t *cause, const json_t *sample, struct err *e)
{
    char text[4 * DIFFERENCE_MAX];
    const char *path = json_string_value(json_object_get(sample, "path"));
    const char *a = json_string_value(json_object_get(sample, "a"));
    const char *b = json_string_value(json_object_get(sample, "b"));
    if (path == NULL || json_array_size(list) == EXPLANATION_MAX)
        return 0;
    text_print(text, sizeof(text), "%s: %.*s%s%.*s%s%.*s",
               json_string_value(json_object_get(cause, "id")), (int)text_head(path, 160),
               path[0] != 0 ? path : "(the whole)", a != NULL ? ": " : "",
               a != NULL ? (int)text_head(a, 100) : 0, a != NULL ? a : "", b != NULL ? " → " : "",
               b != NULL ? (int)text_head(b, 100) : 0, b != NULL ? b : "");
    return json_push(list, json_stringn(text, text_head(text, DIFFERENCE_MAX)), e);
}

/* A cause may stand in several groups, one for each thing that it was found in. */
static int add_cause(json_t *causes, const json_t *group, struct err *e)
{
    static const char *const keys[] = {"id", "explains_fully", "advice"};
    const char *id = json_string_value(json_object_get(group, "id"));
    json_int_t count = json_integer_value(json_object_get(group, "count"));
    AUTO_JSON json_t *o = json_object();
    int rc = o == NULL ? err_oom(e) : 0;
    for (size_t i = 0; i < json_array_size(causes); i++) {
        json_t *known = json_array_get(causes, i);
        if (strcmp(json_string_value(json_object_get(known, "id")), id) == 0) {
            count += json_integer_value(json_object_get(known, "count"));
            return json_put(known, "count", json_integer(count), e);
        }
    }
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++)
        rc = json_put(o, keys[i], json_incref(json_object_get(group, keys[i])), e);
    if (rc == 0)
        rc = json_put(o, "count", json_integer(count), e);
    return rc < 0 ? rc : json_push(causes, steal_ptr(&o), e);
}

static int take_groups(const json_t *result, json_t *list, json_t *causes, json_int_t *count,
                       struct err *e)
{
    const json_t *groups = json_object_get(result, "causes");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(groups); i++) {
        const json_t *group = json_array_get(groups, i);
        const json_t *samples = json_object_get(group, "sample");
        if (!json_is_string(json_object_get(group, "id")) ||
            !json_is_string(json_object_get(group, "advice")) ||
            !json_is_integer(json_object_get(group, "count")))
            return err_set(e, ERR_HOST, "assay-diff told no causes");
        *count += json_integer_value(json_object_get(group, "count"));
        rc = add_cause(causes, group, e);
        for (size_t k = 0; rc == 0 && k < json_array_size(samples); k++)
            rc = push_sample(list, group, json_array_get(samples, k), e);
    }
    return rc;
}

static int take_result(const json_t *result, json_t **out, struct err *e)
{
    AUTO_JSON json_t *o = json_object();
    AUTO_JSON json_t *list = json_array();
    AUTO_JSON json_t *causes = json_array();
    json_int_t count = 0;
    if (o == NULL || list == NULL || causes == NULL)
        return err_oom(e);
    int rc = take_groups(result, list, causes, &count, e);
    if (rc < 0 || json_array_size(list) == 0)
        return rc;
    if ((rc = json_put(o, "count", json_integer(count), e)) < 0 ||
        (rc = json_put(o, "differences", steal_ptr(&list), e)) < 0 ||
        (rc = json_put(o, "causes", steal_ptr(&causes), e)) < 0 ||
        (rc = json_put(o, "unexplained", json_incref(json_object_get(result, "unexplained")), e)) <
            0)
        return rc;
    *out = steal_ptr(&o);
    return 0;
}

int explain_rebuilt(const char *theirs, const char *rebuilt, const char *scratch, json_t **out,
                    struct err *e)
{
    AUTO_BUF output = BUF_INIT(REPORT_MAX);
    AUTO_JSON json_t *report = NULL;
    struct err ignored = ERR_INIT;
    int status = 0;
    const char *const argv[] = {"--json", "--max-seconds", seconds_max, "--",
                                theirs,   rebuilt,         NULL};
    *out = NULL;
    if (tool_run("assay-diff", argv, scratch, &output, &status, &ignored) < 0 || status == 0 ||
        json_parse(buf_str(&output), output.len, "the report of assay-diff", NULL, &report,
                   &ignored) < 0)
        return 0;
    return take_result(json_object_get(report, "result"), out, e);
}

void explain_causes_clause(const json_t *explanation, char *text, size_t size)
{
    const json_t *causes = json_object_get(explanation, "causes");
    json_int_t left =
        json_integer_value(json_object_get(json_object_get(explanation, "unexplained"), "count"));
    size_t said = 0;
    size_t count = json_array_size(causes);
    text[0] = 0;
    for (size_t i = 0; i < count && i < CAUSES_SAID; i++)
        said += text_print(text + said, size - said, "%s%.40s", i > 0 ? ", " : "",
                           json_string_value(json_object_get(json_array_get(causes, i), "id")));
    if (count > CAUSES_SAID)
        said += text_print(text + said, size - said, " and %zu more", count - CAUSES_SAID);
    if (left > 0)
        (void)text_print(text + said, size - said, "; %s that nothing explains",
                         COUNTED((uint64_t)left, "difference"));
}
