/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/targets.h"

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "verifier/remote.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <string.h>
#include <sys/stat.h>

#define BUNDLE_SUFFIX ".sigstore.json"

static const char *const evidence_suffixes[] = {BUNDLE_SUFFIX, ".provenance.json", ".steps.json"};

static bool is_evidence(const char *path)
{
    for (size_t i = 0; i < sizeof(evidence_suffixes) / sizeof(evidence_suffixes[0]); i++)
        if (str_ends(path, evidence_suffixes[i]))
            return true;
    return false;
}

static bool has(const char *directory, const char *name)
{
    AUTO_FREE char *path = NULL;
    struct err ignored = ERR_INIT;
    struct stat st;
    return path_join(&path, directory, name, &ignored) == 0 && lstat(path, &st) == 0;
}

/* An image layout or a stored machine, whole or not: never a directory of artifacts, so that one
 * with a part missing is judged as what it is. */
static bool is_artifact(const char *directory)
{
    return has(directory, "oci-layout") || has(directory, "index.json") ||
           has(directory, "blobs") || has(directory, "config.json");
}

/* ---- one ---- */

static bool is_there(const struct targets *t, const char *path)
{
    struct stat a;
    struct stat b;
    if (stat(path, &a) != 0)
        return false;
    for (size_t i = 0; i < t->count; i++)
        if (!t->items[i].remote && stat(t->items[i].path, &b) == 0 && a.st_dev == b.st_dev &&
            a.st_ino == b.st_ino)
            return true;
    return false;
}

static int add(struct targets *t, const char *path, const char *bundle, bool named, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    AUTO_FREE char *beside = NULL;
    if (t->several && is_there(t, path))
        return 0;
    if (t->count == TARGETS_MAX)
        return err_set(e, ERR_USAGE, "more than %d artifacts at once", TARGETS_MAX);
    int rc = array_grow(&t->items, &t->room, t->count + 1, sizeof(*t->items), e);
    if (rc == 0)
        rc = str_copy(&copy, path, e);
    if (rc < 0 || copy == NULL)
        return rc;
    for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/'; n--)
        copy[n - 1] = 0;
    rc = bundle != NULL ? str_copy(&beside, bundle, e)
                        : str_format(&beside, e, "%s" BUNDLE_SUFFIX, copy);
    if (rc < 0)
        return rc;
    t->items[t->count++] =
        (struct target){.path = steal_ptr(&copy), .bundle = steal_ptr(&beside), .named = named};
    return 0;
}

static int leave(struct targets *t, const char *path, struct err *e)
{
    AUTO_FREE char *name = NULL;
    int rc = str_copy(&name, path, e);
    if (rc < 0)
        return rc;
    text_repair(name); /* names of files are bytes */
    return json_push(t->left, json_string(name), e);
}

/* One that is named by another tag, too, is another one until it was pulled. */
static int add_reference(struct targets *t, const char *reference, const char *bundle,
                         struct err *e)
{
    AUTO_FREE char *name = NULL;
    AUTO_FREE char *given = NULL;
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i].remote && strcmp(t->items[i].path, reference) == 0)
            return 0;
    if (t->count == TARGETS_MAX)
        return err_set(e, ERR_USAGE, "more than %d artifacts at once", TARGETS_MAX);
    int rc = array_grow(&t->items, &t->room, t->count + 1, sizeof(*t->items), e);
    if (rc == 0)
        rc = str_copy(&name, reference, e);
    if (rc == 0 && bundle != NULL)
        rc = str_copy(&given, bundle, e);
    if (rc < 0)
        return rc;
    t->items[t->count++] = (struct target){
        .path = steal_ptr(&name), .bundle = steal_ptr(&given), .remote = true, .named = true};
    return 0;
}

/* ---- directories and patterns ---- */

static int add_directory(struct targets *t, const char *path, const char *bundle, unsigned depth,
                         struct err *e);

/* Something that nobody named itself. Only what is no file at all is refused by whoever reads it.
 */
