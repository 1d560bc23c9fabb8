/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/lock_run.h"

#include "base/file.h"
#include "base/place.h"
#include "builder/lock/apt.h"
#include "builder/lock/containers.h"
#include "builder/lock/image_source.h"
#include "builder/lock/oci_layout.h"
#include "builder/lock/oci_volume.h"
#include "builder/lock/registry.h"

void lock_run_dispose(struct lock_run *r)
{
    progress_end(r->progress);
    json_decref(r->warnings);
    debian_free(r->debian);
    network_close(&r->network);
    layouts_close(&r->layouts);
    locked_dispose(&r->locked);
    environment_dispose(&r->env);
    relock_dispose(&r->relock);
    free(r->moved);
    plan_free(r->plan);
    cas_close(r->cas);
    cas_close(r->lower);
    private_dir_remove(&r->scratch);
    free(r->apt_cache);
    recipe_free(r->recipe);
}

const char *lock_run_temp(const struct cli *cli)
{
    const char *temp = cli_env(cli, "TMPDIR");
    return temp != NULL ? temp : "/var/tmp";
}

static void say_expired(void *context, const char *suite)
{
    const struct lock_run *r = context;
    cli_warn(r->cli,
             "the index of '%s' is out of date, its Valid-Until is over: taken, as asked for",
             suite);
}

/* $XDG_CACHE_HOME/assay/apt, else ~/.cache/assay/apt; nowhere without either. */
static int find_cache(const struct cli *cli, char **out, struct err *e)
{
    const char *cache = cli_env(cli, "XDG_CACHE_HOME");
    const char *home = cli_env(cli, "HOME");
    if (cache != NULL && cache[0] == '/')
        return path_join(out, cache, "assay/apt", e);
    return home != NULL && home[0] == '/' ? path_join(out, home, ".cache/assay/apt", e) : 0;
}

static int lock_debian(struct lock_run *r, const struct recipe_image *image, struct err *e)
{
    if (r->debian == NULL) {
        size_t keyring_count = 0;
        const char *const *keyrings = cli_list(r->cli, "keyring", &keyring_count);
        int rc = environment_init(r->cli, NULL, &r->env, e);
        if (rc < 0 || (rc = find_cache(r->cli, &r->apt_cache, e)) < 0)
            return rc;
        const struct debian_options options = {
            .arch = r->recipe->arch,
            .keyrings = keyrings,
            .keyring_count = keyring_count,
            .allow_expired = cli_flag(r->cli, "allow-expired"),
            .expired = say_expired,
            .context = r,
            .temp = lock_run_temp(r->cli),
            .cache = r->apt_cache,
            .env = r->env.items,
            .limits = r->limits,
            .cas = r->cas,
            .progress = r->progress,
        };
        if ((rc = debian_new(&options, &r->debian, e)) < 0)
            return rc;
    }
    return debian_lock(r->debian, image, &r->locked, e);
}

int lock_run_network(struct lock_run *r, struct err *e)
{
    if (r->network.client.http != NULL)
        return 0;
    return network_open(r->cli, NETWORK_MIRRORS, r->cas, r->progress, &r->network, e);
}

static int lock_registry(struct lock_run *r, const char *name, const char *reference,
                         const char *platform, struct err *e)
{
    AUTO_FREE char *own = NULL;
    int rc = str_format(&own, e, "linux/%s", r->recipe->arch);
    if (rc == 0)
        rc = lock_run_network(r, e);
    return rc == 0 ? registry_lock(&r->network, cli_string(r->cli, "registry"), reference,
                                   platform != NULL ? platform : own, name,
                                   containers_run(r->recipe, name), &r->locked, e)
                   : rc;
}

static int lock_layout(struct lock_run *r, const char *name, const char *layout,
                       const char *platform, const struct digest *manifest, struct err *e)
{
    AUTO_FREE char *own = NULL;
    int rc = str_format(&own, e, "linux/%s", r->recipe->arch);
    if (rc < 0)
        return rc;
    const struct oci_request request = {
        .layout = layout,
        .manifest = manifest,
        .platform = platform != NULL ? platform : own,
        .name = name,
        .keep_config = containers_run(r->recipe, name),
        .cas = r->cas,
    };
    return oci_lock(&request, &r->locked, e);
}

