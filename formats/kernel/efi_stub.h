/* SPDX-License-Identifier: Apache-2.0 */
/* Whether EFI firmware can start a file: kernels with an EFI stub are programs of EFI, too
 * (docs/formats/kernel.md). */
#ifndef ASSAY_FORMATS_KERNEL_EFI_STUB_H
#define ASSAY_FORMATS_KERNEL_EFI_STUB_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { EFI_STUB_HEAD = 64 * 1024 }; /* bytes of a file that tell */

/* "amd64", "arm64", "riscv64": NULL-terminated; `arch` below is an index. */
extern const char *const efi_stub_archs[];

/*
 * `head`: the first bytes of a file, up to EFI_STUB_HEAD of them. ERR_INPUT, which says what the
 * file is instead, unless it is a PE32+ program for EFI and for the architecture (UEFI
 * specification, 2.1.1; Microsoft, PE format).
 */
int efi_stub_check(const uint8_t *head, size_t len, size_t arch, struct err *e);

#endif
