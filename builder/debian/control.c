/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/control.h"

#include "base/encoding.h"

#include <string.h>
#include <strings.h>

/* What dpkg says of a package that is installed; a package that says it itself means to deceive. */
static const char *const forbidden[] = {"Status",           "Config-Version",   "Conffiles",
                                        "Triggers-Pending", "Triggers-Awaited", NULL};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || is_digit(c);
}

static bool is_letter_or_digit(char c)
{
    return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

bool package_name_valid(const char *name, size_t len)
{
    if (len < 2 || len > CONTROL_NAME_MAX || !is_lower_or_digit(name[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_or_digit(name[i]) && (name[i] == 0 || strchr("+-.", name[i]) == NULL))
            return false;
    return true;
}

/* Letters, digits and `more`. */
static bool all_of(const char *text, size_t len, const char *more)
{
    for (size_t i = 0; i < len; i++)
        if (!is_letter_or_digit(text[i]) && (text[i] == 0 || strchr(more, text[i]) == NULL))
            return false;
    return true;
}

/* "12:", at most the greatest int, as dpkg has it; *len is 0 when there is no epoch. */
static bool epoch_valid(const char *v, size_t len, size_t *epoch_len)
{
    const char *colon = memchr(v, ':', len);
    uint64_t epoch = 0;
    *epoch_len = colon != NULL ? (size_t)(colon - v) + 1 : 0;
    return colon == NULL ||
           (colon > v && digits_read(v, (size_t)(colon - v), 10, &epoch) == (size_t)(colon - v) &&
            epoch <= INT32_MAX);
}

static bool version_valid(const char *v, size_t len)
{
    size_t epoch = 0;
    if (len == 0 || len > CONTROL_WORD_MAX || !epoch_valid(v, len, &epoch))
        return false;
    v += epoch;
    len -= epoch;
    size_t upstream = len;
    for (size_t i = 0; i < len; i++)
        upstream = v[i] == '-' ? i : upstream;
    bool revised = upstream < len;
    return upstream > 0 && is_digit(v[0]) && all_of(v, upstream, ".+-~:") &&
           (!revised ||
            (upstream + 1 < len && all_of(v + upstream + 1, len - upstream - 1, ".+~")));
}

static bool arch_valid(const char *a, size_t len)
{
    if (len == 0 || len > CONTROL_WORD_MAX || !is_lower_or_digit(a[0]))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_lower_or_digit(a[i]) && a[i] != '-')
            return false;
    return true;
}

/* ---- the stanza -------------------------------------------------------------- */

static bool field_name_valid(const char *name, size_t len)
{
    if (len == 0 || len > CONTROL_WORD_MAX || name[0] == '-' || name[0] == '#')
        return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] <= ' ' || name[i] >= 0x7f)
            return false;
    return true;
}

static bool same_name(const char *a, size_t len, const char *b)
{
    return strlen(b) == len && strncasecmp(a, b, len) == 0;
}

const struct control_field *control_field(const struct control *c, const char *name)
{
    for (size_t i = 0; i < c->count; i++)
        if (same_name(c->fields[i].name, c->fields[i].name_len, name))
            return &c->fields[i];
    return NULL;
}

static int shown(size_t len)
{
    return (int)(len < 60 ? len : 60);
}

