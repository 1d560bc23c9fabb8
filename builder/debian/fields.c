/* SPDX-License-Identifier: Apache-2.0 */
/* The fields of control files that dpkg knows: what it takes in each, and what it keeps of it. */
#include "base/encoding.h"
#include "builder/debian/control.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct known_field;

/* What becomes of the fields of one kind. */
struct kind {
    /* *words: of fields of an archive's index, how many words the first one had. NULL: anything. */
    int (*check)(const struct known_field *k, const struct control_field *f, size_t *words,
                 struct err *e);
    /* NULL: nothing is kept. */
    int (*put)(struct buf *out, const struct known_field *k, const struct control *c,
               struct err *e);
};

struct known_field {
    const char *name;
    const struct kind *kind;
    const char *const *words; /* of the set; "no" says nothing and is not kept */
    const char *now;          /* of an obsolete name: what dpkg takes it for */
    bool exact;               /* versions in relations are those that are meant, and no others */
};

static const struct kind text, word, priority, version, relations, requirements, archive, revision,
    own;
static const char *const yes_words[] = {"no", "yes", NULL};
static const char *const multi_words[] = {"no", "same", "allowed", "foreign", NULL};
static const char *const priority_words[] = {"required", "important", "standard", "optional",
                                             "extra",    "unknown",   NULL};

/* In the order in which dpkg writes them; it writes what it does not know behind them. */
static const struct known_field known[] = {
    {.name = "Package", .kind = &text},
    {.name = "Essential", .kind = &word, .words = yes_words},
    {.name = "Protected", .kind = &word, .words = yes_words},
    {.name = "Status", .kind = &own},
    {.name = "Priority", .kind = &priority, .words = priority_words},
    {.name = "Section", .kind = &text},
    {.name = "Installed-Size", .kind = &text},
    {.name = "Origin", .kind = &text},
    {.name = "Maintainer", .kind = &text},
    {.name = "Bugs", .kind = &text},
    {.name = "Architecture", .kind = &text},
    {.name = "Multi-Arch", .kind = &word, .words = multi_words},
    {.name = "Source", .kind = &text},
    {.name = "Version", .kind = &version},
    {.name = "Replaces", .kind = &relations},
    {.name = "Provides", .kind = &relations, .exact = true},
    {.name = "Depends", .kind = &requirements},
    {.name = "Pre-Depends", .kind = &requirements},
    {.name = "Recommends", .kind = &requirements},
    {.name = "Suggests", .kind = &requirements},
    {.name = "Breaks", .kind = &relations},
    {.name = "Conflicts", .kind = &relations},
    {.name = "Enhances", .kind = &requirements},
    {.name = "Conffiles", .kind = &own},
    {.name = "Filename", .kind = &archive},
    {.name = "Size", .kind = &archive},
    {.name = "MD5sum", .kind = &archive},
    {.name = "MSDOS-Filename", .kind = &archive},
    {.name = "Description", .kind = &text},
    {.name = "Recommended", .kind = &requirements, .now = "Recommends"},
    {.name = "Optional", .kind = &requirements, .now = "Suggests"},
    {.name = "Class", .kind = &priority, .words = priority_words, .now = "Priority"},
    {.name = "Revision", .kind = &revision},
    {.name = "Package-Revision", .kind = &revision},
    {.name = "Package_Revision", .kind = &revision},
};
enum { KNOWN_COUNT = sizeof(known) / sizeof(known[0]) };

static const struct known_field *find_known(const struct control_field *f)
{
    for (size_t i = 0; i < KNOWN_COUNT; i++)
        if (strlen(known[i].name) == f->name_len &&
            strncasecmp(known[i].name, f->name, f->name_len) == 0)
            return &known[i];
    return NULL;
}

/* ---- what dpkg takes ------------------------------------------------------------------- */

static int refuse(const struct control_field *f, const char *why, struct err *e)
{
    int len = (int)(f->value_len < 60 ? f->value_len : 60);
    return err_set(e, ERR_INPUT, "the field '%.*s' cannot be '%.*s': %s", (int)f->name_len, f->name,
                   len, f->value, why);
}

/* The word of the set that the value begins with, as dpkg looks for it; NULL: none. */
static const char *find_word(const struct known_field *k, const struct control_field *f)
{
    for (size_t i = 0; k->words[i] != NULL; i++)
        if (f->value_len >= strlen(k->words[i]) &&
            strncasecmp(k->words[i], f->value, strlen(k->words[i])) == 0)
            return k->words[i];
    return NULL;
}

