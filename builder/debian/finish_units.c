/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What systemd starts at boot: the links that `systemctl preset-all` makes of the units' [Install]
 * sections, by the preset files and what the recipe says before them; and a unit that makes the
 * keys of an ssh server at its first boot.
 */
#include "builder/debian/finishing.h"

#include <fnmatch.h>
#include <string.h>

enum {
    TEXT_MAX = 1 << 20,
    UNITS_MAX = 8192,
    RULES_MAX = 8192,
    NAME_MAX_BYTES = 255,
};

static const char own_dir[] = "etc/systemd/system";
/* As systemctl names what is in usr/lib, which lib is a link to. */
static const struct {
    const char *dir;
    const char *said;
} unit_dirs[] = {
    {"etc/systemd/system", "/etc/systemd/system"},
    {"usr/lib/systemd/system", "/lib/systemd/system"},
};
static const char *const preset_dirs[] = {"etc/systemd/system-preset",
                                          "usr/lib/systemd/system-preset"};
static const char *const types[] = {".service", ".socket", ".target",    ".timer", ".path",
                                    ".mount",   ".swap",   ".automount", ".slice"};

struct rule {
    char *pattern;
    bool enable;
};

struct units {
    struct rootfs_writer *w;
    struct rule *rules;
    size_t rule_count;
    size_t rule_cap;
    char **wanted; /* names; grows while it is gone through */
    size_t wanted_count;
    size_t wanted_cap;
};

static void units_dispose(struct units *u)
{
    for (size_t i = 0; i < u->rule_count; i++)
        free(u->rules[i].pattern);
    for (size_t i = 0; i < u->wanted_count; i++)
        free(u->wanted[i]);
    free(u->rules);
    free(u->wanted);
}

bool finish_unit_valid(const char *name)
{
    size_t len = strlen(name);
    bool typed = false;
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        typed = typed || (str_ends(name, types[i]) && len > strlen(types[i]));
    if (!typed || len > NAME_MAX_BYTES || name[0] == '@')
        return false;
    for (size_t i = 0; i < len; i++)
        if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= 'A' && name[i] <= 'Z') &&
            !(name[i] >= '0' && name[i] <= '9') && strchr(":-_.\\@", name[i]) == NULL)
            return false;
    return true;
}

/* ---- presets ---- */

static int add_rule(struct units *u, const char *pattern, size_t len, bool enable, struct err *e)
{
    if (u->rule_count == RULES_MAX)
        return err_set(e, ERR_INPUT, "more than %d presets", (int)RULES_MAX);
    int rc = array_grow(&u->rules, &u->rule_cap, u->rule_count + 1, sizeof(*u->rules), e);
    if (rc == 0)
        rc = str_format(&u->rules[u->rule_count].pattern, e, "%.*s", (int)len, pattern);
    if (rc == 0)
        u->rules[u->rule_count++].enable = enable;
    return rc;
}

/* "enable PATTERN …" or "disable PATTERN …", a line each. */
static int read_presets(struct units *u, const char *path, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    bool found = false;
    int rc = rootfs_get(u->w, path, &text, &found, e);
    for (const char *p = buf_str(&text); rc == 0 && found && *p != 0;) {
        const char *line = p + strspn(p, " \t");
        size_t word = strcspn(line, " \t\n");
        const char *pattern = line + word + strspn(line + word, " \t");
        size_t len = strcspn(pattern, " \t\n");
        bool enable = word == 6 && memcmp(line, "enable", 6) == 0;
        bool disable = word == 7 && memcmp(line, "disable", 7) == 0;
        if ((enable || disable) && len > 0)
            rc = add_rule(u, pattern, len, enable, e);
        p += strcspn(p, "\n");
        p += *p == '\n';
    }
    return rc;
}

