/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/debian.h"

#include "base/file.h"
#include "builder/lock/apt.h"
#include "builder/lock/package_check.h"

#include <string.h>

enum { CLOSURE_MAX = 16384, SESSIONS_MAX = 32 };

struct session {
    struct apt_options options; /* the components are the first image's list */
    struct apt_suite suites[APT_SUITES_MAX];
    struct apt *apt;
};

struct debian {
    struct debian_options options;
    struct session *sessions[SESSIONS_MAX];
    size_t session_count;
};

int debian_new(const struct debian_options *options, struct debian **out, struct err *e)
{
    struct debian *d = calloc(1, sizeof(*d));
    if (d == NULL)
        return err_oom(e);
    d->options = *options;
    *out = d;
    return 0;
}

void debian_free(struct debian *d)
{
    if (d == NULL)
        return;
    for (size_t i = 0; i < d->session_count; i++) {
        apt_close(d->sessions[i]->apt);
        free(d->sessions[i]);
    }
    free(d);
}

static bool same_session(const struct apt_options *o, const struct recipe_debian *wanted)
{
    if (o->suite_count != wanted->suites.count || o->component_count != wanted->components.count)
        return false;
    for (size_t i = 0; i < o->suite_count; i++)
        if (strcmp(o->suites[i].name, wanted->suites.items[i]) != 0)
            return false;
    for (size_t i = 0; i < o->component_count; i++)
        if (strcmp(o->components[i], wanted->components.items[i]) != 0)
            return false;
    return true;
}

/* The last "SUITE=FILE" for the suite, else the last "FILE", else Debian's own. */
static const char *keyring_of(const struct debian_options *o, const char *suite)
{
    const char *general = APT_KEYRING_DEFAULT;
    size_t len = strlen(suite);
    for (size_t i = o->keyring_count; i-- > 0;)
        if (strncmp(o->keyrings[i], suite, len) == 0 && o->keyrings[i][len] == '=')
            return o->keyrings[i] + len + 1;
    for (size_t i = 0; i < o->keyring_count; i++)
        if (strchr(o->keyrings[i], '=') == NULL)
            general = o->keyrings[i];
    return general;
}

static int open_session(struct debian *d, const struct recipe_debian *wanted, struct apt **out,
                        struct err *e)
{
    for (size_t i = 0; i < d->session_count; i++) {
        if (same_session(&d->sessions[i]->options, wanted)) {
            *out = d->sessions[i]->apt;
            return 0;
        }
    }
    if (d->session_count == SESSIONS_MAX)
        return err_set(e, ERR_INPUT, "more than %d different suites", SESSIONS_MAX);
    struct session *s = calloc(1, sizeof(*s));
    if (s == NULL)
        return err_oom(e);
    for (size_t i = 0; i < wanted->suites.count; i++)
        s->suites[i] = (struct apt_suite){wanted->suites.items[i],
                                          keyring_of(&d->options, wanted->suites.items[i])};
    s->options = (struct apt_options){
        .suites = s->suites,
        .suite_count = wanted->suites.count,
        .components = wanted->components.items,
        .component_count = wanted->components.count,
        .arch = d->options.arch,
        .allow_expired = d->options.allow_expired,
        .temp = d->options.temp,
        .cache = d->options.cache,
        .env = d->options.env,
        .limits = d->options.limits,
    };
    progress_show(d->options.progress, "reading the index", d->session_count, 0);
    int rc = apt_open(&s->options, &s->apt, e);
    if (rc < 0) {
        free(s);
        return rc;
    }
    for (size_t i = 0; d->options.expired != NULL && i < wanted->suites.count; i++)
        if (apt_is_expired(s->apt, i))
            d->options.expired(d->options.context, wanted->suites.items[i]);
    d->sessions[d->session_count++] = s;
    *out = s->apt;
    return 0;
}

/* ---- which packages --------------------------------------------------------------------- */

static int resolve_named(struct apt *apt, const struct recipe_image *image, struct packages *out,
                         struct err *e)
{
    const struct recipe_debian *w = &image->debian;
    int rc = apt_show(apt, w->packages.items, w->packages.count, out, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < w->packages.count; i++)
        if (packages_find(out, w->packages.items[i]) == NULL)
            return err_set(e, ERR_INPUT,
                           "%s '%s'%s no package '%s' (apt-cache search finds names; a virtual "
                           "package needs the name of a real one)",
                           w->suites.count > 1 ? "the suites from" : "the suite",
                           w->suites.items[0], w->suites.count > 1 ? " on have" : " has",
                           w->packages.items[i]);
    if (out->count != w->packages.count)
        return err_set(e, ERR_HOST, "apt-cache named %zu packages where %zu were asked for",
                       out->count, w->packages.count);
    return 0;
}

