/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/params.h"

#include "base/file.h"

#include <string.h>

enum { CONTENT_MAX = 65536 };

const struct param_text param_text_path = {
    .max = TREE_PATH_MAX,
    .valid = relpath_valid,
    .is = "no path without a leading '/', '.' and '..'",
    .said_min = 1,
    .said_max = TREE_PATH_MAX,
};

const struct param_text param_text_content = {.max = CONTENT_MAX, .said_max = CONTENT_MAX};

bool param_printable(const char *text)
{
    for (const char *p = text; *p != '\0'; p++)
        if (*p < ' ' || *p > '~')
            return false;
    return true;
}

bool param_mode_valid(const char *text)
{
    return strlen(text) == PARAM_MODE_DIGITS && strspn(text, "01234567") == PARAM_MODE_DIGITS;
}

uint16_t param_mode(const char *text)
{
    unsigned mode = 0;
    for (; *text != '\0'; text++)
        mode = mode * 8 + (unsigned)(*text - '0');
    return (uint16_t)mode;
}

int param_inputs_used(const struct param_reading *r, const struct jcur *object, const void *fields,
                      struct err *e)
{
    (void)fields;
    for (size_t i = 0; i < r->input_count; i++)
        if (!r->used[i])
            return jcur_fail(object, e, "nothing is made of input %zu", i);
    return 0;
}

int output_commit(struct cas_writer *w, struct step_output *out, struct err *e)
{
    struct step_output fresh = {.kind = VALUE_BLOB};

    int rc = cas_writer_commit(w, &fresh.digest, &fresh.size, e);
    if (rc < 0)
        return rc;
    *out = fresh;
    return 0;
}

int output_tree(struct cas *cas, struct tree **tree, struct step_output *out, struct err *e)
{
    struct step_output fresh = {.kind = VALUE_TREE};

    int rc = tree_store(*tree, cas, &fresh.digest, &fresh.locations, e);
    if (rc < 0)
        return rc;
    fresh.tree = steal_ptr(tree);
    *out = fresh;
    return 0;
}