/* The files of both directories by their names; of two with one name that of etc alone. */
static int read_all_presets(struct units *u, struct err *e)
{
    const struct tree_node *dir[2];
    size_t at[2] = {0, 0};
    int rc = 0;
    for (size_t i = 0; i < 2; i++)
        dir[i] = tree_find(u->w->tree, preset_dirs[i], true);
    while (rc == 0) {
        const char *name[2] = {NULL, NULL};
        AUTO_FREE char *path = NULL;
        for (size_t i = 0; i < 2; i++)
            if (dir[i] != NULL && at[i] < dir[i]->inode->child_count)
                name[i] = dir[i]->inode->children[at[i]]->name;
        if (name[0] == NULL && name[1] == NULL)
            break;
        int order = name[0] == NULL ? 1 : name[1] == NULL ? -1 : strcmp(name[0], name[1]);
        size_t which = order > 0;
        at[0] += order <= 0;
        at[1] += order >= 0;
        if (!str_ends(name[which], ".preset"))
            continue;
        rc = str_format(&path, e, "%s/%s", preset_dirs[which], name[which]);
        if (rc == 0)
            rc = read_presets(u, path, e);
    }
    return rc;
}

/* The first rule that fits; without one, systemd enables. */
static bool is_enabled(const struct units *u, const char *name)
{
    for (size_t i = 0; i < u->rule_count; i++)
        if (fnmatch(u->rules[i].pattern, name, FNM_NOESCAPE) == 0)
            return u->rules[i].enable;
    return true;
}

/* ---- units ---- */

static int want(struct units *u, const char *name, size_t len, struct err *e)
{
    for (size_t i = 0; i < u->wanted_count; i++)
        if (strlen(u->wanted[i]) == len && memcmp(u->wanted[i], name, len) == 0)
            return 0;
    if (u->wanted_count == UNITS_MAX)
        return err_set(e, ERR_INPUT, "more than %d units", (int)UNITS_MAX);
    int rc = array_grow(&u->wanted, &u->wanted_cap, u->wanted_count + 1, sizeof(*u->wanted), e);
    if (rc == 0)
        rc = str_format(&u->wanted[u->wanted_count], e, "%.*s", (int)len, name);
    u->wanted_count += rc == 0;
    return rc;
}

/* Masked ones (/dev/null, or empty) and other names of a unit are none. */
static bool is_unit_file(const struct tree_node *node)
{
    const struct tree_inode *i = node->inode;
    const char *slash = i->type == TREE_SYMLINK ? strrchr(i->target, '/') : NULL;
    if (!finish_unit_valid(node->name))
        return false;
    if (i->type == TREE_SYMLINK)
        return strcmp(slash != NULL ? slash + 1 : i->target, node->name) == 0;
    return i->type == TREE_FILE && i->content.size > 0;
}

/* `foo@bar.service` is in foo@.service. */
static int template_of(const char *name, char **out, struct err *e)
{
    const char *at = strchr(name, '@');
    const char *dot = strrchr(name, '.');
    if (at == NULL || dot == NULL || dot < at)
        return str_copy(out, name, e);
    return str_format(out, e, "%.*s%s", (int)(at - name + 1), name, dot);
}

/* The file of a unit, and what links to it say; *found is false when there is none. */
static int find_unit(struct units *u, const char *name, struct buf *text, char **said, bool *found,
                     struct err *e)
{
    AUTO_FREE char *file = NULL;
    int rc = template_of(name, &file, e);
    *found = false;
    for (size_t i = 0; rc == 0 && !*found && i < sizeof(unit_dirs) / sizeof(unit_dirs[0]); i++) {
        AUTO_FREE char *path = NULL;
        if ((rc = str_format(&path, e, "%s/%s", unit_dirs[i].dir, file)) < 0)
            return rc;
        const struct tree_node *node = tree_find(u->w->tree, path, false);
        if (node == NULL)
            continue;
        if (!is_unit_file(node))
            return 0;
        rc = rootfs_get(u->w, path, text, found, e);
        if (rc == 0 && *found)
            rc = str_format(said, e, "%s/%s", unit_dirs[i].said, file);
    }
    return rc;
}

typedef int take_word(struct units *u, const char *name, const char *said, const char *word,
                      size_t len, struct err *e);

/* DIR/LINK -> what the unit's file is called. */
static int put_unit_link(struct units *u, const char *said, const char *path, struct err *e)
{
    AUTO_FREE char *whole = NULL;
    int rc = str_format(&whole, e, "%s/%s", own_dir, path);
    if (rc < 0 || tree_find(u->w->tree, whole, false) != NULL)
        return rc;
    return rootfs_put_link(u->w, whole, said, e);
}