static int add_name(char ***list, size_t *count, size_t *cap, const char *name, struct err *e)
{
    for (size_t i = 0; i < *count; i++)
        if (strcmp((*list)[i], name) == 0)
            return 0;
    int rc = array_grow(list, cap, *count + 1, sizeof(**list), e);
    if (rc < 0 || (rc = str_copy(&(*list)[*count], name, e)) < 0)
        return rc;
    (*count)++;
    return 0;
}

/* The names that the packages from `first` on depend on and that were not looked at yet. */
static int collect_names(const struct packages *have, size_t first, char ***seen, size_t *count,
                         size_t *cap, struct err *e)
{
    for (size_t i = first; i < have->count; i++) {
        const char *cursor = have->items[i].depends;
        char name[128];
        bool alternative;
        while (depends_next(&cursor, name, &alternative)) {
            int rc = add_name(seen, count, cap, name, e);
            if (rc < 0)
                return rc;
        }
    }
    return *count > CLOSURE_MAX ? err_set(e, ERR_INPUT, "more than %d dependencies", CLOSURE_MAX)
                                : 0;
}

static bool has_source(const struct packages *have, const char *source)
{
    for (size_t i = 0; i < have->count; i++)
        if (strcmp(have->items[i].source, source) == 0)
            return true;
    return false;
}

/*
 * Follows Depends and Pre-Depends to packages made from the same source
 * package: a meta package (linux-image-riscv64) brings what it stands for
 * (linux-image-6.12…), and not what that one needs from elsewhere.
 */
static int follow_source(struct apt *apt, struct packages *have, struct err *e)
{
    char **seen = NULL;
    size_t count = 0;
    size_t cap = 0;
    int rc = 0;
    size_t asked = 0;
    for (size_t first = 0; rc == 0 && first < have->count;) {
        size_t next = have->count;
        rc = collect_names(have, first, &seen, &count, &cap, e);
        first = next;
        if (rc < 0 || asked == count)
            continue;
        AUTO_PACKAGES found = {0};
        rc = apt_show(apt, (const char *const *)(seen + asked), count - asked, &found, e);
        asked = count;
        for (size_t i = 0; rc == 0 && i < found.count; i++)
            if (packages_find(have, found.items[i].name) == NULL &&
                has_source(have, found.items[i].source))
                rc = packages_push(have, &found.items[i], e);
    }
    strings_free(seen, count);
    return rc;
}

static int follow_all(struct apt *apt, struct packages *have, struct err *e)
{
    char **names = array_new(have->count + 1, sizeof(*names));
    int rc = names == NULL ? err_oom(e) : 0;
    size_t named = 0;
    for (; rc == 0 && named < have->count; named++)
        rc = str_format(&names[named], e, "%s=%s", have->items[named].name,
                        have->items[named].version);
    char **solution = NULL;
    size_t count = 0;
    if (rc == 0)
        rc = apt_solve(apt, (const char *const *)names, named, &solution, &count, e);
    strings_free(names, named);
    AUTO_PACKAGES found = {0};
    if (rc == 0)
        rc = apt_show(apt, (const char *const *)solution, count, &found, e);
    if (rc == 0 && (found.count != count || count > CLOSURE_MAX))
        rc = err_set(e, ERR_HOST, "apt-get would install %zu packages, apt-cache knows %zu of them",
                     count, found.count);
    strings_free(solution, count);
    for (size_t i = 0; rc == 0 && i < have->count; i++)
        if (packages_find(&found, have->items[i].name) == NULL)
            rc = err_set(e, ERR_INPUT, "apt's solver leaves out '%s'", have->items[i].name);
    if (rc < 0)
        return rc;
    packages_dispose(have);
    *have = found;
    found = (struct packages){0};
    return 0;
}

static int compare_packages(const void *a, const void *b)
{
    const struct package *x = a;
    const struct package *y = b;
    int c = strcmp(x->name, y->name);
    return c != 0 ? c : strcmp(x->version, y->version);
}

static int resolve(struct apt *apt, const struct recipe_image *image, struct packages *out,
                   struct err *e)
{
    int rc = resolve_named(apt, image, out, e);
    if (rc == 0 && image->debian.dependencies == RECIPE_DEPENDENCIES_SOURCE)
        rc = follow_source(apt, out, e);
    if (rc == 0 && image->debian.dependencies == RECIPE_DEPENDENCIES_ALL)
        rc = follow_all(apt, out, e);
    if (rc < 0 || out->count == 0)
        return rc;
    if (out->count > 1)
        qsort(out->items, out->count, sizeof(*out->items), compare_packages);
    return 0;
}

