/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/debian/sysusers.h"

#include "builder/debian/conf_files.h"
#include "builder/debian/rootfs.h"

#include <string.h>

enum { COLUMNS = 6 };
enum { KIND, NAME, ID, COMMENT, HOME, SHELL };

static const char *const dirs[CONF_DIRS] = {"etc/sysusers.d", "run/sysusers.d",
                                            "usr/local/lib/sysusers.d", "usr/lib/sysusers.d"};

static void user_dispose(struct sysuser *u)
{
    free(u->name);
    free(u->group);
    free(u->comment);
    free(u->home);
    free(u->shell);
}

void sysusers_dispose(struct sysusers *s)
{
    for (size_t i = 0; i < s->user_count; i++)
        user_dispose(&s->users[i]);
    for (size_t i = 0; i < s->group_count; i++)
        user_dispose(&s->groups[i]);
    for (size_t i = 0; i < s->member_count; i++) {
        free(s->members[i].user);
        free(s->members[i].group);
    }
    free(s->users);
    free(s->groups);
    free(s->members);
}

bool sysusers_id(const char *text, size_t len, uint32_t *out)
{
    uint64_t n = 0;
    if (len == 0 || len > 10)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        n = n * 10 + (uint64_t)(text[i] - '0');
    }
    *out = (uint32_t)n;
    return n <= ROOTFS_ID_MAX;
}

/* ---- lists; what is there already stays as it is ---- */

static int add_one(struct sysuser **list, size_t *count, size_t *cap, struct sysuser *u,
                   struct err *e)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp((*list)[i].name, u->name) == 0) {
            user_dispose(u);
            return 0;
        }
    }
    int rc = *count == SYSUSERS_MAX
                 ? err_set(e, ERR_INPUT, "more than %d users or groups", (int)SYSUSERS_MAX)
                 : array_grow(list, cap, *count + 1, sizeof(**list), e);
    if (rc < 0) {
        user_dispose(u);
        return rc;
    }
    (*list)[(*count)++] = *u;
    return 0;
}

static int add_named(struct sysuser **list, size_t *count, size_t *cap, const char *name,
                     struct err *e)
{
    struct sysuser u = {0};
    int rc = str_copy(&u.name, name, e);
    return rc < 0 ? rc : add_one(list, count, cap, &u, e);
}

static int add_member(struct sysusers *s, const char *user, const char *group, struct err *e)
{
    if (s->member_count == SYSUSERS_MAX)
        return err_set(e, ERR_INPUT, "more than %d members of groups", (int)SYSUSERS_MAX);
    int rc = array_grow(&s->members, &s->member_cap, s->member_count + 1, sizeof(*s->members), e);
    if (rc < 0)
        return rc;
    struct sysuser_member *m = &s->members[s->member_count++];
    *m = (struct sysuser_member){0};
    rc = str_copy(&m->user, user, e);
    return rc < 0 ? rc : str_copy(&m->group, group, e);
}

/* ---- lines ---- */

/* Words between blanks, in quotes or not. Returns how many, or -1 for what is not understood. */
static int split(char *line, char *words[COLUMNS])
{
    int count = 0;
    for (char *p = line + strspn(line, " \t\r"); *p != 0; p += strspn(p, " \t\r")) {
        char quote = 0;
        if (*p == '"' || *p == '\'')
            quote = *p++;
        size_t len = 0;
        while (p[len] != 0 && (quote != 0 ? p[len] != quote : strchr(" \t\r", p[len]) == NULL))
            len++;
        bool last = p[len] == 0;
        if (count == COLUMNS || (quote != 0 && last))
            return -1;
        words[count++] = p;
        p[len] = 0;
        p += len + !last;
        if (quote != 0 && *p != 0 && strchr(" \t\r", *p) == NULL)
            return -1;
    }
    return count;
}

static bool given(const char *word)
{
    return word != NULL && word[0] != 0 && strcmp(word, "-") != 0;
}

/* "-", UID, UID:GID, UID:GROUP or -:GROUP. */
static bool take_ids(struct sysuser *u, const char *id, const char **group)
{
    size_t len = strcspn(id, ":");
    const char *rest = id[len] == ':' ? id + len + 1 : NULL;
    *group = NULL;
    if (!(len == 1 && id[0] == '-')) {
        if (!sysusers_id(id, len, &u->uid))
            return false;
        u->uid_set = true;
    }
    if (rest == NULL)
        return true;
    if (sysusers_id(rest, strlen(rest), &u->gid)) {
        u->gid_set = u->gid_given = true;
        return true;
    }
    *group = rest;
    return rootfs_account_valid(rest);
}

