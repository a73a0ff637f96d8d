/* SPDX-License-Identifier: MIT */
/* What this executable was built from; written by cmake/build_info.cmake. */
#ifndef BASE_BUILD_INFO_H
#define BASE_BUILD_INFO_H

/* Version of the project, "0.1.0". */
extern const char build_version[];

/* Commit: 12 digits, "-dirty" when tracked files differ; "unknown" without git. */
extern const char build_git_commit[];

/* Compiler, its version, and the flags of the build type. */
extern const char build_flags[];

#endif
