/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/tmpfiles.h"

#include "builder/debian/conf_files.h"
#include "builder/debian/sysusers.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20, ACCOUNTS_MAX = 4 << 20, STARS_MAX = 8 };
enum { KIND, PATH, MODE, USER, GROUP, AGE, COLUMNS };

static const char *const dirs[CONF_DIRS] = {"etc/tmpfiles.d", "run/tmpfiles.d",
                                            "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d"};

/* What a system makes for itself each time. */
static const char *const passing[] = {"run", "tmp", "dev", "proc", "sys", "var/run", "var/lock"};

struct kind {
    char name;
    char is;    /* what it is done as; 0: nothing that lasts */
    bool force; /* as if it had a '+' */
};
static const struct kind kinds[] = {
    {'f', 'f', false}, {'F', 'f', true},  {'d', 'd', false}, {'D', 'd', false}, {'v', 'd', false},
    {'q', 'd', false}, {'Q', 'd', false}, {'e', 'e', false}, {'L', 'L', false}, {'C', 'C', false},
    {'p', 'p', false}, {'c', 'c', false}, {'b', 'b', false}, {'z', 'z', false}, {'m', 'z', false},
    {'Z', 'Z', false}, {'w', 0, false},   {'x', 0, false},   {'X', 0, false},   {'r', 0, false},
    {'R', 0, false},   {'t', 0, false},   {'T', 0, false},   {'h', 0, false},   {'H', 0, false},
    {'a', 0, false},   {'A', 0, false},
};

struct reading {
    struct tmpfiles *out;
    const char *arch;
    struct buf passwd;
    struct buf group;
};

static void reading_dispose(struct reading *r)
{
    buf_dispose(&r->passwd);
    buf_dispose(&r->group);
}

static void tmpfile_dispose(struct tmpfile *f)
{
    free(f->path);
    free(f->argument);
}

void tmpfiles_dispose(struct tmpfiles *t)
{
    for (size_t i = 0; i < t->count; i++)
        tmpfile_dispose(&t->items[i]);
    free(t->items);
}

/* ---- words ---- */

static int digit(char c)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    const char *p = c == 0 ? NULL : strchr(digits, c);
    if (p == NULL)
        return -1;
    return p - digits < 16 ? (int)(p - digits) : (int)(p - digits) - 6;
}

/* Three octal digits, or two of sixteen behind an x; -1 when they are none, or a NUL. */
static int escaped_byte(const char *p)
{
    int base = *p == 'x' ? 16 : 8;
    int value = 0;
    for (int i = base == 16; i < 3; i++) {
        int n = digit(p[i]);
        if (n < 0 || n >= base)
            return -1;
        value = value * base + n;
    }
    return value > 0 && value < 256 ? value : -1;
}

/* What stands behind a backslash; how many bytes it is, 0 when it is nothing. */
static size_t unescape(const char *p, char *out)
{
    static const char from[] = "abfnrtvs\\\"'";
    static const char to[] = "\a\b\f\n\r\t\v \\\"'";
    const char *at = *p == 0 ? NULL : strchr(from, *p);
    if (at != NULL) {
        *out = to[at - from];
        return 1;
    }
    int byte = escaped_byte(p);
    const uint8_t value = byte < 0 ? 0 : (uint8_t)byte;
    memcpy(out, &value, 1);
    return byte < 0 ? 0 : 3;
}

/* The next word, in place, quotes and backslashes taken off; NULL at the end, *bad for none. */
static char *next_word(char **at, bool *bad)
{
    char *p = *at + strspn(*at, " \t\r");
    char *word = p;
    char *out = p;
    char quote = 0;
    if (*p == 0)
        return NULL;
    for (; *p != 0 && (quote != 0 || strchr(" \t\r", *p) == NULL); p++) {
        if (*p == '\\') {
            size_t len = unescape(p + 1, out++);
            *bad |= len == 0;
            p += len;
        } else if (quote == 0 ? *p == '"' || *p == '\'' : *p == quote) {
            if (quote != 0)
                quote = 0;
            else
                quote = *p;
        } else {
            *out++ = *p;
        }
        if (*bad)
            return NULL;
    }
    *bad = quote != 0;
    *at = p + (*p != 0);
    *out = 0;
    return word;
}

static bool given(const char *word)
{
    return word != NULL && word[0] != 0 && strcmp(word, "-") != 0;
}

/* ---- specifiers ---- */

static const char *specifier(const struct reading *r, char c)
{
    static const struct {
        char name;
        const char *text;
    } fixed[] = {{'%', "%"},    {'C', "/var/cache"}, {'L', "/var/log"}, {'S', "/var/lib"},
                 {'t', "/run"}, {'T', "/tmp"},       {'V', "/var/tmp"}, {'h', "/root"},
                 {'u', "root"}, {'g', "root"},       {'U', "0"},        {'G', "0"}};
    for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
        if (c == fixed[i].name)
            return fixed[i].text;
    if (c != 'a')
        return NULL;
    return strcmp(r->arch, "amd64") == 0 ? "x86-64" : r->arch;
}