/* ---- fetching -------------------------------------------------------------------------------- */

static int import(struct debian *d, const char *directory, const struct package *p, struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *path = NULL;
    struct digest digest;
    uint64_t size = 0;
    int rc = apt_file(p, &name, e);
    if (rc < 0 || (rc = path_join(&path, directory, name, e)) < 0 ||
        (rc = cas_import_file(d->options.cas, path, &p->sha256, &digest, &size, e)) < 0)
        return err_wrap(e, "package '%s'", p->name);
    if (size != p->size)
        return err_set(e, ERR_INPUT, "package '%s' has %llu bytes, its index says %llu", p->name,
                       (unsigned long long)size, (unsigned long long)p->size);
    (void)unlink(path); /* it is in the store; the private copy only takes room */
    return 0;
}

static int fetch(struct debian *d, struct apt *apt, const struct packages *list, struct err *e)
{
    AUTO_FREE const struct package **missing = array_new(list->count + 1, sizeof(*missing));
    if (missing == NULL)
        return err_oom(e);
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const struct package *p = &list->items[i];
        bool there = false;
        int held = cas_holds(d->options.cas, &p->sha256, p->size, NULL, &there, e);
        if (held < 0)
            return held;
        if (!there)
            missing[count++] = &list->items[i];
    }
    if (count == 0)
        return 0;
    progress_show(d->options.progress, "fetching packages", 0, count);
    const char *directory = NULL;
    int rc = apt_download(apt, missing, count, &directory, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        progress_show(d->options.progress, "importing packages", i, count);
        rc = import(d, directory, missing[i], e);
    }
    return rc;
}

static int check(struct debian *d, const struct packages *list, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < list->count; i++)
        rc = package_check(d->options.cas, &list->items[i], e);
    return rc;
}

/* ---- the result --------------------------------------------------------------------------------
 */

static int make_origin(const struct apt *apt, const struct recipe_image *image, size_t suite,
                       const struct package *p, json_t **out, struct err *e)
{
    AUTO_JSON json_t *from = json_object();
    AUTO_JSON json_t *debian = json_object();
    if (from == NULL || debian == NULL)
        return err_oom(e);
    int rc = json_put_string(debian, "suite", image->debian.suites.items[suite], e);
    if (rc < 0 || (rc = json_put_string(debian, "component", apt_component_of(apt, p), e)) < 0 ||
        (rc = json_put_string(debian, "package", p->name, e)) < 0 ||
        (rc = json_put_string(debian, "version", p->version, e)) < 0 ||
        (rc = json_put_string(debian, "architecture", p->arch, e)) < 0 ||
        (rc = json_put_string(debian, "path", p->path, e)) < 0 ||
        (rc = json_put_digest(debian, "release", apt_release(apt, suite), e)) < 0 ||
        (rc = json_put(from, "debian", steal_ptr(&debian), e)) < 0)
        return rc;
    *out = steal_ptr(&from);
    return 0;
}

int debian_lock(struct debian *d, const struct recipe_image *image, struct locked *out,
                struct err *e)
{
    struct apt *apt = NULL;
    AUTO_PACKAGES list = {0};
    struct locked_image *locked = NULL;
    AUTO_FREE size_t *suites = NULL;
    int rc = open_session(d, &image->debian, &apt, e);
    if (rc < 0 || (rc = resolve(apt, image, &list, e)) < 0 || (rc = fetch(d, apt, &list, e)) < 0 ||
        (rc = check(d, &list, e)) < 0)
        return err_wrap(e, "%s: image '%s'", image->at, image->name);
    if ((suites = array_new(list.count + 1, sizeof(*suites))) == NULL)
        return err_oom(e);
    if ((rc = apt_suites_of(apt, &list, suites, e)) < 0 ||
        (rc = locked_add_image(out, image->name, &locked, e)) < 0)
        return err_wrap(e, "%s: image '%s'", image->at, image->name);
    for (size_t i = 0; i < list.count; i++) {
        const struct package *p = &list.items[i];
        struct locked_layer layer = {.form = "deb", .compression = NULL};
        json_t *from = NULL;
        if ((rc = make_origin(apt, image, suites[i], p, &from, e)) < 0 ||
            (rc = locked_add_blob(out, "deb.", p->name, &p->sha256, p->size, from, &layer.blob,
                                  e)) < 0 ||
            (rc = locked_add_layer(locked, &layer, e)) < 0)
            return rc;
    }
    return 0;
}
