/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A function that the linker puts in place of one of domm's; most look at few of their arguments.
 */
#ifndef DOMM_TESTS_CLI_FAKE_H
#define DOMM_TESTS_CLI_FAKE_H

#pragma GCC diagnostic ignored "-Wunused-parameter"

#define WRAP(type, name, ...)                                                                      \
    type __wrap_##name(__VA_ARGS__);                                                               \
    type __wrap_##name(__VA_ARGS__)

#endif
