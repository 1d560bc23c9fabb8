/* SPDX-License-Identifier: Apache-2.0 */
#include "net/registry/repository.h"

#include "base/buf.h"
#include "base/workers.h"

#include <string.h>

void repository_dispose(struct repository *r)
{
    for (size_t i = 0; i < r->count; i++)
        endpoint_free(r->endpoints[i]);
    r->count = 0;
}

static int add(struct repository *r, const struct endpoint_options *options, struct err *e)
{
    if (r->count == REPOSITORY_ENDPOINTS_MAX)
        return err_set(e, ERR_USAGE, "more than %d places to fetch '%s' from",
                       REPOSITORY_ENDPOINTS_MAX, options->reference.path);
    int rc = endpoint_new(options, &r->endpoints[r->count], e);
    r->count += rc == 0;
    return rc;
}

int repository_add(struct repository *r, struct client *client, const char *place, const char *path,
                   bool tags, struct err *e)
{
    struct endpoint_options options = {.client = client, .tags = tags, .impatient = true};
    int rc = reference_place(place, path, &options.reference, e);
    return rc < 0 ? rc : add(r, &options, e);
}

int repository_open(struct client *client, const struct reference *reference,
                    const struct mirrors *mirrors, struct repository *out, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && mirrors != NULL && i < mirrors->count; i++)
        if (strcmp(mirrors->items[i].registry, reference->host) == 0)
            rc = repository_add(out, client, mirrors->items[i].place, reference->path,
                                mirrors->items[i].tags, e);
    const struct endpoint_options own = {.client = client, .reference = *reference, .tags = true};
    return rc < 0 ? rc : add(out, &own, e);
}

/* ---- one after the other ----------------------------------------------------------------------
 */

/* What the places said, until one succeeds. */
struct tries {
    size_t failed;
    enum err_code code;
    struct err last;
    char text[ERR_FRAME_MAX];
    size_t len;
};

static unsigned gravity(enum err_code code)
{
    /* What may be had later, or by changing something here, weighs more than what is not there. */
    return code == ERR_HOST ? 3 : code == ERR_REJECTED ? 2 : code == ERR_UNDECIDED ? 1 : 0;
}

static void note(struct tries *t, const char *line)
{
    t->len += text_print(t->text + t->len, sizeof(t->text) - t->len, "%s%.180s",
                         t->failed > 0 ? "; " : "", line);
}

static void tries_add(struct tries *t, const struct err *e)
{
    char line[ERR_FRAME_MAX];
    note(t, err_line(e, line, sizeof(line)));
    t->code = t->failed == 0 || gravity(e->code) > gravity(t->code) ? e->code : t->code;
    t->last = *e;
    t->failed++;
}

static int tries_fail(const struct tries *t, struct err *e)
{
    if (t->failed == 1) {
        *e = t->last;
        return err_rc(e);
    }
    return err_set(e, t->code, "%s", t->text);
}

/* Whether asking another place makes sense: a wrong configuration stays wrong. */
static bool elsewhere(int rc)
{
    return rc == -ERR_HOST || rc == -ERR_INPUT || rc == -ERR_REJECTED || rc == -ERR_UNDECIDED;
}

/* What a place that does not answer was asked once is not asked of it again, if there are others.
 */
static void consider_dead(const struct repository *r, struct endpoint *ep, int rc)
{
    if (r->count > 1 && rc == -ERR_HOST)
        endpoint_give_up(ep);
}

static void skip_dead(struct tries *t, const struct endpoint *ep)
{
    struct err e = ERR_INIT;
    (void)err_set(&e, ERR_HOST, "'%s' had not answered before", endpoint_reference(ep)->host);
    tries_add(t, &e);
}

int repository_resolve(struct repository *r, const char *tag, struct digest *out, struct err *e)
{
    struct tries tries = {.failed = 0};
    for (size_t i = 0; i < r->count; i++) {
        struct endpoint *ep = r->endpoints[i];
        struct err why = ERR_INIT;
        if (!endpoint_tags(ep))
            continue;
        int rc = download_manifest(ep, tag, NULL, out, &why);
        if (rc == 0)
            return 0;
        consider_dead(r, ep, rc);
        tries_add(&tries, &why);
        if (!elsewhere(rc))
            break;
    }
    return tries.failed > 0 ? tries_fail(&tries, e)
                            : err_set(e, ERR_INPUT, "nobody may say what the tag '%s' means", tag);
}

int repository_fetch(struct repository *r, const struct wanted *wanted, struct err *e)
{
    struct tries tries = {.failed = 0};
    for (size_t i = 0; i < r->count; i++) {
        struct endpoint *ep = r->endpoints[i];
        struct err why = ERR_INIT;
        if (endpoint_is_dead(ep)) {
            skip_dead(&tries, ep);
            continue;
        }
        int rc = download(ep, wanted, &why);
        if (rc == 0)
            return 0;
        consider_dead(r, ep, rc);
        tries_add(&tries, &why);
        if (!elsewhere(rc))
            break;
    }
    return tries.failed > 0 ? tries_fail(&tries, e)
                            : err_set(e, ERR_INPUT, "there is no registry to ask");
}

/* ---- several at a time --------------------------------------------------------------------------
 */

struct batch {
    struct repository *repository;
    const struct wanted **items;
    size_t count;
};

static int fetch_item(void *context, size_t i, struct err *e)
{
    struct batch *batch = context;
    return repository_fetch(batch->repository, batch->items[i], e);
}

static bool batch_has(const struct batch *batch, const struct digest *digest)
{
    for (size_t i = 0; i < batch->count; i++)
        if (digest_equal(&batch->items[i]->digest, digest))
            return true;
    return false;
}

int repository_fetch_all(struct repository *r, const struct wanted *list, size_t total,
                         struct err *e)
{
    AUTO_FREE const struct wanted **items = array_new(total + 1, sizeof(*items));
    struct batch batch = {.repository = r, .items = items};
    if (items == NULL)
        return err_oom(e);
    struct client *client = endpoint_client(r->endpoints[0]);
    for (size_t i = 0; i < total; i++) {
        bool there = false;
        int rc = cas_holds(client->cas, &list[i].digest, list[i].size, NULL, &there, e);
        if (rc < 0)
            return rc;
        if (there || batch_has(&batch, &list[i].digest))
            continue;
        if (!list[i].is_manifest)
            client->total += list[i].size;
        items[batch.count++] = &list[i];
    }
    return workers_run(client_jobs(client), batch.count, fetch_item, &batch, e);
}
