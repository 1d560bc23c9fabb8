/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/tree/glob.h"

#include "base/buf.h"

#include <stdatomic.h>
#include <string.h>

/*
 * A pattern is a list of tokens; token `count` is the accepting state. Matching
 * follows all ways through them at once, one byte of the path at a time.
 */
enum token_kind {
    TOKEN_BYTE,
    TOKEN_SET,     /* '?' is the set of all but '/' */
    TOKEN_STAR,    /* stays on any byte but '/'; or goes on */
    TOKEN_ALL,     /* stays on any byte; or goes on */
    TOKEN_DIRS,    /* before a directory: goes on after TOKEN_DIRS_IN, or into it */
    TOKEN_DIRS_IN, /* inside a directory's name: stays; '/' leads back to TOKEN_DIRS */
};

struct token {
    enum token_kind kind;
    uint8_t byte;
    uint16_t set; /* index */
};

struct set {
    uint64_t bits[4];
};

struct glob {
    size_t count;
    struct token *tokens;
    struct set *sets;
};

/* The states that are alive: each once, in a list. */
struct states {
    size_t count;
    uint16_t list[GLOB_PATTERN_MAX + 2];
    uint64_t seen[(GLOB_PATTERN_MAX + 2 + 63) / 64];
};

static bool set_has(const struct set *s, uint8_t c)
{
    return (s->bits[c >> 6] >> (c & 63) & 1) != 0;
}

static void set_put(struct set *s, uint8_t c)
{
    s->bits[c >> 6] |= (uint64_t)1 << (c & 63);
}

void glob_free(struct glob *g)
{
    if (g == NULL)
        return;
    free(g->tokens);
    free(g->sets);
    free(g);
}

/* One member of a set, which may be escaped. NULL: the pattern ends. */
static const char *set_byte(const char *p, uint8_t *out)
{
    if (*p == '\\')
        p++;
    if (*p == 0)
        return NULL;
    *out = (uint8_t)*p;
    return p + 1;
}

/* After '['. The first ']' is a member. NULL: it has no end, or an empty range. */
static const char *parse_set(const char *p, struct set *out)
{
    bool negated = *p == '!' || *p == '^';
    p += negated;
    struct set s = {{0}};
    bool first = true;
    while (first || *p != ']') {
        uint8_t from;
        uint8_t to;
        first = false;
        p = set_byte(p, &from);
        if (p == NULL)
            return NULL;
        to = from;
        if (p[0] == '-' && p[1] != ']' && p[1] != 0) {
            p = set_byte(p + 1, &to);
            if (p == NULL || to < from)
                return NULL;
        }
        for (unsigned c = from; c <= to; c++)
            set_put(&s, (uint8_t)c);
        if (*p == 0)
            return NULL;
    }
    for (size_t i = 0; negated && i < 4; i++)
        s.bits[i] = ~s.bits[i];
    s.bits['/' >> 6] &= ~((uint64_t)1 << ('/' & 63));
    *out = s;
    return p + 1;
}

/* At the stars; `start` tells that they begin a component. */
static const char *parse_stars(struct glob *g, const char *p, bool start)
{
    size_t stars = strspn(p, "*");
    p += stars;
    if (stars >= 2 && start && *p == '/') {
        g->tokens[g->count++] = (struct token){.kind = TOKEN_DIRS};
        g->tokens[g->count++] = (struct token){.kind = TOKEN_DIRS_IN};
        return p + 1;
    }
    g->tokens[g->count++] = (struct token){.kind = stars >= 2 ? TOKEN_ALL : TOKEN_STAR};
    return p;
}

