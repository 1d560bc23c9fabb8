/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tool.h"

#include "base/process.h"

#include <string.h>

enum { ARGUMENTS_MAX = 128, VARIABLES_MAX = 32, ERRORS_MAX = 64 * 1024 };

/* The last line of what it said, without its name. */
static const char *last_line(struct buf *errors, const char *name)
{
    while (errors->len > 0 && errors->data[errors->len - 1] == '\n')
        errors->data[--errors->len] = 0;
    const char *line = strrchr(buf_str(errors), '\n');
    line = line != NULL ? line + 1 : buf_str(errors);
    size_t n = strlen(name);
    return strncmp(line, name, n) == 0 && strncmp(line + n, ": ", 2) == 0 ? line + n + 2 : line;
}

static bool has_variable(const char *const *list, const char *start)
{
    for (size_t i = 0; list[i] != NULL; i++)
        if (strncmp(list[i], start, strlen(start)) == 0)
            return true;
    return false;
}

/* `env` has room for VARIABLES_MAX and the final NULL. */
static int make_environment(const char *const *more, const char *temp, const char **env,
                            struct err *e)
{
    size_t n = 0;
    env[n++] = "LC_ALL=C.UTF-8";
    env[n++] = "TZ=UTC";
    env[n++] = temp;
    if (!has_variable(more, "PATH="))
        env[n++] = "PATH=" PATH_DEFAULT;
    if (!has_variable(more, "HOME="))
        env[n++] = "HOME=/";
    for (size_t i = 0; more[i] != NULL; i++) {
        if (n == VARIABLES_MAX)
            return err_set(e, ERR_HOST, "too many environment variables");
        env[n++] = more[i];
    }
    return 0;
}

int tool_run(const char *name, const char *const *arguments, const char *scratch,
             struct buf *output, int *status, struct err *e)
{
    static const char *const none[] = {NULL};
    return tool_run_with(name, arguments, none, scratch, output, status, e);
}

int tool_run_with(const char *name, const char *const *arguments, const char *const *more,
                  const char *scratch, struct buf *output, int *status, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *temp = NULL;
    AUTO_BUF errors = BUF_INIT(ERRORS_MAX);
    const char *argv[ARGUMENTS_MAX + 2] = {NULL};
    const char *env[VARIABLES_MAX + 1] = {NULL};
    int code = 0;
    int rc = process_beside(name, &path, e);
    if (rc < 0 || (rc = str_format(&temp, e, "TMPDIR=%s", scratch)) < 0 ||
        (rc = make_environment(more, temp, env, e)) < 0)
        return rc;
    argv[0] = path;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        if (i == ARGUMENTS_MAX)
            return err_set(e, ERR_HOST, "too many arguments for '%s'", name);
        argv[i + 1] = arguments[i];
    }
    const struct process_options options = {
        .argv = argv, .env = env, .output = output, .errors = &errors};
    if ((rc = process_run(&options, &code, e)) < 0)
        return rc;
    if (code == 0 || (code == ERR_DIFFERS && status != NULL)) {
        if (status != NULL)
            *status = code;
        return 0;
    }
    const char *line = last_line(&errors, name);
    if (code < ERR_DIFFERS || code > ERR_HOST)
        return err_set(e, ERR_HOST, "%s failed with status %d: %s", name, code, line);
    return err_set(e, (enum err_code)code, "%s", *line != 0 ? line : name);
}
