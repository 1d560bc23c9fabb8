/* SPDX-License-Identifier: Apache-2.0 */
/* What this program calls itself. The one place for the version and for the base of all type URIs.
 */
#ifndef ASSAY_BASE_VERSION_H
#define ASSAY_BASE_VERSION_H

#define ASSAY_VERSION "0.2.0"
#define ASSAY_URI "https://assay.example/"

#endif
