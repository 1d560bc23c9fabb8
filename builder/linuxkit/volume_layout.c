/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/volume_layout.h"

#include "base/json.h"
#include "base/media_types.h"
#include "builder/linuxkit/json.h"

int linuxkit_volume_index(const struct step_input *root, const char *media_type, const char *name,
                          struct buf *out, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    AUTO_JSON json_t *item = json_object();
    AUTO_JSON json_t *list = json_array();
    AUTO_JSON json_t *notes = json_object();
    if (document == NULL || item == NULL || list == NULL || notes == NULL)
        return err_oom(e);
    int rc = json_put_u64(document, "schemaVersion", 2, e);
    if (rc < 0 || (rc = json_put_string(document, "mediaType", MEDIA_OCI_INDEX, e)) < 0 ||
        (rc = json_put_string(item, "mediaType", media_type, e)) < 0 ||
        (rc = json_put_u64(item, "size", root->size, e)) < 0 ||
        (rc = json_put_digest(item, "digest", &root->digest, e)) < 0 ||
        (rc = json_put_string(notes, OCI_REF_NAME, name, e)) < 0 ||
        (rc = json_put(item, "annotations", steal_ptr(&notes), e)) < 0 ||
        (rc = json_push(list, steal_ptr(&item), e)) < 0 ||
        (rc = json_put(document, "manifests", steal_ptr(&list), e)) < 0)
        return rc;
    return linuxkit_json_format(document, 3, out, e);
}
