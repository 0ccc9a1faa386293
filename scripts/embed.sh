#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# embed.sh FILE...: prints src/ui/files.c, the web page's files as bytes.
set -eu
export LC_ALL=C

echo '/* SPDX-License-Identifier: Apache-2.0 */'
echo '/* Made by scripts/embed.sh. */'
echo '#include "ui/files.h"'
table=
number=0
for file; do
    name=${file##*/}
    case $name in
    *.css) type='text/css; charset=utf-8' ;;
    *.html) type='text/html; charset=utf-8' ;;
    *.js) type='text/javascript; charset=utf-8' ;;
    *.svg) type='image/svg+xml' ;;
    *)
        echo "embed.sh: $file: the type of such a file is not known" >&2
        exit 1
        ;;
    esac
    number=$((number + 1))
    echo
    echo "static const unsigned char bytes_${number}[] = {"
    od -An -v -tu1 "$file" | sed 's/  */ /g; s/^ /    /; s/\([0-9]\) /\1, /g; s/$/,/'
    echo '};'
    table="$table    {\"$name\", \"$type\", {(const char *)bytes_$number, sizeof(bytes_$number)}},
"
done
echo
echo 'const struct ui_file ui_files[] = {'
printf '%s' "$table"
echo '    {NULL, NULL, {NULL, 0}},'
echo '};'