static int take_optional(char **out, const char *word, struct err *e)
{
    return given(word) ? str_copy(out, word, e) : 0;
}

static int take_user(struct sysusers *s, char *words[COLUMNS], struct err *e)
{
    struct sysuser u = {.locked = words[KIND][1] == '!'};
    const char *group = NULL;
    if (given(words[ID]) && !take_ids(&u, words[ID], &group))
        return err_set(e, ERR_INPUT, "'%.80s' is no id", words[ID]);
    if ((given(words[COMMENT]) && !rootfs_comment_valid(words[COMMENT])) ||
        (given(words[HOME]) && strcmp(words[HOME], "/") != 0 && !rootfs_path_valid(words[HOME])) ||
        (given(words[SHELL]) && !rootfs_path_valid(words[SHELL])))
        return err_set(e, ERR_INPUT, "'%.80s' has a name, a home or a shell that cannot be",
                       words[NAME]);
    int rc = str_copy(&u.name, words[NAME], e);
    if (rc == 0)
        rc = take_optional(&u.group, group, e);
    if (rc == 0)
        rc = take_optional(&u.comment, words[COMMENT], e);
    if (rc == 0)
        rc = take_optional(&u.home, words[HOME], e);
    if (rc == 0)
        rc = take_optional(&u.shell, words[SHELL], e);
    if (rc < 0) {
        user_dispose(&u);
        return rc;
    }
    return add_one(&s->users, &s->user_count, &s->user_cap, &u, e);
}

static int take_group(struct sysusers *s, char *words[COLUMNS], struct err *e)
{
    struct sysuser u = {0};
    if (given(words[ID])) {
        if (!sysusers_id(words[ID], strlen(words[ID]), &u.gid))
            return err_set(e, ERR_INPUT, "'%.80s' is no id", words[ID]);
        u.gid_set = true;
    }
    int rc = str_copy(&u.name, words[NAME], e);
    return rc < 0 ? rc : add_one(&s->groups, &s->group_count, &s->group_cap, &u, e);
}

static int take_membership(struct sysusers *s, char *words[COLUMNS], struct err *e)
{
    if (!given(words[ID]) || !rootfs_account_valid(words[ID]))
        return err_set(e, ERR_INPUT, "'%.80s' is to be in no group", words[NAME]);
    return add_member(s, words[NAME], words[ID], e);
}

static const struct {
    const char *kind;
    int (*take)(struct sysusers *s, char *words[COLUMNS], struct err *e);
} kinds[] = {{"u", take_user}, {"u!", take_user}, {"g", take_group}, {"m", take_membership}};

static int take_line(void *context, char *line, struct err *e)
{
    struct sysusers *s = context;
    char *words[COLUMNS] = {NULL};
    if (strpbrk(line, "%\\") != NULL)
        return err_set(e, ERR_INPUT, "'%.80s' has '%%' or '\\', which are not known here", line);
    int count = split(line, words);
    if (count < 2 || !rootfs_account_valid(words[NAME]))
        return err_set(e, ERR_INPUT, "'%.80s' is no name of a user or a group",
                       count < 2 ? line : words[NAME]);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(words[KIND], kinds[i].kind) == 0)
            return kinds[i].take(s, words, e);
    return err_set(e, ERR_INPUT, "lines of the kind '%.20s' are not known here", words[KIND]);
}

/* ---- files ---- */

/* Members that nobody declares are users, and their groups groups. */
static int add_implied(struct sysusers *s, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->member_count; i++) {
        rc = add_named(&s->users, &s->user_count, &s->user_cap, s->members[i].user, e);
        if (rc == 0)
            rc = add_named(&s->groups, &s->group_count, &s->group_cap, s->members[i].group, e);
    }
    return rc;
}

int sysusers_read(struct rootfs_writer *w, struct sysusers *out, struct err *e)
{
    int rc = conf_files_read(w, dirs, take_line, out, e);
    return rc < 0 ? rc : add_implied(out, e);
}
