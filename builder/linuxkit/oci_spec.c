/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/oci_spec_internal.h"

#include "builder/linuxkit/json.h"
#include "builder/linuxkit/render.h"

#include <string.h>

/* ---- what the parts share --------------------------------------------------------------- */

const json_t *oci_spec_choose(const struct oci_spec_container *c, const char *key)
{
    const json_t *own = json_object_get(c->entry, key);
    return own != NULL ? own : json_object_get(c->label, key);
}

const char *oci_spec_text(const struct oci_spec_container *c, const char *key, const char *missing)
{
    const char *own = json_string_value(json_object_get(c->entry, key));
    if (own != NULL && *own != '\0')
        return own;
    own = json_string_value(json_object_get(c->label, key));
    return own != NULL && *own != '\0' ? own : missing;
}

void oci_spec_blame(const struct oci_spec_container *c, const char *key, size_t index)
{
    if (c->blame != NULL)
        *c->blame = (struct oci_spec_blame){key, index};
}

int oci_spec_push_text(json_t *list, const char *text, struct err *e)
{
    json_t *value = json_string(text);
    return value == NULL ? err_oom(e) : json_push(list, value, e);
}

int oci_spec_put_some(json_t *object, const char *key, const json_t *value, struct err *e)
{
    if (value == NULL || (json_is_array(value) && json_array_size(value) == 0) ||
        (json_is_object(value) && json_object_size(value) == 0))
        return 0;
    return json_put(object, key, json_deep_copy(value), e);
}

static bool has_same(const json_t *list, const json_t *value)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_equal(json_array_get(list, i), value) == 1)
            return true;
    return false;
}

/* With `once` only what is not there yet. */
static int add_texts(json_t *list, const json_t *more, bool once, struct err *e)
{
    for (size_t i = 0; i < json_array_size(more); i++) {
        json_t *value = json_array_get(more, i);
        if (once && has_same(list, value))
            continue;
        if (json_array_append(list, value) < 0)
            return err_oom(e);
    }
    return 0;
}

int oci_spec_with_added(const struct oci_spec_container *c, const char *key, const char *add_key,
                        json_t **out, struct err *e)
{
    const json_t *own = json_object_get(c->entry, key);
    const json_t *base = own != NULL ? own : json_object_get(c->label, key);
    const json_t *added = own != NULL ? NULL : json_object_get(c->entry, add_key);
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    int rc = add_texts(list, base, false, e);
    if (rc < 0 || (rc = add_texts(list, added, c->strict, e)) < 0)
        return rc;
    *out = steal_ptr(&list);
    return 0;
}

bool oci_spec_container_readonly(const struct oci_spec_container *c)
{
    return json_is_true(oci_spec_choose(c, "readonly"));
}

/* ---- ids ----------------------------------------------------------------------------------- */

int oci_spec_ids(const json_t *document, json_t **out, struct err *e)
{
    static const char *const lists[] = {"onboot", "onshutdown", "services"};
    AUTO_JSON json_t *ids = json_object();
    uint64_t next = 100;
    if (ids == NULL)
        return err_oom(e);
    for (size_t l = 0; l < sizeof(lists) / sizeof(lists[0]); l++) {
        const json_t *list = json_object_get(document, lists[l]);
        for (size_t i = 0; i < json_array_size(list); i++) {
            const json_t *name = json_object_get(json_array_get(list, i), "name");
            int rc = json_put_u64(ids, json_string_value(name), next++, e);
            if (rc < 0)
                return rc;
        }
    }
    *out = steal_ptr(&ids);
    return 0;
}

int oci_spec_owner(const json_t *value, const json_t *ids, uint32_t *out, struct err *e)
{
    *out = 0;
    if (value == NULL)
        return 0;
    if (json_is_integer(value)) {
        *out = (uint32_t)(uint64_t)json_integer_value(value);
        return 0;
    }
    const char *name = json_string_value(value);
    if (name == NULL)
        return err_set(e, ERR_INPUT, "bad type for uid or gid");
    if (*name == '\0' || strcmp(name, "root") == 0)
        return 0;
    const json_t *id = json_object_get(ids, name);
    if (id == NULL)
        return err_set(e, ERR_INPUT, "cannot find id: %.100s", name);
    *out = (uint32_t)json_integer_value(id);
    return 0;
}

