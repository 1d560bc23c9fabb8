/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/supply.h"

#include "base/buf.h"

#include <string.h>

void supply_dispose(struct supply *supply)
{
    for (size_t i = 0; supply->items != NULL && i < supply->count; i++) {
        remote_artifact_dispose(&supply->items[i].artifact);
        remote_bundles_dispose(&supply->items[i].bundles);
        free(supply->items[i].views);
    }
    free(steal_ptr(&supply->items));
    remote_dispose(&supply->remote);
}

/* One bundle: the file that was named or lies beside. */
static int take_file(struct supply_item *item, const char *bundle, struct verification_target *view,
                     struct err *e)
{
    item->views = array_new(1, sizeof(*item->views));
    if (item->views == NULL)
        return err_oom(e);
    item->views[0] = (struct verification_bundle){.path = bundle, .name = bundle};
    view->bundles = item->views;
    view->bundle_count = 1;
    return 0;
}

/* Those that are attached to what the reference names. */
static int take_attached(struct supply *supply, struct supply_item *item, const char *reference,
                         struct verification_target *view, struct err *e)
{
    struct remote_bundles *b = &item->bundles;
    int rc = remote_bundles(&supply->remote, reference, b, e);
    if (rc < 0)
        return rc;
    item->views = array_new(b->count + 1, sizeof(*item->views));
    if (item->views == NULL)
        return err_oom(e);
    for (size_t i = 0; i < b->count; i++)
        item->views[i] =
            (struct verification_bundle){.path = b->items[i].path, .name = b->items[i].name};
    view->bundles = item->views;
    view->bundle_count = b->count;
    return 0;
}

/* What one --bundle names for all is pulled once. */
static bool take_shared(const struct targets *targets, size_t i, struct verification_target *views)
{
    for (size_t k = 0; k < i; k++) {
        if (targets->items[k].bundle == NULL || views[k].bundles == NULL ||
            strcmp(targets->items[k].bundle, targets->items[i].bundle) != 0)
            continue;
        views[i].bundles = views[k].bundles;
        views[i].bundle_count = views[k].bundle_count;
        return true;
    }
    return false;
}

static int take(struct supply *supply, const struct targets *targets, size_t i,
                struct verification_target *views, struct err *e)
{
    const struct target *target = &targets->items[i];
    struct supply_item *item = &supply->items[i];
    struct verification_target *view = &views[i];
    int rc = 0;
    if (target->remote) {
        rc = remote_artifact(&supply->remote, target->path, &item->artifact, e);
        view->artifact = item->artifact.path;
        view->pulled = &item->artifact.manifest;
        view->expected = &item->artifact.expected;
    }
    if (rc < 0)
        return rc;
    if (target->bundle == NULL)
        return take_attached(supply, item, item->artifact.pinned, view, e);
    if (!remote_is_reference(target->bundle))
        return take_file(item, target->bundle, view, e);
    return take_shared(targets, i, views) ? 0
                                          : take_attached(supply, item, target->bundle, view, e);
}

int supply_open(struct supply *supply, const struct cli *cli, const char *scratch,
                const struct targets *targets, struct verification_target *views,
                struct verification_outcome *outcomes, struct err *e)
{
    remote_init(&supply->remote, cli, scratch);
    supply->items = array_new(targets->count, sizeof(*supply->items));
    if (supply->items == NULL)
        return err_oom(e);
    supply->count = targets->count;
    for (size_t i = 0; i < targets->count; i++) {
        struct err why = ERR_INIT;
        views[i] = (struct verification_target){.artifact = targets->items[i].path,
                                                .name = targets->items[i].path};
        if (take(supply, targets, i, views, &why) < 0)
            outcomes[i].failure = why;
    }
    return 0;
}
