/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/fetch.h"

#include "base/file.h"
#include "base/workers.h"
#include "builder/lock/archive.h"
#include "builder/lock/fetch_source.h"
#include "formats/oci/oci_layout_write.h"
#include "net/registry/repository.h"

#include <string.h>
#include <sys/stat.h>

enum { WHY_MAX = 2048 };

/* The registries to ask for what is of one repository ("": of none). */
struct known {
    const char *path;
    struct repository repository;
};

struct fetch {
    const struct fetch_options *options;
    struct client *client;
    struct fetch_result *result;
    size_t *missing; /* items that are to be looked for */
    size_t missing_count;
    struct known *known;
    size_t known_count;
    size_t known_cap;
};

static void fetch_dispose(struct fetch *f)
{
    for (size_t i = 0; i < f->known_count; i++)
        repository_dispose(&f->known[i].repository);
    free(f->known);
    free(f->missing);
}

void fetch_result_dispose(struct fetch_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].why);
    free(r->items);
    *r = (struct fetch_result){0};
}

/* ---- where things are from ---------------------------------------------------------------------
 */

static const char *text_of(const json_t *from, const char *kind, const char *key)
{
    return json_string_value(json_object_get(json_object_get(from, kind), key));
}

static const char *repository_of(const struct plan_input *input)
{
    const char *path = text_of(input->from, "oci", "repository");
    return path != NULL ? path : "";
}

/* PATH/REPOSITORY of each place, and its PATH itself; then the plan's own. */
static int open_repository(struct fetch *f, const char *path, struct repository *out, struct err *e)
{
    const struct fetch_options *o = f->options;
    const struct mirrors *mirrors = &o->network->mirrors;
    const char *registry = o->registry != NULL ? o->registry : REFERENCE_HOST_DEFAULT;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->place_count; i++) {
        if (path[0] != '\0')
            rc = repository_add(out, f->client, o->places[i], path, false, e);
        if (rc == 0 && strchr(o->places[i], '/') != NULL)
            rc = repository_add(out, f->client, o->places[i], "", false, e);
    }
    if (rc < 0 || !o->origin || path[0] == '\0')
        return rc;
    for (size_t i = 0; rc == 0 && i < mirrors->count; i++)
        if (strcmp(mirrors->items[i].registry, registry) == 0)
            rc = repository_add(out, f->client, mirrors->items[i].place, path, false, e);
    return rc < 0 ? rc : repository_add(out, f->client, registry, path, false, e);
}

static int know(struct fetch *f, const char *path, struct err *e)
{
    for (size_t i = 0; i < f->known_count; i++)
        if (strcmp(f->known[i].path, path) == 0)
            return 0;
    int rc = array_grow(&f->known, &f->known_cap, f->known_count + 1, sizeof(*f->known), e);
    if (rc < 0)
        return rc;
    struct known *k = &f->known[f->known_count++];
    *k = (struct known){.path = path};
    return open_repository(f, path, &k->repository, e);
}

static struct repository *find_repository(const struct fetch *f, const char *path)
{
    for (size_t i = 0; i < f->known_count; i++)
        if (strcmp(f->known[i].path, path) == 0)
            return &f->known[i].repository;
    return NULL;
}

/* ---- one blob ------------------------------------------------------------------------------- */

static int add_why(struct fetch_item *item, const struct err *why, struct err *e)
{
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    AUTO_FREE char *before = steal_ptr(&item->why);
    if (why->code == ERR_HOST || item->code == ERR_NONE)
        item->code = why->code;
    return str_format(&item->why, e, "%.*s%s%.600s", WHY_MAX, before != NULL ? before : "",
                      before != NULL ? "; " : "", err_line(why, line, sizeof(line)));
}

static int from_directory(const struct fetch *f, const char *directory,
                          const struct plan_input *input, struct err *e)
{
    AUTO_FREE char *path = NULL;
    struct digest digest;
    struct stat st;
    uint64_t size = 0;
    int rc = oci_blob_path(directory, &input->digest, &path, e);
    if (rc < 0)
        return rc;
    if (stat(path, &st) != 0)
        return err_set(e, ERR_INPUT, "'%.200s' has no such blob", directory);
    if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size != input->size)
        return err_set(e, ERR_INPUT, "'%.300s' has not the blob's size", path);
    rc = cas_import_file(f->client->cas, path, &input->digest, &digest, &size, e);
    if (rc == 0)
        client_count(f->client, (int64_t)size);
    return rc;
}

