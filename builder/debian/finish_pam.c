/* SPDX-License-Identifier: Apache-2.0 */
/* etc/pam.d/common-*, as pam-auth-update makes them of the profiles that packages bring. */
#include "builder/debian/finishing.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20, PROFILES_MAX = 256, FIELDS_MAX = 64 };

static const char profile_dir[] = "usr/share/pam-configs";

struct field {
    char *name;
    struct buf value; /* lines, without blanks around them */
};

struct profile {
    const char *name; /* of the file; borrowed from the tree */
    int64_t priority;
    bool on;
    struct field fields[FIELDS_MAX];
    size_t count;
};

struct profiles {
    struct rootfs_writer *w;
    struct profile *items;
    size_t count;
};

static void profiles_dispose(struct profiles *p)
{
    for (size_t i = 0; p->items != NULL && i < p->count; i++)
        for (size_t k = 0; k < p->items[i].count; k++) {
            free(p->items[i].fields[k].name);
            buf_dispose(&p->items[i].fields[k].value);
        }
    free(p->items);
}

/* ---- profiles ---- */

static struct field *find_field(struct profile *p, const char *name)
{
    for (size_t i = 0; i < p->count; i++)
        if (strcmp(p->fields[i].name, name) == 0)
            return &p->fields[i];
    return NULL;
}

/* The field's value; NULL when there is none, or it is empty. */
static const char *value_of(struct profile *p, const char *name)
{
    const struct field *f = find_field(p, name);
    return f != NULL && f->value.len > 0 ? buf_str(&f->value) : NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* The text from *p to its line's end without blanks around it; *p is behind the newline then. */
static const char *take_line(const char **p, size_t *len)
{
    const char *line = *p;
    size_t n = strcspn(line, "\n");
    *p = line + n + (line[n] == '\n');
    for (; n > 0 && is_blank(*line); n--)
        line++;
    for (; n > 0 && is_blank(line[n - 1]); n--)
        ;
    *len = n;
    return line;
}

static int add_value(struct field *f, const char *text, size_t len, struct err *e)
{
    if (len == 0)
        return 0;
    int rc = f->value.len > 0 ? buf_add(&f->value, "\n", 1, e) : 0;
    return rc < 0 ? rc : buf_add(&f->value, text, len, e);
}

/* "Auth-Final:" is what "Auth:" once was. A field that comes again begins afresh. */
static int start_field(struct profile *p, const char *name, size_t len, struct field **out,
                       struct err *e)
{
    static const char final[] = "-Final";
    AUTO_FREE char *copy = NULL;
    int rc = str_format(&copy, e, "%.*s", (int)len, name);
    if (rc < 0)
        return rc;
    if (str_ends(copy, final))
        copy[len - (sizeof(final) - 1)] = 0;
    if ((*out = find_field(p, copy)) != NULL) {
        buf_cut(&(*out)->value, 0);
        return 0;
    }
    if (p->count == FIELDS_MAX)
        return err_set(e, ERR_INPUT, "'%.80s' has more than %d fields", p->name, (int)FIELDS_MAX);
    *out = &p->fields[p->count++];
    (*out)->value = (struct buf)BUF_INIT(TEXT_MAX);
    (*out)->name = steal_ptr(&copy);
    return 0;
}

/* A line is "NAME: VALUE", or goes on with the field before it. */
static int parse_profile(struct profile *p, const char *text, struct err *e)
{
    struct field *f = NULL;
    int rc = 0;
    while (rc == 0 && *text != 0) {
        const char *start = text;
        size_t len = 0;
        const char *line = take_line(&text, &len);
        size_t name = strcspn(line, ": \t\n");
        bool field = line == start && name > 0 && name < len && line[name] == ':';
        if (field && (rc = start_field(p, line, name, &f, e)) == 0) {
            line += name + 1;
            for (len -= name + 1; len > 0 && is_blank(*line); len--)
                line++;
        }
        if (rc == 0 && f != NULL)
            rc = add_value(f, line, len, e);
    }
    return rc;
}

static int read_profile(struct rootfs_writer *w, struct profile *p, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *path = NULL;
    bool found = false;
    int rc = str_format(&path, e, "%s/%s", profile_dir, p->name);
    if (rc == 0)
        rc = rootfs_get(w, path, &text, &found, e);
    if (rc == 0)
        rc = parse_profile(p, buf_str(&text), e);
    if (rc < 0)
        return rc;
    const char *priority = value_of(p, "Priority");
    const char *wanted = value_of(p, "Default");
    for (const char *c = priority; c != NULL && *c >= '0' && *c <= '9'; c++)
        p->priority = p->priority > INT32_MAX ? p->priority : p->priority * 10 + (*c - '0');
    p->on = wanted != NULL && strcmp(wanted, "yes") == 0;
    return 0;
}

/* The greatest priority first; of equal ones the name that is last in the order of bytes. */
static int compare_profiles(const void *a, const void *b)
{
    const struct profile *x = a;
    const struct profile *y = b;
    if (x->priority != y->priority)
        return x->priority < y->priority ? 1 : -1;
    return strcmp(y->name, x->name);
}

/* Whether `list` ("a, b") has the name. */
static bool list_has(const char *list, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = list; p != NULL && *p != 0;) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, name, len) == 0)
            return true;
        p += n;
        p += strspn(p, ", ");
    }
    return false;
}

