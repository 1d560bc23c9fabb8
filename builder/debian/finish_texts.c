/* SPDX-License-Identifier: Apache-2.0 */
/* What base-files, libc-bin, debianutils and systemd make of texts that they ship. */
#include "builder/debian/finishing.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20, LABEL_MAX = 63 };

static bool is_there(const struct rootfs_writer *w, const char *path)
{
    return tree_find(w->tree, path, false) != NULL;
}

/* The gid of a group in etc/group; 0 when it is not there. */
static int group_id(struct rootfs_writer *w, const char *name, uint32_t *gid, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    bool found = false;
    size_t len = strlen(name);
    *gid = 0;
    int rc = rootfs_get(w, "etc/group", &text, &found, e);
    for (const char *p = buf_str(&text); rc == 0 && found && *p != 0;) {
        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            const char *id = strchr(p + len + 1, ':');
            uint64_t n = 0;
            for (id = id != NULL ? id + 1 : ""; *id >= '0' && *id <= '9' && n <= UINT32_MAX; id++)
                n = n * 10 + (uint64_t)(*id - '0');
            *gid = n <= ROOTFS_ID_MAX ? (uint32_t)n : 0;
            return 0;
        }
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return rc;
}

/* ---- base-files, libc-bin ---- */

struct copy {
    const char *from;
    const char *to;
};

static const struct copy copies[] = {
    {"usr/share/base-files/dot.profile", "root/.profile"},
    {"usr/share/base-files/dot.bashrc", "root/.bashrc"},
    {"usr/share/base-files/profile", "etc/profile"},
    {"usr/share/base-files/motd", "etc/motd"},
    {"usr/share/base-files/nsswitch.conf", "etc/nsswitch.conf"},
    {"usr/share/libc-bin/nsswitch.conf", "etc/nsswitch.conf"},
};

struct place {
    const char *path;
    const char *group;
    uint16_t mode;
};

static const struct place directories[] = {
    {"mnt", "root", 0755},
    {"srv", "root", 0755},
    {"opt", "root", 0755},
    {"etc/opt", "root", 0755},
    {"var/opt", "root", 0755},
    {"media", "root", 0755},
    {"var/mail", "mail", 02775},
    {"usr/local/share/man", "root", 0755},
    {"usr/local/bin", "root", 0755},
    {"usr/local/games", "root", 0755},
    {"usr/local/lib", "root", 0755},
    {"usr/local/include", "root", 0755},
    {"usr/local/sbin", "root", 0755},
    {"usr/local/src", "root", 0755},
    {"usr/local/etc", "root", 0755},
};

static const struct place logs[] = {
    {"var/log/wtmp", "utmp", 0664},
    {"var/log/btmp", "utmp", 0660},
    {"var/log/lastlog", "utmp", 0664},
};

static const struct copy links[] = {
    {"../mail", "var/spool/mail"},
    {"share/man", "usr/local/man"},
    {"debian", "etc/dpkg/origins/default"},
};

static int copy_text(struct rootfs_writer *w, const struct copy *c, struct err *e)
{
    const struct tree_node *from = tree_find(w->tree, c->from, true);
    if (from == NULL || from->inode->type != TREE_FILE || is_there(w, c->to))
        return 0;
    return rootfs_put_content(w, c->to, from->inode->mode, &from->inode->content, e);
}

static int make_place(struct rootfs_writer *w, const struct place *p, struct err *e)
{
    struct tree_node *dir = NULL;
    uint32_t gid = 0;
    if (is_there(w, p->path))
        return 0;
    int rc = group_id(w, p->group, &gid, e);
    if (rc < 0)
        return rc;
    rc = tree_make_dirs(w->tree, p->path, w->time, &dir, e);
    if (rc < 0)
        return rc;
    dir->inode->mode = p->mode;
    dir->inode->gid = gid;
    return 0;
}

/* var/run and var/lock, which base-files ships as directories, are links. */
static int make_link(struct rootfs_writer *w, const char *path, const char *target, struct err *e)
{
    struct tree_node *old = tree_find(w->tree, path, false);
    if (old != NULL && (old->inode->type != TREE_DIR || old->inode->child_count > 0))
        return 0;
    if (old != NULL)
        tree_unlink(w->tree, old);
    return rootfs_put_link(w, path, target, e);
}

int finish_base(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    int rc = 0;
    (void)o;
    for (size_t i = 0; rc == 0 && i < sizeof(copies) / sizeof(copies[0]); i++)
        rc = copy_text(w, &copies[i], e);
    for (size_t i = 0; rc == 0 && i < sizeof(directories) / sizeof(directories[0]); i++)
        rc = make_place(w, &directories[i], e);
    for (size_t i = 0; rc == 0 && i < sizeof(logs) / sizeof(logs[0]); i++) {
        uint32_t gid = 0;
        if (!is_there(w, logs[i].path) && (rc = group_id(w, logs[i].group, &gid, e)) == 0)
            rc = rootfs_put(w, logs[i].path, logs[i].mode, gid, "", 0, e);
    }
    for (size_t i = 0; rc == 0 && i < sizeof(links) / sizeof(links[0]); i++)
        if (!is_there(w, links[i].to))
            rc = rootfs_put_link(w, links[i].to, links[i].from, e);
    if (rc == 0)
        rc = make_link(w, "var/run", "/run", e);
    return rc < 0 ? rc : make_link(w, "var/lock", "/run/lock", e);
}

/* ---- debianutils' update-shells ---- */

