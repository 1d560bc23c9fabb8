/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/git_credential.h"

#include "builder/sources/words.h"

#include <string.h>

enum { ANSWER_MAX = 65536, ENV_MAX = 64, HELPER_SECONDS = 60 };

static void wipe(struct buf *b)
{
    if (b->data != NULL)
        explicit_bzero(b->data, b->cap);
    buf_dispose(b);
}

/* ---- what git prints: "key=value" lines --------------------------------------------------------
 */

static int take(char **out, const char *value, size_t len, struct err *e)
{
    secret_free(*out);
    *out = strndup(value, len);
    return *out != NULL ? 0 : err_oom(e);
}

int git_credential_parse(const char *text, size_t len, struct credentials *out, struct err *e)
{
    static const char user[] = "username=";
    static const char secret[] = "password=";
    AUTO_CREDENTIALS found = {0};
    const char *end = text + len;
    if (memchr(text, '\0', len) != NULL || memchr(text, '\r', len) != NULL)
        return err_set(e, ERR_INPUT, "the answer of git's credential helpers has control bytes");
    for (const char *line = text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t n = (size_t)((stop != NULL ? stop : end) - line);
        int rc = 0;
        if (n >= sizeof(user) - 1 && memcmp(line, user, sizeof(user) - 1) == 0)
            rc = take(&found.user, line + sizeof(user) - 1, n - (sizeof(user) - 1), e);
        else if (n >= sizeof(secret) - 1 && memcmp(line, secret, sizeof(secret) - 1) == 0)
            rc = take(&found.secret, line + sizeof(secret) - 1, n - (sizeof(secret) - 1), e);
        if (rc < 0)
            return rc;
        line += n + 1;
    }
    if (found.user == NULL || found.secret == NULL)
        return err_set(e, ERR_INPUT, "git's credential helpers gave no name or no password");
    *out = found;
    found = (struct credentials){0};
    return 0;
}

/* ---- git and its helpers ------------------------------------------------------------------------
 */

static int ask(const struct git_credential_source *s, const char *host, struct credentials *out,
               struct err *e)
{
    /* Whose configuration it reads, the user's environment says; a terminal it must not have. */
    static const char *const quiet[] = {"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=/bin/false",
                                        "SSH_ASKPASS=/bin/false"};
    static const char *const argv[] = {"git", "credential", "fill", NULL};
    const char *env[ENV_MAX] = {NULL};
    size_t k = 0;
    AUTO_FREE char *question = NULL;
    AUTO(wipe) struct buf answer = BUF_INIT(ANSWER_MAX);
    AUTO_BUF errors = BUF_INIT(4096);
    int status = 0;
    for (size_t i = 0; i < sizeof(quiet) / sizeof(quiet[0]); i++)
        env[k++] = quiet[i];
    for (size_t i = 0; s->env[i] != NULL && k + 1 < ENV_MAX; i++)
        env[k++] = s->env[i];
    int rc = str_format(&question, e, "protocol=https\nhost=%s\n\n", host);
    if (rc < 0)
        return rc;
    const struct process_options options = {
        .argv = argv,
        .env = env,
        .cwd = "/",
        .input = question,
        .input_len = strlen(question),
        .output = &answer,
        .errors = &errors,
        .timeout_seconds = HELPER_SECONDS,
        .limits = {.deadline_ms = s->limits.deadline_ms},
    };
    if ((rc = process_run(&options, &status, e)) < 0)
        return rc;
    /* What it says may have the secret in it. */
    return status == 0 ? git_credential_parse(buf_str(&answer), answer.len, out, e)
                       : err_set(e, ERR_INPUT, "git's credential helpers have no password for it");
}

int git_credential_find(const struct git_credential_source *source, const char *url,
                        struct credentials *out, char **place, bool *found, struct err *e)
{
    AUTO_FREE char *host = NULL;
    *found = false;
    int rc = url_host(url, &host, e);
    if (rc < 0)
        return rc;
    bool named = false;
    for (size_t i = 0; i < source->host_count; i++)
        named = named || strcmp(source->hosts[i], host) == 0;
    if (!named)
        return 0;
    if (!str_starts(url, "https://"))
        return err_set(e, ERR_USAGE, "--git-credentials '%s': no password goes to http://", host);
    if ((rc = ask(source, host, out, e)) < 0) {
        if (rc == -ERR_INPUT)
            rc = err_recode(e, ERR_USAGE); /* the user's own configuration */
        return rc < 0 ? err_wrap(e, "--git-credentials '%s'", host) : rc;
    }
    if ((rc = str_format(place, e, "https://%s", host)) < 0)
        return rc;
    *found = true;
    return 0;
}