static int check_word(const struct known_field *k, const struct control_field *f, size_t *words,
                      struct err *e)
{
    (void)words;
    const char *found = find_word(k, f);
    if (f->value_len == 0 || (found != NULL && strlen(found) == f->value_len))
        return 0;
    return refuse(f, "it is none of the words that dpkg knows", e);
}

/* Any other text goes, too, unless it begins with one of the words. */
static int check_priority(const struct known_field *k, const struct control_field *f, size_t *words,
                          struct err *e)
{
    return find_word(k, f) == NULL ? 0 : check_word(k, f, words, e);
}

static int check_relations(const struct known_field *k, const struct control_field *f,
                           size_t *words, struct err *e)
{
    (void)words;
    const char *cursor = f->value;
    bool more = true;
    int rc = 0;
    while (rc == 0 && more) {
        struct relation r;
        rc = relation_next(&cursor, f->value + f->value_len, &r, &more, e);
        if (rc == 0 && more && r.joint == '|' && k->kind == &relations)
            return refuse(f, "alternatives are not allowed in it", e);
        if (rc == 0 && more && k->exact && r.op != RELATION_ANY && r.op != RELATION_EQ)
            return refuse(f, "only exact versions (=) are allowed in it", e);
    }
    return rc < 0 ? err_wrap(e, "%s", k->name) : 0;
}

static size_t count_words(const struct control_field *f)
{
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < f->value_len; i++) {
        bool blank = strchr(" \t\n", f->value[i]) != NULL;
        count += !blank && !inside;
        inside = !blank;
    }
    return count;
}

/* dpkg keeps nothing of these; but where they do not fit together, it refuses the package. */
static int check_archive(const struct known_field *k, const struct control_field *f, size_t *words,
                         struct err *e)
{
    (void)k;
    size_t count = count_words(f);
    if (count == 0 || (*words != 0 && *words != count))
        return refuse(f, "it has not as many words as the other fields of an index", e);
    *words = count;
    return 0;
}

static int check_revision(const struct known_field *k, const struct control_field *f, size_t *words,
                          struct err *e)
{
    (void)k;
    (void)words;
    return f->value_len == 0 ? 0 : refuse(f, "dpkg takes it for a part of the version", e);
}

static int check_field(const struct control_field *f, size_t *words, struct err *e)
{
    const struct known_field *k = find_known(f);
    if (k == NULL)
        return f->name_len < 2 ? refuse(f, "its name is too short for dpkg", e) : 0;
    return k->kind->check != NULL ? k->kind->check(k, f, words, e) : 0;
}

int control_check(const struct control *c, struct err *e)
{
    size_t words = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->count; i++)
        rc = check_field(&c->fields[i], &words, e);
    if (rc == 0 && c->same && strcmp(c->arch, "all") == 0)
        rc = err_set(e, ERR_INPUT, "'Multi-Arch: same' and 'Architecture: all' exclude each other");
    return rc;
}

/* ---- what dpkg keeps ----------------------------------------------------------------- */

static int put(struct buf *out, const char *name, size_t name_len, const char *value, size_t len,
               struct err *e)
{
    int rc = buf_add(out, name, name_len, e);
    if (rc == 0)
        rc = buf_add_str(out, len > 0 && value[0] != '\n' ? ": " : ":", e);
    if (rc == 0)
        rc = buf_add(out, value, len, e);
    return rc < 0 ? rc : buf_add(out, "\n", 1, e);
}

/* An epoch of 0 is not shown where the version is the same without it. */
static int put_version(struct buf *out, const char *v, struct err *e)
{
    const char *colon = strchr(v, ':');
    uint64_t epoch = 0;
    if (colon == NULL)
        return buf_add_str(out, v, e);
    (void)digits_read(v, (size_t)(colon - v), 10, &epoch);
    if (epoch == 0 && strchr(colon + 1, ':') == NULL)
        return buf_add_str(out, colon + 1, e);
    return buf_addf(out, e, "%" PRIu64 "%s", epoch, colon);
}