static int parse(struct glob *g, const char *pattern, struct err *e)
{
    uint16_t sets = 0;
    const char *p = pattern;
    while (*p != 0) {
        if (*p == '*') {
            p = parse_stars(g, p, p == pattern || p[-1] == '/');
            continue;
        }
        struct token t = {.kind = TOKEN_BYTE};
        if (*p == '?' || *p == '[') {
            t.kind = TOKEN_SET;
            t.set = sets++;
            p = *p == '['                                   ? parse_set(p + 1, &g->sets[t.set])
                : parse_set("!/]", &g->sets[t.set]) == NULL ? NULL
                                                            : p + 1;
            if (p == NULL)
                return err_set(e, ERR_INPUT, "pattern '%.200s' has a set '[' that is not complete",
                               pattern);
        } else {
            p = set_byte(p, &t.byte);
            if (p == NULL)
                return err_set(e, ERR_INPUT, "pattern '%.200s' ends in a lone '\\'", pattern);
        }
        g->tokens[g->count++] = t;
    }
    return 0;
}

int glob_new(const char *pattern, struct glob **out, struct err *e)
{
    size_t len = strnlen(pattern, GLOB_PATTERN_MAX + 1);
    if (len == 0 || len > GLOB_PATTERN_MAX)
        return err_set(e, ERR_INPUT, "a pattern has 1 to %d bytes", (int)GLOB_PATTERN_MAX);
    if (pattern[0] == '/')
        return err_set(e, ERR_INPUT, "pattern '%.200s' begins with '/': paths here do not",
                       pattern);
    AUTO_GLOB struct glob *g = calloc(1, sizeof(*g));
    if (g == NULL)
        return err_oom(e);
    size_t sets = 0;
    for (const char *p = pattern; *p != 0; p++)
        sets += *p == '?' || *p == '[';
    g->tokens = array_new(len, sizeof(*g->tokens));
    g->sets = array_new(sets, sizeof(*g->sets));
    if (g->tokens == NULL || g->sets == NULL)
        return err_oom(e);
    int rc = parse(g, pattern, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&g);
    return 0;
}

/* Adds a state and those it reaches without a byte. */
static void reach(const struct glob *g, struct states *s, size_t at)
{
    for (;;) {
        if ((s->seen[at >> 6] >> (at & 63) & 1) != 0)
            return;
        s->seen[at >> 6] |= (uint64_t)1 << (at & 63);
        s->list[s->count++] = (uint16_t)at;
        if (at == g->count)
            return;
        enum token_kind kind = g->tokens[at].kind;
        if (kind == TOKEN_STAR || kind == TOKEN_ALL)
            at += 1;
        else if (kind == TOKEN_DIRS)
            at += 2;
        else
            return;
    }
}

static void clear(const struct glob *g, struct states *s)
{
    s->count = 0;
    memset(s->seen, 0, (g->count / 64 + 1) * sizeof(s->seen[0]));
}

static void advance(const struct glob *g, const struct states *from, struct states *to, uint8_t c)
{
    clear(g, to);
    for (size_t i = 0; i < from->count; i++) {
        size_t at = from->list[i];
        if (at == g->count)
            continue;
        const struct token *t = &g->tokens[at];
        switch (t->kind) {
        case TOKEN_BYTE:
            if (t->byte == c)
                reach(g, to, at + 1);
            break;
        case TOKEN_SET:
            if (set_has(&g->sets[t->set], c))
                reach(g, to, at + 1);
            break;
        case TOKEN_STAR:
            if (c != '/')
                reach(g, to, at);
            break;
        case TOKEN_ALL:
            reach(g, to, at);
            break;
        case TOKEN_DIRS:
            if (c != '/')
                reach(g, to, at + 1);
            break;
        case TOKEN_DIRS_IN:
            reach(g, to, c == '/' ? at - 1 : at);
            break;
        }
    }
}

static bool accepts(const struct glob *g, const struct states *s)
{
    return (s->seen[g->count >> 6] >> (g->count & 63) & 1) != 0;
}

/* With `above`, a match of a directory above the path is one too. */
static bool run(const struct glob *g, const char *path, bool above)
{
    struct states a;
    struct states b;
    struct states *now = &a;
    struct states *next = &b;
    clear(g, now);
    reach(g, now, 0);
    for (const char *p = path; *p != 0; p++) {
        if (above && *p == '/' && accepts(g, now))
            return true;
        advance(g, now, next, (uint8_t)*p);
        if (next->count == 0)
            return false;
        struct states *swap = now;
        now = next;
        next = swap;
    }
    return accepts(g, now);
}

