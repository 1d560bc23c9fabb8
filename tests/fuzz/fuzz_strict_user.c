/* SPDX-License-Identifier: Apache-2.0 */
/* USER of an image, its etc/passwd and etc/group, separated by NULs: ids, or a complaint. */
#include "builder/linuxkit/strict_tree.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t part(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    return end != NULL ? (size_t)(end - data) : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_BUF text = BUF_INIT(1 << 20);
    AUTO_BUF passwd = BUF_INIT(1 << 20);
    AUTO_BUF groups = BUF_INIT(1 << 20);
    AUTO_JSON json_t *ids = json_pack("{s:i}", "web", 100);
    struct oci_spec_user user = {0};
    size_t first = part(data, size);
    size_t rest = first < size ? first + 1 : size;
    size_t second = part(data + rest, size - rest);
    size_t last = rest + second < size ? rest + second + 1 : size;
    if (ids == NULL || buf_add(&text, data, first, &e) < 0 ||
        buf_add(&passwd, data + rest, second, &e) < 0 ||
        buf_add(&groups, data + last, size - last, &e) < 0)
        return 0;
    int rc = strict_user_find(&passwd, &groups, ids, buf_str(&text), &user, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    if (rc == 0 && (user.uid == UINT32_MAX || user.gid == UINT32_MAX || user.group_count > 1024))
        abort();
    free(user.groups);
    return 0;
}