static int put_relation(struct buf *out, const struct relation *r, struct err *e)
{
    static const char *const ops[] = {[RELATION_LT] = "<<",
                                      [RELATION_LE] = "<=",
                                      [RELATION_EQ] = "=",
                                      [RELATION_GE] = ">=",
                                      [RELATION_GT] = ">>"};
    int rc = buf_addf(out, e, "%s%s%s", r->name, r->arch[0] != 0 ? ":" : "", r->arch);
    if (rc < 0 || r->op == RELATION_ANY)
        return rc;
    rc = buf_addf(out, e, " (%s ", ops[r->op]);
    if (rc == 0)
        rc = put_version(out, r->version, e);
    return rc < 0 ? rc : buf_add(out, ")", 1, e);
}

static int put_relations(struct buf *out, const struct known_field *k,
                         const struct control_field *f, bool *begun, struct err *e)
{
    const char *cursor = f->value;
    const char *before = *begun ? ", " : "";
    bool more = f->value_len > 0;
    int rc = more && !*begun ? buf_addf(out, e, "%s: ", k->name) : 0;
    while (rc == 0 && more) {
        struct relation r;
        rc = relation_next(&cursor, f->value + f->value_len, &r, &more, e);
        if (rc < 0 || !more)
            break;
        rc = buf_add_str(out, before, e);
        if (rc == 0)
            rc = put_relation(out, &r, e);
        before = r.joint == '|' ? " | " : ", ";
    }
    *begun = *begun || f->value_len > 0;
    return rc;
}

static bool stands_for(const struct known_field *k, const struct control_field *f)
{
    const struct known_field *found = find_known(f);
    return found == k || (found != NULL && found->now != NULL && strcmp(found->now, k->name) == 0);
}

/* All that speak of it, by whatever name, in the order in which they stand. */
static int put_all_relations(struct buf *out, const struct known_field *k, const struct control *c,
                             struct err *e)
{
    bool begun = false;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < c->count; i++)
        if (stands_for(k, &c->fields[i]))
            rc = put_relations(out, k, &c->fields[i], &begun, e);
    return rc < 0 || !begun ? rc : buf_add(out, "\n", 1, e);
}

/* The last one that has a value. */
static int put_word(struct buf *out, const struct known_field *k, const struct control *c,
                    struct err *e)
{
    const struct control_field *last = NULL;
    for (size_t i = 0; i < c->count; i++)
        if (stands_for(k, &c->fields[i]) && c->fields[i].value_len > 0)
            last = &c->fields[i];
    if (last == NULL)
        return 0;
    const char *known_word = find_word(k, last);
    if (known_word != NULL && strcmp(known_word, "no") == 0)
        return 0;
    return put(out, k->name, strlen(k->name), known_word != NULL ? known_word : last->value,
               known_word != NULL ? strlen(known_word) : last->value_len, e);
}

static int put_text(struct buf *out, const struct known_field *k, const struct control *c,
                    struct err *e)
{
    const struct control_field *f = control_field(c, k->name);
    if (f == NULL || f->value_len == 0)
        return 0;
    return put(out, k->name, strlen(k->name), f->value, f->value_len, e);
}

static int put_own_version(struct buf *out, const struct known_field *k, const struct control *c,
                           struct err *e)
{
    int rc = buf_addf(out, e, "%s: ", k->name);
    if (rc == 0)
        rc = put_version(out, c->version, e);
    return rc < 0 ? rc : buf_add(out, "\n", 1, e);
}

static const struct kind text = {.put = put_text};
static const struct kind word = {.check = check_word, .put = put_word};
static const struct kind priority = {.check = check_priority, .put = put_word};
static const struct kind version = {.put = put_own_version}; /* control_parse() has read it */
static const struct kind relations = {.check = check_relations, .put = put_all_relations};
static const struct kind requirements = {.check = check_relations, .put = put_all_relations};
static const struct kind archive = {.check = check_archive};
static const struct kind revision = {.check = check_revision};
static const struct kind own = {0};

int control_status(const struct control *c, const char *conffiles, struct buf *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < KNOWN_COUNT; i++) {
        if (strcmp(known[i].name, "Status") == 0)
            rc = buf_add_str(out, "Status: install ok installed\n", e);
        else if (strcmp(known[i].name, "Conffiles") == 0)
            rc = buf_add_str(out, conffiles, e);
        else if (known[i].now == NULL && known[i].kind->put != NULL)
            rc = known[i].kind->put(out, &known[i], c, e);
    }
    for (size_t i = 0; rc == 0 && i < c->count; i++) {
        const struct control_field *f = &c->fields[i];
        if (find_known(f) == NULL)
            rc = put(out, f->name, f->name_len, f->value, f->value_len, e);
    }
    return rc < 0 ? rc : buf_add(out, "\n", 1, e);
}