static int link_below(struct units *u, const char *name, const char *said, const char *word,
                      size_t len, const char *suffix, struct err *e)
{
    AUTO_FREE char *target = NULL;
    AUTO_FREE char *path = NULL;
    int rc = str_format(&target, e, "%.*s", (int)len, word);
    if (rc < 0 || !finish_unit_valid(target))
        return rc;
    rc = str_format(&path, e, "%s.%s/%s", target, suffix, name);
    return rc < 0 ? rc : put_unit_link(u, said, path, e);
}

static int wanted_by(struct units *u, const char *name, const char *said, const char *word,
                     size_t len, struct err *e)
{
    return link_below(u, name, said, word, len, "wants", e);
}

static int required_by(struct units *u, const char *name, const char *said, const char *word,
                       size_t len, struct err *e)
{
    return link_below(u, name, said, word, len, "requires", e);
}

static int upheld_by(struct units *u, const char *name, const char *said, const char *word,
                     size_t len, struct err *e)
{
    return link_below(u, name, said, word, len, "upholds", e);
}

static int alias(struct units *u, const char *name, const char *said, const char *word, size_t len,
                 struct err *e)
{
    AUTO_FREE char *path = NULL;
    (void)name;
    int rc = str_format(&path, e, "%.*s", (int)len, word);
    return rc < 0 || !finish_unit_valid(path) ? rc : put_unit_link(u, said, path, e);
}

static int also(struct units *u, const char *name, const char *said, const char *word, size_t len,
                struct err *e)
{
    (void)name;
    (void)said;
    return want(u, word, len, e);
}

static const struct {
    const char *key;
    take_word *take;
} install_keys[] = {
    {"Alias=", alias},        {"WantedBy=", wanted_by}, {"RequiredBy=", required_by},
    {"UpheldBy=", upheld_by}, {"Also=", also},
};

/* Lines of [Install], those that end in a backslash with the next; *line is NULL at the end. */
static char *install_line(char **cursor, bool *install)
{
    for (char *p = *cursor; p != NULL && *p != 0;) {
        char *line = p + strspn(p, " \t");
        char *eol = strchr(line, '\n');
        while (eol != NULL && eol > line && eol[-1] == '\\' && *line != '#' && *line != ';') {
            eol[-1] = ' ';
            *eol = ' ';
            eol = strchr(eol, '\n');
        }
        if (eol != NULL)
            *eol++ = 0;
        p = eol;
        *cursor = p;
        if (*line == '[')
            *install = strcmp(line, "[Install]") == 0;
        else if (*install && *line != '#' && *line != ';' && *line != 0)
            return line;
    }
    return NULL;
}

/* An instance of a template that names one: getty@.service is getty@tty1.service. */
static int default_instance(const char *name, struct buf *text, char **out, struct err *e)
{
    static const char key[] = "DefaultInstance=";
    AUTO_FREE char *copy = NULL;
    bool install = false;
    const char *at = strchr(name, '@');
    int rc = str_copy(&copy, buf_str(text), e);
    if (rc < 0)
        return rc;
    if (at == NULL || at[1] != '.')
        return str_copy(out, name, e);
    char *cursor = copy;
    for (char *line = install_line(&cursor, &install); line != NULL;
         line = install_line(&cursor, &install))
        if (str_starts(line, key))
            return str_format(out, e, "%.*s%s%s", (int)(at - name + 1), name,
                              line + sizeof(key) - 1, at + 1);
    return 0;
}

