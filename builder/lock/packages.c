/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/packages.h"

#include "base/encoding.h"
#include "base/file.h"

#include <string.h>
#include <strings.h>

enum field {
    FIELD_PACKAGE,
    FIELD_SOURCE,
    FIELD_VERSION,
    FIELD_ARCHITECTURE,
    FIELD_PRE_DEPENDS,
    FIELD_DEPENDS,
    FIELD_FILENAME,
    FIELD_SIZE,
    FIELD_SHA256,
    FIELD_COUNT
};

static const char *const fields[FIELD_COUNT] = {
    "Package", "Source",   "Version", "Architecture", "Pre-Depends",
    "Depends", "Filename", "Size",    "SHA256",
};

/* A stanza's fields: borrowed spans of the text; continuation lines are part of the value. */
struct stanza {
    const char *value[FIELD_COUNT];
    size_t len[FIELD_COUNT];
    int last; /* the field that a continuation line belongs to; -1 = one that is not kept */
    bool any;
};

static void package_free_members(struct package *p)
{
    free(p->name);
    free(p->source);
    free(p->version);
    free(p->arch);
    free(p->depends);
    free(p->path);
}

void packages_dispose(struct packages *p)
{
    for (size_t i = 0; i < p->count; i++)
        package_free_members(&p->items[i]);
    free(p->items);
    *p = (struct packages){0};
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && (**text == ' ' || **text == '\t')) {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && strchr(" \t\r\n", (*text)[*len - 1]) != NULL)
        (*len)--;
}

static int take_field(struct stanza *s, const char *line, const char *end, struct err *e)
{
    const char *colon = memchr(line, ':', (size_t)(end - line));
    if (colon == NULL)
        return err_set(e, ERR_INPUT, "a line without a field name: '%.*s'",
                       (int)(end - line > 60 ? 60 : end - line), line);
    s->last = -1;
    for (size_t f = 0; f < FIELD_COUNT; f++) {
        if (strlen(fields[f]) != (size_t)(colon - line) ||
            strncasecmp(fields[f], line, (size_t)(colon - line)) != 0)
            continue;
        if (s->value[f] != NULL)
            return err_set(e, ERR_INPUT, "the field '%s' twice", fields[f]);
        s->value[f] = colon + 1;
        s->len[f] = (size_t)(end - colon - 1);
        s->last = (int)f;
        trim(&s->value[f], &s->len[f]);
    }
    return 0;
}

/* A folded field: the value goes on to the end of this line. */
static int extend_field(struct stanza *s, const char *end, struct err *e)
{
    if (!s->any)
        return err_set(e, ERR_INPUT, "package index: a continuation line without a field");
    if (s->last >= 0) {
        s->len[s->last] = (size_t)(end - s->value[s->last]);
        trim(&s->value[s->last], &s->len[s->last]);
    }
    return 0;
}

static int copy_field(const struct stanza *s, enum field f, char **out, struct err *e)
{
    if (memchr(s->value[f], '\0', s->len[f]) != NULL)
        return err_set(e, ERR_INPUT, "the field '%s' has a NUL", fields[f]);
    return str_format(out, e, "%.*s", (int)s->len[f], s->value[f]);
}

static int parse_size(const struct stanza *s, uint64_t *out, struct err *e)
{
    uint64_t value = 0;
    size_t len = s->len[FIELD_SIZE];
    if (len == 0 || len > 15)
        return err_set(e, ERR_INPUT, "the field 'Size' is no number");
    for (size_t i = 0; i < len; i++) {
        char c = s->value[FIELD_SIZE][i];
        if (c < '0' || c > '9')
            return err_set(e, ERR_INPUT, "the field 'Size' is no number");
        value = value * 10 + (uint64_t)(c - '0');
    }
    *out = value;
    return 0;
}

static int make_source(const struct stanza *s, struct package *p, struct err *e)
{
    int rc = 0;
    if (s->value[FIELD_SOURCE] == NULL)
        return str_copy(&p->source, p->name, e);
    if ((rc = copy_field(s, FIELD_SOURCE, &p->source, e)) < 0)
        return rc;
    p->source[strcspn(p->source, " (")] = '\0';
    return 0;
}

