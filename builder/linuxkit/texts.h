/* SPDX-License-Identifier: Apache-2.0 */
/* Files that LinuxKit puts into systems as they are. */
#ifndef ASSAY_BUILDER_LINUXKIT_TEXTS_H
#define ASSAY_BUILDER_LINUXKIT_TEXTS_H

/* etc/hosts */
extern const char linuxkit_hosts[];
/* oci-layout of a volume of format oci */
extern const char linuxkit_volume_version[];

#endif
