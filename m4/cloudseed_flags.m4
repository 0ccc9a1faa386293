# SPDX-License-Identifier: Apache-2.0
#
# CS_FLAGS(VARIABLE, [FLAGS…], [link])
# Appends to VARIABLE each of the FLAGS that the compiler takes without a word; with "link", those
# that a program can be linked with. The others are left out.
AC_DEFUN([CS_FLAGS], [
for cs_flag in m4_normalize([$2])
do
  AC_MSG_CHECKING([whether $CC takes $cs_flag])
  cs_save_CFLAGS=$CFLAGS
  cs_save_LDFLAGS=$LDFLAGS
  CFLAGS="$CFLAGS $$1 -Werror $cs_flag"
  m4_ifval([$3], [LDFLAGS="$LDFLAGS $$1 $cs_flag"])
  m4_ifval([$3], [AC_LINK_IFELSE], [AC_COMPILE_IFELSE])([AC_LANG_PROGRAM([[]], [[]])],
    [AS_VAR_APPEND([$1], [" $cs_flag"])
     AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])])
  CFLAGS=$cs_save_CFLAGS
  LDFLAGS=$cs_save_LDFLAGS
done
])

# CS_DIR(NAME, WHAT, PACKAGE, VARIABLE, FALLBACK)
# --with-NAME=DIR, by default what pkg-config knows of it, or else FALLBACK. Sets NAME.
AC_DEFUN([CS_DIR], [
AC_ARG_WITH([$1], [AS_HELP_STRING([--with-$1=DIR], [folder of $2])], [],
  [with_$1=`$PKG_CONFIG --variable=$4 $3 2>/dev/null`
   AS_IF([test -z "$with_$1"], [with_$1=$5])])
AC_SUBST([$1], [$with_$1])
])
