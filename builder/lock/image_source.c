/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/image_source.h"

#include "base/file.h"
#include "builder/lock/containers.h"
#include "builder/sources/directory.h"
#include "builder/sources/docker_archive.h"
#include "builder/sources/git.h"
#include "builder/sources/tar_check.h"
#include "builder/sources/url.h"
#include "builder/sources/words.h"

#include <string.h>

bool image_is_source(const struct recipe_image *image)
{
    return image->kind == RECIPE_IMAGE_DOCKER || image->kind == RECIPE_IMAGE_GIT ||
           image->kind == RECIPE_IMAGE_DIRECTORY || image->kind == RECIPE_IMAGE_URL;
}

bool image_source_is_remote(const struct recipe_image *image)
{
    return (image->kind == RECIPE_IMAGE_GIT && url_is_remote(image->git.repository)) ||
           (image->kind == RECIPE_IMAGE_URL && !url_is_file(image->url.url));
}

int recipe_path(const struct recipe *recipe, const char *path, char **out, struct err *e)
{
    return path[0] == '/' ? str_copy(out, path, e) : path_join(out, recipe->directory, path, e);
}

/* `{KEY: origin}`; takes `origin`, also on failure. */
static int wrap_origin(const char *key, json_t *origin_taken, json_t **out, struct err *e)
{
    AUTO_JSON json_t *origin = origin_taken;
    AUTO_JSON json_t *from = json_object();
    if (from == NULL)
        return err_oom(e);
    int rc = json_put(from, key, steal_ptr(&origin), e);
    if (rc == 0)
        *out = steal_ptr(&from);
    return rc;
}

/* An image of one layer. Takes `from`, also on failure. */
static int add_single(const struct recipe_image *image, const char *prefix,
                      const struct digest *digest, uint64_t size, json_t *from_taken,
                      struct locked_layer *layer, struct locked *out, struct err *e)
{
    struct locked_image *locked = NULL;
    int rc = locked_add_blob(out, prefix, image->name, digest, size, from_taken, &layer->blob, e);
    if (rc < 0 || (rc = locked_add_image(out, image->name, &locked, e)) < 0)
        return rc;
    return locked_add_layer(locked, layer, e);
}

/* A source tree's blob is a tar that is its own uncompressed form. */
static int add_tree(const struct recipe_image *image, const char *prefix, struct tree_blob *b,
                    struct cas *cas, json_t *from_taken, struct locked *out, struct err *e)
{
    AUTO_JSON json_t *from = from_taken;
    struct locked_layer layer = {.form = "tar", .compression = "none", .has_diff_id = true};
    uint64_t size = 0;
    int rc = tree_blob_commit(b, cas, &layer.diff_id, &size, e);
    if (rc < 0)
        return rc;
    const struct digest digest = layer.diff_id;
    return add_single(image, prefix, &digest, size, steal_ptr(&from), &layer, out, e);
}

/* ---- git ------------------------------------------------------------------------------------- */

static int git_origin(const struct recipe_git *git, const struct git_source *source, json_t **out,
                      struct err *e)
{
    AUTO_JSON json_t *origin = json_object();
    AUTO_FREE char *name = NULL;
    if (origin == NULL)
        return err_oom(e);
    int rc = json_put_string(origin, "commit", source->commit, e);
    if (rc == 0)
        rc = json_put_string(origin, "tree", source->tree, e);
    if (rc == 0 && git->path != NULL)
        rc = json_put_string(origin, "path", git->path, e);
    if (rc == 0 && url_is_remote(git->repository) &&
        (rc = url_name(git->repository, &name, e)) == 0)
        rc = json_put_string(origin, "repository", name, e);
    return rc < 0 ? rc : wrap_origin("git", steal_ptr(&origin), out, e);
}

static int lock_git(const struct image_source_options *o, const struct recipe_image *image,
                    struct locked *out, struct err *e)
{
    const struct recipe_git *git = &image->git;
    AUTO_TREE_BLOB b = TREE_BLOB_INIT;
    AUTO_FREE char *directory = NULL;
    struct git_options options = {
        .repository = git->repository,
        .commit = git->commit,
        .tree = git->tree,
        .path = git->path,
        .temp = o->temp,
        .env = o->env,
        .ca_file = o->ca_file,
        .http = o->http,
        .credentials = {o->git_hosts, o->git_host_count, o->env, o->limits},
        .limits = o->limits,
    };
    struct git_source source;
    json_t *from = NULL;
    int rc = 0;
    if (!url_is_remote(git->repository)) {
        rc = recipe_path(o->recipe, git->repository, &directory, e);
        options.repository = directory;
    }
    if (rc < 0 || (rc = tree_blob_begin(&b, o->temp, e)) < 0 ||
        (rc = git_read(&options, &b, &source, e)) < 0 ||
        (rc = git_origin(git, &source, &from, e)) < 0)
        return rc;
    return add_tree(image, "git.", &b, o->cas, from, out, e);
}

