/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of a package's `conffiles` and `triggers`. */
#include "builder/debian/control.h"

#include <string.h>

/* Absolute, of components that are not "", "." or "..". */
static bool is_plain_path(const char *path, size_t len)
{
    size_t part = 0; /* bytes of the component so far, and how many of them are dots */
    size_t dots = 0;
    if (len < 2 || len > CONTROL_PATH_MAX || path[0] != '/')
        return false;
    for (size_t i = 1; i <= len; i++) {
        if (i == len || path[i] == '/') {
            if (part == 0 || (part <= 2 && dots == part))
                return false;
            part = 0;
            dots = 0;
            continue;
        }
        if ((unsigned char)path[i] <= ' ' || path[i] == 0x7f)
            return false;
        part++;
        dots += path[i] == '.';
    }
    return true;
}

static int shown(size_t len)
{
    return (int)(len < 80 ? len : 80);
}

/* The next line, without its newline and the blanks around it; false at the end. */
static bool next_line(const char **cursor, const char **line, size_t *len)
{
    const char *p = *cursor;
    size_t n = strcspn(p, "\n");
    if (*p == 0)
        return false;
    *cursor = p + n + (p[n] == '\n');
    while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t'))
        n--;
    while (n > 0 && (*p == ' ' || *p == '\t')) {
        p++;
        n--;
    }
    *line = p;
    *len = n;
    return true;
}

int conffiles_next(const char **cursor, const char **path, size_t *len, struct err *e)
{
    static const char removed[] = "remove-on-upgrade ";
    const char *line;
    size_t n = 0;
    *len = 0;
    while (next_line(cursor, &line, &n)) {
        if (n == 0 || (n >= strlen(removed) && memcmp(line, removed, strlen(removed)) == 0))
            continue;
        if (!is_plain_path(line, n))
            return err_set(e, ERR_INPUT, "its conffiles: '%.*s' is no absolute, plain path",
                           shown(n), line);
        *path = line;
        *len = n;
        return 0;
    }
    return 0;
}

/* The first word of a span, which goes on behind it and the blanks that follow. */
static void take_word(const char **p, const char *end, const char **word, size_t *len)
{
    *word = *p;
    while (*p < end && **p != ' ' && **p != '\t')
        (*p)++;
    *len = (size_t)(*p - *word);
    while (*p < end && (**p == ' ' || **p == '\t'))
        (*p)++;
}

static bool is_word(const char *word, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(word, wanted, len) == 0;
}

/* Reads "interest-noawait NAME"; *interest is false for what the package only activates. */
static bool read_trigger(const char *line, size_t len, struct trigger *out, bool *interest)
{
    static const char *const activates[] = {"activate", "activate-await", "activate-noawait", NULL};
    const char *end = line + len;
    const char *word;
    size_t word_len;
    bool activate = false;
    take_word(&line, end, &word, &word_len);
    take_word(&line, end, &out->name, &out->len);
    for (size_t i = 0; activates[i] != NULL; i++)
        activate = activate || is_word(word, word_len, activates[i]);
    out->no_await = is_word(word, word_len, "interest-noawait");
    *interest = out->no_await || is_word(word, word_len, "interest") ||
                is_word(word, word_len, "interest-await");
    if (out->len == 0 || line != end || (!activate && !*interest))
        return false;
    return out->name[0] == '/' ? is_plain_path(out->name, out->len)
                               : package_name_valid(out->name, out->len);
}

int triggers_next(const char **cursor, struct trigger *out, bool *more, struct err *e)
{
    const char *line;
    size_t n = 0;
    *more = false;
    while (!*more && next_line(cursor, &line, &n)) {
        size_t text = 0;
        while (text < n && line[text] != '#')
            text++;
        while (text > 0 && (line[text - 1] == ' ' || line[text - 1] == '\t'))
            text--;
        if (text > 0 && !read_trigger(line, text, out, more))
            return err_set(e, ERR_INPUT, "its triggers: cannot read '%.*s'", shown(n), line);
    }
    return 0;
}