static int add_field(struct control *c, const char *line, const char *eol, struct err *e)
{
    const char *colon = memchr(line, ':', (size_t)(eol - line));
    size_t len = colon != NULL ? (size_t)(colon - line) : 0;
    while (len > 0 && is_blank(line[len - 1]))
        len--;
    if (colon == NULL || !field_name_valid(line, len))
        return err_set(e, ERR_INPUT, "the line '%.*s' names no field", shown((size_t)(eol - line)),
                       line);
    for (size_t i = 0; i < c->count; i++)
        if (c->fields[i].name_len == len && strncasecmp(c->fields[i].name, line, len) == 0)
            return err_set(e, ERR_INPUT, "the field '%.*s' twice", shown(len), line);
    for (size_t i = 0; forbidden[i] != NULL; i++)
        if (same_name(line, len, forbidden[i]))
            return err_set(e, ERR_INPUT, "the field '%s', which is not the package's to say",
                           forbidden[i]);
    if (c->count == CONTROL_FIELDS_MAX)
        return err_set(e, ERR_INPUT, "more than %d fields", (int)CONTROL_FIELDS_MAX);
    int rc = array_grow(&c->fields, &c->cap, c->count + 1, sizeof(*c->fields), e);
    if (rc < 0)
        return rc;
    const char *value = colon + 1;
    while (value < eol && is_blank(*value))
        value++;
    c->fields[c->count++] = (struct control_field){line, len, value, (size_t)(eol - value)};
    return 0;
}

static int add_line(struct control *c, const char *line, const char *eol, struct err *e)
{
    if (line[0] != ' ' && line[0] != '\t')
        return add_field(c, line, eol, e);
    if (c->count == 0)
        return err_set(e, ERR_INPUT, "it begins with a line that goes on");
    const char *p = line;
    while (p < eol && is_blank(*p))
        p++;
    if (p == eol)
        return err_set(e, ERR_INPUT, "a line of nothing but blanks");
    struct control_field *f = &c->fields[c->count - 1];
    f->value_len = (size_t)(eol - f->value);
    return 0;
}

/* Without the blanks at their ends. What dpkg takes for a text that was cut short is refused. */
static int trim_values(struct control *c, const char *end, struct err *e)
{
    if (end > c->text && end[-1] != '\n')
        return err_set(e, ERR_INPUT, "no newline at its end");
    for (size_t i = 0; i < c->count; i++) {
        struct control_field *f = &c->fields[i];
        while (f->value_len > 0 && is_blank(f->value[f->value_len - 1]))
            f->value_len--;
        if (f->value_len == 0 && memchr(f->value, '\n', (size_t)(end - f->value)) == end - 1)
            return err_set(e, ERR_INPUT, "it ends in the field '%.*s', which has no value",
                           shown(f->name_len), f->name);
    }
    return 0;
}

static int read_fields(const char *text, size_t len, struct control *c, struct err *e)
{
    const char *end = text + len;
    bool over = false;
    for (const char *p = text; p < end; p++)
        if (((unsigned char)*p < ' ' && *p != '\n' && *p != '\t') || *p == 0x7f)
            return err_set(e, ERR_INPUT, "a control byte");
    for (const char *line = text; line < end;) {
        const char *eol = memchr(line, '\n', (size_t)(end - line));
        eol = eol != NULL ? eol : end;
        int rc = 0;
        if (eol == line)
            over = c->count > 0;
        else if (over)
            return err_set(e, ERR_INPUT, "more than one stanza");
        else
            rc = add_line(c, line, eol, e);
        if (rc < 0)
            return rc;
        line = eol < end ? eol + 1 : end;
    }
    return trim_values(c, end, e);
}

static int take_word(const struct control *c, const char *name, bool (*valid)(const char *, size_t),
                     char *out, struct err *e)
{
    const struct control_field *f = control_field(c, name);
    if (f == NULL)
        return err_set(e, ERR_INPUT, "no field '%s'", name);
    size_t len = f->value_len;
    if (!valid(f->value, len))
        return err_set(e, ERR_INPUT, "the field '%s' cannot be '%.*s'", name, shown(len), f->value);
    memcpy(out, f->value, len);
    out[len] = 0;
    return 0;
}

void control_dispose(struct control *c)
{
    free(c->fields);
    c->fields = NULL;
    c->count = 0;
}

