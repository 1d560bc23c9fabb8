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

/* `pattern` is changed: the slashes at its ends go. */
static int add_pattern(struct ignore *g, char *pattern, bool back, struct err *e)
{
    struct glob *glob = NULL;
    if (g->count >= IGNORE_RULES_MAX)
        return err_set(e, ERR_INPUT, "more than %d rules of what to ignore", IGNORE_RULES_MAX);
    while (pattern[0] == '/')
        pattern++;
    for (size_t len = strlen(pattern); len > 0 && pattern[len - 1] == '/'; len--)
        pattern[len - 1] = '\0';
    if (pattern[0] == '\0')
        return err_set(e, ERR_INPUT, "a rule of what to ignore has no pattern");
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
    bool back = rule[0] == '!';
    int rc = str_copy(&copy, rule + back, e);
    return rc < 0 ? rc : add_pattern(g, copy, back, e);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static int add_line(struct ignore *g, const char *line, size_t len, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    while (len > 0 && is_space(line[0])) {
        line++;
        len--;
    }
    while (len > 0 && is_space(line[len - 1]))
        len--;
    if (len == 0 || line[0] == '#')
        return 0;
    if (memchr(line, '\0', len) != NULL)
        return err_set(e, ERR_INPUT, "a NUL byte");
    int rc = str_format(&copy, e, "%.*s", (int)len, line);
    if (rc < 0)
        return rc;
    bool escaped = copy[0] == '\\' && (copy[1] == '#' || copy[1] == '!');
    return escaped ? add_pattern(g, copy + 1, false, e) : ignore_add(g, copy, e);
}

int ignore_add_lines(struct ignore *g, const char *text, size_t len, const char *what,
                     struct err *e)
{
    size_t number = 1;
    for (size_t at = 0; at < len; number++) {
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
