# SPDX-License-Identifier: GPL-3.0-or-later

# DOMM_TRY_FLAG(VARIABLE, FLAG): adds FLAG to VARIABLE if the compiler and linker take it without
# a warning together with what the user asked for. The program includes a libc header, since that
# is where a _FORTIFY_SOURCE without optimisation complains.
AC_DEFUN([DOMM_TRY_FLAG], [
  AS_VAR_PUSHDEF([cache], [domm_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC takes $2], [cache], [
    domm_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <stdio.h>]], [[puts("");]])],
                   [AS_VAR_SET([cache], [yes])], [AS_VAR_SET([cache], [no])])
    CFLAGS=$domm_saved_CFLAGS
  ])
  AS_VAR_IF([cache], [yes], [$1="$$1 $2"])
  AS_VAR_POPDEF([cache])
])

# DOMM_LIBRARY(VARIABLE, PKG-CONFIG NAME AND VERSION, DEBIAN PACKAGE): a library that must be
# there; says what to install when it is not.
AC_DEFUN([DOMM_LIBRARY], [
  PKG_CHECK_MODULES([$1], [$2], [],
    [AC_MSG_ERROR([$2 is missing; on Debian: apt install $3])])
])
