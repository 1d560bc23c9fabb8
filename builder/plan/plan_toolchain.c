/* SPDX-License-Identifier: Apache-2.0 */
/* The toolchain that a plan is for, and what to do when it is not this one. */
#include "builder/plan/plan_internal.h"

#include <string.h>

enum { VERSION_MAX = 128, LIBRARIES_MAX = 64 };

bool plan_is_ours(const struct plan *plan)
{
    return strcmp(plan->toolchain_assay, ASSAY_VERSION) == 0;
}

int plan_other_steps(const struct plan *plan, struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    const struct err why = *e;
    return err_set(
        e, ERR_UNDECIDED,
        "the plan is for assay %s, whose steps this assay %s does not know (%.200s): get "
        "the assay-build of assay %s and give it with --builder FILE",
        plan->toolchain_assay, ASSAY_VERSION, err_line(&why, line, sizeof(line)),
        plan->toolchain_assay);
}

int plan_parse_toolchain(struct plan *plan, const struct jcur *c, struct err *e)
{
    static const char *const keys[] = {"assay", "libraries", NULL};
    struct jcur libraries;
    int rc;
    if ((rc = jcur_object(c, keys, e)) < 0 ||
        (rc = jcur_get_string(c, "assay", VERSION_MAX, &plan->toolchain_assay, e)) < 0 ||
        (rc = jcur_get(c, "libraries", &libraries, e)) < 0 ||
        (rc = jcur_open_object(&libraries, e)) < 0)
        return rc;
    if (json_object_size(libraries.value) > LIBRARIES_MAX)
        return jcur_fail(&libraries, e, "there are more than %d", LIBRARIES_MAX);
    plan->toolchain_libraries = libraries.value;
    const char *name;
    json_t *value;
    json_object_foreach(libraries.value, name, value)
    {
        const char *version;
        if ((rc = jcur_get_string(&libraries, name, VERSION_MAX, &version, e)) < 0)
            return rc;
    }
    return 0;
}

static bool kind_declares(const struct step_kind *kind, const char *library)
{
    for (size_t i = 0; kind->libraries != NULL && kind->libraries[i] != NULL; i++)
        if (strcmp(kind->libraries[i], library) == 0)
            return true;
    return false;
}

static bool plan_declares(const struct plan *plan, const char *library)
{
    for (size_t i = 0; i < plan->step_count; i++)
        if (kind_declares(plan->steps[i].kind, library))
            return true;
    return false;
}

/*
 * Everything that can reach an output byte is in the plan, and nothing else: a library that a
 * kind uses is listed, one that no kind uses is not. What a kind uses is known for our own
 * version only; plan_check_toolchain refuses the others.
 */
int plan_check_libraries(const struct plan *plan, const struct jcur *toolchain, struct err *e)
{
    struct jcur c;
    int rc = jcur_get(toolchain, "libraries", &c, e);
    if (rc < 0 || plan->table == NULL || !plan_is_ours(plan))
        return rc;
    const char *const *names = plan->table->libraries;
    size_t listed = 0;
    for (size_t i = 0; i < plan->table->library_count; i++) {
        bool has = json_object_get(c.value, names[i]) != NULL;
        if (has != plan_declares(plan, names[i]))
            return has ? jcur_fail(&c, e, "'%s' is listed and no step uses it", names[i])
                       : jcur_fail(&c, e, "'%s' is used by a step and is not listed", names[i]);
        listed += has;
    }
    if (listed != json_object_size(c.value))
        return jcur_fail(&c, e, "a library is listed that no step uses");
    return 0;
}

int plan_check_toolchain(const struct plan *plan, struct err *e)
{
    if (!plan_is_ours(plan))
        return err_set(e, ERR_UNDECIDED,
                       "toolchain mismatch: the plan is for assay %s and this is assay %s: get "
                       "the assay-build of assay %s and give it with --builder FILE",
                       plan->toolchain_assay, ASSAY_VERSION, plan->toolchain_assay);
    const char *const *names = plan->table->libraries;
    for (size_t i = 0; i < plan->table->library_count; i++) {
        const char *want = json_string_value(json_object_get(plan->toolchain_libraries, names[i]));
        const char *have = plan->table->library_version(names[i]);
        if (want != NULL && (have == NULL || strcmp(want, have) != 0))
            return err_set(e, ERR_UNDECIDED,
                           "toolchain mismatch: the plan is for %s %s and this assay has %s: get "
                           "an assay-build of assay %s with %s %s and give it with --builder FILE",
                           names[i], want, have == NULL ? "none" : have, ASSAY_VERSION, names[i],
                           want);
    }
    return 0;
}

int plan_toolchain(const json_t *steps, const struct step_table *table, json_t **out, struct err *e)
{
    AUTO_JSON json_t *libraries = json_object();
    AUTO_JSON json_t *toolchain = json_object();
    if (libraries == NULL || toolchain == NULL)
        return err_oom(e);
    size_t index;
    json_t *step;
    json_array_foreach(steps, index, step)
    {
        const char *name = json_string_value(json_object_get(step, "kind"));
        const struct step_kind *kind = name == NULL ? NULL : step_kind_find(table, name);
        if (kind == NULL)
            return err_set(e, ERR_INPUT, "there is no step kind '%s'", name == NULL ? "" : name);
        for (size_t i = 0; kind->libraries != NULL && kind->libraries[i] != NULL; i++) {
            const char *version = table->library_version(kind->libraries[i]);
            if (version == NULL)
                return err_set(e, ERR_UNDECIDED, "the version of library '%s' is not known",
                               kind->libraries[i]);
            int rc = json_put_string(libraries, kind->libraries[i], version, e);
            if (rc < 0)
                return rc;
        }
    }
    int rc = json_put_string(toolchain, "assay", ASSAY_VERSION, e);
    if (rc < 0 || (rc = json_put(toolchain, "libraries", steal_ptr(&libraries), e)) < 0)
        return rc;
    *out = steal_ptr(&toolchain);
    return 0;
}
