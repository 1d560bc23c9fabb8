/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/apt_cache.h"

#include "base/cleanup.h"
#include "base/digest.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/private_dir.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define RELEASE_END "_InRelease"
#define INDEX_END "_Packages"

enum { SOURCES_MAX = 65536, RELEASE_MAX = 16 * 1024 * 1024, COPY_CHUNK = 65536 };

int apt_cache_place(const char *cache, const char *sources, char **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(SOURCES_MAX);
    AUTO_BUF hex = BUF_INIT(DIGEST_TEXT_MAX);
    struct digest digest;
    int rc = file_read(sources, &text, e);
    if (rc < 0 || (rc = digest_bytes(DIGEST_SHA256, text.data, text.len, &digest, e)) < 0 ||
        (rc = hex_encode(digest.bytes, DIGEST_SHA256_SIZE, &hex, e)) < 0)
        return rc;
    return path_join(out, cache, buf_str(&hex), e);
}

static bool is_kept(const char *name)
{
    return str_ends(name, RELEASE_END) || str_ends(name, INDEX_END);
}

/* With its time of modification, which is what apt asks the archive about. */
static bool copy_file(int from, int to, const char *name)
{
    struct err ignored = ERR_INIT;
    struct stat st;
    AUTO_CLOSE int in = openat(from, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (in < 0 || fstat(in, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    AUTO_CLOSE int out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    AUTO_FREE uint8_t *chunk = malloc(COPY_CHUNK);
    ssize_t n = -1;
    while (out >= 0 && chunk != NULL && (n = read(in, chunk, COPY_CHUNK)) > 0)
        if (fd_write_all(out, chunk, (size_t)n, name, &ignored) < 0)
            return false;
    const struct timespec times[] = {st.st_atim, st.st_mtim};
    return n == 0 && futimens(out, times) == 0;
}

/* Everything of `from` that is kept; false when anything is not copied, or there is nothing. */
static bool copy_lists(const char *from, const char *to)
{
    size_t count = 0;
    AUTO_CLOSEDIR DIR *source = opendir(from);
    AUTO_CLOSE int target = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (source == NULL || target < 0)
        return false;
    for (struct dirent *entry = readdir(source); entry != NULL; entry = readdir(source)) {
        if (!is_kept(entry->d_name))
            continue;
        if (!copy_file(dirfd(source), target, entry->d_name))
            return false;
        count++;
    }
    return count > 1;
}

bool apt_cache_load(const char *place, const char *lists)
{
    if (copy_lists(place, lists))
        return true;
    apt_cache_drop(lists);
    return false;
}

void apt_cache_drop(const char *lists)
{
    AUTO_CLOSEDIR DIR *d = opendir(lists);
    if (d == NULL)
        return;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d))
        if (is_kept(entry->d_name))
            (void)unlinkat(dirfd(d), entry->d_name, 0);
}

/* The rest of a line " DIGEST SIZE PATH" names a file of apt's lists, of which `name` is what
 * follows the suite: the path as apt writes it. */
static bool names_file(const char *rest, const char *name)
{
    rest += strspn(rest, " ");
    rest += strspn(rest, "0123456789");
    rest += strspn(rest, " ");
    size_t len = strcspn(rest, "\n");
    if (len != strlen(name))
        return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] != (rest[i] == '/' ? '_' : rest[i]))
            return false;
    return true;
}

static bool is_named(int directory, const char *name, size_t suite, const char *release)
{
    struct err ignored = ERR_INIT;
    struct digest digest;
    AUTO_BUF line = BUF_INIT(DIGEST_TEXT_MAX);
    AUTO_CLOSE int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || digest_fd(DIGEST_SHA256, fd, &digest, NULL, &ignored) < 0 ||
        buf_add_str(&line, "\n ", &ignored) < 0 ||
        hex_encode(digest.bytes, DIGEST_SHA256_SIZE, &line, &ignored) < 0)
        return false;
    for (const char *p = strstr(release, buf_str(&line)); p != NULL;
         p = strstr(p + 1, buf_str(&line)))
        if (names_file(p + line.len, name + suite))
            return true;
    return false;
}

/* The indexes of one suite: the files whose names begin as its InRelease's. */
static bool suite_is_whole(const char *lists, const char *release_name, size_t *indexes)
{
    struct err ignored = ERR_INIT;
    AUTO_BUF release = BUF_INIT(RELEASE_MAX);
    AUTO_CLOSEDIR DIR *d = opendir(lists);
    size_t suite = strlen(release_name) - strlen(RELEASE_END) + 1;
    if (d == NULL || file_read_at(dirfd(d), release_name, &release, &ignored) < 0)
        return false;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        if (!str_ends(entry->d_name, INDEX_END) || strncmp(entry->d_name, release_name, suite) != 0)
            continue;
        if (!is_named(dirfd(d), entry->d_name, suite, buf_str(&release)))
            return false;
        ++*indexes;
    }
    return true;
}

bool apt_cache_whole(const char *lists)
{
    AUTO_CLOSEDIR DIR *d = opendir(lists);
    size_t all = 0;
    size_t whole = 0;
    if (d == NULL)
        return false;
    for (struct dirent *entry = readdir(d); entry != NULL; entry = readdir(d)) {
        all += str_ends(entry->d_name, INDEX_END);
        if (str_ends(entry->d_name, RELEASE_END) && !suite_is_whole(lists, entry->d_name, &whole))
            return false;
    }
    return all > 0 && whole == all;
}

/* `path` and what is above it. */
static void make_path(const char *path)
{
    AUTO_FREE char *copy = strdup(path);
    if (copy == NULL)
        return;
    for (char *p = copy + 1; *p != 0; p++) {
        if (*p != '/')
            continue;
        *p = 0;
        (void)mkdir(copy, 0700);
        *p = '/';
    }
    (void)mkdir(copy, 0700);
}

void apt_cache_keep(const char *cache, const char *place, const char *lists)
{
    AUTO(private_dir_remove) struct private_dir made = PRIVATE_DIR_INIT;
    AUTO_FREE char *copy = NULL;
    struct err ignored = ERR_INIT;
    make_path(place);
    if (private_dir_make(cache, &made, &ignored) < 0 ||
        path_join(&copy, made.path, "lists", &ignored) < 0 || mkdir(copy, 0700) != 0 ||
        !copy_lists(lists, copy))
        return;
    (void)renameat2(AT_FDCWD, copy, AT_FDCWD, place, RENAME_EXCHANGE);
}