static int enable(struct units *u, const char *unit, struct err *e)
{
    AUTO_BUF text = BUF_INIT(TEXT_MAX);
    AUTO_FREE char *said = NULL;
    AUTO_FREE char *name = NULL;
    bool found = false;
    bool install = false;
    int rc = find_unit(u, unit, &text, &said, &found, e);
    if (rc < 0 || !found)
        return rc;
    rc = default_instance(unit, &text, &name, e);
    if (rc < 0 || name == NULL || !finish_unit_valid(name))
        return rc;
    char *cursor = (char *)text.data;
    for (char *line = install_line(&cursor, &install); rc == 0 && line != NULL;
         line = install_line(&cursor, &install))
        for (size_t i = 0; i < sizeof(install_keys) / sizeof(install_keys[0]); i++) {
            size_t key = strlen(install_keys[i].key);
            if (strncmp(line, install_keys[i].key, key) != 0)
                continue;
            for (const char *p = line + key; rc == 0 && *p != 0;) {
                p += strspn(p, " \t\r");
                size_t len = strcspn(p, " \t\r");
                if (len > 0)
                    rc = install_keys[i].take(u, name, said, p, len, e);
                p += len;
            }
        }
    return rc;
}

static int want_enabled(struct units *u, struct err *e)
{
    int rc = 0;
    for (size_t k = 0; k < sizeof(unit_dirs) / sizeof(unit_dirs[0]); k++) {
        const struct tree_node *dir = tree_find(u->w->tree, unit_dirs[k].dir, true);
        for (size_t i = 0; rc == 0 && dir != NULL && i < dir->inode->child_count; i++) {
            const struct tree_node *node = dir->inode->children[i];
            if (is_unit_file(node) && is_enabled(u, node->name))
                rc = want(u, node->name, strlen(node->name), e);
        }
    }
    return rc;
}

static int add_declared(struct units *u, const char *const *names, size_t count, bool on,
                        struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        AUTO_BUF text = BUF_INIT(TEXT_MAX);
        AUTO_FREE char *said = NULL;
        bool found = false;
        rc = find_unit(u, names[i], &text, &said, &found, e);
        if (rc == 0 && !found)
            rc = err_set(e, ERR_INPUT, "there is no unit '%.200s'", names[i]);
        if (rc == 0)
            rc = add_rule(u, names[i], strlen(names[i]), on, e);
        if (rc == 0 && on)
            rc = want(u, names[i], strlen(names[i]), e);
    }
    return rc;
}

int finish_units(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    AUTO(units_dispose) struct units u = {.w = w};
    int rc = add_declared(&u, o->enable, o->enable_count, true, e);
    if (rc == 0)
        rc = add_declared(&u, o->disable, o->disable_count, false, e);
    if (rc == 0)
        rc = read_all_presets(&u, e);
    if (rc == 0)
        rc = want_enabled(&u, e);
    for (size_t i = 0; rc == 0 && i < u.wanted_count; i++)
        rc = enable(&u, u.wanted[i], e);
    return rc;
}

/* ---- ssh ---- */

/* The keys are one machine's own: they are no part of an image. */
static const char keys_unit[] = "[Unit]\n"
                                "Description=Keys of this machine's ssh server\n"
                                "ConditionPathExists=!/etc/ssh/ssh_host_ed25519_key\n"
                                "Before=ssh.service ssh.socket\n"
                                "\n"
                                "[Service]\n"
                                "Type=oneshot\n"
                                "RemainAfterExit=yes\n"
                                "ExecStart=/usr/bin/ssh-keygen -A\n"
                                "\n"
                                "[Install]\n"
                                "RequiredBy=ssh.service\n"
                                "WantedBy=ssh.socket\n";

int finish_ssh(struct rootfs_writer *w, const struct finish_options *o, struct err *e)
{
    static const char unit[] = "etc/systemd/system/ssh-host-keys.service";
    static const char from[] = "usr/share/openssh/sshd_config";
    static const char to[] = "etc/ssh/sshd_config";
    const struct tree_node *server = tree_find(w->tree, "usr/sbin/sshd", true);
    const struct tree_node *config = tree_find(w->tree, from, true);
    int rc = 0;
    (void)o;
    if (server == NULL)
        return 0;
    if (config != NULL && config->inode->type == TREE_FILE && tree_find(w->tree, to, false) == NULL)
        rc = rootfs_put_content(w, to, 0644, &config->inode->content, e);
    if (rc == 0)
        rc = rootfs_put(w, unit, 0644, 0, keys_unit, sizeof(keys_unit) - 1, e);
    return rc;
}