/* 0 to 2^32-2: the last one is chown's "leave it". */
static int strict_number(json_int_t value, uint32_t *out, struct err *e)
{
    if (value < 0 || value > (json_int_t)UINT32_MAX - 1)
        return err_set(e, ERR_INPUT, "%lld is not between 0 and 4294967294", (long long)value);
    *out = (uint32_t)value;
    return 0;
}

int oci_spec_owner_strict(const json_t *value, const json_t *ids, uint32_t *out, struct err *e)
{
    *out = 0;
    if (json_is_integer(value))
        return strict_number(json_integer_value(value), out, e);
    const char *text = json_string_value(value);
    if (text == NULL || *text == '\0' || json_object_get(ids, text) != NULL)
        return oci_spec_owner(value, ids, out, e);
    size_t len = strlen(text);
    if (strcmp(text, "root") == 0)
        return 0;
    if (len > 10 || strspn(text, "0123456789") != len || (len > 1 && text[0] == '0'))
        return err_set(e, ERR_INPUT, "'%.64s' is no number and no name of a container", text);
    return strict_number((json_int_t)strtoull(text, NULL, 10), out, e);
}

int oci_spec_octal(const char *text, const char *what, int64_t *out, struct err *e)
{
    bool negative = *text == '-';
    const char *p = text + (negative || *text == '+');
    int64_t value = 0;
    bool bad = *p == '\0';
    for (; !bad && *p != '\0'; p++) {
        bad = *p < '0' || *p > '7';
        value = value * 8 + (*p - '0');
        bad = bad || value > (int64_t)INT32_MAX + negative;
    }
    if (bad)
        return err_set(e, ERR_INPUT, "cannot parse %s mode as octal value: '%.64s'", what, text);
    *out = negative ? -value : value;
    return 0;
}

/* ---- process -------------------------------------------------------------------------------- */

static int owner_of(const struct oci_spec_container *c, const json_t *value, uint32_t *out,
                    struct err *e)
{
    return c->strict ? oci_spec_owner_strict(value, c->ids, out, e)
                     : oci_spec_owner(value, c->ids, out, e);
}

static int put_owner(const struct oci_spec_container *c, json_t *user, const char *key,
                     uint32_t missing, struct err *e)
{
    const json_t *given = oci_spec_choose(c, key);
    uint32_t id = missing;
    oci_spec_blame(c, key, SIZE_MAX);
    int rc = given != NULL ? owner_of(c, given, &id, e) : 0;
    return rc < 0 ? rc : json_put_u64(user, key, id, e);
}

static int put_groups(const struct oci_spec_container *c, const struct oci_spec_user *user,
                      json_t *object, struct err *e)
{
    AUTO_JSON json_t *groups = json_array();
    const json_t *given = oci_spec_choose(c, "additionalGids");
    int rc = groups == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < json_array_size(given); i++) {
        uint32_t id = 0;
        oci_spec_blame(c, "additionalGids", i);
        if ((rc = owner_of(c, json_array_get(given, i), &id, e)) == 0)
            rc = json_push(groups, json_integer((json_int_t)id), e);
    }
    for (size_t i = 0; rc == 0 && given == NULL && user != NULL && i < user->group_count; i++)
        rc = json_push(groups, json_integer((json_int_t)user->groups[i]), e);
    return rc < 0 ? rc : oci_spec_put_some(object, "additionalGids", groups, e);
}

