/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities, limits and mounts of config.json. */
#include "builder/linuxkit/oci_spec_internal.h"

#include "builder/linuxkit/json.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

/* In the kernel's order of numbers. */
static const char *const capabilities[] = {"CAP_CHOWN",
                                           "CAP_DAC_OVERRIDE",
                                           "CAP_DAC_READ_SEARCH",
                                           "CAP_FOWNER",
                                           "CAP_FSETID",
                                           "CAP_KILL",
                                           "CAP_SETGID",
                                           "CAP_SETUID",
                                           "CAP_SETPCAP",
                                           "CAP_LINUX_IMMUTABLE",
                                           "CAP_NET_BIND_SERVICE",
                                           "CAP_NET_BROADCAST",
                                           "CAP_NET_ADMIN",
                                           "CAP_NET_RAW",
                                           "CAP_IPC_LOCK",
                                           "CAP_IPC_OWNER",
                                           "CAP_SYS_MODULE",
                                           "CAP_SYS_RAWIO",
                                           "CAP_SYS_CHROOT",
                                           "CAP_SYS_PTRACE",
                                           "CAP_SYS_PACCT",
                                           "CAP_SYS_ADMIN",
                                           "CAP_SYS_BOOT",
                                           "CAP_SYS_NICE",
                                           "CAP_SYS_RESOURCE",
                                           "CAP_SYS_TIME",
                                           "CAP_SYS_TTY_CONFIG",
                                           "CAP_MKNOD",
                                           "CAP_LEASE",
                                           "CAP_AUDIT_WRITE",
                                           "CAP_AUDIT_CONTROL",
                                           "CAP_SETFCAP",
                                           "CAP_MAC_OVERRIDE",
                                           "CAP_MAC_ADMIN",
                                           "CAP_SYSLOG",
                                           "CAP_WAKE_ALARM",
                                           "CAP_BLOCK_SUSPEND",
                                           "CAP_AUDIT_READ",
                                           "CAP_PERFMON",
                                           "CAP_BPF",
                                           "CAP_CHECKPOINT_RESTORE"};
enum { CAPABILITY_COUNT = sizeof(capabilities) / sizeof(capabilities[0]) };

static bool known_capability(const char *name)
{
    for (size_t i = 0; i < CAPABILITY_COUNT; i++)
        if (strcmp(capabilities[i], name) == 0)
            return true;
    return false;
}