int control_parse(const char *text, size_t len, struct control *out, struct err *e)
{
    struct control *c = out;
    memset(c, 0, sizeof(*c));
    c->text = text;
    int rc = read_fields(text, len, c, e);
    if (rc == 0)
        rc = take_word(c, "Package", package_name_valid, c->package, e);
    if (rc == 0)
        rc = take_word(c, "Version", version_valid, c->version, e);
    if (rc == 0)
        rc = take_word(c, "Architecture", arch_valid, c->arch, e);
    const struct control_field *multi = rc == 0 ? control_field(c, "Multi-Arch") : NULL;
    c->same = multi != NULL && same_name(multi->value, multi->value_len, "same");
    if (rc == 0)
        rc = control_check(c, e);
    return rc < 0 ? err_wrap(e, "cannot read the control file") : 0;
}

int control_file_name(const struct control *c, char **out, struct err *e)
{
    return c->same ? str_format(out, e, "%s:%s", c->package, c->arch)
                   : str_copy(out, c->package, e);
}

/* ---- relations ------------------------------------------------------------------ */

static void skip_blanks(const char **p, const char *end)
{
    while (*p < end && is_blank(**p))
        (*p)++;
}

static int no_relation(const char *at, const char *end, struct err *e)
{
    return err_set(e, ERR_INPUT, "'%.*s' is no relation to a package", shown((size_t)(end - at)),
                   at);
}

/* Without one "=" is meant, as dpkg reads it. */
static void read_op(const char **p, const char *end, enum relation_op *op)
{
    static const struct {
        const char *text;
        enum relation_op op;
    } ops[] = {{"<<", RELATION_LT}, {"<=", RELATION_LE}, {">=", RELATION_GE}, {">>", RELATION_GT},
               {"=", RELATION_EQ},  {"<", RELATION_LE},  {">", RELATION_GE}}; /* the last two as
                                                                                 dpkg reads them */
    *op = RELATION_EQ;
    for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
        size_t len = strlen(ops[i].text);
        if ((size_t)(end - *p) >= len && memcmp(*p, ops[i].text, len) == 0) {
            *op = ops[i].op;
            *p += len;
            return;
        }
    }
}

/* "(>= 1.2)" */
static bool read_version(const char **p, const char *end, struct relation *out)
{
    (*p)++;
    skip_blanks(p, end);
    read_op(p, end, &out->op);
    skip_blanks(p, end);
    const char *v = *p;
    while (*p < end && **p != ')' && !is_blank(**p))
        (*p)++;
    size_t len = (size_t)(*p - v);
    skip_blanks(p, end);
    if (!version_valid(v, len) || *p == end || **p != ')')
        return false;
    memcpy(out->version, v, len);
    out->version[len] = 0;
    (*p)++;
    return true;
}

static char lower(char c)
{
    static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *at = c != 0 ? strchr(capitals, c) : NULL;
    if (at == NULL)
        return c;
    return "abcdefghijklmnopqrstuvwxyz"[at - capitals];
}

/* Names here may also be what Debian policy forbids; dpkg reads capitals as small letters. */
static bool read_name(const char **p, const char *end, struct relation *out)
{
    const char *name = *p;
    while (*p < end && !is_blank(**p) && strchr(":(,|", **p) == NULL)
        (*p)++;
    size_t len = (size_t)(*p - name);
    if (len == 0 || len > CONTROL_NAME_MAX || !is_letter_or_digit(name[0]) ||
        !all_of(name, len, "-+._"))
        return false;
    for (size_t i = 0; i < len; i++)
        out->name[i] = lower(name[i]);
    return true;
}

/* ":any" */
static bool read_arch(const char **p, const char *end, struct relation *out)
{
    const char *arch = ++*p;
    while (*p < end && !is_blank(**p) && strchr("(,|", **p) == NULL)
        (*p)++;
    size_t len = (size_t)(*p - arch);
    if (len == 0 || len > CONTROL_WORD_MAX || !is_letter_or_digit(arch[0]) ||
        !all_of(arch, len, "-"))
        return false;
    memcpy(out->arch, arch, len);
    return true;
}

