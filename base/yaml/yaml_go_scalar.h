/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How go-yaml (LinuxKit's YAML library) reads a plain scalar: YAML 1.2's core
 * with leftovers of 1.1, so 010 and 0o10 are 8, 1_000 is 1000, 0b11 is 3, 08 and
 * 1e3 are floats, 2001-01-02 is a time, and yes is a text (docs/formats/linuxkit.md, section 2).
 */
#ifndef ASSAY_BASE_YAML_YAML_GO_SCALAR_H
#define ASSAY_BASE_YAML_YAML_GO_SCALAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum yaml_go_scalar {
    YAML_GO_SCALAR_TEXT,
    YAML_GO_SCALAR_NULL,
    YAML_GO_SCALAR_BOOL,
    YAML_GO_SCALAR_INT,  /* fits int64_t */
    YAML_GO_SCALAR_UINT, /* does not, but uint64_t */
    YAML_GO_SCALAR_FLOAT,
    YAML_GO_SCALAR_TIME,
};

struct yaml_go_scalar_value {
    bool flag;
    int64_t integer;
    double real; /* of a float that is finite, and of a uint */
};

/* *value is set as the kind says; a float that is not finite has `real` 0 and `flag` set. */
enum yaml_go_scalar yaml_go_scalar_read(const char *text, struct yaml_go_scalar_value *value);

/* 190:20:30 and the like: read as a text, but written in quotes for the sake of other readers. */
bool yaml_go_scalar_is_sexagesimal(const char *text);
/* y, yes, on … in the spellings that YAML 1.1 took for true and false. */
bool yaml_go_scalar_is_old_bool(const char *text);

#endif
