/* SPDX-License-Identifier: Apache-2.0 */
/* What apt is asked once it has read its indexes: which packages, their files, their suites. */
#include "base/file.h"
#include "base/place.h"
#include "base/process.h"
#include "builder/lock/apt_internal.h"

#include <string.h>

/* ---- asking ------------------------------------------------------------------------------------
 */

int apt_show(struct apt *apt, const char *const *names, size_t count, struct packages *out,
             struct err *e)
{
    static const char *const arguments[] = {"show", "--no-all-versions"};
    const struct apt_call call = {.program = "apt-cache",
                                  .arguments = arguments,
                                  .argument_count = 2,
                                  .names = names,
                                  .name_count = count,
                                  .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    int status = 0;
    char line[PLACE_MESSAGE_MAX];
    int rc = apt_run(apt->options, apt->config, &call, &text, &errors, &status, e);
    if (rc < 0)
        return rc;
    /* Names that it does not know make it exit with 100 too: the caller looks at what came. */
    if (status != 0 && status != 100)
        return err_set(e, ERR_HOST, "apt-cache show: %s",
                       apt_complaint(apt->options, &errors, line));
    return packages_parse(buf_str(&text), text.len, out, e);
}

/* "Inst NAME (VERSION …" or "Inst NAME [OLD] (VERSION …" → NAME=VERSION */
static int take_inst(const char *line, char **out, struct err *e)
{
    const char *name = line + 5;
    const char *open = strchr(name, '(');
    const char *eol = name + strcspn(name, "\n");
    if (open == NULL || open > eol)
        return err_set(e, ERR_HOST, "apt-get: cannot read what it would install");
    size_t name_len = strcspn(name, " :\n");
    return str_format(out, e, "%.*s=%.*s", (int)name_len, name, (int)strcspn(open + 1, " )\n"),
                      open + 1);
}

static int parse_solution(const char *text, char ***out, size_t *out_count, struct err *e)
{
    char **list = NULL;
    size_t count = 0;
    size_t cap = 0;
    int rc = 0;
    for (const char *p = text; rc == 0 && *p != '\0';) {
        size_t len = strcspn(p, "\n");
        if (str_starts(p, "Inst ")) {
            rc = array_grow(&list, &cap, count + 1, sizeof(*list), e);
            if (rc == 0 && (rc = take_inst(p, &list[count], e)) == 0)
                count++;
        }
        p += len + (p[len] == '\n');
    }
    if (rc < 0) {
        strings_free(list, count);
        return rc;
    }
    *out = list;
    *out_count = count;
    return 0;
}

int apt_solve(struct apt *apt, const char *const *names, size_t count, char ***out,
              size_t *out_count, struct err *e)
{
    static const char *const arguments[] = {"-qq", "-y", "-s", "--no-install-recommends",
                                            "install"};
    const struct apt_call call = {.program = "apt-get",
                                  .arguments = arguments,
                                  .argument_count = 5,
                                  .names = names,
                                  .name_count = count,
                                  .seconds = QUERY_SECONDS};
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    int rc = apt_run_checked(apt, &call, &text, ERR_INPUT, e);
    return rc < 0 ? rc : parse_solution(buf_str(&text), out, out_count, e);
}

int apt_file(const struct package *p, char **name, struct err *e)
{
    AUTO_BUF version = BUF_INIT(1024);
    int rc = 0;
    for (const char *v = p->version; rc == 0 && *v != '\0'; v++)
        rc = *v == ':' ? buf_add_str(&version, "%3a", e) : buf_add(&version, v, 1, e);
    return rc < 0 ? rc : str_format(name, e, "%s_%s_%s.deb", p->name, buf_str(&version), p->arch);
}

int apt_download(struct apt *apt, const struct package *const *list, size_t count,
                 const char **directory, struct err *e)
{
    static const char *const arguments[] = {"-qq", "download"};
    char **names = array_new(count + 1, sizeof(*names));
    int rc = names == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = str_format(&names[i], e, "%s=%s", list[i]->name, list[i]->version);
    if (rc == 0) {
        const struct apt_call call = {.program = "apt-get",
                                      .arguments = arguments,
                                      .argument_count = 2,
                                      .names = (const char *const *)names,
                                      .name_count = count,
                                      .cwd = apt->downloads,
                                      .seconds = DOWNLOAD_SECONDS};
        rc = apt_run_checked(apt, &call, NULL, ERR_HOST, e);
    }
    strings_free(names, names == NULL ? 0 : count);
    if (rc == 0)
        *directory = apt->downloads;
    return rc;
}

/* ---- which suite ------------------------------------------------------------------------------
 */

/* A column of `apt-cache madison`: "NAME | VERSION | URI SUITE/COMPONENT ARCH Packages". */
static bool take_column(const char **cursor, const char **out, size_t *len)
{
    const char *p = *cursor + strspn(*cursor, " ");
    *out = p;
    *len = strcspn(p, " |\n");
    p += *len;
    *cursor = p + strspn(p, " |");
    return *len > 0;
}

static bool column_is(const char *column, size_t len, const char *text)
{
    return strlen(text) == len && memcmp(column, text, len) == 0;
}

/* One line of it: the first suite in the recipe's order that has the version counts. */
static void take_place(const struct apt_options *o, const char *line, const struct packages *list,
                       size_t *suites)
{
    const char *c[4];
    size_t len[4];
    for (size_t i = 0; i < 4; i++)
        if (!take_column(&line, &c[i], &len[i]))
            return;
    len[3] = strcspn(c[3], "/ \n");
    for (size_t i = 0; i < list->count; i++) {
        const struct package *p = &list->items[i];
        if (!column_is(c[0], len[0], p->name) || !column_is(c[1], len[1], p->version))
            continue;
        for (size_t s = 0; s < suites[i] && s < o->suite_count; s++)
            if (column_is(c[3], len[3], o->suites[s].name))
                suites[i] = s;
    }
}

int apt_suites_of(struct apt *apt, const struct packages *list, size_t *suites, struct err *e)
{
    static const char *const arguments[] = {"madison"};
    const struct apt_options *o = apt->options;
    AUTO_FREE const char **names = array_new(list->count + 1, sizeof(*names));
    AUTO_BUF text = BUF_INIT(OUTPUT_MAX);
    if (names == NULL)
        return err_oom(e);
    for (size_t i = 0; i < list->count; i++) {
        names[i] = list->items[i].name;
        suites[i] = o->suite_count > 1 ? o->suite_count : 0;
    }
    if (o->suite_count == 1 || list->count == 0)
        return 0;
    const struct apt_call call = {.program = "apt-cache",
                                  .arguments = arguments,
                                  .argument_count = 1,
                                  .names = names,
                                  .name_count = list->count,
                                  .seconds = QUERY_SECONDS};
    int rc = apt_run_checked(apt, &call, &text, ERR_HOST, e);
    if (rc < 0)
        return rc;
    for (const char *p = buf_str(&text); *p != '\0'; p += p[0] == '\n') {
        take_place(o, p, list, suites);
        p += strcspn(p, "\n");
    }
    for (size_t i = 0; i < list->count; i++)
        if (suites[i] == o->suite_count)
            return err_set(e, ERR_HOST, "apt-cache does not say which suite '%s' is from",
                           list->items[i].name);
    return 0;
}
