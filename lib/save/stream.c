/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/stream.h"

const unsigned char domm_libxl_begin[DOMM_LIBXL_BEGIN_BYTES] = {
    'L', 'i', 'b', 'x', 'l', 'F', 'm', 't', 0, 0, 0, 2, 0, 0, 0, 0, /* header */
    1,   0,   0,   0,   0,   0,   0,   0,                           /* LIBXC_CONTEXT */
};

const unsigned char domm_libxl_end[DOMM_LIBXL_END_BYTES];