/* One "all" or "none" stands for every capability or no one. */
static int expand_capabilities(const json_t *given, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    size_t count = json_array_size(given);
    if (list == NULL)
        return err_oom(e);
    const char *only = count == 1 ? json_string_value(json_array_get(given, 0)) : "";
    int rc = 0;
    if (strcasecmp(only, "all") == 0) {
        for (size_t i = 0; rc == 0 && i < CAPABILITY_COUNT; i++)
            rc = oci_spec_push_text(list, capabilities[i], e);
    } else if (strcasecmp(only, "none") != 0) {
        for (size_t i = 0; rc == 0 && i < count; i++) {
            const char *name = json_string_value(json_array_get(given, i));
            if (!known_capability(name))
                return err_set(e, ERR_INPUT, "unknown capability: %.100s", name);
            rc = oci_spec_push_text(list, name, e);
        }
    }
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

static bool has_text(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

/* Sorted, each once. */
static int capability_set(const json_t *a, const json_t *b, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    const char *last = "";
    if (list == NULL)
        return err_oom(e);
    for (;;) {
        const char *next = NULL;
        for (size_t i = 0; i < CAPABILITY_COUNT; i++) {
            const char *name = capabilities[i];
            if (strcmp(name, last) > 0 && (next == NULL || strcmp(name, next) < 0) &&
                (has_text(a, name) || has_text(b, name)))
                next = name;
        }
        if (next == NULL)
            break;
        int rc = oci_spec_push_text(list, next, e);
        if (rc < 0)
            return rc;
        last = next;
    }
    *out = steal_ptr(&list);
    return 0;
}

int oci_spec_capabilities(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *given = NULL;
    AUTO_JSON json_t *effective = NULL;
    AUTO_JSON json_t *ambient = NULL;
    AUTO_JSON json_t *all = NULL;
    if (object == NULL)
        return err_oom(e);
    int rc = oci_spec_with_added(c, "capabilities", "capabilities.add", &given, e);
    oci_spec_blame(
        c, json_object_get(c->entry, "capabilities") != NULL ? "capabilities" : "capabilities.add",
        SIZE_MAX);
    if (rc < 0 || (rc = expand_capabilities(given, &effective, e)) < 0)
        return rc;
    oci_spec_blame(c, "ambient", SIZE_MAX);
    if ((rc = expand_capabilities(oci_spec_choose(c, "ambient"), &ambient, e)) < 0 ||
        (rc = capability_set(effective, ambient, &all, e)) < 0 ||
        (rc = oci_spec_put_some(object, "bounding", all, e)) < 0 ||
        (rc = oci_spec_put_some(object, "effective", effective, e)) < 0 ||
        (rc = oci_spec_put_some(object, "inheritable", all, e)) < 0 ||
        (rc = oci_spec_put_some(object, "permitted", all, e)) < 0 ||
        (rc = oci_spec_put_some(object, "ambient", ambient, e)) < 0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

/* ---- limits ------------------------------------------------------------------------------ */

static void trim(char *text)
{
    size_t skip = strspn(text, " \t\r\n\v\f");
    memmove(text, text + skip, strlen(text + skip) + 1);
    size_t len = strlen(text);
    while (len > 0 && strchr(" \t\r\n\v\f", text[len - 1]) != NULL)
        text[--len] = '\0';
}

static int limit_value(char *text, const char *whole, json_t **out, struct err *e)
{
    trim(text);
    if (strcasecmp(text, "unlimited") == 0)
        return linuxkit_json_unsigned(UINT64_MAX, out, e);
    size_t len = strlen(text);
    if (len == 0 || len > 20 || strspn(text, "0123456789") != len)
        return err_set(e, ERR_INPUT, "cannot parse rlimit: '%.100s'", whole);
    errno = 0;
    unsigned long long value = strtoull(text, NULL, 10);
    if (errno != 0)
        return err_set(e, ERR_INPUT, "rlimit too large: '%.100s'", whole);
    return linuxkit_json_unsigned(value, out, e);
}

static int limit_type(char *name, const char *whole, char **out, struct err *e)
{
    static const char *const known[] = {
        "AS",   "CORE",   "CPU",   "DATA", "FSIZE",  "LOCKS",  "MEMLOCK",    "MSGQUEUE",
        "NICE", "NOFILE", "NPROC", "RSS",  "RTPRIO", "RTTIME", "SIGPENDING", "STACK"};
    trim(name);
    for (char *p = name; *p != '\0'; p++)
        *p = (char)toupper((unsigned char)*p);
    const char *bare = name + (str_starts(name, "RLIMIT_") ? strlen("RLIMIT_") : 0);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], bare) == 0)
            return str_format(out, e, "RLIMIT_%s", bare);
    return err_set(e, ERR_INPUT, "unknown limit: '%.100s'", whole);
}

/* "nofile,100,200": name, soft, hard. */
static int one_limit(const char *text, json_t **out, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    AUTO_FREE char *type = NULL;
    AUTO_JSON json_t *limit = json_object();
    json_t *soft = NULL;
    json_t *hard = NULL;
    if (limit == NULL)
        return err_oom(e);
    int rc = str_copy(&copy, text, e);
    if (rc < 0)
        return rc;
    char *second = strchr(copy, ',');
    char *third = second != NULL ? strchr(second + 1, ',') : NULL;
    if (third == NULL || strchr(third + 1, ',') != NULL)
        return err_set(e, ERR_INPUT, "cannot parse rlimit: '%.100s'", text);
    *second++ = '\0';
    *third++ = '\0';
    if ((rc = limit_type(copy, text, &type, e)) < 0 ||
        (rc = json_put_string(limit, "type", type, e)) < 0 ||
        (rc = limit_value(third, text, &hard, e)) < 0 ||
        (rc = json_put(limit, "hard", hard, e)) < 0 ||
        (rc = limit_value(second, text, &soft, e)) < 0 ||
        (rc = json_put(limit, "soft", soft, e)) < 0)
        return rc;
    *out = steal_ptr(&limit);
    return 0;
}

int oci_spec_rlimits(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    const json_t *given = oci_spec_choose(c, "rlimits");
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < json_array_size(given); i++) {
        json_t *limit = NULL;
        oci_spec_blame(c, "rlimits", i);
        int rc = one_limit(json_string_value(json_array_get(given, i)), &limit, e);
        if (rc < 0 || (rc = json_push(list, limit, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}

/* ---- mounts -----------------------------------------------------------------------------------
 */

/* Takes `options`, also on failure. */
static int set_mount(json_t *mounts, const char *destination, const char *type, const char *source,
                     json_t *options_taken, struct err *e)
{
    AUTO_JSON json_t *options = options_taken;
    AUTO_JSON json_t *mount = json_object();
    if (mount == NULL)
        return err_oom(e);
    int rc = json_put_string(mount, "destination", destination, e);
    if (rc < 0 || (rc = json_put_string(mount, "type", type, e)) < 0 ||
        (rc = json_put_string(mount, "source", source, e)) < 0 ||
        (rc = oci_spec_put_some(mount, "options", options, e)) < 0)
        return rc;
    return json_put(mounts, destination, steal_ptr(&mount), e);
}

/* "a,b" → ["a", "b"], as Go splits: "" gives one empty text. */
static int split_options(const char *text, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (;;) {
        size_t len = strcspn(text, ",");
        int rc = json_push(list, json_stringn(text, len), e);
        if (rc < 0)
            return rc;
        if (text[len] == '\0')
            break;
        text += len + 1;
    }
    *out = steal_ptr(&list);
    return 0;
}

static int default_mounts(json_t *mounts, bool readonly, struct err *e)
{
    static const struct {
        const char *destination;
        const char *type;
        const char *options;
        bool follows; /* is read-only with the root */
    } list[] = {
        {"/dev", "tmpfs", "nosuid,strictatime,mode=755,size=65536k", true},
        {"/dev/pts", "devpts", "nosuid,noexec,newinstance,ptmxmode=0666,mode=0620", false},
        {"/proc", "proc", "nosuid,nodev,noexec,relatime", false},
        {"/sys", "sysfs", "nosuid,noexec,nodev", true},
        {"/sys/fs/cgroup", "cgroup", "nosuid,noexec,nodev,relatime,ro", false},
    };
    for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
        json_t *options = NULL;
        int rc = split_options(list[i].options, &options, e);
        if (rc == 0 && readonly && list[i].follows)
            rc = oci_spec_push_text(options, "ro", e);
        if (rc < 0) {
            json_decref(options);
            return rc;
        }
        rc = set_mount(mounts, list[i].destination, list[i].type, list[i].type, options, e);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int tmpfs_mount(json_t *mounts, const char *text, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    json_t *options = NULL;
    int rc = str_copy(&copy, text, e);
    if (rc < 0)
        return rc;
    char *colon = strchr(copy, ':');
    if (colon != NULL && strchr(colon + 1, ':') != NULL)
        return err_set(e, ERR_INPUT, "cannot parse tmpfs, too many ':': %.200s", text);
    if (colon != NULL) {
        *colon = '\0';
        if ((rc = split_options(colon + 1, &options, e)) < 0)
            return rc;
    }
    return set_mount(mounts, copy, "tmpfs", "tmpfs", options, e);
}

/* A volume without a name is called "". */
static const json_t *find_volume(const struct oci_spec_container *c, const char *name)
{
    for (size_t i = 0; i < json_array_size(c->volumes); i++) {
        const json_t *v = json_array_get(c->volumes, i);
        const char *own = json_string_value(json_object_get(v, "name"));
        if (strcmp(own != NULL ? own : "", name) == 0)
            return v;
    }
    return NULL;
}

/* A source without a leading slash must be a volume; a read-only one must be mounted so. */
static int check_volume(const struct oci_spec_container *c, const char *source, bool read_only,
                        struct err *e)
{
    const json_t *volume = find_volume(c, source);
    if (volume == NULL)
        return err_set(e, ERR_INPUT, "volume '%.100s' not found", source);
    if (json_is_true(json_object_get(volume, "readonly")) && !read_only)
        return err_set(e, ERR_INPUT, "volume '%.100s' is read-only, but is mounted read-write",
                       source);
    return 0;
}

static bool has_option(const char *text, const char *option)
{
    size_t len = strlen(option);
    for (const char *p = text;; p++) {
        size_t n = strcspn(p, ",");
        if (n == len && memcmp(p, option, len) == 0)
            return true;
        p += n;
        if (*p == '\0')
            return false;
    }
}

/* The first part of a bind, up to ':', and whether the third is "ro", or in strict mode has it
 * among its options. */
static int check_bind(const struct oci_spec_container *c, const char *text, struct err *e)
{
    AUTO_FREE char *source = NULL;
    size_t len = strcspn(text, ":");
    const char *second = text[len] == ':' ? text + len + 1 : "";
    const char *third = strchr(second, ':');
    bool ro =
        third != NULL && strncmp(third + 1, "ro", 2) == 0 && (third[3] == '\0' || third[3] == ':');
    if (c->strict)
        ro = third != NULL && has_option(third + 1, "ro");
    if (*text == '/')
        return 0;
    int rc = str_format(&source, e, "%.*s", (int)len, text);
    return rc < 0 ? rc : check_volume(c, source, ro, e);
}

/* The entry's own binds are checked even where they do not count. */
static int check_binds(const struct oci_spec_container *c, const char *key, struct err *e)
{
    const json_t *list = json_object_get(c->entry, key);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        oci_spec_blame(c, key, i);
        rc = check_bind(c, json_string_value(json_array_get(list, i)), e);
    }
    return rc;
}

/* "source:destination[:options]". */
static int bind_mount(json_t *mounts, const char *text, bool own, struct err *e)
{
    AUTO_FREE char *copy = NULL;
    AUTO_FREE char *volume = NULL;
    json_t *options = NULL;
    int rc = str_copy(&copy, text, e);
    if (rc < 0)
        return rc;
    char *destination = strchr(copy, ':');
    char *third = destination != NULL ? strchr(destination + 1, ':') : NULL;
    if (destination == NULL)
        return err_set(e, ERR_INPUT, "cannot parse bind, missing ':': %.200s", text);
    if (third != NULL && strchr(third + 1, ':') != NULL)
        return err_set(e, ERR_INPUT, "cannot parse bind, too many ':': %.200s", text);
    *destination++ = '\0';
    if (third != NULL)
        *third++ = '\0';
    const char *source = copy;
    if (own && source[0] != '/') {
        const char *slash = *source != '\0' ? "/" : "";
        if ((rc = str_format(&volume, e, "/containers/volumes%s%s/merged", slash, source)) < 0)
            return rc;
        source = volume;
    }
    rc = split_options(third != NULL ? third : "rw", &options, e);
    if (rc == 0)
        rc = oci_spec_push_text(options, "rbind", e);
    if (rc == 0 && third == NULL)
        rc = oci_spec_push_text(options, "rshared", e);
    if (rc < 0) {
        json_decref(options);
        return rc;
    }
    return set_mount(mounts, destination, "bind", source, options, e);
}

static const char *member(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static const char *guess_type(const char *source, const char *destination)
{
    static const char *const known[] = {"mqueue", "devpts", "proc", "sysfs", "cgroup"};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i], source) == 0)
            return known[i];
    return strcmp(destination, "/dev") == 0 ? "tmpfs" : "";
}

static const char *guess_destination(const char *type)
{
    static const char *const known[][2] = {{"proc", "/proc"},
                                           {"devpts", "/dev/pts"},
                                           {"sysfs", "/sys"},
                                           {"cgroup", "/sys/fs/cgroup"},
                                           {"mqueue", "/dev/mqueue"}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i][0], type) == 0)
            return known[i][1];
    return "";
}

