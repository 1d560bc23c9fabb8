/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints the schema of plans as the tables of step kinds have it; `make schemas` puts that in its
 * place.
 *
 *   plan_schema FILE
 */
#include "builder/plan/step_schema.h"
#include "builder/steps/step.h"

#include <stdio.h>

static int print(const char *path, struct err *e)
{
    AUTO_JSON json_t *schema = NULL;
    AUTO_BUF text = BUF_INIT(1 << 20);
    int rc;
    if ((rc = json_read_file(path, NULL, &schema, e)) < 0 ||
        (rc = step_schema_update(schema, &builder_steps, e)) < 0 ||
        (rc = json_pretty(schema, &text, e)) < 0)
        return rc;
    (void)fwrite(text.data, 1, text.len, stdout);
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = ERR_INIT;
    char line[ERR_FRAMES * ERR_FRAME_MAX];
    if (argc != 2) {
        (void)fprintf(stderr, "usage: plan_schema FILE\n");
        return ERR_USAGE;
    }
    if (print(argv[1], &e) < 0) {
        (void)fprintf(stderr, "plan_schema: %s\n", err_line(&e, line, sizeof(line)));
        return (int)e.code;
    }
    return 0;
}
