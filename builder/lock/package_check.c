/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/lock/package_check.h"

#include "builder/debian/control.h"
#include "formats/layers/deb_control.h"
#include "formats/layers/deb_reader.h"

#include <string.h>

static void scope_control(struct deb_control **c)
{
    deb_control_free(*c);
}

static int check_name(const struct package *p, struct err *e)
{
    const char *colon = strchr(p->version, ':');
    const char *slash = strrchr(p->path, '/');
    const char *name = slash != NULL ? slash + 1 : p->path;
    AUTO_FREE char *wanted = NULL;
    int rc = str_format(&wanted, e, "%s_%s_%s.deb", p->name, colon != NULL ? colon + 1 : p->version,
                        p->arch);
    if (rc < 0 || strcmp(name, wanted) == 0)
        return rc;
    return err_set(e, ERR_INPUT, "its file is called '%.200s', by the index it is '%.200s'", name,
                   wanted);
}

static int check_field(const char *name, const char *own, const char *index, struct err *e)
{
    if (strcmp(own, index) == 0)
        return 0;
    return err_set(e, ERR_INPUT, "the field '%s' of its control file is '%s', of the index '%s'",
                   name, own, index);
}

static int check_control(const struct deb_control *text, const struct package *p, struct err *e)
{
    AUTO_CONTROL c;
    int rc = control_parse(text->text[DEB_CONTROL], text->len[DEB_CONTROL], &c, e);
    if (rc == 0)
        rc = check_field("Package", c.package, p->name, e);
    if (rc == 0)
        rc = check_field("Version", c.version, p->version, e);
    return rc < 0 ? rc : check_field("Architecture", c.arch, p->arch, e);
}

static int read_blob(void *context, void *data, size_t len, size_t *got, struct err *e)
{
    return cas_stream_read(context, data, len, got, e);
}

int package_check(struct cas *cas, const struct package *p, struct err *e)
{
    AUTO_CAS_STREAM struct cas_stream *blob = NULL;
    AUTO_DEB_READER struct deb_reader *deb = NULL;
    AUTO(scope_control) struct deb_control *control = NULL;
    int rc = check_name(p, e);
    if (rc == 0)
        rc = cas_stream_open(cas, &p->sha256, &blob, e);
    struct source raw = {.context = blob, .read = read_blob};
    if (rc == 0)
        rc = deb_reader_open(&raw, &deb, e);
    if (rc == 0) {
        struct source member = deb_reader_source(deb);
        rc = deb_control_read(&member, deb_reader_compression(deb), NULL, &control, e);
    }
    if (rc == 0)
        rc = check_control(control, p, e);
    return rc < 0 ? err_wrap(e, "package '%s'", p->name) : 0;
}
