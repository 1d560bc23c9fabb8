/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/recipe/recipe_source.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/place.h"
#include "builder/sources/ignore.h"
#include "builder/sources/words.h"

#include <string.h>

enum { PATH_BYTES_MAX = 4095 };

int recipe_read_docker(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"file", "image", "platform", NULL};
    struct recipe_docker *out = &image->docker;
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "file", &m, e)) < 0 ||
        (rc = ycur_text(&m, PATH_BYTES_MAX, &out->file, e)) < 0)
        return rc;
    if (ycur_opt(c, "image", &m) && (rc = ycur_text(&m, LINUXKIT_NAME_MAX, &out->image, e)) < 0)
        return rc;
    return recipe_read_platform(c, &out->platform, e);
}

/* ---- git ---- */

static int read_repository(const struct ycur *c, const char **out, struct err *e)
{
    int rc = ycur_text(c, PATH_BYTES_MAX, out, e);
    if (rc < 0)
        return rc;
    bool remote = url_is_remote(*out);
    if (remote ? url_remote_valid(*out)
               : strstr(*out, "://") == NULL && !str_starts(*out, "-") && !url_is_file(*out))
        return 0;
    return ycur_fail(c, ERR_INPUT, e,
                     "a repository is a directory, or https://HOST/PATH without a user, not "
                     "'%.128s'",
                     PLACE_SHOWN(*out));
}

int recipe_read_git(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"repository", "commit", "tree", "path", NULL};
    struct recipe_git *out = &image->git;
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "repository", &m, e)) < 0 ||
        (rc = read_repository(&m, &out->repository, e)) < 0 ||
        (rc = ycur_get(c, "commit", &m, e)) < 0 ||
        (rc = ycur_text(&m, WORDS_COMMIT_MAX, &out->commit, e)) < 0)
        return rc;
    if (!commit_valid(out->commit))
        return ycur_fail(&m, ERR_INPUT, e, "'%.128s' is no commit id, branch or tag", out->commit);
    if (ycur_opt(c, "tree", &m)) {
        if ((rc = ycur_text(&m, 64, &out->tree, e)) < 0)
            return rc;
        if (!object_id_valid(out->tree))
            return ycur_fail(&m, ERR_INPUT, e, "'%.64s' is no id of a tree", out->tree);
    }
    if (!ycur_opt(c, "path", &m))
        return 0;
    if ((rc = ycur_text(&m, PATH_BYTES_MAX, &out->path, e)) < 0)
        return rc;
    return relpath_valid(out->path)
               ? 0
               : ycur_fail(&m, ERR_INPUT, e, "'%.128s' is no path in a commit", out->path);
}

/* ---- directory ---- */

static bool rule_valid(const char *rule)
{
    AUTO_IGNORE struct ignore *g = NULL;
    struct err why = ERR_INIT;
    return ignore_new(&g, &why) == 0 && ignore_add(g, rule, &why) == 0;
}

int recipe_read_directory(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"path", "ignore", NULL};
    struct recipe_directory *out = &image->directory;
    struct ycur m;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "path", &m, e)) < 0 ||
        (rc = ycur_text(&m, PATH_BYTES_MAX, &out->path, e)) < 0)
        return rc;
    return ycur_opt(c, "ignore", &m) ? recipe_read_list(&m, IGNORE_RULES_MAX, false, rule_valid,
                                                        "rule of what to ignore", &out->ignore, e)
                                     : 0;
}

/* ---- url ---- */

/* "file:PATH" or "file:///PATH": there is no other host to take it from. */
static bool file_valid(const char *text)
{
    const char *path = text + strlen("file:");
    return url_is_file(text) && *path != '\0' && strpbrk(path, "%?#") == NULL &&
           (!str_starts(path, "//") || str_starts(path, "///"));
}

static int read_url_text(const struct ycur *c, const char **out, struct err *e)
{
    int rc = ycur_text(c, WORDS_URL_MAX, out, e);
    if (rc < 0)
        return rc;
    if (url_is_remote(*out) ? url_remote_valid(*out) : file_valid(*out))
        return 0;
    return ycur_fail(c, ERR_INPUT, e,
                     "a URL is https://HOST/PATH without a user, or file:PATH, not '%.128s'",
                     PLACE_SHOWN(*out));
}

static int read_mode(const struct ycur *c, const char **out, struct err *e)
{
    int rc = ycur_text(c, 4, out, e);
    if (rc < 0)
        return rc;
    return strlen(*out) == 4 && strspn(*out, "01234567") == 4
               ? 0
               : ycur_fail(c, ERR_INPUT, e, "a mode is four octal digits in quotes, like \"0755\"");
}

/* One file: it needs a place, and may have a mode. A tar has its own. */
static int read_url_file(const struct ycur *c, struct recipe_url *out, struct err *e)
{
    struct ycur m;
    int rc = 0;
    if (out->unpack) {
        if (ycur_opt(c, "path", &m) || ycur_opt(c, "mode", &m))
            return ycur_fail_key(&m, ERR_INPUT, e,
                                 "a tar that is unpacked has paths and modes of its own");
        return 0;
    }
    out->mode = "0644";
    if ((rc = ycur_get(c, "path", &m, e)) < 0 ||
        (rc = ycur_text(&m, PATH_BYTES_MAX, &out->path, e)) < 0)
        return rc;
    if (!relpath_valid(out->path) || str_starts(out->path, ".wh.") ||
        strstr(out->path, "/.wh.") != NULL)
        return ycur_fail(&m, ERR_INPUT, e, "'%.128s' is no path inside an image", out->path);
    return ycur_opt(c, "mode", &m) ? read_mode(&m, &out->mode, e) : 0;
}

int recipe_read_url(const struct ycur *c, struct recipe_image *image, struct err *e)
{
    static const char *const keys[] = {"url", "digest", "unpack", "path", "mode", NULL};
    static const char *const forms[] = {"tar", "none", NULL};
    struct recipe_url *out = &image->url;
    struct ycur m;
    struct digest digest;
    struct err ignored = ERR_INIT;
    size_t form = 0;
    int rc = ycur_map(c, keys, e);
    if (rc < 0 || (rc = ycur_get(c, "url", &m, e)) < 0 ||
        (rc = read_url_text(&m, &out->url, e)) < 0 || (rc = ycur_get(c, "digest", &m, e)) < 0 ||
        (rc = ycur_text(&m, 256, &out->digest, e)) < 0)
        return rc;
    if (digest_parse(out->digest, &digest, &ignored) < 0 || digest.alg != DIGEST_SHA256)
        return ycur_fail(&m, ERR_INPUT, e, "'%.100s' is no sha256 digest", out->digest);
    if (ycur_opt(c, "unpack", &m) && (rc = ycur_choice(&m, forms, &form, e)) < 0)
        return rc;
    out->unpack = form == 0;
    return read_url_file(c, out, e);
}