static int find_manifest(const struct recipe_oci *oci, const char *layout, struct digest *out,
                         struct err *e)
{
    bool found = false;
    if (oci->manifest != NULL)
        return digest_parse(oci->manifest, out, e);
    int rc = oci_find(layout, oci->image, &found, out, e);
    if (rc == 0 && !found)
        rc = err_set(e, ERR_INPUT, "there is no image%s%s", oci->image != NULL ? " " : "",
                     oci->image != NULL ? oci->image : "");
    return rc < 0 ? err_wrap(e, "OCI layout '%s'", oci->layout) : 0;
}

/* The layout of an image of the recipe, for as long as *open is, and the manifest in it. */
struct recipe_layout {
    char *path;
    const char *list[1];
    struct layouts open;
    struct digest manifest;
};
#define RECIPE_LAYOUT_INIT                                                                         \
    {                                                                                              \
        .open = LAYOUTS_INIT                                                                       \
    }

static void recipe_layout_close(struct recipe_layout *l)
{
    layouts_close(&l->open);
    free(l->path);
}

static int recipe_layout_open(const struct lock_run *r, const struct recipe_oci *oci,
                              struct recipe_layout *l, struct err *e)
{
    int rc = recipe_path(r->recipe, oci->layout, &l->path, e);
    if (rc < 0)
        return rc;
    l->list[0] = l->path;
    if ((rc = layouts_open(l->list, 1, lock_run_temp(r->cli), &l->open, e)) < 0)
        return err_wrap(e, "'%s' is no OCI layout", oci->layout);
    return find_manifest(oci, l->open.directories[0], &l->manifest, e);
}

static int lock_oci(struct lock_run *r, const struct recipe_image *image, struct err *e)
{
    AUTO(recipe_layout_close) struct recipe_layout l = RECIPE_LAYOUT_INIT;
    int rc = recipe_layout_open(r, &image->oci, &l, e);
    if (rc == 0)
        rc =
            lock_layout(r, image->name, l.open.directories[0], image->oci.platform, &l.manifest, e);
    return rc < 0 ? err_wrap(e, "%s: image '%s'", image->at, image->name) : 0;
}

static int lock_source(struct lock_run *r, const struct recipe_image *image, struct err *e)
{
    size_t git_host_count = 0;
    const char *const *git_hosts = cli_list(r->cli, "git-credentials", &git_host_count);
    int rc = image_source_is_remote(image) ? lock_run_network(r, e) : 0;
    if (rc < 0)
        return rc;
    const struct image_source_options options = {
        .recipe = r->recipe,
        .temp = lock_run_temp(r->cli),
        .env = r->network.env.items,
        .git_hosts = git_hosts,
        .git_host_count = git_host_count,
        .limits = r->limits,
        .ca_file = cli_string(r->cli, "ca-file") != NULL ? cli_string(r->cli, "ca-file")
                                                         : cli_env(r->cli, "SSL_CERT_FILE"),
        .http = r->network.client.http,
        .cas = r->cas,
    };
    return image_source_lock(&options, image, &r->locked, e);
}

/* An image of the recipe's own `images:`. */
static int lock_image(struct lock_run *r, const struct recipe_image *image, struct err *e)
{
    if (image->kind == RECIPE_IMAGE_DEBIAN)
        return lock_debian(r, image, e);
    if (image_is_source(image))
        return lock_source(r, image, e);
    if (image->kind == RECIPE_IMAGE_OCI)
        return lock_oci(r, image, e);
    int rc = lock_registry(r, image->name, image->registry.image, image->registry.platform, e);
    return rc < 0 ? err_wrap(e, "%s", image->at) : 0;
}

/* An image that the system names and `images:` does not have: by name, in the layouts of --images.
 */