static bool is_debian(const struct plan_input *input)
{
    return text_of(input->from, "debian", "path") != NULL;
}

typedef int ask_source(const struct fetch_source *s, const char *place, const json_t *origin,
                       const struct digest *digest, struct err *e);

/* The places of one kind of origin, in order; *found tells. */
static int from_places(const struct fetch *f, struct fetch_item *item, const char *kind,
                       const char *const *places, size_t count, ask_source *ask, bool *found,
                       struct err *e)
{
    const struct fetch_options *o = f->options;
    const struct plan_input *input = item->input;
    const json_t *origin = json_object_get(input->from, kind);
    const struct fetch_source source = {
        .http = f->client->http,
        .cas = f->client->cas,
        .temp = o->temp,
        .env = o->env,
        .credentials = {o->git_hosts, o->git_host_count, f->options->network->env.items, o->limits},
        .limits = o->limits,
        .ca_file = o->ca_file};
    int rc = 0;
    for (size_t i = 0; rc == 0 && origin != NULL && !*found && i < count; i++) {
        struct err why = ERR_INIT;
        if (ask == fetch_url && !fetch_url_applies(places[i], input->id))
            continue;
        *found = ask(&source, places[i], origin, &input->digest, &why) == 0;
        if (*found)
            client_count(f->client, (int64_t)input->size);
        else
            rc = add_why(item, &why, e);
    }
    return rc;
}

static int from_sources(const struct fetch *f, struct fetch_item *item, bool *found, struct err *e)
{
    const struct fetch_options *o = f->options;
    int rc = from_places(f, item, "url", o->urls, o->url_count, fetch_url, found, e);
    return rc < 0 ? rc : from_places(f, item, "git", o->gits, o->git_count, fetch_git, found, e);
}

/* Returns what stops everything; that this blob is nowhere is noted only. */
static int fetch_one(void *context, size_t i, struct err *e)
{
    struct fetch *f = context;
    struct fetch_item *item = &f->result->items[f->missing[i]];
    const struct plan_input *input = item->input;
    const char *role = text_of(input->from, "oci", "role");
    const struct wanted wanted = {input->digest, input->size,
                                  role != NULL && strcmp(role, "manifest") == 0};
    struct repository *repository = find_repository(f, repository_of(input));
    int rc = 0;
    for (size_t d = 0; d < f->options->directory_count; d++) {
        struct err why = ERR_INIT;
        if (from_directory(f, f->options->directories[d], input, &why) == 0) {
            item->state = FETCH_FETCHED;
            return 0;
        }
        if ((rc = add_why(item, &why, e)) < 0)
            return rc;
    }
    bool found = false;
    if ((rc = from_sources(f, item, &found, e)) < 0)
        return rc;
    if (found)
        item->state = FETCH_FETCHED;
    if (found || repository == NULL || repository->count == 0)
        return 0;
    struct err why = ERR_INIT;
    rc = repository_fetch(repository, &wanted, &why);
    if (rc == 0) {
        item->state = FETCH_FETCHED;
        return 0;
    }
    if (why.code == ERR_USAGE) { /* the configuration is wrong, for every blob */
        *e = why;
        return rc;
    }
    return add_why(item, &why, e);
}

/* ---- Debian's -----------------------------------------------------------------------------------
 */

static int take_package(void *context, struct archive_file *file, const char *path, struct err *e)
{
    struct fetch *f = context;
    struct digest digest;
    uint64_t size = 0;
    int rc = cas_import_file(f->client->cas, path, &file->digest, &digest, &size, e);
    if (rc == 0)
        client_count(f->client, (int64_t)size);
    return rc;
}

static int settle(struct fetch_item *item, const struct archive_file *file, struct err *e)
{
    struct err why = ERR_INIT;
    if (file->done) {
        item->state = FETCH_FETCHED;
        return 0;
    }
    (void)err_set(&why, file->transient ? ERR_HOST : ERR_INPUT, "%s",
                  file->why != NULL ? file->why : "this machine's apt knows no archive of Debian");
    return add_why(item, &why, e);
}

