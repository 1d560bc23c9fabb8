/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/sources/ignore.h"

#include "base/buf.h"
#include "formats/tree/glob.h"
#include "formats/tree/tree.h"

#include <string.h>

struct rule {
    struct glob *glob;
    bool back;
};

struct ignore {
    struct rule *rules;
    size_t count;
    size_t cap;
    bool any_back;
};

int ignore_new(struct ignore **out, struct err *e)
{
    struct ignore *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return err_oom(e);
    *out = g;
    return 0;
}

void ignore_free(struct ignore *g)
{
    if (g == NULL)
        return;
    for (size_t i = 0; i < g->count; i++)
        glob_free(g->rules[i].glob);
    free(g->rules);
    free(g);
}

/* ---- rules ------------------------------------------------------------------------------------
 */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Without blanks at both ends; the end is cut in place. */
static char *trim(char *text)
{
    while (is_space(*text))
        text++;
    for (size_t len = strlen(text); len > 0 && is_space(text[len - 1]); len--)
        text[len - 1] = '\0';
    return text;
}

/* The end of `out` without its last part; "" when there is none, or when that is "..". */
static bool drop_part(char *out, size_t *len)
{
    size_t start = *len;
    while (start > 0 && out[start - 1] != '/')
        start--;
    if (*len == 0 || strcmp(out + start, "..") == 0)
        return false;
    *len = start > 0 ? start - 1 : 0;
    out[*len] = '\0';
    return true;
}

/*
 * A path as it is meant, in place: no empty parts, no ".", and ".." only in front, as the tools
 * that read .dockerignore have it. A slash in front goes, and what would lead above it.
 */
static void clean(char *path)
{
    bool rooted = path[0] == '/';
    size_t len = 0;
    for (const char *in = path; *in != '\0';) {
        size_t n = strcspn(in, "/");
        char *part = path + len + (len > 0);
        const char *next = in + n + (in[n] == '/');
        bool up = n == 2 && memcmp(in, "..", 2) == 0;
        bool here = n == 0 || (n == 1 && in[0] == '.');
        if (!here && !(up && (drop_part(path, &len) || rooted))) {
            memmove(part, in, n);
            if (len > 0)
                path[len] = '/';
            len = (size_t)(part - path) + n;
            path[len] = '\0'; /* at most where `in` has its slash */
        }
        in = next;
    }
    path[len] = '\0';
}

static int add_pattern(struct ignore *g, const char *pattern, bool back, struct err *e)
{
    struct glob *glob = NULL;
    if (g->count >= IGNORE_RULES_MAX)
        return err_set(e, ERR_INPUT, "more than %d rules of what to ignore", IGNORE_RULES_MAX);
    if (pattern[0] == '\0')
        return err_set(e, ERR_INPUT, "a rule of what to ignore names nothing in the directory");
    if (strcmp(pattern, "..") == 0 || str_starts(pattern, "../"))
        return 0; /* nothing in the directory is there */
    int rc = array_grow(&g->rules, &g->cap, g->count + 1, sizeof(*g->rules), e);
    if (rc < 0 || (rc = glob_new(pattern, &glob, e)) < 0)
        return rc;
    g->rules[g->count++] = (struct rule){.glob = glob, .back = back};
    g->any_back = g->any_back || back;
    return 0;
}

int ignore_add(struct ignore *g, const char *rule, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    int rc = str_copy(&copy, rule, e);
    if (rc < 0)
        return rc;
    char *pattern = trim(copy);
    bool back = pattern[0] == '!';
    if (back)
        pattern = trim(pattern + 1);
    clean(pattern);
    return add_pattern(g, pattern, back, e);
}

/* ---- lines of a file --------------------------------------------------------------------------
 */

static int add_line(struct ignore *g, const char *line, size_t len, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    if (len > 0 && line[0] == '#')
        return 0;
    if (memchr(line, '\0', len) != NULL)
        return err_set(e, ERR_INPUT, "a NUL byte");
    int rc = str_format(&copy, e, "%.*s", (int)len, line);
    return rc < 0 || trim(copy)[0] == '\0' ? rc : ignore_add(g, copy, e);
}

int ignore_add_lines(struct ignore *g, const char *text, size_t len, const char *what,
                     struct err *e)
{
    static const char mark[] = "\xef\xbb\xbf"; /* that some editors begin UTF-8 with */
    size_t number = 1;
    size_t start = len >= 3 && memcmp(text, mark, 3) == 0 ? 3 : 0;
    for (size_t at = start; at < len; number++) {
        const char *end = memchr(text + at, '\n', len - at);
        size_t n = end != NULL ? (size_t)(end - (text + at)) : len - at;
        int rc = n > GLOB_PATTERN_MAX ? err_set(e, ERR_INPUT, "the line is too long")
                                      : add_line(g, text + at, n, e);
        if (rc < 0)
            return err_wrap(e, "%s:%zu", what, number);
        at += n + 1;
    }
    return 0;
}

/* The path itself, or a directory above it. */
static bool rule_matches(const struct rule *rule, const char *path)
{
    char part[TREE_PATH_MAX + 1];
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof(part))
        return false;
    memcpy(part, path, len + 1);
    for (;;) {
        if (glob_match(rule->glob, part))
            return true;
        char *slash = strrchr(part, '/');
        if (slash == NULL)
            return false;
        *slash = '\0';
    }
}

bool ignore_covers(const struct ignore *g, const char *path)
{
    for (size_t i = g != NULL ? g->count : 0; i > 0; i--)
        if (rule_matches(&g->rules[i - 1], path))
            return !g->rules[i - 1].back;
    return false;
}

bool ignore_brings_back(const struct ignore *g)
{
    return g != NULL && g->any_back;
}