/* The first of "ro" and "rw" counts. */
static bool says_read_only(const json_t *options)
{
    for (size_t i = 0; i < json_array_size(options); i++) {
        const char *text = json_string_value(json_array_get(options, i));
        if (strcmp(text, "ro") == 0 || strcmp(text, "rw") == 0)
            return text[1] == 'o';
    }
    return false;
}

/* A mount of type bind whose source is no path must name a volume; LinuxKit keeps the name. */
static bool names_volume(const json_t *mount)
{
    return strcmp(member(mount, "type"), "bind") == 0 && *member(mount, "source") != '/';
}

static int check_mounts(const struct oci_spec_container *c, struct err *e)
{
    const json_t *list = json_object_get(c->entry, "mounts");
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(list); i++) {
        const json_t *m = json_array_get(list, i);
        oci_spec_blame(c, "mounts", i);
        if (names_volume(m))
            rc = check_volume(c, member(m, "source"), says_read_only(json_object_get(m, "options")),
                              e);
    }
    return rc;
}

static bool list_has(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (strcmp(json_string_value(json_array_get(list, i)), text) == 0)
            return true;
    return false;
}

/* `own`: the entry's, which may name volumes; not the label's. */
static int written_mount(const struct oci_spec_container *c, json_t *mounts, const json_t *m,
                         bool own, struct err *e)
{
    AUTO_FREE char *volume = NULL;
    AUTO_JSON json_t *list = NULL;
    const char *type = member(m, "type");
    const char *destination = member(m, "destination");
    const json_t *options = json_object_get(m, "options");
    int rc = 0;
    if (c->strict && own && names_volume(m) &&
        (rc = str_format(&volume, e, "/containers/volumes/%s/merged", member(m, "source"))) < 0)
        return rc;
    const char *source = volume != NULL ? volume : member(m, "source");
    if (*type == '\0')
        type = guess_type(source, destination);
    if (*type == '\0')
        return err_set(e, ERR_INPUT, "mount for destination %.200s is missing type", destination);
    if (*source == '\0')
        source = type;
    if (*destination == '\0')
        destination = guess_destination(type);
    if (*destination == '\0')
        return err_set(e, ERR_INPUT, "mount type %.100s is missing destination", type);
    if (options != NULL && (list = json_deep_copy(options)) == NULL)
        return err_oom(e);
    /* A bind mount without an option that says so is none to an OCI runtime. */
    bool bind = volume != NULL && !list_has(options, "bind") && !list_has(options, "rbind");
    if (bind && list == NULL && (list = json_array()) == NULL)
        return err_oom(e);
    if (bind && (rc = oci_spec_push_text(list, "rbind", e)) < 0)
        return rc;
    return set_mount(mounts, destination, type, source, steal_ptr(&list), e);
}

