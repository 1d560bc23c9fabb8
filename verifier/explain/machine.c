/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/machine.h"

#include "base/json.h"
#include "base/tool.h"

#include <string.h>

enum { REPORT_MAX = 8 * 1024 * 1024, DIFFERENCE_MAX = 400 };

/* The first of them, bounded: the report may be of hostile length. */
static int take_differences(const json_t *report, json_t **out, struct err *e)
{
    const json_t *all = json_object_get(report, "differences");
    const json_t *count = json_object_get(report, "count");
    AUTO_JSON json_t *explanation = json_object();
    AUTO_JSON json_t *list = json_array();
    if (explanation == NULL || list == NULL)
        return err_oom(e);
    if (!json_is_array(all) || !json_is_integer(count) || json_integer_value(count) < 1)
        return err_set(e, ERR_HOST, "assay-cartesi told no differences");
    for (size_t i = 0; i < json_array_size(all) && i < EXPLANATION_MAX; i++) {
        const char *text = json_string_value(json_array_get(all, i));
        if (text == NULL)
            return err_set(e, ERR_HOST, "assay-cartesi told no differences");
        int rc = json_push(list, json_stringn(text, text_head(text, DIFFERENCE_MAX)), e);
        if (rc < 0)
            return rc;
    }
    int rc = json_put_u64(explanation, "count", (uint64_t)json_integer_value(count), e);
    if (rc < 0 || (rc = json_put(explanation, "differences", steal_ptr(&list), e)) < 0)
        return rc;
    *out = steal_ptr(&explanation);
    return 0;
}

int explain_machine(const char *theirs, const char *rebuilt, const char *scratch, json_t **out,
                    struct err *e)
{
    AUTO_BUF output = BUF_INIT(REPORT_MAX);
    AUTO_JSON json_t *report = NULL;
    struct err unreadable = ERR_INIT;
    int status = 0;
    const char *const argv[] = {"diff", theirs, rebuilt, "--json", NULL};
    *out = NULL;
    int rc = tool_run("assay-cartesi", argv, scratch, &output, &status, &unreadable);
    if (rc == -ERR_INPUT || (rc == 0 && status == 0))
        return 0;
    if (rc < 0) {
        *e = unreadable;
        return rc;
    }
    rc = json_parse(buf_str(&output), output.len, "the report of assay-cartesi", NULL, &report, e);
    /* Machines that differ are an error to it: what it found stands beside that. */
    return rc < 0 ? rc : take_differences(json_object_get(report, "result"), out, e);
}

void explain_clause(const json_t *explanation, char *text, size_t size)
{
    const json_t *list = json_object_get(explanation, "differences");
    const char *first = json_string_value(json_array_get(list, 0));
    json_int_t more = json_integer_value(json_object_get(explanation, "count")) - 1;
    text[0] = 0;
    if (first != NULL && more > 0)
        (void)text_print(text, size, "%.200s, and %lld more", first, (long long)more);
    else if (first != NULL)
        (void)text_print(text, size, "%.200s", first);
}