/* ---- directories --------------------------------------------------------------------------------
 */

/* The tree's own digest says that two directories are the same whatever tar they became. */
static int directory_origin(const struct recipe_directory *directory, const struct tree *tree,
                            json_t **out, struct err *e)
{
    AUTO_JSON json_t *origin = json_object();
    struct digest digest;
    if (origin == NULL)
        return err_oom(e);
    int rc = tree_digest(tree, &digest, e);
    if (rc == 0)
        rc = json_put_string(origin, "name", path_base(directory->path), e);
    if (rc == 0)
        rc = json_put_digest(origin, "tree", &digest, e);
    return rc < 0 ? rc : wrap_origin("directory", steal_ptr(&origin), out, e);
}

static int lock_directory(const struct image_source_options *o, const struct recipe_image *image,
                          struct locked *out, struct err *e)
{
    const struct recipe_directory *directory = &image->directory;
    AUTO_TREE_BLOB b = TREE_BLOB_INIT;
    AUTO_FREE char *path = NULL;
    json_t *from = NULL;
    int rc = recipe_path(o->recipe, directory->path, &path, e);
    if (rc < 0 || (rc = tree_blob_begin(&b, o->temp, e)) < 0 ||
        (rc = directory_read(path, directory->ignore.items, directory->ignore.count, &b, e)) < 0 ||
        (rc = directory_origin(directory, b.tree, &from, e)) < 0)
        return rc;
    return add_tree(image, "dir.", &b, o->cas, from, out, e);
}

/* ---- URLs
 * ------------------------------------------------------------------------------------------- */

static int url_layer(const struct image_source_options *o, const struct recipe_url *url,
                     const struct digest *digest, struct locked_layer *layer, struct err *e)
{
    enum compression kind = COMPRESSION_NONE;
    AUTO_CLOSE int fd = -1;
    if (!url->unpack) {
        layer->form = "file";
        layer->path = url->path;
        layer->mode = url->mode;
        return 0;
    }
    layer->form = "tar";
    int rc = cas_open_blob(o->cas, digest, &fd, NULL, e);
    if (rc == 0)
        rc = tar_check(fd, "; 'unpack: none' takes it as a file", &kind, e);
    if (rc == 0)
        layer->compression = compression_names[kind];
    return rc;
}

static int lock_url(const struct image_source_options *o, const struct recipe_image *image,
                    struct locked *out, struct err *e)
{
    struct digest digest;
    struct locked_layer layer = {.form = NULL};
    uint64_t size = 0;
    AUTO_FREE char *name = NULL;
    AUTO_JSON json_t *origin = json_object();
    json_t *from = NULL;
    const struct url_options options = {.url = image->url.url,
                                        .directory = o->recipe->directory,
                                        .digest = &digest,
                                        .http = o->http,
                                        .cas = o->cas};
    if (origin == NULL)
        return err_oom(e);
    int rc = digest_parse(image->url.digest, &digest, e);
    if (rc < 0 || (rc = url_fetch(&options, &size, e)) < 0 ||
        (rc = url_layer(o, &image->url, &digest, &layer, e)) < 0 ||
        (rc = url_name(image->url.url, &name, e)) < 0 ||
        (rc = json_put_string(origin, "path", name, e)) < 0 ||
        (rc = wrap_origin("url", steal_ptr(&origin), &from, e)) < 0)
        return rc;
    return add_single(image, "url.", &digest, size, from, &layer, out, e);
}

/* ---- all
 * -----------------------------------------------------------------------------------------------
 */

static int lock_docker(const struct image_source_options *o, const struct recipe_image *image,
                       struct locked *out, struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *own = NULL;
    int rc = recipe_path(o->recipe, image->docker.file, &path, e);
    if (rc < 0 || (rc = str_format(&own, e, "linux/%s", o->recipe->arch)) < 0)
        return rc;
    const struct docker_request request = {
        .archive = path,
        .image = image->docker.image,
        .platform = image->docker.platform != NULL ? image->docker.platform : own,
        .name = image->name,
        .keep_config = containers_run(o->recipe, image->name),
        .cas = o->cas,
    };
    return docker_lock(&request, out, e);
}

int image_source_lock(const struct image_source_options *options, const struct recipe_image *image,
                      struct locked *out, struct err *e)
{
    int rc = image->kind == RECIPE_IMAGE_DOCKER      ? lock_docker(options, image, out, e)
             : image->kind == RECIPE_IMAGE_GIT       ? lock_git(options, image, out, e)
             : image->kind == RECIPE_IMAGE_DIRECTORY ? lock_directory(options, image, out, e)
                                                     : lock_url(options, image, out, e);
    return rc < 0 ? err_wrap(e, "%s: image '%s'", image->at, image->name) : 0;
}