int relation_next(const char **cursor, const char *end, struct relation *out, bool *more,
                  struct err *e)
{
    const char *p = *cursor;
    memset(out, 0, sizeof(*out));
    *more = false;
    skip_blanks(&p, end);
    *cursor = p;
    if (p == end)
        return 0;
    const char *name = p;
    out->at = name;
    bool fine = read_name(&p, end, out) && (p == end || *p != ':' || read_arch(&p, end, out));
    skip_blanks(&p, end);
    fine = fine && (p == end || *p != '(' || read_version(&p, end, out));
    skip_blanks(&p, end);
    if (fine && p < end) {
        out->joint = *p++;
        skip_blanks(&p, end);
        fine = (out->joint == ',' || out->joint == '|') && p < end;
    }
    if (!fine)
        return no_relation(name, end, e);
    *cursor = p;
    *more = true;
    return 0;
}

bool relation_satisfied(const struct relation *r, const char *version)
{
    int order = r->op == RELATION_ANY ? 0 : version_compare(version, r->version);
    switch (r->op) {
    case RELATION_LT:
        return order < 0;
    case RELATION_LE:
        return order <= 0;
    case RELATION_EQ:
        return order == 0;
    case RELATION_GE:
        return order >= 0;
    case RELATION_GT:
        return order > 0;
    case RELATION_ANY:
        break;
    }
    return true;
}

/* ---- versions --------------------------------------------------------------------- */

/* Of a byte that is no digit: '~' before the end, the end before letters, letters before the rest.
 */
static int weight(const char *p, const char *end)
{
    if (p == end || (*p >= '0' && *p <= '9'))
        return 0;
    if (*p == '~')
        return -1;
    bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z');
    return letter ? *p : *p + 256;
}

static bool digit_at(const char *p, const char *end)
{
    return p < end && *p >= '0' && *p <= '9';
}

static int compare_part(const char *a, const char *a_end, const char *b, const char *b_end)
{
    while (a < a_end || b < b_end) {
        while ((a < a_end && !digit_at(a, a_end)) || (b < b_end && !digit_at(b, b_end))) {
            int x = weight(a, a_end);
            int y = weight(b, b_end);
            if (x != y)
                return x - y;
            a++; /* equal weights: neither is at its end */
            b++;
        }
        while (digit_at(a, a_end) && *a == '0')
            a++;
        while (digit_at(b, b_end) && *b == '0')
            b++;
        int first = 0;
        for (; digit_at(a, a_end) && digit_at(b, b_end); a++, b++)
            first = first != 0 ? first : *a - *b;
        if (digit_at(a, a_end) || digit_at(b, b_end))
            return digit_at(a, a_end) ? 1 : -1;
        if (first != 0)
            return first;
    }
    return 0;
}

struct version {
    const char *epoch, *epoch_end;
    const char *upstream, *upstream_end;
    const char *revision, *end;
};

static struct version split_version(const char *v)
{
    const char *colon = strchr(v, ':');
    const char *end = v + strlen(v);
    const char *upstream = colon != NULL ? colon + 1 : v;
    const char *dash = strrchr(upstream, '-');
    return (struct version){.epoch = v,
                            .epoch_end = colon != NULL ? colon : v,
                            .upstream = upstream,
                            .upstream_end = dash != NULL ? dash : end,
                            .revision = dash != NULL ? dash + 1 : end,
                            .end = end};
}

int version_compare(const char *a, const char *b)
{
    struct version x = split_version(a);
    struct version y = split_version(b);
    int order = compare_part(x.epoch, x.epoch_end, y.epoch, y.epoch_end);
    if (order == 0)
        order = compare_part(x.upstream, x.upstream_end, y.upstream, y.upstream_end);
    if (order == 0)
        order = compare_part(x.revision, x.end, y.revision, y.end);
    return order;
}