/* Who names another in Conflicts turns it off. */
static void drop_conflicts(struct profiles *all)
{
    for (size_t i = 0; i < all->count; i++)
        for (size_t k = 0; all->items[i].on && k < all->count; k++)
            if (k != i && list_has(value_of(&all->items[i], "Conflicts"), all->items[k].name))
                all->items[k].on = false;
}

static int read_all(struct profiles *all, const struct tree_node *dir, struct err *e)
{
    size_t count = dir->inode->child_count;
    int rc = 0;
    if (count > PROFILES_MAX)
        return err_set(e, ERR_INPUT, "more than %d profiles", (int)PROFILES_MAX);
    all->items = array_new(count + 1, sizeof(*all->items));
    if (all->items == NULL)
        return err_oom(e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const char *name = dir->inode->children[i]->name;
        if (str_ends(name, "~") || name[0] == '#')
            continue;
        struct profile *p = &all->items[all->count++];
        p->name = name;
        rc = read_profile(all->w, p, e);
    }
    if (rc == 0 && all->count > 1)
        qsort(all->items, all->count, sizeof(*all->items), compare_profiles);
    if (rc == 0)
        drop_conflicts(all);
    return rc;
}

/* ---- the stacks ---- */

struct stack {
    const char *name;  /* of the file, behind "common-" */
    const char *type;  /* at the start of its lines */
    const char *field; /* of profiles */
    bool all_sessions; /* not for what is interactive alone */
};

static const struct stack stacks[] = {
    {"auth", "auth", "Auth", false},
    {"account", "account", "Account", false},
    {"password", "password", "Password", false},
    {"session", "session", "Session", false},
    {"session-noninteractive", "session", "Session", true},
};

/* The lines that the profile gives to the block; NULL: it has no part in it. */
static const char *lines_of(struct profile *p, const struct stack *s, const char *block, bool first)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "%s-Type", s->field);
    const char *type = value_of(p, name);
    if (!p->on || type == NULL || strcmp(type, block) != 0 ||
        (s->all_sessions && find_field(p, "Session-Interactive-Only") != NULL))
        return NULL;
    (void)snprintf(name, sizeof(name), "%s-Initial", s->field);
    const char *initial = first ? value_of(p, name) : NULL;
    return initial != NULL ? initial : value_of(p, s->field);
}

static size_t count_lines(const char *text)
{
    size_t count = 1;
    for (const char *p = strchr(text, '\n'); p != NULL; p = strchr(p + 1, '\n'))
        count++;
    return count;
}

/* The control and the module of a line, with `end` as how many lines there are to jump over, and
 * its options with one blank between them. */
static int add_module(struct buf *out, const struct stack *s, const char *line, size_t len,
                      int64_t jump, struct err *e)
{
    size_t control = line[0] == '[' ? strcspn(line, "]") + 1 : strcspn(line, " \t");
    size_t head = control;
    for (; head < len && is_blank(line[head]); head++)
        ;
    for (; head < len && !is_blank(line[head]); head++)
        ;
    if (control >= len)
        return err_set(e, ERR_INPUT, "'%.*s' is no line of a PAM stack", (int)(len < 80 ? len : 80),
                       line);
    int rc = buf_addf(out, e, "%s\t", s->type);
    for (size_t i = 0; rc == 0 && i < head;) {
        bool end = head - i >= 3 && memcmp(line + i, "end", 3) == 0;
        rc = end ? buf_addf(out, e, "%lld", (long long)jump) : buf_add(out, line + i, 1, e);
        i += end ? 3 : 1;
    }
    if (rc == 0)
        rc = buf_add(out, " ", 1, e);
    for (size_t i = head, words = 0; rc == 0 && i < len; words++) {
        for (; i < len && is_blank(line[i]); i++)
            ;
        size_t n = i;
        for (; n < len && !is_blank(line[n]); n++)
            ;
        if (n > i)
            rc = buf_addf(out, e, "%s%.*s", words > 0 ? " " : "", (int)(n - i), line + i);
        i = n;
    }
    return rc < 0 ? rc : buf_add(out, "\n", 1, e);
}