static int compare_keys(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sorted_values(json_t *mounts, json_t **out, struct err *e)
{
    size_t count = json_object_size(mounts);
    AUTO_FREE const char **keys = array_new(count + 1, sizeof(*keys));
    AUTO_JSON json_t *list = json_array();
    const char *key = NULL;
    json_t *value = NULL;
    size_t n = 0;
    int rc = 0;
    if (keys == NULL || list == NULL)
        return err_oom(e);
    json_object_foreach(mounts, key, value)
    {
        if (n < count)
            keys[n++] = key;
    }
    qsort(keys, n, sizeof(*keys), compare_keys);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = json_push(list, json_incref(json_object_get(mounts, keys[i])), e);
    if (rc == 0)
        *out = steal_ptr(&list);
    return rc;
}

/* The binds that count, the label's first; only the entry's own may name volumes. */
static int bind_mounts(const struct oci_spec_container *c, json_t *mounts, struct err *e)
{
    const json_t *entry = json_object_get(c->entry, "binds");
    const json_t *label = json_object_get(c->label, "binds");
    const json_t *added = json_object_get(c->entry, "binds.add");
    const json_t *lists[] = {entry != NULL ? NULL : label, entry != NULL ? entry : added};
    int rc = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; rc == 0 && i < json_array_size(lists[l]); i++) {
            oci_spec_blame(c, l == 1 && entry == NULL ? "binds.add" : "binds", i);
            rc = bind_mount(mounts, json_string_value(json_array_get(lists[l], i)), l == 1, e);
        }
    return rc;
}

int oci_spec_mounts(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *mounts = json_object();
    const json_t *tmpfs = oci_spec_choose(c, "tmpfs");
    const json_t *written = oci_spec_choose(c, "mounts");
    bool own = json_object_get(c->entry, "mounts") != NULL;
    if (mounts == NULL)
        return err_oom(e);
    int rc = check_mounts(c, e);
    if (rc < 0 || (rc = check_binds(c, "binds", e)) < 0 ||
        (rc = check_binds(c, "binds.add", e)) < 0 ||
        (rc = default_mounts(mounts, oci_spec_container_readonly(c), e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < json_array_size(tmpfs); i++) {
        oci_spec_blame(c, "tmpfs", i);
        rc = tmpfs_mount(mounts, json_string_value(json_array_get(tmpfs, i)), e);
    }
    if (rc == 0)
        rc = bind_mounts(c, mounts, e);
    for (size_t i = 0; rc == 0 && i < json_array_size(written); i++) {
        oci_spec_blame(c, "mounts", i);
        rc = written_mount(c, mounts, json_array_get(written, i), own, e);
    }
    return rc < 0 ? rc : sorted_values(mounts, out, e);
}