static int make_user(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    bool given = oci_spec_choose(c, "uid") != NULL || oci_spec_choose(c, "gid") != NULL;
    const struct oci_spec_user *user = c->strict && !given ? c->user : NULL;
    if (object == NULL)
        return err_oom(e);
    int rc = put_owner(c, object, "uid", user != NULL ? user->uid : 0, e);
    if (rc < 0 || (rc = put_owner(c, object, "gid", user != NULL ? user->gid : 0, e)) < 0 ||
        (rc = put_groups(c, user, object, e)) < 0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

static int append_all(json_t *list, const json_t *more, struct err *e)
{
    for (size_t i = 0; i < json_array_size(more); i++)
        if (json_array_append(list, json_array_get(more, i)) < 0)
            return err_oom(e);
    return 0;
}

/* The entry's or the label's command, else the image's entry point and command. */
static int put_args(const struct oci_spec_container *c, json_t *process, struct err *e)
{
    const json_t *command = oci_spec_choose(c, "command");
    AUTO_JSON json_t *list = json_array();
    if (command != NULL)
        return oci_spec_put_some(process, "args", command, e);
    if (list == NULL)
        return err_oom(e);
    int rc = append_all(list, json_object_get(c->image_config, "Entrypoint"), e);
    if (rc == 0)
        rc = append_all(list, json_object_get(c->image_config, "Cmd"), e);
    return rc < 0 ? rc : oci_spec_put_some(process, "args", list, e);
}

static int put_env(const struct oci_spec_container *c, json_t *process, struct err *e)
{
    const json_t *env = oci_spec_choose(c, "env");
    if (env == NULL)
        env = json_object_get(c->image_config, "Env");
    return oci_spec_put_some(process, "env", json_is_array(env) ? env : NULL, e);
}

static int make_process(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *process = json_object();
    AUTO_JSON json_t *limits = NULL;
    json_t *user = NULL;
    json_t *capabilities = NULL;
    const char *directory = json_string_value(json_object_get(c->image_config, "WorkingDir"));
    if (directory == NULL || *directory == '\0')
        directory = "/";
    if (process == NULL)
        return err_oom(e);
    int rc = make_user(c, &user, e);
    if (rc < 0 || (rc = json_put(process, "user", user, e)) < 0 ||
        (rc = put_args(c, process, e)) < 0 || (rc = put_env(c, process, e)) < 0 ||
        (rc = json_put_string(process, "cwd", oci_spec_text(c, "cwd", directory), e)) < 0 ||
        (rc = oci_spec_capabilities(c, &capabilities, e)) < 0 ||
        (rc = json_put(process, "capabilities", capabilities, e)) < 0 ||
        (rc = oci_spec_rlimits(c, &limits, e)) < 0 ||
        (rc = oci_spec_put_some(process, "rlimits", limits, e)) < 0)
        return rc;
    if (json_is_true(oci_spec_choose(c, "noNewPrivileges")) &&
        (rc = json_put(process, "noNewPrivileges", json_true(), e)) < 0)
        return rc;
    const json_t *score = oci_spec_choose(c, "oomScoreAdj");
    if (score != NULL &&
        (rc = json_put(process, "oomScoreAdj", json_integer(linuxkit_integer(score)), e)) < 0)
        return rc;
    *out = steal_ptr(&process);
    return 0;
}

/* ---- linux ----------------------------------------------------------------------------------- */

static int put_namespace(json_t *list, const char *type, const char *path, struct err *e)
{
    AUTO_JSON json_t *item = json_object();
    if (item == NULL)
        return err_oom(e);
    int rc = json_put_string(item, "type", type, e);
    if (rc == 0 && *path != '\0')
        rc = json_put_string(item, "path", path, e);
    return rc < 0 ? rc : json_push(list, steal_ptr(&item), e);
}

static int make_namespaces(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    static const char *const kinds[][3] = {{"net", "network", "root"},
                                           {"ipc", "ipc", "root"},
                                           {"uts", "uts", "root"},
                                           {"pid", "pid", ""},
                                           {"userns", "user", "root"}};
    AUTO_JSON json_t *list = json_array();
    int rc = list == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const char *value = oci_spec_text(c, kinds[i][0], kinds[i][2]);
        if (strcmp(value, "host") == 0 || strcmp(value, "root") == 0)
            continue;
        bool none = strcmp(value, "none") == 0 && (i == 0 || c->strict);
        if (strcmp(value, "new") == 0 || none)
            value = "";
        oci_spec_blame(c, kinds[i][0], SIZE_MAX);
        if (c->strict && *value != '\0' && *value != '/')
            return err_set(e, ERR_INPUT, "'%.64s' is not host, root, new, none or a path", value);
        rc = put_namespace(list, kinds[i][1], value, e);
    }
    if (rc < 0 || (rc = put_namespace(list, "mount", "", e)) < 0)
        return rc;
    *out = steal_ptr(&list);
    return 0;
}

static const char *device_text(const json_t *device, const char *key)
{
    const char *text = json_string_value(json_object_get(device, key));
    return text != NULL ? text : "";
}

static int put_number(json_t *to, const char *key, const json_t *from, struct err *e)
{
    return json_put(to, key, json_integer(linuxkit_integer(json_object_get(from, key))), e);
}

/* A rule of the device cgroup, and a node unless it is for all devices. */
static int put_device(const json_t *device, json_t *rules, json_t *nodes, struct err *e)
{
    AUTO_JSON json_t *rule = json_object();
    AUTO_JSON json_t *node = json_object();
    const char *type = device_text(device, "type");
    const char *mode = device_text(device, "mode");
    bool all = strcmp(device_text(device, "path"), "all") == 0;
    if (rule == NULL || node == NULL)
        return err_oom(e);
    int rc = json_put(rule, "allow", json_true(), e);
    if (rc == 0 && *type != '\0')
        rc = json_put_string(rule, "type", type, e);
    if (rc == 0 && !all && (rc = put_number(rule, "major", device, e)) == 0)
        rc = put_number(rule, "minor", device, e);
    if (rc < 0 || (rc = json_put_string(rule, "access", "rwm", e)) < 0 ||
        (rc = json_push(rules, steal_ptr(&rule), e)) < 0 || all)
        return rc;
    int64_t bits = 0;
    if ((rc = oci_spec_octal(mode, "device", &bits, e)) < 0 ||
        (rc = json_put_string(node, "path", device_text(device, "path"), e)) < 0 ||
        (rc = json_put_string(node, "type", type, e)) < 0 ||
        (rc = put_number(node, "major", device, e)) < 0 ||
        (rc = put_number(node, "minor", device, e)) < 0 ||
        (rc = json_put_u64(node, "fileMode", (uint32_t)bits, e)) < 0)
        return rc;
    return json_push(nodes, steal_ptr(&node), e);
}

static enum linuxkit_form form_of(const struct oci_spec_container *c)
{
    return c->strict ? LINUXKIT_FORM_SPEC : LINUXKIT_FORM_JSON;
}

/* The resources, with the rules that devices add; *nodes are the devices themselves. */
static int make_resources(const struct oci_spec_container *c, json_t **out, json_t **nodes,
                          struct err *e)
{
    const json_t *given = oci_spec_choose(c, "resources");
    const json_t *devices = oci_spec_choose(c, "devices");
    AUTO_JSON json_t *resources = json_object();
    AUTO_JSON json_t *normal = NULL;
    AUTO_JSON json_t *rules = json_array();
    AUTO_JSON json_t *list = json_array();
    if (resources == NULL || rules == NULL || list == NULL)
        return err_oom(e);
    int rc = 0;
    if (given != NULL &&
        (rc = linuxkit_normal(given, &linuxkit_resources, form_of(c), &normal, e)) < 0)
        return rc;
    rc = append_all(rules, json_object_get(normal, "devices"), e);
    for (size_t i = 0; rc == 0 && i < json_array_size(devices); i++) {
        oci_spec_blame(c, "devices", i);
        rc = put_device(json_array_get(devices, i), rules, list, e);
    }
    if (rc < 0 || (rc = oci_spec_put_some(resources, "devices", rules, e)) < 0)
        return rc;
    const char *key = NULL;
    json_t *member = NULL;
    json_object_foreach(normal, key, member)
    {
        if (strcmp(key, "devices") != 0 &&
            (rc = json_put(resources, key, json_incref(member), e)) < 0)
            return rc;
    }
    *out = steal_ptr(&resources);
    *nodes = steal_ptr(&list);
    return 0;
}

static const struct linuxkit_node *field_node(const char *key)
{
    for (const struct linuxkit_field *f = linuxkit_label.fields; f->key != NULL; f++)
        if (strcmp(f->key, key) == 0)
            return f->node;
    return NULL;
}

/* A value in its normal form, unless it is empty. */
static int put_normal(const struct oci_spec_container *c, json_t *object, const char *key,
                      struct err *e)
{
    const json_t *given = oci_spec_choose(c, key);
    AUTO_JSON json_t *normal = NULL;
    int rc = 0;
    if (given == NULL)
        return 0;
    rc = linuxkit_normal(given, field_node(key), form_of(c), &normal, e);
    return rc < 0 ? rc : oci_spec_put_some(object, key, normal, e);
}

static int put_text(const struct oci_spec_container *c, json_t *object, const char *key,
                    struct err *e)
{
    const char *text = json_string_value(oci_spec_choose(c, key));
    return text == NULL || *text == '\0' ? 0 : json_put_string(object, key, text, e);
}

static int make_linux(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    AUTO_JSON json_t *nodes = NULL;
    json_t *resources = NULL;
    json_t *namespaces = NULL;
    if (object == NULL)
        return err_oom(e);
    int rc = put_normal(c, object, "uidMappings", e);
    if (rc < 0 || (rc = put_normal(c, object, "gidMappings", e)) < 0 ||
        (rc = put_normal(c, object, "sysctl", e)) < 0 ||
        (rc = make_resources(c, &resources, &nodes, e)) < 0 ||
        (rc = json_put(object, "resources", resources, e)) < 0 ||
        (rc = put_text(c, object, "cgroupsPath", e)) < 0 ||
        (rc = make_namespaces(c, &namespaces, e)) < 0 ||
        (rc = json_put(object, "namespaces", namespaces, e)) < 0 ||
        (rc = oci_spec_put_some(object, "devices", nodes, e)) < 0 ||
        (rc = put_text(c, object, "rootfsPropagation", e)) < 0 ||
        (rc = oci_spec_put_some(object, "maskedPaths", oci_spec_choose(c, "maskedPaths"), e)) < 0 ||
        (rc = oci_spec_put_some(object, "readonlyPaths", oci_spec_choose(c, "readonlyPaths"), e)) <
            0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

static int make_root(const struct oci_spec_container *c, json_t **out, struct err *e)
{
    AUTO_JSON json_t *root = json_object();
    if (root == NULL)
        return err_oom(e);
    int rc = json_put_string(root, "path", "rootfs", e);
    if (rc == 0 && oci_spec_container_readonly(c))
        rc = json_put(root, "readonly", json_true(), e);
    if (rc == 0)
        *out = steal_ptr(&root);
    return rc;
}

int oci_spec_config_json(const struct oci_spec_container *c, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *config = json_object();
    AUTO_JSON json_t *mounts = NULL;
    json_t *process = NULL;
    json_t *root = NULL;
    json_t *os = NULL;
    const char *host = oci_spec_text(c, "hostname", "");
    if (config == NULL)
        return err_oom(e);
    int rc = json_put_string(config, "ociVersion", "1.2.1", e);
    if (rc < 0 || (rc = make_process(c, &process, e)) < 0 ||
        (rc = json_put(config, "process", process, e)) < 0 || (rc = make_root(c, &root, e)) < 0 ||
        (rc = json_put(config, "root", root, e)) < 0 ||
        (*host != '\0' && (rc = json_put_string(config, "hostname", host, e)) < 0) ||
        (rc = oci_spec_mounts(c, &mounts, e)) < 0 ||
        (rc = oci_spec_put_some(config, "mounts", mounts, e)) < 0 ||
        (rc = put_normal(c, config, "annotations", e)) < 0 || (rc = make_linux(c, &os, e)) < 0 ||
        (rc = json_put(config, "linux", os, e)) < 0)
        return rc;
    return linuxkit_json_format(config, 4, out, e);
}

/* ---- runtime.json --------------------------------------------------------------------------- */

/* A member of `runtime`: the entry's, else the label's. */
static const json_t *runtime_member(const struct oci_spec_container *c, const char *key)
{
    const json_t *own = json_object_get(json_object_get(c->entry, "runtime"), key);
    return own != NULL ? own : json_object_get(json_object_get(c->label, "runtime"), key);
}

static const struct linuxkit_node *runtime_node(const char *key)
{
    for (const struct linuxkit_field *f = field_node("runtime")->fields; f->key != NULL; f++)
        if (strcmp(f->key, key) == 0)
            return f->node;
    return NULL;
}

static int put_list(const struct oci_spec_container *c, json_t *runtime, const char *key,
                    struct err *e)
{
    const json_t *given = runtime_member(c, key);
    json_t *list = NULL;
    int rc = given == NULL ? 0 : linuxkit_normal(given, runtime_node(key), form_of(c), &list, e);
    if (rc == 0 && list == NULL)
        list = json_array();
    return rc < 0 ? rc : json_put(runtime, key, list, e);
}

/* type, source and options may be NULL; options are separated by newlines. */
static int push_mount(json_t *mounts, const char *destination, const char *type, const char *source,
                      const char *options, struct err *e)
{
    AUTO_JSON json_t *mount = json_object();
    AUTO_JSON json_t *list = json_array();
    if (mount == NULL || list == NULL)
        return err_oom(e);
    int rc = json_put_string(mount, "destination", destination, e);
    if (rc == 0 && type != NULL)
        rc = json_put_string(mount, "type", type, e);
    if (rc == 0 && source != NULL)
        rc = json_put_string(mount, "source", source, e);
    for (const char *p = options; rc == 0 && p != NULL && *p != '\0';) {
        size_t len = strcspn(p, "\n");
        rc = json_push(list, json_stringn(p, len), e);
        p += len;
        p += *p == '\n';
    }
    if (rc < 0 || (rc = oci_spec_put_some(mount, "options", list, e)) < 0)
        return rc;
    return json_push(mounts, steal_ptr(&mount), e);
}

static int root_mounts(const struct oci_spec_container *c, const char *prefix, const char *root,
                       json_t *mounts, struct err *e)
{
    AUTO_FREE char *tmp = NULL;
    AUTO_FREE char *rootfs = NULL;
    AUTO_FREE char *source = NULL;
    AUTO_FREE char *options = NULL;
    int rc = str_format(&tmp, e, "/%s/tmp", prefix);
    if (rc < 0 || (rc = str_format(&rootfs, e, "/%s/rootfs", prefix)) < 0 ||
        (rc = str_format(&source, e, "/%s", root)) < 0)
        return rc;
    if (oci_spec_container_readonly(c))
        return push_mount(mounts, rootfs, NULL, source, "bind", e);
    if ((rc = str_format(&options, e, "lowerdir=%s\nupperdir=%s/upper\nworkdir=%s/work", source,
                         tmp, tmp)) < 0 ||
        (rc = push_mount(mounts, tmp, "tmpfs", "tmpfs", NULL, e)) < 0 ||
        (rc = push_mount(mounts, tmp, NULL, NULL, "remount\nprivate", e)) < 0)
        return rc;
    return push_mount(mounts, rootfs, "overlay", "overlay", options, e);
}

static int put_mounts(const struct oci_spec_container *c, const char *prefix, const char *root,
                      json_t *runtime, struct err *e)
{
    const json_t *given = runtime_member(c, "mounts");
    AUTO_JSON json_t *mounts = json_array();
    AUTO_JSON json_t *normal = NULL;
    int rc = mounts == NULL ? err_oom(e) : root_mounts(c, prefix, root, mounts, e);
    if (rc == 0 && given != NULL)
        rc = linuxkit_normal(given, runtime_node("mounts"), form_of(c), &normal, e);
    if (rc < 0 || (rc = append_all(mounts, normal, e)) < 0)
        return rc;
    return json_put(runtime, "mounts", steal_ptr(&mounts), e);
}

static int put_bind_ns(const struct oci_spec_container *c, json_t *runtime, struct err *e)
{
    static const char *const keys[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
    const json_t *own = json_object_get(json_object_get(c->entry, "runtime"), "bindNS");
    const json_t *label = json_object_get(json_object_get(c->label, "runtime"), "bindNS");
    AUTO_JSON json_t *names = json_object();
    int rc = names == NULL ? err_oom(e) : 0;
    for (size_t i = 0; rc == 0 && i < sizeof(keys) / sizeof(keys[0]); i++) {
        const json_t *value = json_object_get(own, keys[i]);
        const char *text =
            json_string_value(value != NULL ? value : json_object_get(label, keys[i]));
        rc = json_put_string(names, keys[i], text != NULL ? text : "", e);
    }
    return rc < 0 ? rc : json_put(runtime, "bindNS", steal_ptr(&names), e);
}

int oci_spec_runtime_json(const struct oci_spec_container *c, const char *prefix, const char *root,
                          struct buf *out, struct err *e)
{
    AUTO_JSON json_t *runtime = json_object();
    const char *name = json_string_value(runtime_member(c, "namespace"));
    if (runtime == NULL)
        return err_oom(e);
    int rc = put_list(c, runtime, "cgroups", e);
    if (rc < 0 || (rc = put_mounts(c, prefix, root, runtime, e)) < 0 ||
        (rc = put_list(c, runtime, "mkdir", e)) < 0 ||
        (rc = put_list(c, runtime, "interfaces", e)) < 0 || (rc = put_bind_ns(c, runtime, e)) < 0 ||
        (rc = json_put_string(runtime, "namespace", name != NULL ? name : "", e)) < 0)
        return rc;
    return linuxkit_json_format(runtime, 4, out, e);
}