static int add_block(struct profiles *all, const struct stack *s, const char *block,
                     struct buf *out, struct err *e)
{
    bool primary = strcmp(block, "Primary") == 0;
    int64_t count = primary ? 0 : -1;
    bool first = true;
    int rc = 0;
    for (size_t i = 0; i < all->count; i++) {
        const char *lines = lines_of(&all->items[i], s, block, first);
        if (lines == NULL)
            continue;
        count += (int64_t)count_lines(lines);
        first = false;
    }
    if (primary && count == 0)
        return buf_addf(out, e, "%s\t[default=1]\t\t\tpam_permit.so\n", s->type);
    first = true;
    for (size_t i = 0; rc == 0 && i < all->count; i++) {
        const char *p = lines_of(&all->items[i], s, block, first);
        if (p == NULL)
            continue;
        first = false;
        while (rc == 0 && *p != 0) {
            size_t len = 0;
            const char *line = take_line(&p, &len);
            rc = add_module(out, s, line, len, count--, e);
        }
    }
    return rc;
}

struct mark {
    const char *text;  /* of a line that stays */
    const char *block; /* what comes behind it */
    const char *until; /* the next line of the template that stays */
};

static const struct mark marks[] = {
    {"# here are the per-package modules (the \"Primary\" block)", "Primary",
     "# here's the fallback if no module succeeds"},
    {"# and here are more per-package modules (the \"Additional\" block)", "Additional",
     "# end of pam-auth-update config"},
};
enum { MARKS = sizeof(marks) / sizeof(marks[0]) };

static int fill_template(struct profiles *all, const struct stack *s, const char *text,
                         struct buf *out, struct err *e)
{
    size_t mark = 0;
    bool inside = false;
    int rc = 0;
    while (rc == 0 && *text != 0) {
        const char *line = text;
        size_t len = strcspn(text, "\n");
        text += len + (text[len] == '\n');
        if (inside && !str_starts(line, marks[mark].until))
            continue;
        mark += inside;
        inside = false;
        rc = buf_addf(out, e, "%.*s\n", (int)len, line);
        if (rc == 0 && mark < MARKS && str_starts(line, marks[mark].text)) {
            rc = add_block(all, s, marks[mark].block, out, e);
            inside = true;
        }
    }
    if (rc == 0 && mark < MARKS)
        return err_set(e, ERR_INPUT, "the template of common-%s has no '%s'", s->name,
                       marks[mark].text);
    return rc;
}

/* What pam-auth-update will compare with, when it runs on the system. */
static int format_saved(struct profiles *all, const struct stack *s, struct buf *out, struct err *e)
{
    int rc = 0;
    size_t given = 0;
    for (size_t b = 0; rc == 0 && b < MARKS; b++) {
        bool first = true;
        for (size_t i = 0; rc == 0 && i < all->count; i++) {
            const char *lines = lines_of(&all->items[i], s, marks[b].block, first);
            if (lines == NULL)
                continue;
            first = false;
            given++;
            rc = buf_addf(out, e, "Module: %s\n%s\n", all->items[i].name, lines);
        }
        if (rc == 0 && b == 0 && given == 0)
            rc = buf_add_str(out, "Module: null\n[default=1]\t\t\tpam_permit.so\n", e);
    }
    return rc;
}

static int write_stack(struct profiles *all, const struct stack *s, struct err *e)
{
    AUTO_BUF template = BUF_INIT(TEXT_MAX);
    AUTO_BUF out = BUF_INIT(TEXT_MAX);
    AUTO_BUF saved = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *from = NULL;
    AUTO_FREE char *to = NULL;
    AUTO_FREE char *kept = NULL;
    bool found = false;
    int rc = str_format(&from, e, "usr/share/pam/common-%s", s->name);
    if (rc == 0)
        rc = str_format(&to, e, "etc/pam.d/common-%s", s->name);
    if (rc == 0)
        rc = str_format(&kept, e, "var/lib/pam/%s", s->name);
    if (rc < 0 || tree_find(all->w->tree, to, false) != NULL)
        return rc;
    rc = rootfs_get(all->w, from, &template, &found, e);
    if (rc < 0 || !found)
        return rc;
    rc = fill_template(all, s, buf_str(&template), &out, e);
    if (rc == 0)
        rc = format_saved(all, s, &saved, e);
    if (rc == 0)
        rc = rootfs_put(all->w, to, 0644, 0, out.data, out.len, e);
    return rc < 0 ? rc : rootfs_put(all->w, kept, 0644, 0, saved.data, saved.len, e);
}

int finish_pam(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    AUTO(profiles_dispose) struct profiles all = {.w = w};
    AUTO_BUF seen = BUF_INIT(TEXT_MAX);
    const struct tree_node *dir = tree_find(w->tree, profile_dir, true);
    (void)o;
    if (dir == NULL || dir->inode->type != TREE_DIR)
        return 0;
    int rc = read_all(&all, dir, e);
    for (size_t i = 0; rc == 0 && i < sizeof(stacks) / sizeof(stacks[0]); i++)
        rc = write_stack(&all, &stacks[i], e);
    for (size_t i = 0; rc == 0 && i < all.count; i++)
        rc = buf_addf(&seen, e, "%s\n", all.items[i].name);
    if (rc < 0 || tree_find(w->tree, "var/lib/pam/seen", false) != NULL)
        return rc;
    return rootfs_put(w, "var/lib/pam/seen", 0644, 0, seen.data, seen.len, e);
}