/* *known is false for what only a machine or what it runs knows. */
static int expand(const struct reading *r, const char *text, char **out, bool *known, struct err *e)
{
    AUTO_BUF all = BUF_INIT(TEXT_MAX);
    int rc = 0;
    *known = true;
    for (const char *p = text; rc == 0 && *p != 0;) {
        size_t len = strcspn(p, "%");
        rc = buf_add(&all, p, len, e);
        p += len;
        if (rc < 0 || *p == 0)
            break;
        const char *value = specifier(r, p[1]);
        if (value == NULL) {
            if (p[1] == 0 || strchr("AbBHlmMovwW", p[1]) == NULL)
                return err_set(e, ERR_INPUT, "'%.80s' has a '%%' that is not known", text);
            *known = false;
            return 0;
        }
        rc = buf_add(&all, value, strlen(value), e);
        p += 2;
    }
    return rc < 0 ? rc : str_copy(out, buf_str(&all), e);
}

/* ---- columns ---- */

/* NAME:…:ID:… */
static bool find_id(const struct buf *text, const char *name, uint32_t *out)
{
    size_t len = strlen(name);
    for (const char *p = text->len > 0 ? (const char *)text->data : ""; *p != 0;) {
        size_t line = strcspn(p, "\n");
        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            const char *id = memchr(p + len + 1, ':', line - len - 1);
            return id != NULL && sysusers_id(id + 1, strcspn(id + 1, ":\n"), out);
        }
        p += line + (p[line] == '\n');
    }
    return false;
}

static int take_owner(const struct buf *text, const char *word, const char *what,
                      struct tmpfile_id *out, struct err *e)
{
    if (!given(word))
        return 0;
    out->only_new = word[0] == ':';
    word += out->only_new;
    out->set = true;
    if (strcmp(word, "root") == 0 || sysusers_id(word, strlen(word), &out->id) ||
        find_id(text, word, &out->id))
        return 0;
    return err_set(e, ERR_INPUT, "there is no %s '%.80s': declare it", what, word);
}

static int take_mode(struct tmpfile *f, const char *word, struct err *e)
{
    const char *p = word;
    if (!given(word))
        return 0;
    for (; *p == '~' || *p == ':'; p++) {
        f->masked |= *p == '~';
        f->mode.only_new |= *p == ':';
    }
    size_t len = strspn(p, "01234567");
    if (len == 0 || len > 5 || p[len] != 0 || strtoul(p, NULL, 8) > 07777)
        return err_set(e, ERR_INPUT, "'%.80s' is no mode", word);
    f->mode.id = (uint32_t)strtoul(p, NULL, 8);
    f->mode.set = true;
    return 0;
}

static bool passes(const char *path)
{
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        size_t len = strlen(passing[i]);
        bool below = strncmp(path, passing[i], len) == 0 && path[len] == '/';
        if (below || (strcmp(path, passing[i]) == 0 && strchr(path, '/') == NULL))
            return true;
    }
    return false;
}

bool tmpfile_is_pattern(const struct tmpfile *f)
{
    return strchr("ezZ", f->type) != NULL;
}

/* Absolute, at least one name, none of them "." or "..", slashes that are too many left out. */
static int take_path(struct tmpfile *f, char **path, struct err *e)
{
    char *out = *path;
    size_t stars = 0;
    bool good = (*path)[0] == '/';
    for (const char *p = *path; good && *p != 0;) {
        p += strspn(p, "/");
        size_t len = strcspn(p, "/");
        good = !(len == 1 && p[0] == '.') && !(len == 2 && memcmp(p, "..", 2) == 0) &&
               len <= TREE_NAME_MAX;
        if (len > 0 && out != *path)
            *out++ = '/';
        memmove(out, p, len);
        out += len;
        p += len;
    }
    *out = 0;
    for (const char *p = *path; *p != 0; p++)
        stars += strchr("*?[", *p) != NULL;
    if (tmpfile_is_pattern(f))
        good = good && strpbrk(*path, "{\\") == NULL && stars <= STARS_MAX;
    if (!good || out == *path || out - *path > TREE_PATH_MAX)
        return err_set(e, ERR_INPUT, "'%.80s' is no path that can be made", *path);
    f->path = steal_ptr(path);
    return 0;
}