static int fetch_debian(struct fetch *f, struct err *e)
{
    const struct fetch_options *o = f->options;
    AUTO_FREE struct archive_file *files = array_new(f->missing_count + 1, sizeof(*files));
    AUTO_FREE size_t *items = array_new(f->missing_count + 1, sizeof(*items));
    size_t count = 0;
    if (files == NULL || items == NULL)
        return err_oom(e);
    for (size_t i = 0; i < f->missing_count; i++) {
        const struct fetch_item *item = &f->result->items[f->missing[i]];
        const struct plan_input *input = item->input;
        const char *suite = text_of(input->from, "debian", "suite");
        const char *path = text_of(input->from, "debian", "path");
        if (item->state != FETCH_MISSING || !is_debian(input))
            continue;
        if (!relpath_valid(path) || strpbrk(path, " \"\\|%") != NULL)
            return err_set(e, ERR_INPUT, "input '%s': '%.200s' is no path of an archive", input->id,
                           path);
        items[count] = f->missing[i];
        files[count++] = (struct archive_file){
            .suite = suite != NULL ? suite : "", .path = path, .digest = input->digest};
    }
    if (count == 0 || (!o->origin && o->archive_count == 0))
        return 0;
    const struct archive_options archive = {
        .uris = o->archives,
        .uri_count = o->archive_count,
        .own = o->origin,
        .temp = o->temp,
        .env = o->env,
        .limits = o->limits,
        .found = take_package,
        .context = f,
    };
    int rc = archive_fetch(&archive, files, count, e);
    for (size_t i = 0; i < count; i++) {
        if (rc == 0)
            rc = settle(&f->result->items[items[i]], &files[i], e);
        free(files[i].why);
    }
    return rc;
}

/* ---- all of them -------------------------------------------------------------------------------
 */

static int collect(struct fetch *f, const struct plan *plan, struct err *e)
{
    struct fetch_result *r = f->result;
    AUTO_JSON json_t *seen = json_object(); /* only looked up, never walked */
    r->items = array_new(plan->input_count + 1, sizeof(*r->items));
    f->missing = array_new(plan->input_count + 1, sizeof(*f->missing));
    if (seen == NULL || r->items == NULL || f->missing == NULL)
        return err_oom(e);
    for (size_t i = 0; i < plan->input_count; i++) {
        const struct plan_input *input = &plan->inputs[i];
        char text[DIGEST_TEXT_MAX];
        bool there = false;
        int rc = 0;
        if (json_object_get(seen, digest_format(&input->digest, text)) != NULL)
            continue;
        if ((rc = json_put(seen, text, json_true(), e)) < 0)
            return rc;
        rc = cas_holds(f->client->cas, &input->digest, input->size, NULL, &there, e);
        if (rc < 0)
            return rc;
        if (!there) {
            f->missing[f->missing_count++] = r->count;
            f->client->total += input->size;
            if ((rc = know(f, repository_of(input), e)) < 0)
                return rc;
        }
        r->items[r->count++] =
            (struct fetch_item){.input = input, .state = there ? FETCH_PRESENT : FETCH_MISSING};
    }
    return 0;
}

static int name_unasked(struct fetch *f, struct err *e)
{
    for (size_t i = 0; i < f->missing_count; i++) {
        struct fetch_item *item = &f->result->items[f->missing[i]];
        struct err why = ERR_INIT;
        if (item->state != FETCH_MISSING || item->why != NULL)
            continue;
        (void)err_set(&why, ERR_INPUT,
                      "the plan names no place that it can be fetched from: give --from%s",
                      json_object_get(item->input->from, "url") != NULL   ? " or --url"
                      : json_object_get(item->input->from, "git") != NULL ? " or --git"
                                                                          : "");
        int rc = add_why(item, &why, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int fetch_plan(const struct plan *plan, const struct fetch_options *options,
               struct fetch_result *out, struct err *e)
{
    struct client *client = &options->network->client;
    AUTO(fetch_dispose)
    struct fetch f = {.options = options, .client = client, .result = out};
    client->label = plan->name;
    client->done = client->total = 0;
    int rc = collect(&f, plan, e);
    if (rc < 0 || (rc = workers_run(client_jobs(client), f.missing_count, fetch_one, &f, e)) < 0 ||
        (rc = fetch_debian(&f, e)) < 0)
        return rc;
    return name_unasked(&f, e);
}