static int add_found(struct targets *t, const char *path, const char *bundle, unsigned depth,
                     struct err *e)
{
    struct stat st;
    bool link = lstat(path, &st) == 0 && S_ISLNK(st.st_mode);
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && is_evidence(path))
        return leave(t, path, e);
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode) || is_artifact(path))
        return add(t, path, bundle, false, e);
    if (link)
        return err_set(e, ERR_INPUT, "'%s' leads to another directory: name that one itself", path);
    return add_directory(t, path, bundle, depth + 1, e);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list_directory(const char *path, char ***names, size_t *count, struct err *e)
{
    size_t room = 0;
    DIR *d = opendir(path);
    if (d == NULL)
        return err_os_code(e, ERR_INPUT, errno, "cannot read the directory '%s'", path);
    const struct dirent *entry;
    int rc = 0;
    while (rc == 0 && (entry = readdir(d)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        rc = array_grow(names, &room, *count + 1, sizeof(char *), e);
        if (rc == 0)
            rc = path_join(&(*names)[*count], path, entry->d_name, e);
        *count += rc == 0;
    }
    (void)closedir(d);
    if (*count > 1)
        qsort(*names, *count, sizeof(char *), compare_names);
    return rc;
}

static int add_directory(struct targets *t, const char *path, const char *bundle, unsigned depth,
                         struct err *e)
{
    char **names = NULL;
    size_t count = 0;
    if (depth > TARGETS_DEPTH_MAX)
        return err_set(e, ERR_INPUT, "'%s' lies more than %d directories deep", path,
                       TARGETS_DEPTH_MAX);
    int rc = list_directory(path, &names, &count, e);
    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            rc = add_found(t, names[i], bundle, depth, e);
        free(names[i]);
    }
    free(names);
    return rc;
}

static int add_matches(struct targets *t, const char *pattern, const char *bundle, struct err *e)
{
    glob_t found;
    int how = glob(pattern, GLOB_ERR, NULL, &found);
    if (how == GLOB_NOMATCH)
        return err_set(e, ERR_INPUT, "the pattern '%s' matches nothing", pattern);
    if (how != 0)
        return how == GLOB_NOSPACE
                   ? err_oom(e)
                   : err_set(e, ERR_INPUT,
                             "cannot look for what matches '%s': a directory cannot "
                             "be read",
                             pattern);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < found.gl_pathc; i++)
        rc = add_found(t, found.gl_pathv[i], bundle, 0, e);
    globfree(&found);
    return rc;
}

static int add_name(struct targets *t, const char *name, const char *bundle, struct err *e)
{
    struct stat st;
    if (remote_is_reference(name))
        return add_reference(t, name, bundle, e);
    bool there = stat(name, &st) == 0;
    bool pattern = !there && strpbrk(name, "*?[") != NULL;
    bool directory = there && S_ISDIR(st.st_mode) && !is_artifact(name);
    size_t before = t->count;
    if (!pattern && !directory)
        return add(t, name, bundle, true, e);
    t->several = true;
    int rc = pattern ? add_matches(t, name, bundle, e) : add_directory(t, name, bundle, 0, e);
    if (rc == 0 && t->count == before && before == 0)
        return err_set(e, ERR_INPUT,
                       pattern ? "the pattern '%s' matches no artifact, only evidence"
                               : "the directory '%s' has no artifact in it",
                       name);
    return rc;
}

int targets_find(const char *const *names, size_t count, const char *bundle, struct targets *out,
                 struct err *e)
{
    AUTO(targets_dispose) struct targets t = {.several = count > 1, .left = json_array()};
    int rc = t.left == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = add_name(&t, names[i], bundle, e);
    if (rc == 0 && t.count == 0)
        rc = err_set(e, ERR_INPUT, "there is nothing to verify");
    if (rc < 0)
        return rc;
    *out = t;
    t = (struct targets){.items = NULL};
    return 0;
}

void targets_dispose(struct targets *t)
{
    for (size_t i = 0; i < t->count; i++) {
        free(t->items[i].path);
        free(t->items[i].bundle);
    }
    free(steal_ptr(&t->items));
    json_decref(steal_ptr(&t->left));
    t->count = 0;
}