static int make_depends(const struct stanza *s, struct package *p, struct err *e)
{
    const char *pre = s->value[FIELD_PRE_DEPENDS] != NULL ? s->value[FIELD_PRE_DEPENDS] : "";
    const char *dep = s->value[FIELD_DEPENDS] != NULL ? s->value[FIELD_DEPENDS] : "";
    return str_format(&p->depends, e, "%.*s,%.*s", (int)s->len[FIELD_PRE_DEPENDS], pre,
                      (int)s->len[FIELD_DEPENDS], dep);
}

static int fill_package(const struct stanza *s, struct package *p, struct err *e)
{
    static const enum field required[] = {FIELD_PACKAGE,  FIELD_VERSION, FIELD_ARCHITECTURE,
                                          FIELD_FILENAME, FIELD_SIZE,    FIELD_SHA256};
    for (size_t i = 0; i < sizeof(required) / sizeof(required[0]); i++)
        if (s->value[required[i]] == NULL || s->len[required[i]] == 0)
            return err_set(e, ERR_INPUT, "no field '%s'", fields[required[i]]);
    for (size_t f = 0; f < FIELD_COUNT; f++)
        if (s->len[f] > 65536)
            return err_set(e, ERR_INPUT, "the field '%s' is longer than 64 KiB", fields[f]);
    int rc = copy_field(s, FIELD_PACKAGE, &p->name, e);
    if (rc < 0 || (rc = copy_field(s, FIELD_VERSION, &p->version, e)) < 0 ||
        (rc = copy_field(s, FIELD_ARCHITECTURE, &p->arch, e)) < 0 ||
        (rc = copy_field(s, FIELD_FILENAME, &p->path, e)) < 0 || (rc = make_source(s, p, e)) < 0 ||
        (rc = make_depends(s, p, e)) < 0 || (rc = parse_size(s, &p->size, e)) < 0)
        return rc;
    /* An archive made with apt-ftparchive in its own directory says "./x.deb". */
    if (str_starts(p->path, "./"))
        memmove(p->path, p->path + 2, strlen(p->path) - 1);
    if (!relpath_valid(p->path))
        return err_set(e, ERR_INPUT, "the field 'Filename' is no path inside an archive: '%.100s'",
                       p->path);
    p->sha256.alg = DIGEST_SHA256;
    if (!hex_decode(s->value[FIELD_SHA256], s->len[FIELD_SHA256], p->sha256.bytes,
                    DIGEST_SHA256_SIZE))
        return err_set(e, ERR_INPUT, "the field 'SHA256' is no digest");
    return 0;
}

int packages_push(struct packages *p, struct package *taken, struct err *e)
{
    int rc = array_grow(&p->items, &p->cap, p->count + 1, sizeof(*p->items), e);
    if (rc < 0)
        return rc;
    p->items[p->count++] = *taken;
    *taken = (struct package){0};
    return 0;
}

static int end_stanza(struct stanza *s, struct packages *out, struct err *e)
{
    if (!s->any)
        return 0;
    struct package p = {0};
    int rc = fill_package(s, &p, e);
    if (rc < 0)
        rc = err_wrap(e, "package index: '%.100s'", p.name != NULL ? p.name : "?");
    else
        rc = packages_push(out, &p, e);
    package_free_members(&p);
    *s = (struct stanza){0};
    return rc;
}

int packages_parse(const char *text, size_t len, struct packages *out, struct err *e)
{
    const char *end = text + len;
    struct stanza s = {0};
    int rc = 0;
    while (text < end) {
        const char *eol = memchr(text, '\n', (size_t)(end - text));
        if (eol == NULL)
            eol = end;
        if (eol == text) {
            rc = end_stanza(&s, out, e);
        } else if (*text == ' ' || *text == '\t') {
            rc = extend_field(&s, eol, e);
        } else {
            s.any = true;
            rc = take_field(&s, text, eol, e);
        }
        if (rc < 0)
            return rc;
        text = eol < end ? eol + 1 : end;
    }
    return end_stanza(&s, out, e);
}

const struct package *packages_find(const struct packages *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->items[i].name, name) == 0)
            return &p->items[i];
    return NULL;
}

bool depends_next(const char **cursor, char *name, bool *alternative)
{
    const char *p = *cursor;
    *alternative = false;
    for (; *p != '\0' && strchr(" ,|\t\n", *p) != NULL; p++)
        *alternative = *p == '|' || (*alternative && *p != ',');
    size_t len = strcspn(p, " ,|\t\n([<:");
    if (len == 0 || len >= 128)
        return false;
    memcpy(name, p, len);
    name[len] = '\0';
    p += len;
    *cursor = p + strcspn(p, ",|");
    return true;
}