static int lock_named(struct lock_run *r, const struct linuxkit_image *image, struct err *e)
{
    const char *layout = NULL;
    struct digest manifest;
    int rc = layouts_find(&r->layouts, image->name, &layout, &manifest, e);
    if (rc == 0 && layout != NULL)
        rc = lock_layout(r, image->name, layout, NULL, &manifest, e);
    if (rc < 0)
        return err_wrap(e, "%s: image '%s'", image->at, image->name);
    if (layout != NULL)
        return 0;
    if (cli_flag(r->cli, "pull")) {
        rc = lock_registry(r, image->name, image->name, NULL, e);
        return rc < 0 ? err_wrap(e, "%s", image->at) : 0;
    }
    if (r->layouts.count > 0)
        return err_set(e, ERR_INPUT, "%s: no image '%s' in 'images' nor in the layouts of --images",
                       image->at, PLACE_SHOWN(image->name));
    return err_set(
        e, ERR_INPUT,
        "%s: no image '%s' in 'images': define it there, or give --images LAYOUT or --pull",
        image->at, PLACE_SHOWN(image->name));
}

bool lock_run_is_update(const struct lock_run *r)
{
    return r->relock.names != NULL;
}

int lock_run_mark(struct lock_run *r, bool may_move, struct err *e)
{
    bool *grown = reallocarray(r->moved, r->locked.blob_count + 1, sizeof(*grown));
    if (grown == NULL)
        return err_oom(e);
    r->moved = grown;
    while (r->marked < r->locked.blob_count)
        grown[r->marked++] = may_move;
    return 0;
}

int lock_run_images(struct lock_run *r, struct err *e)
{
    AUTO_FREE struct linuxkit_image *images = NULL;
    size_t count = 0;
    size_t system = 0;
    int rc = recipe_images_used(r->recipe, &images, &count, &system, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const struct recipe_image *own = recipe_image_find(r->recipe, images[i].name);
        bool keep = lock_run_is_update(r) && !relock_moves(&r->relock, images[i].name);
        if (keep)
            rc = relock_keep(&r->relock, images[i].name, &r->locked, e);
        else
            rc = own != NULL ? lock_image(r, own, e) : lock_named(r, &images[i], e);
        if (rc == 0)
            rc = lock_run_mark(r, !keep, e);
    }
    return rc;
}

/* Where the image of a volume of format oci is. *layout is NULL when it is in none. */
static int find_volume_layout(struct lock_run *r, const struct linuxkit_image *image,
                              struct recipe_layout *l, const char **layout, struct err *e)
{
    const struct recipe_image *own = recipe_image_find(r->recipe, image->name);
    if (own == NULL)
        return layouts_find(&r->layouts, image->name, layout, &l->manifest, e);
    *layout = NULL;
    if (own->kind != RECIPE_IMAGE_OCI)
        return 0;
    int rc = recipe_layout_open(r, &own->oci, l, e);
    if (rc == 0)
        *layout = l->open.directories[0];
    return rc;
}

int lock_run_volumes(struct lock_run *r, struct err *e)
{
    const struct linuxkit *lk = r->recipe->system;
    for (size_t i = 0; lk != NULL && i < lk->volume_count; i++) {
        const struct linuxkit_volume *v = &lk->volumes[i];
        AUTO(recipe_layout_close) struct recipe_layout l = RECIPE_LAYOUT_INIT;
        const char *layout = NULL;
        if (!v->oci)
            continue;
        int rc = find_volume_layout(r, &v->image, &l, &layout, e);
        if (rc == 0 && layout == NULL)
            rc = err_set(e, ERR_UNDECIDED,
                         "a volume of format oci takes its image from an OCI layout only: give "
                         "--images LAYOUT");
        if (rc == 0)
            rc = oci_volume_lock(layout, &l.manifest, v, i, r->cas, &r->locked, e);
        if (rc == 0)
            rc = lock_run_mark(r, lock_run_is_update(r) && relock_moves(&r->relock, v->image.name),
                               e);
        if (rc < 0)
            return err_wrap(e, "%s: volume '%s'", v->image.at, v->name);
    }
    return 0;
}