bool glob_match(const struct glob *g, const char *path)
{
    return run(g, path, false);
}

/* ---- lists ---- */

struct listed {
    struct glob *glob;
    char *pattern;
    atomic_bool matched;
};

struct glob_list {
    struct listed *items;
    size_t count;
    size_t cap;
    atomic_size_t unmatched; /* patterns that have covered nothing yet */
};

int glob_list_new(struct glob_list **out, struct err *e)
{
    struct glob_list *l = calloc(1, sizeof(*l));
    if (l == NULL)
        return err_oom(e);
    *out = l;
    return 0;
}

void glob_list_free(struct glob_list *l)
{
    if (l == NULL)
        return;
    for (size_t i = 0; i < l->count; i++) {
        glob_free(l->items[i].glob);
        free(l->items[i].pattern);
    }
    free(l->items);
    free(l);
}

int glob_list_add(struct glob_list *l, const char *pattern, struct err *e)
{
    if (l->count >= GLOB_LIST_MAX)
        return err_set(e, ERR_INPUT, "more than %d patterns", (int)GLOB_LIST_MAX);
    AUTO_GLOB struct glob *glob = NULL;
    char *copy = NULL;
    int rc = array_grow(&l->items, &l->cap, l->count + 1, sizeof(*l->items), e);
    if (rc == 0)
        rc = glob_new(pattern, &glob, e);
    if (rc == 0)
        rc = str_copy(&copy, pattern, e);
    if (rc < 0)
        return rc;
    struct listed *item = &l->items[l->count++];
    item->glob = steal_ptr(&glob);
    item->pattern = copy;
    atomic_init(&item->matched, false);
    atomic_fetch_add(&l->unmatched, 1);
    return 0;
}

int glob_list_parse(const struct jcur *array, struct glob_list **out, struct err *e)
{
    AUTO_GLOB_LIST struct glob_list *l = NULL;
    size_t count;
    int rc = jcur_array(array, GLOB_LIST_MAX, &count, e);
    if (rc == 0)
        rc = glob_list_new(&l, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(array, i);
        const char *pattern;
        rc = jcur_string(&item, GLOB_PATTERN_MAX, &pattern, e);
        if (rc == 0 && glob_list_add(l, pattern, e) < 0) {
            char line[ERR_FRAME_MAX];
            rc = jcur_fail(&item, e, "%s", err_line(e, line, sizeof(line)));
        }
    }
    if (rc < 0)
        return rc;
    *out = steal_ptr(&l);
    return 0;
}

size_t glob_list_count(const struct glob_list *l)
{
    return l->count;
}

bool glob_list_covers(const struct glob_list *l, const char *path)
{
    if (l == NULL || path[0] == 0)
        return false;
    for (size_t i = 0; i < l->count; i++)
        if (run(l->items[i].glob, path, true))
            return true;
    return false;
}

/* Once each pattern has matched, nobody is asked any more. */
static void note(struct glob_list *l, const char *path)
{
    for (size_t i = 0; i < l->count && atomic_load(&l->unmatched) > 0; i++) {
        struct listed *item = &l->items[i];
        if (!atomic_load(&item->matched) && run(item->glob, path, true) &&
            !atomic_exchange(&item->matched, true))
            atomic_fetch_sub(&l->unmatched, 1);
    }
}

bool glob_list_chooses(struct glob_list *l, const char *path)
{
    if (!glob_list_covers(l, path))
        return false;
    if (atomic_load(&l->unmatched) > 0)
        note(l, path);
    return true;
}

const char *glob_list_unmatched(const struct glob_list *l)
{
    for (size_t i = 0; l != NULL && i < l->count; i++)
        if (!atomic_load(&l->items[i].matched))
            return l->items[i].pattern;
    return NULL;
}
