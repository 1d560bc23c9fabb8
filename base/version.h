/* SPDX-License-Identifier: Apache-2.0 */
/* What this program calls itself. The one place for the version, for the base of all type URIs, and
 * for the types of documents that more than one floor knows. */
#ifndef ASSAY_BASE_VERSION_H
#define ASSAY_BASE_VERSION_H

#define ASSAY_VERSION "0.2.0"
#define ASSAY_URI "https://assay.example/"

#define PLAN_TYPE ASSAY_URI "plan/v1"
#define REPORT_TYPE ASSAY_URI "report/v1"
#define CARTESI_RUN_TYPE ASSAY_URI "cartesi-run/v1"
#define PLAN_BUILD_TYPE ASSAY_URI "buildtypes/plan/v1" /* SLSA's buildType */

/* What assay-build's --announce puts in front of a step's number in the plan, which it is and of
 * how many that run: "@step 4 2 5". */
#define BUILD_ANNOUNCES "@step "

#endif