static int take_argument(const struct reading *r, struct tmpfile *f, const char *text, bool *known,
                         struct err *e)
{
    AUTO_FREE char *plain = malloc(strlen(text) + 1);
    if (plain == NULL)
        return err_oom(e);
    char *out = plain;
    for (const char *p = text; *p != 0; p++) {
        if (*p != '\\') {
            *out++ = *p;
            continue;
        }
        size_t len = unescape(p + 1, out++);
        if (len == 0)
            return err_set(e, ERR_INPUT, "'%.80s' has a '\\' that is not known", text);
        p += len;
    }
    *out = 0;
    return expand(r, plain, &f->argument, known, e);
}

/* ---- lines ---- */

/* What stands behind the letter of a kind; *lasts is false for what is another time's. */
static int take_kind(struct tmpfile *f, const char *word, bool *lasts, struct err *e)
{
    const struct kind *k = NULL;
    for (size_t i = 0; k == NULL && i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (kinds[i].name == word[0])
            k = &kinds[i];
    if (k == NULL || strspn(word + 1, "!+-=?^~$") != strlen(word + 1))
        return err_set(e, ERR_INPUT, "lines of the kind '%.20s' are not known here", word);
    f->type = k->is;
    f->force = k->force || strchr(word, '+') != NULL;
    f->replace = strchr(word, '=') != NULL;
    f->exists = strchr(word, '?') != NULL;
    *lasts = k->is != 0 && strpbrk(word, "!^~$") == NULL;
    return 0;
}

/* Of what is made twice the first line counts, unless it is to be replaced. */
static bool is_made(const struct tmpfiles *t, const struct tmpfile *f)
{
    if (f->force || f->type == 'z' || f->type == 'Z')
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (tmpfile_is_pattern(&t->items[i]) == tmpfile_is_pattern(f) &&
            strchr("zZ", t->items[i].type) == NULL && strcmp(t->items[i].path, f->path) == 0)
            return true;
    return false;
}

static int take_rest(const struct reading *r, struct tmpfile *f, char *words[COLUMNS],
                     const char *rest, bool *known, struct err *e)
{
    int rc = take_mode(f, words[MODE], e);
    if (rc == 0)
        rc = take_owner(&r->passwd, words[USER], "user", &f->user, e);
    if (rc == 0)
        rc = take_owner(&r->group, words[GROUP], "group", &f->group, e);
    return rc < 0 || !given(rest) ? rc : take_argument(r, f, rest, known, e);
}

static int keep(struct tmpfiles *t, struct tmpfile *f, struct err *e)
{
    if (t->count == TMPFILES_MAX)
        return err_set(e, ERR_INPUT, "more than %d lines that last", (int)TMPFILES_MAX);
    int rc = array_grow(&t->items, &t->cap, t->count + 1, sizeof(*t->items), e);
    if (rc < 0)
        return rc;
    t->items[t->count++] = *f;
    *f = (struct tmpfile){0};
    return 0;
}

static int take_words(const struct reading *r, struct tmpfile *f, char *words[COLUMNS],
                      const char *rest, struct err *e)
{
    AUTO_FREE char *path = NULL;
    bool lasts = false;
    bool known = true;
    int rc = take_kind(f, words[KIND], &lasts, e);
    if (rc == 0 && lasts)
        rc = expand(r, words[PATH], &path, &known, e);
    if (rc < 0 || path == NULL)
        return rc;
    rc = take_path(f, &path, e);
    if (rc < 0 || passes(f->path) || is_made(r->out, f))
        return rc;
    rc = take_rest(r, f, words, rest, &known, e);
    return rc < 0 || !known ? rc : keep(r->out, f, e);
}

static int take_line(void *context, char *line, struct err *e)
{
    const struct reading *r = context;
    char *words[COLUMNS] = {NULL};
    char *rest = line;
    bool bad = false;
    size_t count = 0;
    for (size_t len = strlen(line); len > 0 && strchr(" \t\r", line[len - 1]) != NULL;)
        line[--len] = 0;
    while (count < COLUMNS && (words[count] = next_word(&rest, &bad)) != NULL)
        count++;
    if (bad || count < 2)
        return err_set(e, ERR_INPUT, "'%.80s' is no line of tmpfiles.d", line);
    struct tmpfile f = {0};
    int rc = take_words(r, &f, words, rest + strspn(rest, " \t\r"), e);
    tmpfile_dispose(&f);
    return rc;
}

int tmpfiles_read(struct rootfs_writer *w, const char *arch, struct tmpfiles *out, struct err *e)
{
    struct reading r = {.out = out,
                        .arch = arch,
                        .passwd = BUF_INIT(ACCOUNTS_MAX),
                        .group = BUF_INIT(ACCOUNTS_MAX)};
    bool found = false;
    int rc = rootfs_get(w, "etc/passwd", &r.passwd, &found, e);
    if (rc == 0)
        rc = rootfs_get(w, "etc/group", &r.group, &found, e);
    if (rc == 0)
        rc = conf_files_read(w, dirs, take_line, &r, e);
    reading_dispose(&r);
    return rc;
}