static bool has_line(const struct buf *list, const char *line, size_t len)
{
    for (const char *p = buf_str(list); *p != 0;) {
        size_t n = strcspn(p, "\n");
        if (n == len && memcmp(p, line, len) == 0)
            return true;
        p += n + (p[n] == '\n');
    }
    return false;
}

static int add_line(struct buf *list, const char *line, size_t len, struct err *e)
{
    return has_line(list, line, len) ? 0 : buf_addf(list, e, "%.*s\n", (int)len, line);
}

/* "/bin/sh" is "/usr/bin/sh" where bin is a link. */
static int real_shell(struct rootfs_writer *w, const char *line, size_t len, char **out,
                      struct err *e)
{
    AUTO_FREE char *path = NULL;
    AUTO_FREE char *real = NULL;
    int rc = str_format(&path, e, "%.*s", (int)len, line);
    if (rc < 0)
        return rc;
    char *base = strrchr(path, '/');
    if (base == NULL)
        return str_copy(out, path, e);
    *base++ = 0;
    const struct tree_node *dir = tree_find(w->tree, path, true);
    if (dir == NULL)
        return str_format(out, e, "%s/%s", path, base);
    rc = tree_path(dir, &real, e);
    return rc < 0 ? rc : str_format(out, e, "/%s/%s", real, base);
}

/* The shells of one file, each followed by where it really is. */
static int take_shells(struct rootfs_writer *w, const char *path, struct buf *all, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    bool found = false;
    int rc = rootfs_get(w, path, &text, &found, e);
    for (const char *p = buf_str(&text); rc == 0 && found && *p != 0;) {
        AUTO_FREE char *real = NULL;
        size_t len = strcspn(p, "#\n");
        if (len > 0 && (rc = add_line(all, p, len, e)) == 0 &&
            (rc = real_shell(w, p, len, &real, e)) == 0)
            rc = add_line(all, real, strlen(real), e);
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return rc;
}

int finish_shells(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    static const char template[] = "usr/share/debianutils/shells";
    AUTO_BUF all = BUF_INIT(TEXT_MAX);
    AUTO_BUF etc = BUF_INIT(TEXT_MAX);
    bool found = false;
    (void)o;
    if (is_there(w, "etc/shells"))
        return 0;
    int rc = rootfs_get(w, template, &etc, &found, e);
    if (rc < 0 || !found)
        return rc;
    rc = take_shells(w, template, &all, e);
    const struct tree_node *dir = tree_find(w->tree, "usr/share/debianutils/shells.d", true);
    for (size_t i = 0; rc == 0 && dir != NULL && i < dir->inode->child_count; i++) {
        AUTO_FREE char *path = NULL;
        rc = str_format(&path, e, "usr/share/debianutils/shells.d/%s",
                        dir->inode->children[i]->name);
        if (rc == 0)
            rc = take_shells(w, path, &all, e);
    }
    for (const char *p = buf_str(&all); rc == 0 && *p != 0;) {
        size_t len = strcspn(p, "\n");
        rc = add_line(&etc, p, len, e);
        p += len + (p[len] == '\n');
    }
    if (rc == 0)
        rc = rootfs_put(w, "etc/shells", 0644, 0, etc.data, etc.len, e);
    return rc < 0 ? rc : rootfs_put(w, "var/lib/shells.state", 0644, 0, all.data, all.len, e);
}

/* ---- what is one machine's own ---- */

/* Empty: systemd makes one at each boot where it cannot keep it, and asks nobody anything. */
int finish_machine_id(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    (void)o;
    int rc = 0;
    if (!is_there(w, "etc/machine-id"))
        rc = rootfs_put(w, "etc/machine-id", 0444, 0, "", 0, e);
    if (rc == 0 && tree_find(w->tree, "usr/bin/dbus-daemon", true) != NULL &&
        !is_there(w, "var/lib/dbus/machine-id"))
        rc = rootfs_put_link(w, "var/lib/dbus/machine-id", "/etc/machine-id", e);
    return rc;
}

bool finish_hostname_valid(const char *name)
{
    size_t label = 0;
    size_t len = strlen(name);
    if (len == 0 || len > FINISH_HOSTNAME_MAX)
        return false;
    for (size_t i = 0; i <= len; i++) {
        char c = name[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (c == '.' || c == 0) {
            if (label == 0 || label > LABEL_MAX || name[i - 1] == '-')
                return false;
            label = 0;
        } else if (!letter && (c != '-' || label == 0)) {
            return false;
        } else {
            label++;
        }
    }
    return true;
}

/* Nothing was asked for that was not to be: a file that is there is an error. */
int finish_hostname(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    AUTO_BUF hosts = BUF_INIT(TEXT_MAX);
    const char *dot = strchr(o->hostname, '.');
    int rc = buf_addf(&hosts, e, "127.0.0.1\tlocalhost\n127.0.1.1\t%s", o->hostname);
    if (rc == 0 && dot != NULL)
        rc = buf_addf(&hosts, e, " %.*s", (int)(dot - o->hostname), o->hostname);
    if (rc == 0)
        rc = buf_add_str(&hosts,
                         "\n\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\n"
                         "ff02::2\tip6-allrouters\n",
                         e);
    if (rc == 0 && !is_there(w, "etc/hosts"))
        rc = rootfs_put(w, "etc/hosts", 0644, 0, hosts.data, hosts.len, e);
    buf_cut(&hosts, 0);
    if (rc == 0)
        rc = buf_addf(&hosts, e, "%s\n", o->hostname);
    return rc < 0 ? rc : rootfs_put(w, "etc/hostname", 0644, 0, hosts.data, hosts.len, e);
}
